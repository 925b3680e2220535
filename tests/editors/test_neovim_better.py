"""A better suggestion takes the place of an early one in real Neovims."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from foretype.tests.support.neovim import Neovim, init_lua, neovim

pytestmark = pytest.mark.editors


@pytest.fixture(params=["0.11", "0.12"])
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Neovim]:
    """An editor in which an early suggestion stands behind "return "."""
    with neovim(request.param, tmp_path, init=init_lua()) as one:
        one.edit(tmp_path / "sample.txt")
        one.answers({"return ": "early"})
        one.keys("ireturn ")
        one.wait_for_ghost("⟦early⟧")
        one.answers({"return ": "better", "return e": "better", "return x": "x better"})
        yield one


def hears(editor: Neovim, replaces: str | None = None, uri: str | None = None) -> None:
    """The server says that it has something better; what is asked and answered then comes to its end."""
    editor.lua(
        """local replaces, uri = ...
        local shown = Scripted.of(Scripted.told, 'textDocument/didShowCompletion')
        local last = shown[#shown].item.command.arguments[1]
        Scripted.dispatchers.notification('foretype/betterSuggestion', {
          textDocument = { uri = uri ~= vim.NIL and uri or vim.uri_from_bufnr(0), version = 1 },
          suggestion = 'id-of-another',
          replaces = replaces ~= vim.NIL and replaces or last,
        })""",
        replaces,
        uri,
    )
    editor.idle()


def asked(editor: Neovim) -> int:
    return editor.lua("return #Scripted.of(Scripted.asked, 'textDocument/inlineCompletion')")


def test_it_is_shown_at_once(editor: Neovim) -> None:
    hears(editor)
    editor.wait_for_ghost("⟦better⟧")
    editor.keys("<Tab>")
    assert editor.lines == ["return better"]


def test_what_was_typed_into_stays_until_the_server_says_so(editor: Neovim) -> None:
    editor.answers({"return e": "xactly"})
    editor.keys("e")
    editor.idle()
    assert editor.screen.row(0) == "return e⟦arly⟧"
    hears(editor)
    editor.wait_for_ghost("return e⟦xactly⟧")


def test_what_was_sent_away_stays_away(editor: Neovim) -> None:
    editor.lua("require('foretype').dismiss()")
    editor.idle()
    hears(editor)
    assert "⟦" not in editor.screen.text()


@pytest.mark.parametrize(("replaces", "uri"), [("id-of-an-older-one", None), (None, "file:///another.txt")])
def test_news_of_another_suggestion_or_document_is_no_question(
    editor: Neovim, replaces: str | None, uri: str | None
) -> None:
    before = asked(editor)
    hears(editor, replaces, uri)
    assert asked(editor) == before
    assert "⟦early⟧" in editor.screen.text()


def test_where_nothing_stands_it_appears(editor: Neovim) -> None:
    editor.answers({})
    editor.keys("x")
    editor.idle()
    assert "⟦" not in editor.screen.text()
    editor.answers({"return x": "-ray"})
    hears(editor, replaces="")
    editor.wait_for_ghost("return x⟦-ray⟧")
