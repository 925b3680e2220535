"""Every key of the Neovim plugin: what it does, what it did before, and that it can be turned off."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support.neovim import Neovim, init_lua, neovim

pytestmark = pytest.mark.editors


@pytest.fixture(params=["0.11", "0.12"])
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Neovim]:
    """An editor with an empty file and the scripted server."""
    with neovim(request.param, tmp_path, init=init_lua()) as one:
        one.edit(tmp_path / "sample.txt")
        yield one


def start(tmp_path: Path, settings: str = "{}", **extra: str) -> AbstractContextManager[Neovim]:
    return neovim("0.11", tmp_path, init=init_lua(settings, **extra))


def suggest(editor: Neovim, typed: str = "x", said: Any = " = one + two(3)\nsecond line\nthird") -> None:
    editor.answers({typed: said})
    editor.keys(f"i{typed}")
    editor.wait_for_ghost()


def told(editor: Neovim, method: str) -> list[dict[str, Any]]:
    return editor.lua("return Scripted.of(Scripted.told, ...)", method)


def executed(editor: Neovim) -> list[tuple[str, list[Any]]]:
    asked = editor.lua("return Scripted.of(Scripted.asked, 'workspace/executeCommand')")
    return [(one["command"], one["arguments"]) for one in asked]


def kinds(editor: Neovim) -> list[int]:
    """The trigger kinds of all requests: 1 invoked, 2 automatic."""
    asked = editor.lua("return Scripted.of(Scripted.asked, 'textDocument/inlineCompletion')")
    return [one["context"]["triggerKind"] for one in asked]


# -- what they do


def test_accept_takes_everything_and_tells_the_server(editor: Neovim) -> None:
    suggest(editor)
    editor.keys("<Tab>")
    assert editor.lines == ["x = one + two(3)", "second line", "third"]
    assert [name for name, _ in executed(editor)] == ["foretype.accepted"]
    assert "⟦" not in editor.screen.text()


def test_accept_word_takes_a_word_at_a_time(editor: Neovim) -> None:
    suggest(editor)
    shown = list[str]()
    for _ in range(6):
        editor.keys("<M-Right>")
        shown.append(editor.lines[-1])
    assert shown == ["x =", "x = one", "x = one +", "x = one + two", "x = one + two(", "x = one + two(3"]
    assert editor.screen.row(0) == "x = one + two(3⟦)⟧"
    editor.keys("<M-Right><M-Right>")
    assert editor.lines == ["x = one + two(3)", "second"]
    lengths = [one["acceptedLength"] for one in told(editor, "textDocument/didPartiallyAcceptCompletion")]
    assert lengths == [2, 6, 8, 12, 13, 14, 15, 22]


def test_lengths_are_those_of_the_servers_text(editor: Neovim) -> None:
    suggest(editor, said=" = 1\r\nsecond line\r\nthird")
    editor.keys("<M-C-Right><M-C-Right>")
    assert editor.lines == ["x = 1", "second line"]
    lengths = [one["acceptedLength"] for one in told(editor, "textDocument/didPartiallyAcceptCompletion")]
    assert lengths == [4, 17]


def test_accept_line_takes_a_line_at_a_time(editor: Neovim) -> None:
    suggest(editor)
    editor.keys("<M-C-Right>")
    assert editor.lines == ["x = one + two(3)"]
    assert editor.screen.row(1) == "⟦second line⟧"
    editor.keys("<M-C-Right>")
    assert editor.lines == ["x = one + two(3)", "second line"]
    editor.keys("<M-C-Right>")
    assert editor.lines == ["x = one + two(3)", "second line", "third"]
    assert [name for name, _ in executed(editor)] == ["foretype.accepted"]


def test_accepting_by_pieces_closes_no_bracket_twice(editor: Neovim) -> None:
    editor.answers({"f(": {"insertText": "a) + b", "right": 1}})
    editor.keys("if()<Left>")
    editor.lua("require('foretype').trigger()")
    editor.wait_for_ghost("f(⟦a⟧)⟦ + b⟧")
    editor.answers({})
    editor.keys("<M-Right>")
    assert editor.lines == ["f(a)"]
    editor.keys("<M-Right>")
    assert editor.lines == ["f(a)"]
    editor.keys("<M-Right><M-Right>")
    assert editor.lines == ["f(a) + b"]


def test_next_and_previous_go_round(editor: Neovim) -> None:
    editor.answers({"x": ["one", "two", "three"]})
    editor.keys("ix")
    editor.wait_for_ghost("x⟦one⟧")
    assert kinds(editor) == [2]
    for key, shown in (("<M-]>", "two"), ("<M-]>", "three"), ("<M-]>", "one"), ("<M-[>", "three")):
        editor.keys(key)
        editor.wait_for_ghost(f"x⟦{shown}⟧")
    assert kinds(editor) == [2, 1]
    editor.keys("<Tab>")
    assert editor.lines == ["xthree"]


def test_dismiss_takes_it_away_until_the_text_changes(editor: Neovim) -> None:
    suggest(editor)
    editor.keys("<C-]>")
    editor.idle()
    assert "⟦" not in editor.screen.text()
    assert [name for name, _ in executed(editor)] == ["foretype.dismissed"]
    editor.keys("<BS>x")
    editor.wait_for_ghost()


def test_trigger_asks_at_once(editor: Neovim) -> None:
    editor.command("let b:foretype = v:false")
    editor.answers({"x": "yz"})
    editor.keys("ix")
    editor.idle()
    assert "⟦" not in editor.screen.text()
    editor.command("unlet b:foretype")
    editor.keys("<M-Bslash>")
    editor.wait_for_ghost("x⟦yz⟧")


def test_an_acceptance_is_one_step_of_undo(editor: Neovim) -> None:
    suggest(editor, "abc", "def\nghi")
    editor.keys("<Tab>jkl<Esc>u")
    assert editor.lines == ["abc"]


def test_a_shown_suggestion_is_reported_once(editor: Neovim) -> None:
    suggest(editor)
    editor.answers({})
    editor.keys(" <BS> ")
    ids = [one["item"]["command"]["arguments"] for one in told(editor, "textDocument/didShowCompletion")]
    assert ids == [["id-1"]]


# -- what they did before


def test_without_a_suggestion_the_keys_are_themselves(editor: Neovim) -> None:
    editor.command("set expandtab shiftwidth=4 softtabstop=4")
    editor.keys("ia<Tab>b<C-]>")
    assert editor.lines == ["a   b"]


@pytest.mark.parametrize(
    "mapping",
    [
        "inoremap <Tab> earlier",
        "inoremap <expr> <Tab> 'ear' .. 'lier'",
        "imap <Tab> <Plug>(x)\ninoremap <Plug>(x) earlier",
        "imap <Tab> ea<C-F>r\ninoremap <C-F> rlie",
        "function! s:word() abort\nreturn 'earlier'\nendfunction\ninoremap <expr> <Tab> <SID>word()",
        "lua vim.keymap.set('i', '<Tab>', function() return 'earlier' end, { expr = true })",
        "lua vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({ 'earlier' }, 'c', false, true) end)",
        "lua vim.keymap.set('i', '<Tab>', function() return '<BS>xearlier' end, { expr = true })",
    ],
)
def test_an_earlier_mapping_is_done_when_there_is_no_suggestion(tmp_path: Path, mapping: str) -> None:
    script = tmp_path / "mapping.vim"
    script.write_text(mapping + "\n")
    with start(tmp_path, before=f"vim.cmd.source('{script}')") as editor:
        editor.edit(tmp_path / "sample.txt")
        editor.keys("ia<Tab>")
        editor.idle()
        assert editor.lines in (["aearlier"], ["xearlier"])
        editor.answers({"x": "yz"})
        editor.keys("<Esc>ccx")
        editor.wait_for_ghost()
        editor.keys("<Tab>")
        assert editor.lines == ["xyz"]


def test_a_buffer_local_mapping_wins_and_may_call_the_plug(tmp_path: Path) -> None:
    with start(tmp_path) as editor:
        editor.edit(tmp_path / "sample.txt")
        editor.lua(
            """vim.keymap.set('i', '<C-F>', function()
              return require('foretype').visible() and '<Plug>(foretype-accept)' or 'none'
            end, { buffer = true, expr = true, remap = true })"""
        )
        editor.keys("i<C-F>")
        assert editor.lines == ["none"]
        editor.keys("<Esc>cc<Esc>")
        suggest(editor, "a", "bc")
        editor.keys("<C-F>")
        assert editor.lines == ["abc"]


def test_every_key_can_be_turned_off(tmp_path: Path) -> None:
    names = ("accept", "accept_word", "accept_line", "next", "previous", "dismiss", "trigger")
    settings = "{ keys = { " + ", ".join(f"{name} = false" for name in names) + " } }"
    with start(tmp_path, settings) as editor:
        mapped = editor.lua(
            """return vim.tbl_map(function(mapping) return { mapping.lhs, mapping.desc or '' } end,
              vim.api.nvim_get_keymap('i'))"""
        )
        ours = [lhs for lhs, what in mapped if what.startswith("foretype: ")]
        assert ours
        assert all(lhs.startswith("<Plug>") for lhs in ours)
        editor.edit(tmp_path / "sample.txt")
        suggest(editor, "a", "bc")
        editor.keys("<Tab>")
        assert editor.lines == ["a\t"]


def test_other_keys_can_be_chosen(tmp_path: Path) -> None:
    with start(tmp_path, "{ keys = { accept = '<C-F>' } }") as editor:
        editor.edit(tmp_path / "sample.txt")
        suggest(editor, "a", "bc")
        editor.keys("<C-F>")
        assert editor.lines == ["abc"]


def test_setting_up_again_gives_the_keys_back(tmp_path: Path) -> None:
    with start(tmp_path, before="vim.keymap.set('i', '<C-F>', 'earlier')") as editor:
        editor.edit(tmp_path / "sample.txt")
        for key in ("<C-F>", "<C-F>", "<C-G>x"):
            editor.lua(
                """local keys = { accept = ... }
                require('foretype').setup({ debounce_ms = 0, cmd = Scripted.start, keys = keys })""",
                key,
            )
        editor.keys("i<C-F><Tab>")
        assert editor.lines == ["earlier\t"]


# -- with the completion menu


def test_accepting_closes_the_menu_and_keeps_what_was_typed(editor: Neovim) -> None:
    editor.command("set completeopt=menuone,noselect")
    editor.answers({"abc": "defg"})
    editor.keys("iabcxyz abczzz<CR>abc")
    editor.wait_for_ghost()
    editor.keys("<C-n>")
    assert editor.lua("return vim.fn.pumvisible()") == 1
    assert "⟦defg⟧" in editor.screen.text()
    editor.keys("<Tab>")
    assert editor.lines[-1] == "abcdefg"
    assert editor.lua("return vim.fn.pumvisible()") == 0


def test_a_selected_entry_of_the_menu_hides_what_does_not_fit(editor: Neovim) -> None:
    editor.answers({"abc": "defg"})
    editor.keys("iabcxyz abczzz<CR>abc")
    editor.wait_for_ghost()
    editor.keys("<C-n>")
    assert "⟦" not in editor.screen.text()
    editor.keys("<C-e>")
    editor.wait_for_ghost("abc⟦defg⟧")


def test_the_menu_can_hide_suggestions(tmp_path: Path) -> None:
    with start(tmp_path, "{ menu = 'hide' }") as editor:
        editor.edit(tmp_path / "sample.txt")
        editor.command("set completeopt=menuone,noselect")
        editor.answers({"abc": "defg"})
        editor.keys("iabcxyz abczzz<CR>abc")
        editor.wait_for_ghost()
        editor.keys("<C-n>")
        assert "⟦" not in editor.screen.text()
        editor.keys("<C-e>")
        editor.wait_for_ghost("abc⟦defg⟧")
