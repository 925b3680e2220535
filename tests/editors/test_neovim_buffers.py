"""Where the Neovim plugin keeps quiet, and what its commands and its status line say."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support.neovim import Neovim, init_lua, neovim

pytestmark = pytest.mark.editors


@pytest.fixture
def editor(tmp_path: Path) -> Generator[Neovim]:
    """An editor with a Python file of one line and the scripted server."""
    with start(tmp_path) as one:
        one.edit(tmp_path / "sample.py", "import os\n")
        one.answers({"x": "yz", "x = ": "1"})
        yield one


def start(
    tmp_path: Path, settings: str = "{}", version: str = "0.11", **extra: Any
) -> AbstractContextManager[Neovim]:
    return neovim(version, tmp_path, init=init_lua(settings, **extra))


def asked(editor: Neovim, method: str = "textDocument/inlineCompletion") -> list[dict[str, Any]]:
    return editor.lua("return Scripted.of(Scripted.asked, ...)", method)


def commanded(editor: Neovim) -> list[list[Any]]:
    return [[one["command"], *one["arguments"]] for one in asked(editor, "workspace/executeCommand")]


def stays_quiet(editor: Neovim, keys: str = "ix") -> None:
    """Typing asks nobody and shows nothing."""
    before = len(asked(editor))
    editor.keys(keys)
    editor.idle()
    assert len(asked(editor)) == before
    assert "⟦" not in editor.screen.text()


def speaks(editor: Neovim) -> None:
    """Typing brings a suggestion."""
    editor.keys("<Esc>ox")
    editor.wait_for_ghost("x⟦yz⟧")
    editor.keys("<Esc>")


# -- where it keeps quiet


@pytest.mark.parametrize(
    ("open_it", "keys"),
    [
        ("help", "ix"),
        ("enew | set buftype=prompt", "ix"),
        ("enew | set buftype=nofile filetype=python", "ix"),
        ("enew | set buftype=nowrite filetype=python", "ix"),
        ("edit other.py | set buftype=acwrite", "ix"),
        ("terminal", "ix"),
        ("copen", "ix"),
        ("setlocal nomodifiable", "ix"),
        ("let b:foretype = v:false", "ox"),
    ],
)
def test_it_keeps_quiet_where_nobody_writes_code(editor: Neovim, open_it: str, keys: str) -> None:
    editor.command(open_it)
    stays_quiet(editor, keys)


def test_it_keeps_quiet_in_the_command_line(editor: Neovim) -> None:
    stays_quiet(editor, ":x")
    editor.keys("<Esc>")
    stays_quiet(editor, "/x")
    editor.keys("<Esc>")
    stays_quiet(editor, "q:ix")


def test_it_keeps_quiet_in_replace_mode_and_while_a_macro_runs(editor: Neovim) -> None:
    stays_quiet(editor, "Rx<Esc>")
    stays_quiet(editor, ':let @a = "ox\\<lt>Esc>"<CR>@a')
    assert editor.lines[-1] == "x"


def test_file_types_can_be_switched_off(tmp_path: Path) -> None:
    with start(tmp_path, "{ filetypes = { markdown = false } }") as editor:
        editor.answers({"x": "yz"})
        editor.edit(tmp_path / "sample.md")
        stays_quiet(editor)
        editor.command("stopinsert")
        editor.edit(tmp_path / "sample.py")
        speaks(editor)


def test_only_named_file_types_can_be_switched_on(tmp_path: Path) -> None:
    with start(tmp_path, "{ filetypes = { ['*'] = false, python = true } }") as editor:
        editor.answers({"x": "yz"})
        editor.edit(tmp_path / "sample.md")
        stays_quiet(editor)
        editor.command("stopinsert")
        editor.edit(tmp_path / "sample.py")
        speaks(editor)


def test_a_large_file_is_left_alone(tmp_path: Path) -> None:
    with start(tmp_path, "{ max_bytes = 100 }") as editor:
        editor.answers({"x": "yz"})
        large = tmp_path / "large.py"
        large.write_text("import os\n" * 20)
        editor.command(f"edit {large}")
        stays_quiet(editor)
        assert editor.lua("return Scripted.starts") == 0


def test_without_auto_only_the_trigger_key_asks(tmp_path: Path) -> None:
    with start(tmp_path, "{ auto = false }") as editor:
        editor.answers({"x": "yz"})
        editor.edit(tmp_path / "sample.py")
        stays_quiet(editor)
        editor.keys("<M-Bslash>")
        editor.wait_for_ghost("x⟦yz⟧")


# -- one server for all


def test_workspaces_share_one_server(tmp_path: Path) -> None:
    with start(tmp_path) as editor:
        for name in ("one", "two"):
            (tmp_path / name / ".git").mkdir(parents=True)
            editor.edit(tmp_path / name / "sample.py")
        assert editor.lua("return Scripted.starts") == 1
        added = editor.lua("return Scripted.of(Scripted.told, 'workspace/didChangeWorkspaceFolders')")
        assert [one["event"]["added"][0]["name"] for one in added] == [str(tmp_path / "two")]
        editor.command(f"edit {tmp_path / 'one' / 'sample.py'}")
        focused = editor.lua("return Scripted.of(Scripted.told, 'textDocument/didFocus')")
        assert focused[-1]["textDocument"]["uri"].endswith("/one/sample.py")


def test_the_server_hears_where_the_cursor_rests_and_nothing_while_somebody_writes(editor: Neovim) -> None:
    editor.keys("ione<CR>ä𝄞 two<Esc>0fw")
    editor.wait_lua("#Scripted.of(Scripted.told, 'textDocument/didFocus') > 0")
    resting = "Scripted.of(Scripted.told, 'textDocument/didFocus')"
    editor.wait_lua(f"({resting}[#{resting}].position or {{}}).character == 5")
    (*_, last) = editor.lua(f"return {resting}")
    assert last["position"] == {"line": 1, "character": 5}
    editor.keys("i")
    before = editor.lua(f"return #{resting}")
    editor.lua("vim.wait(400)")
    assert editor.lua(f"return #{resting}") == before


def test_requests_say_what_the_server_wants_to_know(editor: Neovim) -> None:
    editor.command("set expandtab shiftwidth=2")
    editor.keys("oä𝄞x")
    editor.wait_for_ghost("x⟦yz⟧")
    (request,) = asked(editor)
    assert request["position"] == {"line": 1, "character": 4}
    assert request["formattingOptions"] == {"tabSize": 2, "insertSpaces": True}
    hello = asked(editor, "initialize")[0]
    assert hello["initializationOptions"] == {"status": True, "betterSuggestions": True}
    assert hello["capabilities"]["textDocument"]["inlineCompletion"] == {"dynamicRegistration": False}


def test_typing_fast_asks_once_after_the_pause(tmp_path: Path) -> None:
    with start(tmp_path, "{ debounce_ms = 40 }") as editor:
        editor.answers({"abcx": "yz"})
        editor.edit(tmp_path / "sample.py")
        editor.keys("iabcx")
        editor.wait_for_ghost("x⟦yz⟧")
        assert len(asked(editor)) == 1


def test_a_server_that_dies_is_started_again_but_not_for_ever(editor: Neovim) -> None:
    editor.lua("vim.notify = function() end")  # Neovim itself has something to say, and waits for a key
    for starts in (2, 3, 4):
        editor.lua("Scripted.dispatchers.on_exit(1, 0)")
        editor.wait_lua(f"Scripted.starts == {starts}")
        editor.wait_lua("#vim.lsp.get_clients({ name = 'foretype', bufnr = 0 }) == 1")
    speaks(editor)
    editor.lua("Scripted.dispatchers.on_exit(1, 0)")
    editor.wait_lua("require('foretype').status().state == 'stopped'")
    assert "keeps ending" in editor.lua("return require('foretype').status().message")
    stays_quiet(editor, "ox")
    editor.keys("<Esc>")
    editor.command("Foretype restart")
    editor.wait_lua("#vim.lsp.get_clients({ name = 'foretype', bufnr = 0 }) == 1")
    speaks(editor)


# -- :Foretype


def test_disable_and_enable(editor: Neovim) -> None:
    uri = editor.lua("return vim.uri_from_bufnr(0)")
    for scope in ("everywhere", "language", "buffer"):
        editor.command(f"Foretype disable {scope}")
        stays_quiet(editor, "ox<Esc>")
        editor.command(f"Foretype enable {scope}")
        speaks(editor)
    editor.command("Foretype toggle")
    stays_quiet(editor, "ox<Esc>")
    editor.command("Foretype toggle")
    speaks(editor)
    said = [words for words in commanded(editor) if words[0] != "foretype.accepted"]
    assert said == [
        ["foretype.disable", "everywhere", uri],
        ["foretype.enable", "everywhere", uri],
        ["foretype.disable", "language", uri],
        ["foretype.enable", "language", uri],
        ["foretype.disable", "everywhere", uri],
        ["foretype.enable", "everywhere", uri],
    ]


def test_subcommands_and_their_arguments_complete(editor: Neovim) -> None:
    def complete(line: str) -> list[str]:
        return editor.lua("return vim.fn.getcompletion(..., 'cmdline')", line)

    assert complete("Foretype re") == ["restart"]
    assert complete("Foretype ") == sorted(complete("Foretype "))
    assert {"enable", "disable", "status", "model", "context", "log", "health"} <= set(complete("Foretype "))
    assert complete("Foretype disable l") == ["language"]
    assert complete("Foretype disable language x") == []


def test_an_unknown_subcommand_is_named(editor: Neovim) -> None:
    editor.lua("vim.notify = function(text) Said = text end")
    editor.command("Foretype frobnicate")
    assert "frobnicate" in editor.lua("return Said")
    editor.command("Foretype disable somewhere")
    assert "somewhere" in editor.lua("return Said")


def test_what_the_server_answers_is_shown(editor: Neovim) -> None:
    editor.lua(
        """vim.notify = function(text) Said = text end
        Scripted.commands = {
          ['foretype.showContext'] = '# What the model sees\\n\\nprefix',
          ['foretype.statistics'] = 'shown 3',
          ['foretype.chooseModel'] = 'The model is tiny.',
        }"""
    )
    editor.command("Foretype model tiny")
    editor.wait_lua("Said == 'foretype: The model is tiny.'")
    editor.command("Foretype context")
    editor.wait_lua("vim.bo.filetype == 'markdown'")
    assert editor.lines == ["# What the model sees", "", "prefix"]
    editor.keys("q")
    editor.command("Foretype statistics")
    editor.wait_lua("vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == 'shown 3'")
    editor.keys("q")
    assert ["foretype.chooseModel", "tiny"] in commanded(editor)


def test_the_log_is_opened_or_its_absence_named(editor: Neovim, tmp_path: Path) -> None:
    log = tmp_path / "lsp log.txt"
    editor.lua("vim.notify = function(text) Said = text end")
    editor.lua("Scripted.commands = { ['foretype.log'] = { server = ..., daemon = '/nowhere/x' } }", str(log))
    log.write_text("first\nlast\n")
    editor.command("Foretype log daemon")
    editor.wait_lua("Said and Said:find('/nowhere/x', 1, true)")
    editor.command("Foretype log")
    editor.wait_lua("vim.api.nvim_get_current_line() == 'last'")


def test_the_status_line_follows_the_server(editor: Neovim) -> None:
    def status(**fields: Any) -> str:
        editor.lua(
            """Scripted.dispatchers.notification('foretype/status', ...)""",
            {"message": "", "model": "tiny", **fields},
        )
        editor.wait_lua(f"require('foretype').status().state == '{fields['state']}'")
        return editor.lua("return require('foretype').statusline()")

    assert status(state="loading", percent=40) == "foretype …40"
    assert status(state="busy") == "foretype …"
    assert status(state="error", message="no model") == "foretype !"
    assert status(state="inactive") == "foretype off"
    assert status(state="ready") == "foretype"
    assert status(state="ready", elsewhere="gpu.example.org") == "foretype → gpu.example.org"
    assert status(state="busy", elsewhere="gpu.example.org") == "foretype … → gpu.example.org"
    assert status(state="inactive", elsewhere="gpu.example.org") == "foretype off"
    assert status(state="ready", elsewhere="") == "foretype"
    editor.command("Foretype disable buffer")
    assert status(state="ready") == "foretype off"
    editor.command("Foretype enable buffer")
    editor.answers({"x": ["one", "two"]})
    editor.keys("ox")
    editor.wait_for_ghost()
    editor.keys("<M-]>")
    editor.wait_for_ghost("two")
    assert status(state="ready") == "foretype 2/2"
    editor.lua("vim.notify = function(text) Said = text end")
    editor.command("Foretype")
    assert editor.lua("return Said") == "foretype: ready; model tiny"


# -- sources for completion menus


def test_the_sources_for_completion_plugins_offer_the_suggestion(editor: Neovim) -> None:
    editor.answers({"retu": "rn 1\nelse"})
    editor.keys("o  retu")
    editor.idle()
    editor.lua(
        """local here = vim.api.nvim_win_get_cursor(0)
        local blink = require('foretype.sources.blink').new()
        blink:get_completions({ bufnr = vim.api.nvim_get_current_buf(), cursor = here },
          function(answer) Blink = answer end)
        local cmp = require('foretype.sources.cmp').new()
        local cursor = { row = here[1], col = here[2] + 1 }
        cmp:complete({ context = { bufnr = vim.api.nvim_get_current_buf(), cursor = cursor } },
          function(answer) Cmp = answer end)"""
    )
    editor.wait_lua("Blink and Cmp")
    assert all("formattingOptions" in request for request in asked(editor))
    for answer in ("Blink", "Cmp"):
        (item,) = editor.lua(f"return {answer}.items")
        assert item["label"] == "return 1"
        assert item["textEdit"]["newText"] == "return 1\nelse"
        assert item["textEdit"]["range"]["start"] == {"line": 1, "character": 2}
        assert item["textEdit"]["range"]["end"] == {"line": 1, "character": 6}
    editor.lua(
        """require('foretype.sources.cmp').new():execute(Cmp.items[1], function() end)
        local blink = require('foretype.sources.blink').new()
        blink:execute({ bufnr = 0 }, Blink.items[1], function() Done = true end)"""
    )
    editor.wait_lua("Done")
    assert [name for name, *_ in commanded(editor)] == ["foretype.accepted", "foretype.accepted"]


# -- older and newer Neovims


def test_without_enable_in_the_lsp_library_the_server_is_started_by_hand(tmp_path: Path) -> None:
    by_hand = "vim.lsp.enable, vim.lsp.config = nil, nil"
    with start(tmp_path, "{ cmd = Scripted.start }", before=by_hand) as editor:
        editor.answers({"x": "yz"})
        editor.edit(tmp_path / "sample.py")
        speaks(editor)


def test_neovims_own_drawing_can_be_chosen(tmp_path: Path) -> None:
    with start(tmp_path, "{ builtin = true }", version="0.12") as editor:
        editor.answers({"x": "yz"})
        editor.edit(tmp_path / "sample.py")
        editor.keys("ix")
        editor.wait(lambda: "xyz" in editor.screen.text(), "ghost text of Neovim's own")
        assert "⟦" not in editor.screen.text()
        editor.keys("<Tab>")
        editor.wait_lua("vim.api.nvim_get_current_line() == 'xyz'")


# -- which folder it opens


@pytest.mark.parametrize(
    ("marks", "settings", "root"),
    [
        ([".git/", "packages/a/package.json"], "{}", ""),
        ([".git", "packages/a/package.json"], "{}", ""),
        (["pyproject.toml", "packages/a/package.json"], "{}", ""),
        (["packages/a/package.json"], "{}", "packages/a"),
        ([".git/", "packages/a/.git", "packages/a/src/package.json"], "{}", "packages/a"),
        ([".git/", "packages/a/package.json"], "{ root_markers = { 'package.json', '.git' } }", "packages/a"),
        ([], "{}", None),
    ],
)
def test_the_workspace_is_the_repository_however_many_packages_it_has(
    tmp_path: Path, marks: list[str], settings: str, root: str | None
) -> None:
    project = tmp_path / "project"
    file = project / "packages" / "a" / "src" / "x.py"
    file.parent.mkdir(parents=True)
    for mark in marks:
        (project / mark).mkdir() if mark.endswith("/") else (project / mark).touch()
    with start(tmp_path, settings) as editor:
        editor.edit(file)
        (begun,) = asked(editor, "initialize")
    opened: list[dict[str, str]] = begun.get("workspaceFolders") or []
    folders = [folder["uri"] for folder in opened]
    assert folders == ([] if root is None else [(project / root).as_uri().rstrip("/")])
