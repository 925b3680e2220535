"""A model that computes NaN: a sentence instead of silence, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from foretype.context.shared.values import Completion, Prompt, StopReason, StopRules
from foretype.models.cache.kv_cache import KVCache
from foretype.models.cache.saved_states import StateStore
from foretype.models.decoding.sampling import Sampling, sample_token
from foretype.models.engine.interface import EngineInfo
from foretype.models.engine.leaving import MIN_SAVED_TOKENS
from foretype.models.engine.local import FAILED, NO_MEMORY, NO_NUMBERS, LocalEngine
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.likelihood import NoNumbersError, best
from foretype.models.llama.llama import DecodeFailedError, DecodeResult, Model
from foretype.models.llama.vocabulary import Vocabulary
from foretype.tests.support.fake_cells import FakeCells, NothingRuns
from foretype.tests.support.marked_layout import MIDDLE, NAME, PREFIX, SUFFIX, MarkedLayout
from foretype.tests.support.tiny_gguf import vocabulary_file

Values = npt.NDArray[np.float32]

ILLS: dict[str, Callable[[Values], Values]] = {
    "all NaN": lambda values: np.full_like(values, np.nan),
    "one NaN": lambda values: np.where(np.arange(len(values)) == 700, np.float32(np.nan), values),
    "one infinite": lambda values: np.where(np.arange(len(values)) == 700, np.float32(np.inf), values),
    "none possible": lambda values: np.full_like(values, -np.inf),
}


class Ill(FakeCells):
    """Cells whose logits are no numbers while `ill` names how."""

    ill = ""

    def made_up(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        values = super().made_up(tokens)
        return ILLS[self.ill](values) if self.ill else values


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(Model(Path(vocabulary_file("starcoder")), vocabulary_only=True))


def engine(vocabulary: Vocabulary, states: StateStore | None = None) -> tuple[LocalEngine, Ill]:
    cells = Ill(len(vocabulary.pieces))
    one = LocalEngine(
        KVCache(cells),
        vocabulary,
        MarkedLayout(vocabulary, "psm"),
        ends=frozenset({0, PREFIX, MIDDLE, SUFFIX, NAME}),
        max_prompt_tokens=2048,
        running=NothingRuns(),
        info=EngineInfo("fake", "", 0, 4096, "psm", 0),
        latency_budget_ms=1e9,
        states=states,
    )
    return one, cells


def ask(one: LocalEngine, before: str = "total = ", temperature: float = 0.0) -> Completion:
    prompt = Prompt(before, "", "a.py", "python")
    return one.complete(
        "a", prompt, StopRules(max_tokens=4), cancellation=Cancellation(), temperature=temperature
    )


@pytest.mark.parametrize("ill", ILLS)
@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_it_says_so_and_answers_again_once_it_computes(
    vocabulary: Vocabulary, ill: str, temperature: float
) -> None:
    one, cells = engine(vocabulary)
    right = ask(one)
    cells.ill = ill
    answer = ask(one, "total = width", temperature)
    assert (answer.stop, answer.detail, answer.text) == (StopReason.UNAVAILABLE, NO_NUMBERS, "")
    assert not any(cells.held.values()), "what was computed then is not looked at again"
    cells.ill = ""
    assert ask(one).text == right.text


def test_nothing_of_it_stays_on_the_disk(vocabulary: Vocabulary, tmp_path: Path) -> None:
    one, cells = engine(vocabulary, StateStore(tmp_path, bytes(32)))
    source = "".join(f"value_{number} = {number}\n" for number in range(MIN_SAVED_TOKENS))
    assert ask(one, source).stop is not StopReason.UNAVAILABLE
    one.close()
    assert list(tmp_path.glob("*.kv"))
    cells.ill = "all NaN"
    assert ask(one, source + "total = ").stop is StopReason.UNAVAILABLE
    one.close()
    assert not list(tmp_path.glob("*.kv"))


def test_idle_work_ends_there(vocabulary: Vocabulary) -> None:
    one, cells = engine(vocabulary)
    ask(one)
    cells.ill = "one NaN"
    assert not one.idle("a", cancellation=Cancellation())


@pytest.mark.parametrize("ill", ILLS)
def test_what_is_no_number_is_never_chosen(ill: str) -> None:
    values = ILLS[ill](np.random.default_rng(1).random(1000, np.float32))
    with pytest.raises(NoNumbersError):
        best(values)
    with pytest.raises(NoNumbersError):
        best(values, np.array([3, 700, 701]))
    with pytest.raises(NoNumbersError):
        sample_token(values, None, Sampling(0.5), np.random.default_rng(2))


def test_what_is_ruled_out_is_never_chosen() -> None:
    values = np.full(1000, -np.inf, np.float32)
    values[5] = 1.0
    assert best(values) == 5
    assert sample_token(values, None, Sampling(0.5), np.random.default_rng(2)) == 5


@pytest.mark.parametrize(("for_memory", "said"), [(True, NO_MEMORY), (False, FAILED)])
def test_memory_that_another_program_takes_is_said_and_nothing_is_lost(
    vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch, for_memory: bool, said: str
) -> None:
    """A GPU's above all: what is free there at load may be gone when it computes."""
    one, cells = engine(vocabulary)
    right = ask(one)

    def fails(*_arguments: object, **_more: object) -> DecodeResult:
        raise DecodeFailedError("llama_decode returned -2", for_memory=for_memory)

    with monkeypatch.context() as patched:
        patched.setattr(cells, "decode", fails)
        answer = ask(one, "total = width")
        assert (answer.stop, answer.detail) == (StopReason.UNAVAILABLE, said)
        assert not one.idle("a", cancellation=Cancellation())
    assert ask(one).text == right.text
