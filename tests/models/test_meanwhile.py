"""A small model answers until the large one has read the file, and only where both have room."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.values import Completion, Prompt, StopReason, StopRules
from foretype.models.cache.cells import EvaluationSpeed
from foretype.models.cache.kv_cache import KVCache
from foretype.models.engine import meanwhile
from foretype.models.engine.interface import EngineInfo, EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.engine.meanwhile import CONTEXT, MeanwhileEngine, beside
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import Model
from foretype.models.llama.vocabulary import Vocabulary
from foretype.models.machine import memory
from foretype.tests.support.fake_cells import FakeCells, NothingRuns
from foretype.tests.support.marked_layout import MarkedLayout
from foretype.tests.support.tiny_gguf import tiny_model, vocabulary_file

SOURCE = "".join(f"def area_{n}(width, height):\n    return width * {n}\n\n" for n in range(60))
BEFORE, AFTER = SOURCE[:1500], SOURCE[1500:]
RULES = StopRules(max_tokens=4)
SLOW, FAST = 0.1, 4.0  # tokens per ms


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(Model(vocabulary_file("starcoder"), vocabulary_only=True))


class Steady(EvaluationSpeed):
    """A speed that no measurement changes: fake cells take no time."""

    def learn(self, tokens: int, milliseconds: float) -> None:
        pass


def engine(vocabulary: Vocabulary, tokens_per_ms: float) -> LocalEngine:
    cache = KVCache(FakeCells(len(vocabulary.pieces), size=4096))
    cache.speed = Steady(tokens_per_ms)
    return LocalEngine(
        cache,
        vocabulary,
        MarkedLayout(vocabulary, "psm"),
        ends=frozenset({0}),
        max_prompt_tokens=2048,
        running=NothingRuns(),
        info=EngineInfo("fake", "", 0, 4096, "psm", 0),
    )


@attrs.define
class Both:
    """The two models as one engine, and who was asked last."""

    engine: MeanwhileEngine

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Both:
        return cls(MeanwhileEngine(engine(vocabulary, SLOW), engine(vocabulary, FAST)))

    def ask(self, before: str = BEFORE, *, whole: bool = False) -> tuple[Completion, str]:
        decoded = self.engine.small.cache.evaluated
        answer = self.engine.complete(
            "a", Prompt(before, AFTER, "a.py", "python"), RULES, cancellation=Cancellation(), whole=whole
        )
        assert answer.stop is not StopReason.UNAVAILABLE
        return answer, "small" if self.engine.small.cache.evaluated > decoded else "large"

    def rest(self) -> None:
        while self.engine.idle("a", cancellation=Cancellation()):
            pass


def test_the_small_model_answers_until_the_large_one_has_read_the_file(vocabulary: Vocabulary) -> None:
    both = Both.of(vocabulary)
    early, who = both.ask()
    assert who == "small"
    assert early.context <= CONTEXT, "a better answer is asked for"
    both.rest()
    answer, who = both.ask(BEFORE + "x")
    assert (who, answer.context) == ("large", 1.0)


def test_a_better_answer_comes_from_the_large_model(vocabulary: Vocabulary) -> None:
    both = Both.of(vocabulary)
    both.ask()
    answer, who = both.ask(whole=True)
    assert (who, answer.context) == ("large", 1.0)
    assert both.ask(BEFORE + "y")[1] == "large", "now it has read the file"


def test_the_large_model_reads_on_while_somebody_types_without_a_rest(vocabulary: Vocabulary) -> None:
    both, typed = Both.of(vocabulary), ""
    first = both.ask()
    assert first[1] == "small"
    waited: list[int] = []
    for _ in range(120):
        typed += "a"
        before = both.engine.large.cache.evaluated
        if both.ask(BEFORE + typed)[1] == "large":
            break
        waited.append(both.engine.large.cache.evaluated - before)
    else:
        pytest.fail("it never caught up")
    assert max(waited) <= 32, "a key waits for little of it"


def test_a_small_file_is_the_large_models_at_once(vocabulary: Vocabulary) -> None:
    both = Both.of(vocabulary)
    decoded = both.engine.small.cache.evaluated
    answer = both.engine.complete("b", Prompt("x = 1\n", ""), RULES, cancellation=Cancellation())
    assert answer.context == 1.0
    assert both.engine.small.cache.evaluated == decoded


def test_a_cancelled_key_leaves_both_as_they_should_be(vocabulary: Vocabulary) -> None:
    both = Both.of(vocabulary)
    cancellation = Cancellation()
    cancellation.cancel()
    answer = both.engine.complete(
        "a", Prompt(BEFORE, AFTER, "a.py", "python"), RULES, cancellation=cancellation
    )
    assert answer.stop is StopReason.CANCELLED
    both.rest()
    assert both.ask()[1] == "large"
    both.engine.forget("a")
    assert not both.engine.large.cache.sequences
    assert not both.engine.small.cache.sequences


# ── whether there is one ─────────────────────────────────────────────────────────────────────────────

SETTINGS = EngineSettings(context_tokens=2048, threads=1, tuned=False)


@pytest.fixture
def large(tmp_path: Path) -> Generator[LocalEngine]:
    found = load_engine(tiny_model("starcoder", tmp_path, seed=3), SETTINGS, lambda _part: None)
    yield found
    found.close()


@pytest.mark.parametrize(("speed", "there"), [(FAST, True), (2 * SLOW, False)])
def test_a_small_model_is_of_use_where_it_is_much_faster(
    large: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speed: float, there: bool
) -> None:
    speeds = {id(large): SLOW}

    def info(self: LocalEngine) -> EngineInfo:
        rate = 1000 * speeds.get(id(self), speed)
        return EngineInfo("tiny", "large.gguf", 0, 2048, "none", 0, tokens_per_s=rate)

    monkeypatch.setattr(LocalEngine, "info", info)
    found = beside(large, tiny_model("starcoder", tmp_path, seed=4), SETTINGS)
    assert isinstance(found, MeanwhileEngine) is there
    if isinstance(found, MeanwhileEngine):
        found.small.close()


def check_alone(large: LocalEngine, path: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meanwhile, "SLOW_TOKENS_PER_S", 1e12)
    assert beside(large, path, SETTINGS) is large


def test_without_a_small_model_the_large_one_is_alone(
    large: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF no more")
    for path in (None, Path(large.info().path), tmp_path / "missing.gguf", damaged):
        check_alone(large, path, monkeypatch)


def test_where_memory_is_short_the_large_one_is_alone(
    large: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tiny_model("starcoder", tmp_path, seed=4)
    monkeypatch.setattr(memory, "available_bytes", lambda: meanwhile.SPARE_BYTES)
    check_alone(large, small, monkeypatch)


def test_a_model_that_is_fast_here_needs_none(large: LocalEngine, tmp_path: Path) -> None:
    large.cache.speed = Steady(FAST)  # whoever else uses this machine has no say in it
    assert large.info().tokens_per_s > meanwhile.SLOW_TOKENS_PER_S
    assert beside(large, tiny_model("starcoder", tmp_path, seed=4), SETTINGS) is large
