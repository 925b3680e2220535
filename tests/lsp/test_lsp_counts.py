"""What is counted of a suggestion, from the editor's messages alone: typed, accepted, accepted in part."""

from __future__ import annotations

from typing import Any

import pytest
from foretype.lsp.statistics.ledger import Ledger, Settled
from foretype.tests.support.notebook_editor import NotebookEditor, notebook_editor

URI = "file:///srv/space/a.py"


class Counting:
    """A document in an editor. Its state: its text with the cursor at its end, and what was settled."""

    def __init__(self, used: NotebookEditor, text: str) -> None:
        self.used, self.text, self.version = used, text, 1
        self.settled: list[Settled] = []
        used.inside.server.session.books.ledger = Ledger(self.settled.append)
        document = {"uri": URI, "languageId": "python", "version": 1, "text": text}
        used.tell("textDocument/didOpen", {"textDocument": document})

    def place(self) -> dict[str, int]:
        line = self.text.count("\n")
        return {"line": line, "character": len(self.text) - (self.text.rfind("\n") + 1)}

    def insert(self, text: str) -> None:
        self.version += 1
        place = self.place()
        change = {"range": {"start": place, "end": place}, "text": text}
        document = {"uri": URI, "version": self.version}
        self.used.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        self.text += text

    async def ask(self) -> dict[str, Any]:
        place = self.place()
        (item,) = await self.used.items(URI, place["line"], place["character"])
        return item

    async def type(self, text: str, *, asking: bool) -> None:
        for letter in text:
            self.insert(letter)
            if asking and not letter.isspace():
                await self.ask()

    def take_part(self, item: dict[str, Any], text: str, length: int) -> None:
        self.insert(text)
        self.used.tell("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": length})

    async def take(self, item: dict[str, Any], rest: str) -> None:
        self.insert(rest)
        self.used.inside.feed(
            {
                "jsonrpc": "2.0",
                "id": "take",
                "method": "workspace/executeCommand",
                "params": item["command"],
            }
        )
        await self.used.inside.settle()

    def counts(self) -> tuple[int, int, int]:
        """(characters, accepted, typed by hand) of the one suggestion."""
        self.used.inside.server.session.books.ledger.close_all()
        (one,) = self.settled
        return one.characters, one.accepted, one.typed


LONG = "value + value + value + value"


@pytest.mark.parametrize("asking", [True, False])
async def test_what_is_typed_by_hand_is_not_accepted(asking: bool) -> None:
    async with notebook_editor() as used:
        used.backend.words = LONG
        counting = Counting(used, "value = 1\nx = ")
        item = await counting.ask()
        await counting.type(LONG[:-5], asking=asking)
        await counting.take(item, LONG[-5:])
        assert counting.counts() == (len(LONG), 5, len(LONG) - 5)


async def test_what_is_typed_to_its_end_is_not_accepted() -> None:
    async with notebook_editor() as used:
        used.backend.words = LONG
        counting = Counting(used, "value = 1\nx = ")
        await counting.ask()
        await counting.type(LONG, asking=False)
        assert counting.counts() == (len(LONG), 0, len(LONG))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_parts_of_several_lines_count_whatever_the_line_ends(end: str) -> None:
    block = f"{end}    y = value{end}    z = value"
    async with notebook_editor() as used:
        used.backend.words = block.replace("\r\n", "\n")
        counting = Counting(used, f"value = 1{end}if value:")
        item = await counting.ask()
        assert item["insertText"] == block
        first = f"{end}    y = value"
        counting.take_part(item, first, len(first))
        counting.insert(end)
        counting.take_part(item, "    z", len(first) + len(end) + 5)
        one, typed = len("\n    y = value"), 1
        assert counting.counts() == (2 * one, one + 5, typed)


async def test_parts_of_what_is_left_count_from_where_it_began() -> None:
    async with notebook_editor() as used:
        used.backend.words = LONG
        counting = Counting(used, "value = 1\nx = ")
        await counting.ask()
        await counting.type("value ", asking=False)
        rest = await counting.ask()
        counting.take_part(rest, "+ value", 7)
        assert counting.counts() == (len(LONG), 7, 6)


async def test_a_suggestion_accepted_at_once_counts_whole() -> None:
    async with notebook_editor() as used:
        used.backend.words = LONG
        counting = Counting(used, "value = 1\nx = ")
        item = await counting.ask()
        await counting.take(item, LONG)
        assert counting.counts() == (len(LONG), len(LONG), 0)
