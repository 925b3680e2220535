"""Next edits in real Neovims: how they look, and that two presses of one key jump there and take them.

{+…+} marks what an edit inserts, [-…-] what it deletes.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support.neovim import Neovim, init_lua, neovim

pytestmark = pytest.mark.editors

SOURCE = "def area(w, h):\n    if w < 0:\n        return 0\n    return w * h\n"


@pytest.fixture(params=["0.11", "0.12"])
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Neovim]:
    """An editor with a small file and the scripted server."""
    with neovim(request.param, tmp_path, init=init_lua()) as one:
        one.edit(tmp_path / "sample.txt", SOURCE)
        yield one


def renamed(editor: Neovim) -> None:
    """The parameter has another name now, and its two uses are proposed."""
    editor.proposes((1, 7, 1, 8, "width"), (3, 11, 3, 12, "width"))
    editor.keys("0fwcwwidth<Esc>")
    editor.wait_for_ghost("{+")


def told(editor: Neovim, method: str) -> list[dict[str, Any]]:
    return editor.lua("return Scripted.of(Scripted.told, ...)", method)


def executed(editor: Neovim) -> list[tuple[str, list[Any]]]:
    asked = editor.lua("return Scripted.of(Scripted.asked, 'workspace/executeCommand')")
    return [(one["command"], one["arguments"]) for one in asked]


def edits_shown(editor: Neovim) -> bool:
    text = editor.screen.text()
    return "{+" in text or "[-" in text or "▸" in text


# -- how it looks


def test_a_proposal_shows_what_goes_what_comes_and_a_sign(editor: Neovim) -> None:
    renamed(editor)
    editor.golden("edit")


def test_what_stays_of_a_word_is_not_marked(editor: Neovim) -> None:
    editor.proposes((3, 15, 3, 16, "height"), (1, 7, 1, 8, "x"))
    editor.keys("x")
    editor.wait_for_ghost("h{+eight+}")


def test_lines_that_come_stand_between_those_that_are_there(editor: Neovim) -> None:
    editor.proposes((2, 0, 2, 0, "        print(w)\n        print(h)\n"))
    editor.keys("x")
    editor.wait_for_ghost("{+")
    editor.golden("edit_lines")
    editor.keys("<Tab><Tab>")
    assert editor.lines[1:5] == ["    if w < 0:", "        print(w)", "        print(h)", "        return 0"]


def test_lines_that_are_replaced_stand_above_those_that_come(editor: Neovim) -> None:
    editor.proposes((1, 4, 2, 16, "assert w >= 0\n    assert h >= 0"))
    editor.keys("x")
    editor.wait_for_ghost("{+")
    editor.golden("edit_replaced")
    editor.keys("<Tab><Tab>")
    assert editor.lines[1:] == ["    assert w >= 0", "    assert h >= 0", "    return w * h"]


def test_lines_that_go_are_marked(editor: Neovim) -> None:
    editor.proposes((1, 0, 3, 0, ""))
    editor.keys("x")
    editor.wait_for_ghost("[-")
    assert editor.screen.row(2).endswith("[-        return 0" + " " * 42 + "-]")
    editor.keys("<Tab><Tab>")
    assert editor.lines[1:] == ["    return w * h"]


def test_a_line_behind_the_last_one_is_appended(editor: Neovim) -> None:
    editor.proposes((4, 0, 4, 0, "# end\n"))
    editor.keys("x")
    editor.wait_for_ghost("{+# end+}")
    editor.keys("<Tab><Tab>")
    assert editor.lines[-2:] == ["    return w * h", "# end"]


# -- jump and take


def test_one_key_jumps_and_takes_until_nothing_is_left(editor: Neovim) -> None:
    renamed(editor)
    editor.keys("<Tab>")
    assert editor.cursor == (1, 7)
    assert editor.lines[1] == "    if w < 0:", "the first press only jumps"
    editor.keys("<Tab>")
    assert editor.lines[1] == "    if width < 0:"
    editor.wait_for_ghost("return w{+idth+}")
    editor.keys("<Tab><Tab>")
    assert editor.lines[3] == "    return width * h"
    editor.idle()
    assert not edits_shown(editor)
    assert executed(editor) == [("foretype.accepted", ["edit-1"]), ("foretype.accepted", ["edit-2"])]


def test_the_jump_list_leads_back(editor: Neovim) -> None:
    renamed(editor)
    before = editor.cursor
    editor.keys("<Tab>")
    editor.keys("<C-o>")
    assert editor.cursor == before


def test_it_works_while_inserting(editor: Neovim) -> None:
    editor.proposes((1, 7, 1, 8, "width"))
    editor.keys("0fwcwwidth")
    editor.wait_for_ghost("{+")
    editor.keys("<Tab><Tab>")
    assert editor.lines[1] == "    if width < 0:"
    assert editor.lua("return vim.api.nvim_get_mode().mode") == "i"


@pytest.mark.parametrize("typed", ["<Esc>", ""])
def test_an_edit_is_one_step_of_undo(editor: Neovim, typed: str) -> None:
    editor.proposes((1, 7, 1, 8, "width"))
    editor.keys("0fwcwwidth" + typed)
    editor.wait_for_ghost("{+")
    editor.keys("<Tab><Tab>")
    assert editor.lines[1] == "    if width < 0:"
    if not typed:
        editor.keys(" more<Esc>u")
    assert editor.lines[1] == "    if width < 0:"
    editor.keys("u")
    assert editor.lines[:2] == ["def area(width, h):", "    if w < 0:"]


def test_ghost_text_comes_first(editor: Neovim) -> None:
    editor.proposes((1, 7, 1, 8, "width"))
    editor.answers({"width": " = 1"})
    editor.keys("0fwcwwidth")
    editor.wait_for_ghost("⟦ = 1⟧")
    editor.idle()
    assert not edits_shown(editor)
    editor.keys("<Tab>")
    assert editor.lines[0] == "def area(width = 1, h):"
    editor.answers({})
    editor.wait_for_ghost("{+")
    editor.keys("<Tab><Tab>")
    assert editor.lines[1] == "    if width < 0:"


def test_an_edit_in_another_file_is_jumped_to_and_taken_there(editor: Neovim, tmp_path: Path) -> None:
    first = editor.lua("return vim.api.nvim_get_current_buf()")
    editor.command("set hidden")
    editor.edit(tmp_path / "uses.txt", "area(1)\n")
    uri, version = editor.lua("return { vim.uri_from_bufnr(0), vim.api.nvim_buf_get_changedtick(0) }")
    editor.command(f"buffer {first}")
    editor.lua(
        "Scripted.edits = { { 0, 0, 0, 4, 'surface', uri = ..., version = select(2, ...) } }", uri, version
    )
    editor.keys("x")
    editor.wait_for_ghost("→ uses.txt 1: <Tab>")
    editor.keys("<Tab>")
    assert editor.lines == ["area(1)"]
    editor.keys("<Tab>")
    assert editor.lines == ["surface(1)"]


def test_an_edit_in_a_file_that_is_not_open_is_asked_for_again_there(editor: Neovim, tmp_path: Path) -> None:
    (tmp_path / "uses.txt").write_text("\n\narea(1)\n")
    editor.command("set hidden")
    uri = f"file://{tmp_path / 'uses.txt'}"
    editor.lua("Scripted.edits = { { 2, 0, 2, 4, 'surface', uri = ... } }", uri)
    editor.keys("x")
    editor.wait_for_ghost("→ uses.txt 3: <Tab>")
    editor.keys("<Tab>")
    assert editor.cursor == (2, 0)
    editor.wait_for_ghost("{+surface+}")
    editor.keys("<Tab>")
    assert editor.lines == ["", "", "surface(1)"]


# -- dismiss, and what the keys did before


def test_escape_dismisses_the_pattern(editor: Neovim) -> None:
    renamed(editor)
    editor.keys("<Esc>")
    assert not edits_shown(editor)
    assert executed(editor) == [("foretype.dismissed", ["edit-1"])]


def test_while_inserting_escape_only_leaves_and_the_dismiss_key_dismisses(editor: Neovim) -> None:
    editor.proposes((1, 7, 1, 8, "width"))
    editor.keys("0fwcwwidth")
    editor.wait_for_ghost("{+")
    editor.keys("<Esc>")
    assert edits_shown(editor)
    assert executed(editor) == []
    editor.keys("a<C-]>")
    assert not edits_shown(editor)
    assert executed(editor) == [("foretype.dismissed", ["edit-1"])]


def test_without_a_proposal_the_keys_do_what_they_did(tmp_path: Path) -> None:
    before = """vim.keymap.set('n', '<Tab>', 'Aearlier<Esc>')
      vim.keymap.set('n', '<Esc>', function() Left = true end)"""
    with neovim("0.11", tmp_path, init=init_lua(before=before)) as editor:
        editor.edit(tmp_path / "sample.txt", "x\n")
        editor.keys("<Tab><Esc>")
        assert editor.lines == ["xearlier"]
        assert editor.lua("return Left") is True


def test_the_plain_keys_are_themselves(editor: Neovim) -> None:
    editor.keys("Gggix<Esc>3G")
    editor.keys("<C-o><C-o>")
    back = editor.cursor
    editor.keys("<Tab>")
    assert editor.cursor != back, "<Tab> is <C-i> in normal mode"
    editor.keys("ia<Tab>b<Esc>")
    assert "a\tb" in "\n".join(editor.lines)


def test_they_can_be_switched_off(tmp_path: Path) -> None:
    with neovim("0.11", tmp_path, init=init_lua("{ edits = false }")) as editor:
        editor.edit(tmp_path / "sample.txt", SOURCE)
        assert editor.lua("return vim.fn.maparg('<Tab>', 'n')") == ""
        editor.proposes((1, 7, 1, 8, "width"))
        editor.keys("0fwcwwidth<Esc>")
        editor.lua("require('foretype.edits').ask()")
        editor.idle()
        assert editor.lua("return Scripted.of(Scripted.asked, 'textDocument/copilotInlineEdit')") == []


def test_a_server_that_proposes_none_is_not_asked(tmp_path: Path) -> None:
    after = "Scripted.capabilities = { positionEncoding = 'utf-16', inlineCompletionProvider = {} }"
    with neovim("0.11", tmp_path, init=init_lua(after=after)) as editor:
        editor.edit(tmp_path / "sample.txt", SOURCE)
        editor.keys("x")
        editor.lua("require('foretype.edits').ask()")
        editor.idle()
        assert editor.lua("return Scripted.of(Scripted.asked, 'textDocument/copilotInlineEdit')") == []


def test_a_proposal_that_was_seen_is_reported_once(editor: Neovim) -> None:
    renamed(editor)
    editor.keys("jk")
    shown = [one["item"]["command"]["arguments"] for one in told(editor, "textDocument/didShowInlineEdit")]
    assert shown == [["edit-1"]]


# -- out of sight


def long_file(editor: Neovim, tmp_path: Path) -> None:
    editor.edit(tmp_path / "long.txt", "".join(f"line {number}\n" for number in range(100)))


def test_a_place_off_screen_has_a_hint_at_the_cursor(editor: Neovim, tmp_path: Path) -> None:
    long_file(editor, tmp_path)
    editor.proposes((79, 0, 79, 4, "row"))
    editor.keys("x")
    editor.wait_for_ghost("↓ line 80: <Tab>")
    editor.keys("<Tab>")
    assert editor.cursor == (79, 0)
    assert "↓" not in editor.screen.text()
    assert "[-line-]{+row+} 79" in editor.screen.text()
    editor.keys("gg")
    editor.wait_for_ghost("↓ line 80: <Tab>")
    editor.keys("G")
    assert "↓" not in editor.screen.text()


def test_the_hint_follows_the_cursor_and_names_the_direction(editor: Neovim, tmp_path: Path) -> None:
    long_file(editor, tmp_path)
    editor.proposes((4, 0, 4, 4, "row"))
    editor.keys("Gx")
    editor.wait_for_ghost("↑ line 5: <Tab>")
    editor.keys("k")
    editor.idle()
    hinted = [row for row in range(12) if "↑ line 5" in editor.screen.row(row)]
    assert hinted == [editor.screen.cursor[0]]


def test_a_place_in_a_closed_fold_is_out_of_sight_until_it_is_jumped_to(
    editor: Neovim, tmp_path: Path
) -> None:
    long_file(editor, tmp_path)
    editor.command("set foldmethod=manual")
    editor.command("3,6fold")
    editor.proposes((4, 0, 4, 4, "row"))
    editor.keys("x")
    editor.wait_for_ghost("↓ line 5: <Tab>")
    editor.keys("<Tab>")
    assert editor.lua("return vim.fn.foldclosed(5)") == -1
    assert "[-line-]{+row+} 4" in editor.screen.text()
    editor.keys("<Tab>")
    assert editor.lines[4] == "row 4"


def test_a_place_far_right_in_an_unwrapped_line_is_out_of_sight(editor: Neovim, tmp_path: Path) -> None:
    editor.edit(tmp_path / "wide.txt", "x\n" + "word " * 2000 + "\n")
    editor.command("set nowrap")
    editor.proposes((1, 5000, 1, 5004, "long " * 500))
    editor.keys("x")
    editor.wait_for_ghost("↓ line 2: <Tab>")
    editor.keys("<Tab>")
    assert editor.cursor == (1, 5000)
    assert "[-word-]{+long" in editor.screen.text()
    editor.keys("<Tab>")
    assert len(editor.lines[1]) == 10_000 - 4 + 2500


def test_of_two_windows_only_the_one_in_use_has_the_hint(editor: Neovim, tmp_path: Path) -> None:
    long_file(editor, tmp_path)
    editor.command("split")
    editor.proposes((79, 0, 79, 4, "row"))
    editor.keys("x")
    editor.wait_for_ghost("↓ line 80")
    assert editor.screen.text().count("↓ line 80") == 1
    editor.keys("<C-w>w")
    editor.wait_for_ghost("↓ line 80")
    assert editor.screen.text().count("↓ line 80") == 1
    editor.keys("<Tab><Tab>")
    assert editor.lines[79] == "row 79"


# -- a text that others changed


def test_nothing_is_shown_in_a_changed_buffer(editor: Neovim) -> None:
    renamed(editor)
    editor.lua("Scripted.hold = true")
    editor.lua("vim.api.nvim_buf_set_text(0, 0, 0, 0, 0, { 'z' })")
    editor.idle()
    assert not edits_shown(editor)
    editor.keys("<Tab>")
    assert editor.lines[1] == "    if w < 0:"


def test_an_answer_about_an_older_text_is_not_shown(editor: Neovim) -> None:
    editor.lua("Scripted.hold = true")
    editor.proposes((1, 7, 1, 8, "width"))
    editor.keys("x")
    editor.lua("require('foretype.edits').ask()")
    editor.proposes()
    editor.keys("x")
    editor.lua("Scripted.hold = false Scripted.release()")
    editor.idle()
    assert not edits_shown(editor)


@pytest.mark.parametrize(
    "edit",
    [
        (2, 4, 1, 0, "backwards"),
        (0, 0, 0, 1, "a\0b"),
    ],
)
def test_an_edit_that_makes_no_sense_is_left_out(
    editor: Neovim, edit: tuple[int, int, int, int, str]
) -> None:
    editor.proposes(edit)
    editor.keys("x")
    editor.lua("require('foretype.edits').ask()")
    editor.idle()
    assert not edits_shown(editor)


def test_places_outside_the_text_are_moved_inside(editor: Neovim) -> None:
    editor.proposes((3, 15, 99, 99, "height"))
    editor.keys("x")
    editor.wait_for_ghost("{+eight+}")
    editor.keys("<Tab><Tab>")
    assert editor.lines[3:] == ["    return w * height"]


def test_a_macro_takes_nothing(editor: Neovim) -> None:
    renamed(editor)
    editor.lua("vim.fn.setreg('b', vim.keycode('<Tab><Tab>'))")
    editor.keys("@b")
    assert editor.lines[1] == "    if w < 0:"
