"""Next edits from the real language server in the real Neovim: a rename followed to its last use."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from foretype.tests.support import scripted_server
from foretype.tests.support.neovim import Neovim, init_lua, neovim

pytestmark = pytest.mark.editors

SOURCE = "def area(w, height):\n    if w < 0:\n        raise ValueError(w)\n    return w * height\n"
RENAMED = SOURCE.replace("(w", "(width").replace("if w", "if width").replace("return w", "return width")


@pytest.fixture(params=["0.11", "0.12"])
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Neovim]:
    """An editor with the real language server, and a model that says nothing."""
    script = tmp_path / "script.json"
    script.write_text("{}")
    command = [sys.executable, str(scripted_server.__file__), str(script), str(tmp_path / "journal")]
    settings = f"{{ cmd = {{ {', '.join(map(json.dumps, command))} }}, debounce_ms = 0 }}"
    with neovim(request.param, tmp_path, init=init_lua(settings)) as one:
        one.edit(tmp_path / "sample.py", SOURCE)
        yield one


def rename(editor: Neovim) -> None:
    editor.keys("gg0fwcwwidth<Esc>")
    editor.wait_for_ghost("if w{+idth+} < 0:")


def test_a_renamed_parameter_is_followed_to_its_last_use(editor: Neovim) -> None:
    rename(editor)
    for then in ("raise ValueError(w{+idth+})", "return w{+idth+} * height", ""):
        editor.keys("<Tab><Tab>")
        if then:
            editor.wait_for_ghost(then)
    editor.wait_lua(
        f"table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') == {json.dumps(RENAMED[:-1])}"
    )
    assert "{+" not in editor.screen.text()
    for undone in ("return w *", "ValueError(w)", "if w <"):
        editor.keys("u")
        assert any(undone in line for line in editor.lines)


def test_after_escape_the_same_is_not_proposed_again(editor: Neovim) -> None:
    rename(editor)
    editor.keys("<Esc>")
    assert "{+" not in editor.screen.text()
    editor.keys("0fh;cwtall<Esc>")
    editor.wait_for_ghost("[-height-]{+tall+}")
    editor.keys("<Tab><Tab>")
    assert editor.lines[3] == "    return w * tall"


def test_a_file_that_was_read_anew_has_no_proposals(editor: Neovim) -> None:
    rename(editor)
    editor.command("edit!")
    editor.lua("require('foretype.edits').ask()")
    # An answer to what is asked behind it has come when nothing more can.
    editor.lua(
        """Answered = false
        require('foretype.client').execute('status', {}, function() Answered = true end)"""
    )
    editor.wait_lua("Answered")
    assert "{+" not in editor.screen.text()
    assert editor.lines == SOURCE.splitlines()
