"""The oracle: what every open document holds after some messages, worked out in the plainest way there is.

Shares no code with the product. Lines and columns are found by walking over the text one character at a time.
What an odd message means is the product's own promise: whatever has a text and a place is applied, what is
missing counts as 0, a place outside is moved inside, a lone surrogate is U+FFFD.
"""

from __future__ import annotations

import math
from typing import Any, cast

Fields = dict[str, Any]


def fields_of(value: Any) -> Fields:
    """The value if it is a map, else an empty one."""
    return cast("Fields", value) if isinstance(value, dict) else {}


def items_of(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def number_of(value: Any) -> int:
    """The value if it is a number that JSON can carry exactly, else 0."""
    if isinstance(value, int | float) and not (isinstance(value, float) and math.isnan(value)):
        return int(value) if abs(value) < 2**53 else 0
    return 0


def clean(text: str) -> str:
    """The text without lone surrogates."""
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)


def width(character: str, encoding: str) -> int:
    """Code units of a character."""
    if encoding == "utf-32":
        return 1
    if encoding == "utf-8":
        return len(character.encode("utf-8"))
    return 2 if ord(character) > 0xFFFF else 1


def place_in(text: str, position: Any, encoding: str) -> int:
    """The offset in code points of a position."""
    said = fields_of(position)
    line, column = number_of(said.get("line")), number_of(said.get("character"))
    if line < 0:
        return 0
    at = 0
    while line and at < len(text):
        if text[at] == "\n" or (text[at] == "\r" and text[at + 1 : at + 2] != "\n"):
            line -= 1
        at += 1
    if line:
        return len(text)
    left = column
    while at < len(text) and text[at] not in "\r\n":
        left -= width(text[at], encoding)
        if left < 0:
            break
        at += 1
    return at


class ModelDocuments:
    """Every open document. Its state: texts by URI, which were cells of a notebook, and the encoding.

    Attributes:
        texts: of all open documents.
        cells: documents that a notebook's message named: whether those are open also depends on the notebook.
        encoding: what columns count.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.cells: set[str] = set()
        self.encoding = "utf-16"

    def hear(self, message: Any) -> None:
        """Take a message in as the protocol means it."""
        said = fields_of(message)
        method, params = said.get("method"), fields_of(said.get("params"))
        if isinstance(said.get("id"), str | int):
            if method == "initialize":
                self._negotiate(fields_of(fields_of(params.get("capabilities")).get("general")))
        elif method == "textDocument/didOpen":
            self._open(params.get("textDocument"))
        elif method == "textDocument/didChange":
            self._change(params.get("textDocument"), params.get("contentChanges"))
        elif method == "textDocument/didClose":
            self._close(params.get("textDocument"))
        else:
            self._hear_of_notebooks(method, params)

    def _negotiate(self, general: Fields) -> None:
        offered = items_of(general.get("positionEncodings"))
        self.encoding = next((each for each in offered if each in ("utf-8", "utf-16", "utf-32")), "utf-16")

    def _hear_of_notebooks(self, method: Any, params: Fields) -> None:
        if method == "notebookDocument/didOpen":
            for cell in items_of(params.get("cellTextDocuments")):
                self._open(cell, cell=True)
        elif method == "notebookDocument/didChange":
            self._notebook_change(fields_of(fields_of(params.get("change")).get("cells")))
        elif method == "notebookDocument/didClose":
            for cell in items_of(params.get("cellTextDocuments")):
                self._close(cell)

    def _notebook_change(self, cells: Fields) -> None:
        structure = fields_of(cells.get("structure"))
        for cell in items_of(structure.get("didClose")):
            self._close(cell)
        for cell in items_of(structure.get("didOpen")):
            self._open(cell, cell=True)
        for change in items_of(cells.get("textContent")):
            self._change(fields_of(change).get("document"), fields_of(change).get("changes"))

    def _open(self, item: Any, *, cell: bool = False) -> None:
        said = fields_of(item)
        uri, text = said.get("uri"), said.get("text")
        if isinstance(uri, str) and isinstance(text, str):
            self.texts[uri] = clean(text)
            if cell or "notebook" in uri or "#" in uri:
                self.cells.add(uri)

    def _close(self, item: Any) -> None:
        uri = fields_of(item).get("uri")
        if isinstance(uri, str):
            self.texts.pop(uri, None)

    def _change(self, identifier: Any, changes: Any) -> None:
        uri = str(fields_of(identifier).get("uri"))
        if uri not in self.texts or not isinstance(changes, list):
            return
        for change in cast("list[Any]", changes):
            said = fields_of(change)
            new = said.get("text")
            if not isinstance(new, str):
                continue
            span, text = fields_of(said.get("range")), self.texts[uri]
            if not span:
                self.texts[uri] = clean(new)
                continue
            ends = sorted(place_in(text, span.get(each), self.encoding) for each in ("start", "end"))
            self.texts[uri] = text[: ends[0]] + clean(new) + text[ends[1] :]
