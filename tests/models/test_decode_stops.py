"""Why a generation ended, and what is left in the cache when it was cut short: on cells that keep books."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt
import pytest
from foretype.context.shared.values import StopReason, StopRules
from foretype.models.cache.kv_cache import KVCache, NoRoomError, Sequence
from foretype.models.decoding.generated import Generated
from foretype.models.decoding.loop import generate
from foretype.models.decoding.sampling import Sampling as Chance
from foretype.models.decoding.sampling import sample_token
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.likelihood import log_probability
from foretype.models.llama.llama import Model
from foretype.models.llama.vocabulary import Vocabulary
from foretype.tests.support.fake_cells import FakeCells
from foretype.tests.support.tiny_gguf import vocabulary_file

END = 0
PROMPT = [500, 501, 502, 503]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(Model(Path(vocabulary_file("starcoder")), vocabulary_only=True))


class Scripted(FakeCells):
    """Cells whose model says a given text and then ends."""

    def __init__(self, vocabulary: Vocabulary, text: str, *, before: int = len(PROMPT)) -> None:
        super().__init__(len(vocabulary.pieces))
        self.script = [*vocabulary.encode(text.encode()), END]
        self._before = before

    def made_up(self, tokens: list[int] | npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:  # type: ignore[override]
        values = np.zeros(self._vocabulary_size, np.float32)
        at = len(tokens) - self._before
        values[self.script[min(at, len(self.script) - 1)] if at >= 0 else 7] = 10
        return values


@attrs.define
class Asked:
    """A generation over scripted cells."""

    vocabulary: Vocabulary
    cells: Scripted
    cache: KVCache
    sequence: Sequence

    @classmethod
    def about(cls, vocabulary: Vocabulary, text: str) -> Asked:
        cells = Scripted(vocabulary, text)
        cache = KVCache(cells)
        sequence = cache.acquire()
        assert sequence is not None
        assert cache.sync(sequence, PROMPT, Cancellation()).complete
        return cls(vocabulary, cells, cache, sequence)

    def run(
        self,
        rules: StopRules,
        *,
        line: str = "",
        cancellation: Cancellation | None = None,
        on_text: Callable[[str], None] | None = None,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> Generated:
        generated = generate(
            self.cache,
            self.sequence,
            prompt_length=len(PROMPT),
            vocabulary=self.vocabulary,
            ends=frozenset({END}),
            required=b"",
            completes_character=False,
            rules=rules,
            cancellation=cancellation or Cancellation(),
            line=line,
            on_text=on_text,
            clock=clock,
        )
        assert self.cells.tokens(self.sequence.number) == self.sequence.tokens
        return generated


@pytest.mark.parametrize(
    ("said", "rules", "text", "stop"),
    [
        ("return a", StopRules(), "return a", StopReason.END),
        ("return a\n\nmore", StopRules(), "return a", StopReason.LINE),
        ("one two three four five", StopRules(max_tokens=2), "one two", StopReason.LENGTH),
        (
            "a\n    b\nc\n",
            StopRules(multiline=True, reference_indent=4, closing_indent=4),
            "a\n    b",
            StopReason.SCOPE,
        ),
        ("a\nreturn b\nc", StopRules(multiline=True, next_line="return b"), "a", StopReason.SUFFIX),
        ("a\na\na\na\na\n", StopRules(multiline=True), "a", StopReason.REPETITION),
    ],
)
def test_the_reason_is_part_of_the_answer(
    vocabulary: Vocabulary, said: str, rules: StopRules, text: str, stop: StopReason
) -> None:
    generated = Asked.about(vocabulary, said).run(rules)
    assert (generated.text, generated.stop) == (text, stop)


def test_one_line_that_opens_a_block_with_the_cursors_line_goes_on(vocabulary: Vocabulary) -> None:
    rules = StopRules(openers=("do",), closers=("end",))
    said = "o\n        go()\n    end\n    stop()\n"
    generated = Asked.about(vocabulary, said).run(rules, line="    while ready d")
    assert (generated.text, generated.stop) == ("o\n        go()\n    end", StopReason.SCOPE)


def test_the_clock_ends_it_in_the_middle_of_a_line(vocabulary: Vocabulary) -> None:
    now = iter(float(second) for second in range(1000))
    generated = Asked.about(vocabulary, "one two three four five six seven").run(
        StopRules(budget_ms=3000), clock=lambda: next(now)
    )
    assert generated.stop is StopReason.BUDGET
    assert generated.text
    assert len(generated.text) < len("one two three four five six seven")


def test_the_first_token_comes_however_late_it_is(vocabulary: Vocabulary) -> None:
    now = iter(float(second) for second in range(1000))
    generated = Asked.about(vocabulary, "one two").run(StopRules(budget_ms=1), clock=lambda: next(now))
    assert generated.text == "one"


def test_a_cancellation_in_mid_decode_keeps_what_was_said(vocabulary: Vocabulary) -> None:
    cancellation = Cancellation()
    heard: list[str] = []

    def listen(text: str) -> None:
        heard.append(text)
        if len(heard) == 2:
            cancellation.cancel()

    asked = Asked.about(vocabulary, "one two three four")
    generated = asked.run(StopRules(), cancellation=cancellation, on_text=listen)
    assert generated.stop is StopReason.CANCELLED
    assert generated.text == "".join(heard) == "one two"
    assert asked.run(StopRules()).text == "one two three four"


def test_streamed_text_adds_up_to_the_answer(vocabulary: Vocabulary) -> None:
    heard: list[str] = []
    generated = Asked.about(vocabulary, "a = 1\n    b = 2\nc = 3\n").run(
        StopRules(multiline=True, reference_indent=4, closing_indent=4), on_text=heard.append
    )
    assert "".join(heard) == generated.text == "a = 1\n    b = 2"


def test_asking_again_evaluates_nothing(vocabulary: Vocabulary) -> None:
    asked = Asked.about(vocabulary, "one two three")
    first = asked.run(StopRules())
    evaluated = asked.cells.decoded
    again = asked.run(StopRules())
    assert (again.text, again.stop, again.logprobs) == (first.text, first.stop, first.logprobs)
    assert asked.cells.decoded == evaluated


def test_every_token_says_where_its_text_ends(vocabulary: Vocabulary) -> None:
    generated = Asked.about(vocabulary, "one two\nthree").run(StopRules())
    assert generated.text == "one two"
    assert generated.ends[-2:] == (7, 7)  # the line end adds nothing: it was cut off
    assert list(generated.ends) == sorted(generated.ends)
    assert len(generated.ends) == len(generated.logprobs)


def test_a_prefill_is_cancelled_between_slices_where_a_backend_does_not_listen(
    vocabulary: Vocabulary,
) -> None:
    cells = Scripted(vocabulary, "x", before=400)
    cache = KVCache(cells, slice_tokens=64)
    sequence = cache.acquire()
    assert sequence is not None
    cancellation = Cancellation()
    decode = cells.decode

    def deaf(tokens: list[int], *place: int, logits: int = 1) -> object:
        if cells.decoded >= 128:
            cancellation.cancel()
        return decode(tokens, *place, logits=logits)

    cells.decode = deaf  # type: ignore[method-assign, assignment]
    synced = cache.sync(sequence, list(range(400)), cancellation)
    assert not synced.complete
    assert synced.evaluated == 192 == len(sequence.tokens)


def test_a_prompt_that_fits_nowhere_is_said_so(vocabulary: Vocabulary) -> None:
    cells = FakeCells(len(vocabulary.pieces), size=100)
    cache = KVCache(cells)
    sequence = cache.acquire()
    assert sequence is not None
    with pytest.raises(NoRoomError):
        cache.sync(sequence, list(range(101)), Cancellation())


def test_log_probabilities_are_those_of_the_softmax() -> None:
    logits = np.array([0.0, 1.0, 2.0, -50.0], np.float32)
    expected = np.log(np.exp(logits) / np.exp(logits).sum())
    for token in range(3):
        assert log_probability(logits, token) == pytest.approx(float(expected[token]), abs=1e-5)


def test_sampling_draws_from_the_best_and_from_what_is_allowed() -> None:
    random = np.random.default_rng(1)
    logits = np.arange(100, dtype=np.float32)
    drawn = {sample_token(logits, None, Chance(1.0, top_k=3), random) for _ in range(300)}
    assert drawn == {97, 98, 99}
    allowed = np.array([3, 4], np.int64)
    assert {sample_token(logits, allowed, Chance(1.0), random) for _ in range(100)} == {3, 4}
