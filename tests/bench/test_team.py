"""The team at one server: where its editors type, and what the simulation of a GPU says."""

from __future__ import annotations

import statistics

from foretype.tests.bench.capacity import FORETYPE, GPUS, LLAMA_VIM, MODELS, SIMULATED_MS, step_ms, waits
from foretype.tests.bench.team import EDITORS, LINES_ABOVE, PAUSES, places


def test_everybody_types_another_line_and_pauses_where_nothing_has_to_be_said_again() -> None:
    found = places(EDITORS)
    assert len(found) == len({place.above + place.line for place in found}) == EDITORS
    for place in found:
        assert len(place.pauses) == PAUSES
        assert list(place.pauses) == sorted(place.pauses)
        assert all(place.line[end - 1] in "(,.=[:" for end in place.pauses)
        assert place.above.count("\n") == LINES_ABOVE
    assert places(EDITORS) == found


def test_a_step_takes_as_long_as_its_slower_half() -> None:
    small, gpu = MODELS[0], GPUS[0]
    one, few, many = (step_ms(gpu, small, tokens, 0) for tokens in (1, 8, 2048))
    assert one == few, "the weights are read once for all"
    assert many > 2 * one, "many tokens have to be computed"
    assert step_ms(gpu, small, 1, 100_000) > one, "what is cached is read, too"
    assert step_ms(GPUS[-1], small, 2048, 0) < many


def test_every_answer_that_is_waited_for_is_counted_and_more_people_wait_longer() -> None:
    few, many = (waits(GPUS[0], MODELS[0], people, FORETYPE) for people in (2, 200))
    assert len(few) >= 2 * int(SIMULATED_MS / 6000)
    assert statistics.median(many) > statistics.median(few)
    assert statistics.median(waits(GPUS[0], MODELS[0], 20, LLAMA_VIM)) > statistics.median(
        waits(GPUS[0], MODELS[0], 20, FORETYPE)
    )
