"""Ghost text in real Neovims, looked at on the screen.

`screens/*.txt` are goldens; FORETYPE_UPDATE_GOLDENS=1 writes them anew. ⟦…⟧ marks ghost text.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support.neovim import FIXTURES, Neovim, init_lua, neovim

pytestmark = pytest.mark.editors


@pytest.fixture(params=["0.11", "0.12"])
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Neovim]:
    """An editor with an empty Python file and the scripted server."""
    with neovim(request.param, tmp_path, init=init_lua()) as one:
        edit(one, tmp_path / "sample.py")
        yield one


def edit(editor: Neovim, path: Path, text: str = "") -> None:
    path.write_text(text)
    editor.command(f"edit {path}")
    editor.wait_lua("#vim.lsp.get_clients({ name = 'foretype', bufnr = 0 }) == 1")


def answers(editor: Neovim, script: dict[str, Any]) -> None:
    editor.lua("Scripted.answers = ...", script)


def golden(editor: Neovim, name: str) -> None:
    """The screen is as it was when somebody last looked at it and found it good."""
    path = FIXTURES / "screens" / f"{name}.txt"
    shown = editor.screen.text() + "\n"
    if os.environ.get("FORETYPE_UPDATE_GOLDENS") == "1":
        path.write_text(shown)
    assert shown == path.read_text()


def test_a_line_is_suggested(editor: Neovim) -> None:
    answers(editor, {"return ": "a + b"})
    editor.keys("ireturn ")
    editor.wait_for_ghost()
    golden(editor, "line")
    editor.keys("<Tab>")
    assert editor.lines == ["return a + b"]
    assert "⟦" not in editor.screen.text()
