"""From what the model said to what may be shown: which check has its say, and what it is called."""

from __future__ import annotations

import pytest
from foretype.context.checking.confidence import LEAST
from foretype.context.shared.values import Completion, StopReason, StopRules
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.lsp.completions.generation import Generation
from foretype.lsp.completions.judge import judge

TEXT = "def double(number):\n    return \n"


async def check(
    text: str,
    logprobs: tuple[float, ...],
    shown: str | None,
    *cuts: str,
    invoked: bool = False,
    ends: tuple[int, ...] = (),
) -> bool:
    """Whether the suggestion says all that the model wanted to."""
    snapshot = Snapshot("file:///a.py", "a.py", "python", TEXT, tree=parse(TEXT, "python"))
    generation = Generation("one", snapshot, TEXT.index("return ") + 7, StopRules())
    mean = sum(logprobs) / max(1, len(logprobs))
    completion = Completion(text, StopReason.LINE, mean_logprob=mean, logprobs=logprobs, ends=ends)
    judgement = judge(completion, generation, invoked=invoked)
    assert (judgement.suggestion.text if judgement.suggestion else None) == shown
    assert judgement.cuts == cuts
    return judgement.suggestion is not None and judgement.suggestion.complete


async def test_what_is_sound_and_likely_is_shown() -> None:
    await check("number * 2", (-0.1, -0.3), "number * 2")


async def test_what_uses_an_unknown_name_is_not_shown() -> None:
    await check("nmbers * 2", (-0.1, -0.3), None, "unknown name")


@pytest.mark.parametrize(("less", "shown"), [(0.0, "number * 2"), (0.1, None)])
async def test_what_the_model_doubts_is_not_shown(less: float, shown: str | None) -> None:
    await check("number * 2", (LEAST - less, LEAST - less), shown, *(() if shown else ("doubt",)))


async def test_who_asks_for_it_sees_what_the_model_doubts() -> None:
    await check("number * 2", (LEAST - 1, LEAST - 1), "number * 2", invoked=True)


async def test_what_comes_without_probabilities_is_taken_at_its_word() -> None:
    await check("number * 2", (), "number * 2")


async def test_a_suggestion_ends_where_the_model_begins_to_guess() -> None:
    assert not await check("number * 2", (-0.1, -6.0, -0.1), "number", "doubt", ends=(6, 8, 10))
    assert await check("number * 2", (-0.1, -0.1, -0.1), "number * 2", ends=(6, 8, 10))


async def test_who_asks_for_it_sees_guesses_whole() -> None:
    assert await check("number * 2", (-0.1, -6.0, -0.1), "number * 2", ends=(6, 8, 10), invoked=True)


async def test_where_nothing_but_a_guess_is_left_nothing_is_shown() -> None:
    await check("number * 2", (-6.0, -0.1, -0.1), None, "doubt", ends=(6, 8, 10))


async def test_what_stands_before_an_unknown_name_may_be_shown() -> None:
    await check("number + nmbers", (-0.1,) * 3, "number", "doubt", ends=(6, 9, 15))
