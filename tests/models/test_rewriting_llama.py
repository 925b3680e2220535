"""A model that was trained to predict edits, with a real llama context: it reads what its format says."""

from __future__ import annotations

from pathlib import Path

import pytest
from foretype.context.shared.values import Prompt, Rewrite, StopReason, StopRules
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.library.describe import describe
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.support.tiny_gguf import tiny_model

ASKED = Rewrite("import a\n", "x = 1\ny = <fim_suffix>", "\nz = 3\n", 3, "x = 0\ny = 2")
PROMPT = Prompt("", path="m.py", rewrite=ASKED)


def engine(folder: Path, name: str) -> LocalEngine:
    made = tiny_model("starcoder", folder)
    path = made.rename(made.with_name(f"{name}.gguf"))
    return load_engine(path, EngineSettings(context_tokens=1024, threads=1), lambda _share: None)


def evaluated(loaded: LocalEngine) -> str:
    session = loaded.sessions.get("s")
    assert session is not None
    tokens = max((slot.sequence.tokens for slot in session.slots()), key=len)
    return b"".join(loaded.vocabulary.pieces[token] for token in tokens).decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sweep-next-edit-0.5b", "current/m.py\nx = 1\ny = <fim_suffix>\n<|file_sep|>updated/m.py"),
        (
            "zeta-2",
            "import a\n<<<<<<< CURRENT\nx =<|user_cursor|> 1\ny = <fim_suffix>\n=======\n<[fim-middle]>",
        ),
        ("zeta", "<|editable_region_end|>\nz = 3\n```\n\n### Response:\n"),
    ],
)
def test_the_model_reads_its_own_format_and_the_users_text_stays_text(
    tmp_path: Path, name: str, expected: str
) -> None:
    loaded = engine(tmp_path, name)
    try:
        answer = loaded.complete(
            "s", PROMPT, StopRules(max_tokens=4), cancellation=Cancellation(), whole=True
        )
        assert answer.stop in (StopReason.END, StopReason.LENGTH, StopReason.REPETITION, StopReason.SCOPE)
        assert expected in evaluated(loaded)
        stopped = Cancellation()
        stopped.cancel()
        again = loaded.complete("t", PROMPT, StopRules(), cancellation=stopped, whole=True)
        assert again.stop is StopReason.CANCELLED
    finally:
        loaded.close()


def test_an_ordinary_model_is_not_asked_unless_a_line_is_wanted(tmp_path: Path) -> None:
    loaded = engine(tmp_path, "ordinary")
    try:
        answer = loaded.complete("s", PROMPT, StopRules(), cancellation=Cancellation())
        assert (answer.text, answer.stop) == ("", StopReason.END)
        assert loaded.sessions.get("s") is None
    finally:
        loaded.close()


def test_what_a_model_was_trained_for_is_said(tmp_path: Path) -> None:
    made = tiny_model("starcoder", tmp_path)
    for name, expected in (("ordinary", ""), ("sweep-next-edit-1.5b", "Sweep Next-Edit")):
        made = made.rename(made.with_name(f"{name}.gguf"))
        assert describe(made).edits == expected
