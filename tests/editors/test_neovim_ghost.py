"""Ghost text in real Neovims, looked at on the screen.

`neovim/screens/*.txt` are goldens; FORETYPE_UPDATE_GOLDENS=1 writes them anew. ⟦…⟧ marks ghost text.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from foretype.tests.support.neovim import Neovim, init_lua, neovim

pytestmark = pytest.mark.editors


@pytest.fixture(params=["0.11", "0.12"])
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Neovim]:
    """An editor with an empty file and the scripted server."""
    with neovim(request.param, tmp_path, init=init_lua()) as one:
        one.edit(tmp_path / "sample.txt")
        yield one


# -- how it looks, and that accepting gives what was shown


def test_a_line_is_suggested(editor: Neovim) -> None:
    editor.answers({"return ": "a + b"})
    editor.keys("ireturn ")
    editor.wait_for_ghost()
    editor.golden("line")
    editor.keys("<Tab>")
    assert editor.lines == ["return a + b"]
    assert "⟦" not in editor.screen.text()


def test_a_block_is_suggested(editor: Neovim) -> None:
    editor.answers({"def f():": "\n    a = 1\n    return a"})
    editor.keys("omain()<Esc>ggidef f():")
    editor.wait_for_ghost()
    editor.golden("block")
    editor.keys("<Tab>")
    assert editor.lines == ["def f():", "    a = 1", "    return a", "main()"]
    assert editor.cursor == (2, 12)


def test_closers_right_of_the_cursor_are_part_of_the_suggestion(editor: Neovim) -> None:
    editor.answers({"print(": {"insertText": "f(1), [2])", "right": 1}})
    editor.keys("iprint()<Left>")
    editor.lua("require('foretype').trigger()")
    editor.wait_for_ghost()
    assert editor.screen.row(0) == "print(⟦f(1), [2]⟧)"
    editor.keys("<Tab>")
    assert editor.lines == ["print(f(1), [2])"]
    assert editor.cursor == (0, 16)


def test_code_right_of_the_cursor_stands_where_it_will_stand(editor: Neovim) -> None:
    editor.answers({"call(": "\n    one,\n    two,\n"})
    editor.keys("icall() + rest<Esc>0f)i")
    editor.lua("require('foretype').trigger()")
    editor.wait_for_ghost()
    editor.golden("right")
    editor.keys("<Tab>")
    assert editor.lines == ["call(", "    one,", "    two,", ") + rest"]


def test_what_a_block_replaces_is_not_shown_twice(editor: Neovim) -> None:
    editor.answers({"[": {"insertText": "\n    one,\n]", "right": 1}})
    editor.keys("i[]<Left>")
    editor.lua("require('foretype').trigger()")
    editor.wait_for_ghost()
    editor.golden("replaced")
    editor.keys("<Tab>")
    assert editor.lines == ["[", "    one,", "]"]


def test_a_replaced_text_that_the_suggestion_does_not_contain_is_covered(editor: Neovim) -> None:
    editor.answers({"see ": {"insertText": "everything", "right": 3}})
    editor.keys("isee abc!<Left><Left><Left><Left>")
    editor.lua("require('foretype').trigger()")
    editor.wait_for_ghost()
    assert editor.screen.row(0) == "see ⟦everything⟧!"
    editor.keys("<Tab>")
    assert editor.lines == ["see everything!"]


def test_tabs_and_control_characters_are_drawn_and_not_obeyed(editor: Neovim) -> None:
    text = "\tx\x1b[31m\n\t\ty\x07\u202e"
    editor.answers({"a": text})
    editor.keys("ia")
    editor.wait_for_ghost()
    editor.golden("control")
    editor.keys("<Tab>")
    assert "\n".join(editor.lines) == "a" + text


def test_wide_characters_take_two_cells(editor: Neovim) -> None:
    editor.answers({"# ": "日本語 ok", "語 ": {"insertText": "é)", "right": 1}})
    editor.keys("i# ")
    editor.wait_for_ghost("⟦日本語 ok⟧")
    editor.keys("<Esc>ccx日本語 )<Left>")
    editor.lua("require('foretype').trigger()")
    editor.wait_for_ghost("⟦é⟧)")
    editor.keys("<Tab>")
    assert editor.lines == ["x日本語 é)"]


def test_more_lines_than_the_window_has_are_cut(editor: Neovim) -> None:
    editor.answers({"x": "\n".join(f"line {number}" for number in range(50))})
    editor.keys("ix")
    editor.wait_for_ghost()
    editor.golden("long")
    editor.keys("<Tab>")
    assert len(editor.lines) == 50


def test_windows_line_ends_become_neovims(editor: Neovim) -> None:
    editor.answers({"x": "1\r\n2"})
    editor.keys("ix")
    editor.wait_for_ghost()
    editor.keys("<Tab>")
    assert editor.lines == ["x1", "2"]


# -- typing on


def test_typing_through_a_suggestion_never_flickers(editor: Neovim) -> None:
    editor.answers({"def ": "area(r):\n    return r * r"})
    editor.keys("idef ")
    editor.wait_for_ghost()
    editor.answers({})  # from here on the server has nothing to say
    first = len(editor.screen.frames)
    for typed in "area(r)":
        editor.keys(typed)
    assert editor.screen.row(0) == "def area(r)⟦:⟧"
    frames = editor.screen.frames[first:]
    assert frames
    assert all("⟦    return r * r⟧" in frame for frame in frames)
    rows = {frame.partition("\n")[0].replace("⟦", "").replace("⟧", "") for frame in frames}
    assert rows == {"def area(r):"}


def test_typing_through_a_line_break_goes_on_in_the_next_line(editor: Neovim) -> None:
    editor.command("set autoindent")
    editor.answers({"x:": "\n    a\n    b"})
    editor.keys("ix:")
    editor.wait_for_ghost()
    editor.answers({})
    editor.keys("<CR>  ")
    assert editor.screen.text().splitlines()[:3] == ["x:", "  ⟦  a⟧", "⟦    b⟧"]
    editor.keys("<Tab>")
    assert editor.lines == ["x:", "    a", "    b"]


def test_going_back_widens_the_suggestion_again_and_then_ends_it(editor: Neovim) -> None:
    editor.answers({"ab": "cdef"})
    editor.keys("iab")
    editor.wait_for_ghost()
    editor.answers({})
    editor.keys("cd")
    assert editor.screen.row(0) == "abcd⟦ef⟧"
    editor.keys("<BS>")
    assert editor.screen.row(0) == "abc⟦def⟧"
    editor.keys("<BS><BS>")
    assert editor.screen.row(0) == "a"


def test_a_bracket_that_was_closed_by_itself_is_taken_along(editor: Neovim) -> None:
    editor.command("inoremap ( ()<Left>")
    editor.answers({"print": "(x)"})
    editor.keys("iprint")
    editor.wait_for_ghost()
    editor.answers({})
    editor.keys("(")
    assert editor.screen.row(0) == "print(⟦x⟧)"
    editor.keys("<Tab>")
    assert editor.lines == ["print(x)"]


def test_typing_something_else_removes_the_suggestion_at_once(editor: Neovim) -> None:
    editor.answers({"a": "bc"})
    editor.keys("ia")
    editor.wait_for_ghost()
    editor.lua("Scripted.hold = true")
    first = len(editor.screen.frames)
    editor.keys("x")
    assert not any("⟦" in frame for frame in editor.screen.frames[first:])
    assert editor.screen.row(0) == "ax"


def test_an_answer_that_says_more_of_the_same_is_taken(editor: Neovim) -> None:
    editor.answers({"a": "bc", "ab": "cd\ne"})
    editor.keys("ia")
    editor.wait_for_ghost("a⟦bc⟧")
    editor.keys("b")
    editor.wait_for_ghost("⟦e⟧")
    assert editor.screen.row(0) == "ab⟦cd⟧"


def test_an_answer_that_says_something_else_does_not_replace_what_is_typed_through(editor: Neovim) -> None:
    editor.answers({"a": "bc", "ab": "other"})
    editor.keys("ia")
    editor.wait_for_ghost("a⟦bc⟧")
    editor.keys("b")
    editor.idle()
    assert editor.screen.row(0) == "ab⟦c⟧"


# -- stale answers


def test_an_answer_for_an_older_text_is_not_shown(editor: Neovim) -> None:
    editor.answers({"a": "bc"})
    editor.lua("Scripted.hold = true")
    editor.keys("ia")
    editor.keys("x")
    editor.lua("Scripted.release()")
    editor.idle()
    assert "⟦" not in editor.screen.text()


def test_an_answer_for_a_text_that_others_changed_meanwhile_is_not_shown(editor: Neovim) -> None:
    editor.answers({"a": "bc"})
    editor.keys("i")
    editor.lua("Scripted.hold = true")
    editor.keys("a")
    # Both in one turn, so that Neovim has no time to say that the text has changed.
    editor.lua("vim.api.nvim_buf_set_text(0, 0, 0, 0, 0, { 'x' }) Scripted.release()")
    editor.idle()
    assert "⟦bc⟧" not in editor.screen.text()


def test_ghost_text_that_others_made_wrong_is_gone_with_the_next_frame(editor: Neovim) -> None:
    editor.answers({"a": "bc"})
    editor.keys("ia")
    editor.wait_for_ghost()
    editor.lua("Scripted.hold = true")
    editor.lua("vim.api.nvim_buf_set_text(0, 0, 0, 0, 1, { 'z' })")
    editor.idle()
    assert "⟦" not in editor.screen.text()


@pytest.mark.parametrize("leave", ["<Esc>", "<C-c>", "<C-o>:", "<C-o>v", "<Cmd>split<CR>", "<Cmd>enew!<CR>"])
def test_leaving_leaves_nothing_behind(editor: Neovim, leave: str) -> None:
    editor.answers({"a": "bc\nd"})
    editor.keys("ia")
    editor.wait_for_ghost()
    editor.lua("First = vim.api.nvim_get_current_buf()")
    editor.keys(leave)
    if leave != "<Cmd>split<CR>":  # there the ghost text stands at the same cursor of the same buffer
        assert "⟦" not in editor.screen.text()
        marks = "return vim.api.nvim_buf_get_extmarks(First, require('foretype.ghost').namespace, 0, -1, {})"
        assert editor.lua(marks) == []


def test_moving_away_takes_the_ghost_text_and_the_request_away(editor: Neovim) -> None:
    editor.answers({"a": "bc"})
    editor.keys("ix<CR>a")
    editor.wait_for_ghost()
    editor.keys("<Up>")
    assert "⟦" not in editor.screen.text()
    editor.lua("Scripted.hold = true")
    editor.keys("<Down><BS>a")
    editor.keys("<Up>")
    assert len(editor.lua("return Scripted.of(Scripted.told, '$/cancelRequest')")) == 1
    editor.lua("Scripted.release()")
    editor.idle()
    assert "⟦" not in editor.screen.text()


def test_items_that_make_no_sense_are_left_out(editor: Neovim) -> None:
    elsewhere = {"start": {"line": 7, "character": 0}, "end": {"line": 7, "character": 0}}
    behind = {"start": {"line": 0, "character": 9}, "end": {"line": 0, "character": 1}}
    useless = [{"insertText": 5}, {"insertText": ""}, {"insertText": "bc", "range": elsewhere}]
    editor.answers({"a": [*useless, {"insertText": "d", "range": behind}, "good"], "b": useless})
    editor.keys("ia")
    editor.wait_for_ghost("a⟦good⟧")
    editor.keys("<Esc>ccb")
    editor.idle()
    assert editor.screen.row(0) == "b"


@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_what_was_typed_before_the_server_came_is_asked_about(version: str, tmp_path: Path) -> None:
    with neovim(version, tmp_path, init=init_lua()) as editor:
        editor.lua("Scripted.hold = true")
        editor.answers({"return ": "early"})
        editor.command(f"edit {tmp_path / 'sample.txt'}")
        editor.keys("ireturn ")
        assert "⟦" not in editor.screen.text()
        editor.lua("Scripted.hold = false Scripted.release()")
        editor.wait_for_ghost("⟦early⟧")
