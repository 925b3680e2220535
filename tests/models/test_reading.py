"""While a slow machine reads a file, it says how much of the whole context is there."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from foretype.context.shared.values import Prompt, StopRules
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.support.tiny_gguf import tiny_model

SOURCE = "".join(f"def area_{n}(width):\n    return width * {n}\n\n" for n in range(60))
PROMPT = Prompt(SOURCE, "", "area.py", "python")


@pytest.fixture
def engine(tmp_path: Path) -> Generator[LocalEngine]:
    loaded = load_engine(tiny_model("starcoder", tmp_path), EngineSettings(threads=1), lambda _part: None)
    loaded.cache.slice_tokens = 64
    yield loaded
    loaded.close()


def read_until(engine: LocalEngine, slices: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Open the file and let idle work read so many slices of it; what was said before each."""
    key, said = Cancellation(), list[float]()
    extend = engine.cache.extend

    def noted(*arguments: Any, **more: Any) -> bool:
        said.append(engine.reading)
        done = extend(*arguments, **more)
        if len(said) == slices:
            key.cancel()
        return done

    with monkeypatch.context() as patched:
        patched.setattr(engine.cache, "extend", noted)
        engine.warm("a", PROMPT, cancellation=key)
    return said


def test_what_is_read_grows_and_is_whole_at_the_end(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.reading == 1.0, "nothing is open"
    said = read_until(engine, 4, monkeypatch)
    assert said == sorted(said)
    assert said[0] == 0.0
    assert 0.1 < engine.reading < 1.0
    while engine.idle("a", cancellation=Cancellation()):
        pass
    assert engine.reading == 1.0
    answer = engine.complete("a", PROMPT, StopRules(max_tokens=2), cancellation=Cancellation())
    assert answer.context == 1.0


def test_a_file_that_was_closed_is_not_being_read(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_until(engine, 4, monkeypatch)
    engine.forget("a")
    assert engine.reading == 1.0


def test_what_is_read_anew_while_answers_see_everything_is_nobody_s_concern(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.warm("a", PROMPT, cancellation=Cancellation())
    above = Prompt("# another line\n" * 40 + SOURCE, "", "area.py", "python")
    engine.sessions.use("a", above)
    key = Cancellation()
    extend = engine.cache.extend

    def once(*arguments: Any, **more: Any) -> bool:
        key.cancel()
        return extend(*arguments, **more)

    monkeypatch.setattr(engine.cache, "extend", once)
    engine.idle("a", cancellation=key)
    assert engine.reading == 1.0
