"""A model that predicts edits beside the main one: it writes lines anew, and nobody waits for its loading."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.context.shared.values import Prompt, Rewrite, StopReason, StopRules
from foretype.models.engine.edit_model import EngineWithEditModel, with_edit_model
from foretype.models.engine.interface import EngineLike, EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.support.fake_engine import FakeEngine
from foretype.tests.support.tiny_gguf import tiny_model

SETTINGS = EngineSettings(context_tokens=1024, threads=1, tuned=False)
TYPED = Prompt("x = ", "\n", "m.py", "python")
REWRITTEN = Prompt(
    "", path="m.py", rewrite=Rewrite("import a\n", "x = 1\ny = 2", "\nz = 3\n", 3, "x = 0\ny = 2")
)


def named(name: str) -> FakeEngine:
    """An engine that answers with its name."""
    return FakeEngine(lambda _prompt: [name], name=name)


@attrs.define
class Loading:
    """The second model's loading, which lasts until it is let go of."""

    model: FakeEngine = attrs.field(factory=lambda: named("edits"))
    go: threading.Event = attrs.field(factory=threading.Event)
    problem: str = ""
    short_of_memory: bool = False

    def __call__(self) -> EngineLike:
        assert self.go.wait(10)
        if self.short_of_memory:
            raise MemoryError
        if self.problem:
            raise ModelProblem(self.problem)
        return self.model


def answered(engine: EngineLike, prompt: Prompt) -> str:
    return engine.complete("s", prompt, StopRules(), cancellation=Cancellation(), whole=True).text


def test_lines_are_written_anew_by_it_once_it_is_there_and_all_else_by_the_main_one() -> None:
    main, loading = named("main"), Loading()
    engine = EngineWithEditModel(main, loading)
    assert answered(engine, TYPED) == "main"
    assert engine.wait(0), "nothing is loaded before a next edit is asked for"
    assert answered(engine, REWRITTEN) == "main", "nobody waits for its loading"
    assert answered(engine, TYPED) == "main"
    loading.go.set()
    assert engine.wait(10)
    assert answered(engine, REWRITTEN) == "edits"
    assert answered(engine, TYPED) == "main"
    engine.forget("s")
    assert (main.forgotten, loading.model.forgotten) == (["s"], ["s"])
    engine.close()
    assert (main.closed, loading.model.closed) == (True, True)


def test_one_that_cannot_be_loaded_is_a_sentence_in_the_log_and_the_main_one_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loading = Loading(problem="The model needs 9 GB of memory, and 2 are free.")
    engine = EngineWithEditModel(named("main"), loading)
    loading.go.set()
    answered(engine, REWRITTEN)
    assert engine.wait(10)
    assert answered(engine, REWRITTEN) == "main"
    assert [each.getMessage() for each in caplog.records] == [
        "no other model predicts edits: The model needs 9 GB of memory, and 2 are free."
    ], "it is tried once"


def test_where_memory_ends_while_it_is_loaded_the_main_one_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    loading = Loading(short_of_memory=True)
    engine = EngineWithEditModel(named("main"), loading)
    loading.go.set()
    answered(engine, REWRITTEN)
    assert engine.wait(10)
    assert answered(engine, REWRITTEN) == "main"
    assert "not enough memory" in caplog.text


def test_one_whose_loading_ends_after_the_engine_was_closed_is_freed() -> None:
    loading = Loading()
    engine = EngineWithEditModel(named("main"), loading)
    answered(engine, REWRITTEN)
    engine.close()
    loading.go.set()
    assert engine.wait(10)
    assert loading.model.closed


# ── whether there is one, and the real thing ─────────────────────────────────────────────────────────


def model_called(name: str, folder: Path, seed: int) -> Path:
    made = tiny_model("starcoder", folder, seed=seed)
    return made.rename(made.with_name(f"{name}.gguf"))


def check_alone(path: Path | None, words: str, caplog: pytest.LogCaptureFixture) -> None:
    main = named("main")
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert with_edit_model(main, path, SETTINGS) is main
    assert words in caplog.text
    assert bool(caplog.records) is bool(words)


def test_without_one_that_was_trained_for_it_the_main_one_is_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "zeta.gguf"
    damaged.write_bytes(b"GGUF no more")
    check_alone(None, "", caplog)
    check_alone(Path(named("main").info().path), "", caplog)
    check_alone(model_called("ordinary", tmp_path, 3), "was not trained to predict edits", caplog)
    check_alone(damaged, "no other model predicts edits", caplog)
    check_alone(tmp_path / "missing.gguf", "no other model predicts edits", caplog)


def test_the_real_thing_answers_from_both(tmp_path: Path) -> None:
    main = load_engine(model_called("ordinary", tmp_path, 3), SETTINGS, lambda _part: None)
    engine = with_edit_model(main, model_called("zeta-2", tmp_path, 4), SETTINGS)
    assert isinstance(engine, EngineWithEditModel)
    rules = StopRules(max_tokens=4)
    engine.complete("s", REWRITTEN, rules, cancellation=Cancellation(), whole=True)
    assert engine.wait(30)
    assert engine.editing is not None
    engine.complete("s", REWRITTEN, rules, cancellation=Cancellation(), whole=True)
    typed = engine.complete("t", TYPED, rules, cancellation=Cancellation())
    assert typed.timings.prefill_tokens
    assert (engine.editing.info().sessions, main.info().sessions) == (1, 1)
    stopped = Cancellation()
    stopped.cancel()
    again = engine.complete("u", REWRITTEN, rules, cancellation=stopped, whole=True)
    assert again.stop is StopReason.CANCELLED
    engine.close()
