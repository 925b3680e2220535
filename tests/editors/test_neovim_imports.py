"""Names that need an import, in the real Neovim: accepted with it, and taken back with it at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from foretype.tests.support import scripted_server
from foretype.tests.support.neovim import Neovim, init_lua, neovim

pytestmark = pytest.mark.editors

SOURCE = "import sys\n\n\ndef size(path):\n    return 0\n"
BEFORE = ["import sys", "", "", "def size(path):", "    return 0"]


@pytest.fixture(params=["0.11", "0.12"])
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Neovim]:
    """An editor with the real language server, and a scripted model behind it."""
    script = tmp_path / "script.json"
    answers = {"found = ": "os.stat(path).st_size", "there = ": "len(path) + os.getpid() + 1"}
    script.write_text(json.dumps(answers))
    command = [sys.executable, str(scripted_server.__file__), str(script), str(tmp_path / "journal")]
    settings = f"{{ cmd = {{ {', '.join(map(json.dumps, command))} }}, debounce_ms = 0 }}"
    with neovim(request.param, tmp_path, init=init_lua(settings)) as one:
        one.edit(tmp_path / "sample.py", SOURCE)
        one.keys("ggG")
        yield one


def imported(editor: Neovim, lines: list[str]) -> None:
    """Wait until the buffer has these lines."""
    wanted = json.dumps("\n".join(lines))
    editor.wait_lua(f"table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') == {wanted}")


def test_accepting_brings_the_import_and_one_undo_takes_both_back(editor: Neovim) -> None:
    editor.keys("Ofound = ")
    editor.wait_for_ghost("    found = ⟦os.stat(path).st_size⟧")
    editor.keys("<Tab>")
    imported(editor, ["import os", *BEFORE[:4], "    found = os.stat(path).st_size", BEFORE[4]])
    assert editor.lua("return vim.api.nvim_win_get_cursor(0)") == [6, 33]
    editor.keys("<Esc>u")
    assert editor.lines == [*BEFORE[:4], "    found = ", BEFORE[4]]
    editor.keys("<C-r>")
    assert editor.lines == ["import os", *BEFORE[:4], "    found = os.stat(path).st_size", BEFORE[4]]


def test_an_import_that_comes_after_insert_mode_belongs_to_it(editor: Neovim) -> None:
    editor.keys("Ofound = ")
    editor.wait_for_ghost("    found = ⟦os.stat(path).st_size⟧")
    editor.keys("<Tab><Esc>")
    imported(editor, ["import os", *BEFORE[:4], "    found = os.stat(path).st_size", BEFORE[4]])
    editor.keys("u")
    assert editor.lines == [*BEFORE[:4], "    found = ", BEFORE[4]]


def test_word_by_word_the_import_comes_with_its_name(editor: Neovim) -> None:
    editor.keys("Othere = ")
    editor.wait_for_ghost("    there = ⟦len(path) + os.getpid() + 1⟧")
    for _ in range(4):
        editor.keys("<M-Right>")
    assert editor.lines[0] == "import sys"
    while not editor.lua("return vim.api.nvim_get_current_line()").endswith("os"):
        editor.keys("<M-Right>")
    imported(editor, ["import os", *BEFORE[:4], "    there = len(path) + os", BEFORE[4]])
    editor.wait_for_ghost("    there = len(path) + os⟦.getpid() + 1⟧")
    editor.keys("<Tab><Esc>")
    imported(editor, ["import os", *BEFORE[:4], "    there = len(path) + os.getpid() + 1", BEFORE[4]])


def test_typed_by_hand_nothing_is_added(editor: Neovim) -> None:
    editor.keys("Ofound = ")
    editor.wait_for_ghost("    found = ⟦os.stat(path).st_size⟧")
    editor.keys("os.stat(path).st_size<Esc>")
    assert editor.lines == [*BEFORE[:4], "    found = os.stat(path).st_size", BEFORE[4]]
