"""Who waits for the next edit, and for how long: ghost text a moment, and nobody for a text that is gone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest
from foretype.lsp.edits import next_edits
from foretype.lsp.edits.searching import READABLE_LINE
from foretype.tests.support.next_edit_editor import SOURCE, URI, Editor

CALLS = "draw(a, one)\ndraw(b, two)\ndraw(c, three)\n"


class Searches:
    """Stands in for the search: it waits until it is let go, and counts."""

    def __init__(self, search: Callable[..., Any]) -> None:
        self.begun = 0
        self.wanted: list[bool] = []
        self.go_on = threading.Event()
        self._search = search

    def __call__(self, *arguments: Any) -> Any:
        self.begun += 1
        self.go_on.wait()
        self.wanted.append(arguments[-1]())
        return self._search(*arguments)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Generator[Searches]:
    found = Searches(next_edits.first_proposal)
    monkeypatch.setattr(next_edits, "first_proposal", found)
    yield found
    found.go_on.set()


async def changed(text: str = SOURCE) -> Editor:
    editor = Editor()
    editor.open(text)
    if text == CALLS:
        editor.change(((0, 11, 0, 11), ", pen"))
        editor.change(((1, 11, 1, 11), ", pen"))
    else:
        editor.change(((0, 9, 0, 10), "width"))
    return editor


def ask(editor: Editor, number: str, line: int, character: int, method: str) -> None:
    """Ask without waiting for the answer."""
    place = {"line": line, "character": character}
    params = {"textDocument": {"uri": URI}, "position": place, "context": {"triggerKind": 2}}
    editor.inside.feed({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


async def test_ghost_text_does_not_wait_for_a_long_search(searches: Searches) -> None:
    editor = await changed(CALLS)
    ask(editor, "ghost", 2, 13, "textDocument/inlineCompletion")
    await editor.inside.settle()
    (answer,) = editor.inside.answers["ghost"]
    assert answer["result"] == {"items": []}, "the model says nothing here, and the search goes on"
    searches.go_on.set()
    assert [each["text"] for each in await editor.next_edits(2, 13)] == [", pen"]
    assert searches.begun == 1, "who asks the same has the same search"
    await editor.inside.end()


async def test_a_search_for_a_text_that_is_gone_is_given_up(searches: Searches) -> None:
    editor = await changed()
    ask(editor, "old", 0, 14, "textDocument/copilotInlineEdit")
    while not searches.begun:  # noqa: ASYNC110 - the thread gives no event
        await next_edits.asyncio.sleep(0)
    editor.change(((0, 14, 0, 14), "s"))
    searches.go_on.set()
    (edit,) = await editor.next_edits(0, 15)
    assert edit["text"] == "widths"
    assert editor.inside.answers["old"][0]["result"] == {"edits": []}
    assert searches.wanted == [False, True]
    await editor.inside.end()


async def test_a_document_that_is_closed_while_it_is_searched_has_no_edits(searches: Searches) -> None:
    editor = await changed()
    ask(editor, "old", 0, 14, "textDocument/copilotInlineEdit")
    closed = {"textDocument": {"uri": URI}}
    editor.inside.feed({"jsonrpc": "2.0", "method": "textDocument/didClose", "params": closed})
    searches.go_on.set()
    await editor.inside.settle()
    assert editor.inside.answers["old"][0]["result"] == {"edits": []}
    await editor.inside.end()


async def test_a_request_that_is_cancelled_costs_the_other_nothing(searches: Searches) -> None:
    editor = await changed()
    ask(editor, "one", 0, 14, "textDocument/copilotInlineEdit")
    ask(editor, "other", 0, 14, "textDocument/copilotInlineEdit")
    while not searches.begun:  # noqa: ASYNC110 - the thread gives no event
        await next_edits.asyncio.sleep(0)
    editor.inside.feed({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "one"}})
    searches.go_on.set()
    await editor.inside.settle()
    assert editor.inside.answers["one"][0]["error"]["code"] == -32800
    assert len(editor.inside.answers["other"][0]["result"]["edits"]) == 1
    assert searches.begun == 1
    await editor.inside.end()


async def test_what_is_shown_again_counts_once() -> None:
    editor = await changed()
    counted: list[tuple[str, str]] = []
    editor.inside.server.session.books.edited = lambda kind, fate: counted.append((kind, fate))  # type: ignore[method-assign]
    for _ in range(2):
        (edit,) = await editor.next_edits(0, 14)
        shown = {"item": {"command": edit["command"]}}
        editor.inside.feed({"jsonrpc": "2.0", "method": "textDocument/didShowInlineEdit", "params": shown})
    assert counted == [("rename", "shown")]
    await editor.inside.end()


async def test_ghost_text_that_is_a_next_edit_counts_as_one() -> None:
    editor = await changed(CALLS)
    counted: list[tuple[str, str]] = []
    editor.inside.server.session.books.edited = lambda kind, fate: counted.append((kind, fate))  # type: ignore[method-assign]
    ask(editor, "ghost", 2, 13, "textDocument/inlineCompletion")
    await editor.inside.settle()
    (item,) = editor.inside.answers["ghost"][0]["result"]["items"]
    editor.inside.feed(
        {"jsonrpc": "2.0", "method": "textDocument/didShowCompletion", "params": {"item": item}}
    )
    await editor.run(item["command"]["command"], *item["command"]["arguments"])
    assert [fate for _, fate in counted] == ["shown", "taken"]
    await editor.inside.end()


async def test_what_is_edited_in_a_line_that_a_program_wrote_counts_for_nothing() -> None:
    for width, found in ((10, 1), (READABLE_LINE, 0)):
        editor = Editor()
        editor.open("def area(w): return w  # " + "x" * width + "\n")
        editor.change(((0, 9, 0, 10), "width"))
        assert len(await editor.next_edits(0, 14)) == found
        await editor.inside.end()
