"""A model that drafts: its cache follows the text, its drafts are short, its vocabulary is the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.context.shared.values import Prompt, StopRules
from foretype.daemon.server.model_source import engine_settings
from foretype.daemon.settings.settings import ModelSettings, Settings
from foretype.models.cache.step_costs import CostCurve
from foretype.models.drafting import draft_model
from foretype.models.drafting.draft_model import (
    CATCH_UP,
    LONGEST_DRAFT,
    RETRY,
    DraftModel,
    DraftModelSource,
    Guess,
    load_draft,
)
from foretype.models.engine.interface import EngineSettings, SpeculationMode
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.gguf.file import read_gguf
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.governor import Governor
from foretype.tests.support.tiny_gguf import tiny_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CELLS = 256


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def target(models: Path) -> Path:
    return tiny_model("starcoder", models)


def opened(path: Path, target: Path) -> DraftModel:
    return load_draft(path, read_gguf(target), size=CELLS, governor=Governor(1), gpu_layers=0)


@pytest.fixture(scope="module")
def kept(target: Path) -> Iterator[DraftModel]:
    """A draft model that lives through all examples of a property."""
    model = opened(target, target)
    yield model
    model.close()


@pytest.fixture
def model(target: Path) -> Iterator[DraftModel]:
    model = opened(target, target)
    yield model
    model.close()


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are random, so no token is probable: take each for certain."""

    def certain(_logits: object, _token: int) -> float:
        return 0.0

    monkeypatch.setattr(draft_model, "log_probability", certain)


TOKENS = st.lists(st.integers(100, 110), min_size=1, max_size=12)


@pytest.mark.usefixtures("sure")
@given(histories=st.lists(TOKENS, min_size=1, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_drafted_before_the_cache_holds_the_text_and_the_draft(
    histories: list[list[int]], kept: DraftModel
) -> None:
    for tokens in histories:
        found = kept.propose(tokens, 3)
        assert len(found) == 3
        assert list(kept.held) == [*tokens, *found[:2]]


@pytest.mark.usefixtures("sure")
def test_a_draft_is_what_the_model_says_from_scratch(model: DraftModel, target: Path) -> None:
    model.propose([100, 101, 102, 103], 4)
    model.propose([100, 101, 7, 8, 9], 4)
    fresh = opened(target, target)
    try:
        assert model.propose([100, 101, 7, 8], 4) == fresh.propose([100, 101, 7, 8], 4)
    finally:
        fresh.close()


@pytest.mark.usefixtures("sure")
def test_a_draft_has_a_bounded_length(model: DraftModel) -> None:
    assert len(model.propose([100], 1000)) == LONGEST_DRAFT
    assert len(model.propose([100], 2)) == 2
    assert model.propose([100], 0) == []
    assert model.propose([], 4) == []


def test_a_draft_ends_where_the_model_is_unsure(model: DraftModel) -> None:
    assert model.propose([100, 101]) == []


@pytest.mark.usefixtures("sure")
def test_nobody_waits_for_a_long_text_to_be_read(model: DraftModel) -> None:
    tokens = [100 + number % 7 for number in range(CATCH_UP + 1)]
    assert model.propose(tokens) == []
    assert not model.held
    assert model.prepare(tokens, Cancellation())
    assert list(model.held) == tokens
    assert model.propose([*tokens, 100])


@pytest.mark.usefixtures("sure")
def test_a_text_that_does_not_fit_or_is_not_known_has_no_draft(model: DraftModel) -> None:
    assert not model.prepare([100] * CELLS, Cancellation())
    assert model.propose([1 << 30]) == []


def test_reading_ahead_can_be_cancelled(model: DraftModel) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    assert not model.prepare([100] * 50, cancellation)
    assert not model.held
    with model.abortable(cancellation):
        assert model.propose([100] * 50) == []
    assert model.prepare([100] * 50, Cancellation())


def test_another_vocabulary_is_refused_with_what_differs(models: Path, target: Path) -> None:
    other = tiny_model("deepseek-coder", models)
    with pytest.raises(ModelProblem, match=r"another vocabulary than .*: its token \d+ is '.*' instead of '"):
        opened(other, target)
    wanted = EngineSettings(threads=1, tuned=False, speculation=SpeculationMode.ALWAYS, draft=other)
    with pytest.raises(ModelProblem, match="another vocabulary"):
        load_engine(target, wanted, lambda _fraction: None)


def test_a_damaged_draft_model_is_refused(models: Path, target: Path) -> None:
    damaged = models / "damaged.gguf"
    damaged.write_bytes(target.read_bytes()[:100_000])
    with pytest.raises(ModelProblem):
        opened(damaged, target)


def test_the_setting_names_a_file_and_needs_speculation(target: Path) -> None:
    on = Settings(model=ModelSettings(speculation="always", draft=str(target)))
    off = Settings(model=ModelSettings(draft=str(target)))
    assert engine_settings(on).draft == target
    assert engine_settings(off).draft is None
    with pytest.raises(ModelProblem, match=r"model\.draft is 'a/b\.gguf'"):
        engine_settings(Settings(model=ModelSettings(speculation="always", draft="a/b.gguf")))


def completed(engine: LocalEngine) -> list[tuple[str, int]]:
    texts = ["def add(a, b):\n    return ", "for value in values:\n    total = "]
    found: list[tuple[str, int]] = []
    for text in texts:
        prompt = Prompt(text, path="sums.py", language="python")
        rules = StopRules(multiline=True, reference_indent=-1, max_tokens=24)
        answer = engine.complete(text, prompt, rules, cancellation=Cancellation())
        found.append((answer.text, answer.timings.draft_tokens))
    return found


@pytest.mark.usefixtures("sure")
def test_drafts_of_a_model_change_nothing_in_what_is_said(target: Path) -> None:
    plain = load_engine(target, EngineSettings(threads=1, tuned=False), lambda _fraction: None)
    wanted = EngineSettings(threads=1, tuned=False, speculation=SpeculationMode.ALWAYS, draft=target)
    drafting = load_engine(target, wanted, lambda _fraction: None)
    assert drafting.speculation is not None
    drafting.speculation.costs = lambda: CostCurve.from_measured({1: 50.0, 16: 55.0})  # drafts are cheap
    try:
        answers = completed(drafting)
        assert [text for text, _ in answers] == [text for text, _ in completed(plain)]
        assert sum(drafted for _, drafted in answers) > 0
    finally:
        drafting.close()
        plain.close()


class CountingModel(DraftModel):
    """Drafts the same tokens whenever it is asked, and counts that."""

    def __init__(self, draft: list[int], step_ms: float) -> None:  # pyright: ignore[reportMissingSuperCall]
        self.draft = draft
        self.step_ms = step_ms
        self.asked = 0

    def guess(self, tokens: object, limit: int = LONGEST_DRAFT) -> Guess:  # noqa: ARG002
        self.asked += 1
        return Guess(self.draft, [0.9] * len(self.draft))


def run_source(draft: list[int], chosen: int, *, step_ms: float, steps: int) -> int:
    """So many steps of a large model that always chooses `chosen`; how often the draft model was asked."""
    costs = CostCurve.from_measured({1: 10.0, 4: 12.0, 8: 14.0, 16: 20.0})
    model, text = CountingModel(draft, step_ms), [1]
    source = DraftModelSource(model, lambda: text, lambda: costs)
    for _ in range(steps):
        found = source.propose(text)
        taken = 0 if found is None else len(draft) if draft[0] == chosen else 0
        text.extend([chosen] * (taken + 1))
    return model.asked


def test_a_model_that_is_right_is_always_asked() -> None:
    assert run_source([5] * 4, 5, step_ms=0.5, steps=50) == 50


def test_a_model_that_is_wrong_or_slow_is_soon_left_alone() -> None:
    assert run_source([6] * 4, 5, step_ms=0.5, steps=10 * RETRY) <= 10 + 10
    assert run_source([5] * 4, 5, step_ms=20.0, steps=10 * RETRY) <= 10
