"""Notebooks: which cells belong together, in which order, and the text that they are to model and checks.

The cells of one language are one text, in the notebook's order, each beginning a line. Prose stays out of it:
a word there would be taken for a name of the code. A cell that its first line hands to another program
(`%%bash`) is a text of its own. Most editors say which cells a notebook has; the others send cells as mere
documents, and then a cell's URI tells its notebook, and its place in it as far as that can be known.

A key in one cell costs joining texts, and parsing around the difference; what is known of the other cells'
code stays. Knows no protocol and no prompts; positions are the documents' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from .cell_uris import CELL, cell_number

if TYPE_CHECKING:
    from ...context.syntax.snapshot import Snapshot
    from ...context.syntax.tree import SyntaxTree
    from .document import Document
    from .growing_tree import GrowingTree

_PROSE = "markdown"


@attrs.frozen
class Sheet:
    """The cells of one language as one text, at one instant.

    Attributes:
        name: what it is called among all texts that are open.
        language: its language.
        text: the cells' texts, each with a line end behind it, the last excepted.
        starts: where each cell's text begins, in code points, by URI.
    """

    name: str
    language: str
    text: str
    starts: dict[str, int]


@attrs.frozen
class _Cell:
    """What a cell's text says.

    Attributes:
        text: the text.
        called: the cell's language.
        language: that of its code; another where its first line says so.
        sheet: the name of the sheet that it is part of.
        code: its text as code, of the same length.
    """

    text: str
    called: str
    language: str
    sheet: str
    code: str


@attrs.define(eq=False)
class Notebook:
    """One open notebook.

    Its state: the URIs of its cells in order, those of them that are open, which hold prose, and what was
    last made of their texts.

    Attributes:
        uri: the notebook's.
        file: its absolute path, or "".
        told: whether the editor says which cells it has; else their URIs do.
    """

    uri: str
    file: str
    told: bool = True
    order: list[str] = attrs.field(factory=list[str])
    prose: set[str] = attrs.field(factory=set[str])
    _open: dict[str, Document] = attrs.field(factory=dict[str, "Document"])
    _sheets: dict[str, Sheet] | None = None
    _trees: dict[str, GrowingTree] = attrs.field(factory=dict[str, "GrowingTree"])
    _cells: dict[str, _Cell] = attrs.field(factory=dict[str, "_Cell"])

    @property
    def empty(self) -> bool:
        """Whether none of its cells is open."""
        return not self._open

    def touch(self) -> None:
        """A text or the order has changed."""
        if self._sheets is None:
            return  # nothing was made of the texts since they changed last
        self._sheets = None
        for document in self._open.values():
            document.forget_snapshot()

    def take(self, document: Document) -> None:
        """A cell was opened, or opened anew."""
        from ...context.languages import identify

        self._open[document.uri] = document
        self.file = self.file or document.file
        document.notebook, document.file = self, self.file
        document.language = identify(document.called, "", document.text)  # the file's name is the notebook's
        if document.uri not in self.order:
            self.order.append(document.uri)
            if not self.told and all(cell_number(uri) is not None for uri in self.order):
                self.order.sort(key=lambda uri: cell_number(uri) or 0)
        self.touch()

    def drop(self, document: Document) -> None:
        """A cell was closed. The editor may open it again, as another language's, in the same place."""
        if self._open.get(document.uri) is document:
            del self._open[document.uri]
            self._cells.pop(document.uri, None)
            if not self.told:
                self.order.remove(document.uri)
            self.touch()

    def splice(self, start: int, gone: int, cells: Sequence[str]) -> None:
        """Other cells stand in the place of `gone` of them, from a place in the order on."""
        start = min(max(start, 0), len(self.order))
        self.order[start : start + max(gone, 0)] = cells
        self.touch()

    def languages_of(self, document: Document) -> list[str]:
        """The languages by which a cell may be switched off beside its own: its sheet's, the notebook's."""
        first = next((each for each in self._in_order() if not self._is_prose(each)), None)
        return [self._read(document).language, *([] if first is None else [_described_id(first.language)])]

    def sheet_name(self, document: Document) -> str:
        """What the text is called that a cell is part of."""
        return self._read(document).sheet if self._open.get(document.uri) is document else document.uri

    def sheet_of(self, document: Document) -> Sheet:
        """The text that a cell is part of."""
        if self._sheets is None:
            self._sheets = self._joined()
        known = self._cells.get(document.uri)
        found = None if known is None else self._sheets.get(known.sheet)
        if found is None or self._open.get(document.uri) is not document or document.uri not in found.starts:
            return Sheet(document.uri, document.language, document.text, {document.uri: 0})
        return found

    def growing(self, document: Document) -> tuple[GrowingTree, str, str]:
        """The newest tree of a cell's sheet, the sheet's text as code, and its language."""
        from .growing_tree import GrowingTree

        sheet = self.sheet_of(document)
        growing = self._trees.setdefault(sheet.name, GrowingTree())
        return growing, self._code(document, sheet), sheet.language

    def snapshot(self, document: Document, tree: SyntaxTree | None) -> Snapshot:
        """A cell as the model and the checks see it: in the text of its sheet, which has a tree or none."""
        from ...context.syntax.snapshot import Snapshot

        sheet = self.sheet_of(document)
        return Snapshot(
            uri=document.uri,
            path=document.path,
            language=sheet.language,
            text=sheet.text,
            version=document.version,
            tree=tree,
            sheet=sheet.name,
            notebook=True,
        )

    def _in_order(self) -> list[Document]:
        return [self._open[uri] for uri in self.order if uri in self._open]

    def _joined(self) -> dict[str, Sheet]:
        sheets: dict[str, list[Document]] = {}
        for document in self._in_order():
            sheets.setdefault(self._read(document).sheet, []).append(document)
        self._trees = {name: tree for name, tree in self._trees.items() if name in sheets}
        return {name: _sheet(name, self._cells[each[0].uri].language, each) for name, each in sheets.items()}

    def _read(self, document: Document) -> _Cell:
        """What a cell's text says; read once for each text."""
        known = self._cells.get(document.uri)
        if known is None or known.text is not document.text or known.called != document.language:
            known = self._cells[document.uri] = _cell(document, self.uri)
        return known

    def _is_prose(self, document: Document) -> bool:
        return document.uri in self.prose or _described_id(document.language) == _PROSE

    def _code(self, document: Document, sheet: Sheet) -> str:
        """A sheet's text as code, of the same length."""
        cells = [self._read(self._open.get(uri, document)) for uri in sheet.starts]
        starts = list(sheet.starts.values())
        parts: list[str] = []
        for cell, start, end in zip(cells, starts, [*starts[1:], len(sheet.text)], strict=True):
            parts += [cell.code, sheet.text[start + len(cell.text) : end]]
        return "".join(parts)


class Notebooks:
    """The open notebooks by URI."""

    def __init__(self) -> None:
        self._open: dict[str, Notebook] = {}

    def get(self, uri: str) -> Notebook | None:
        """The open notebook of that URI."""
        return self._open.get(uri)

    def open(self, uri: str, file: str, cells: Sequence[str]) -> Notebook:
        """The editor opened a notebook and says which cells it has."""
        notebook = Notebook(uri, file, order=list(dict.fromkeys(cells)))
        self._open[uri] = notebook
        return notebook

    def close(self, uri: str) -> None:
        """The editor closed a notebook."""
        self._open.pop(uri, None)

    def take(self, document: Document) -> None:
        """A document was opened: if it is a cell, it belongs to its notebook from now on."""
        notebook = self._of(document)
        if notebook is not None:
            notebook.take(document)

    def drop(self, document: Document) -> None:
        """A document was closed."""
        notebook = document.notebook
        if isinstance(notebook, Notebook):
            notebook.drop(document)
            if not notebook.told and notebook.empty:
                self._open.pop(notebook.uri, None)

    def _of(self, document: Document) -> Notebook | None:
        uri = document.uri
        told = next((each for each in self._open.values() if each.told and uri in each.order), None)
        if told is not None:
            return told
        found = CELL.fullmatch(uri)
        if found is None:
            return None
        same = (each for each in self._open.values() if each.file and each.file == document.file)
        return next(same, None) or self._open.setdefault(
            uri.partition("#")[0], Notebook(uri.partition("#")[0], document.file, told=False)
        )


def _cell(document: Document, notebook: str) -> _Cell:
    from ...context.languages import language
    from ...context.syntax.cells import code_of, language_of_cell

    text, called = document.text, document.language
    handed_to = language_of_cell(text, language(called))
    name = f"{notebook}#{handed_to} {document.uri}" if handed_to else f"{notebook}#{_described_id(called)}"
    of = handed_to or called
    return _Cell(text, called, of, name, code_of(text, language(of)))


def _sheet(name: str, language: str, cells: Sequence[Document]) -> Sheet:
    newline = next((end for cell in cells if (end := _newline(cell.text))), "\n")
    starts: dict[str, int] = {}
    parts: list[str] = []
    at = 0
    for number, cell in enumerate(cells):
        starts[cell.uri] = at
        part = cell.text
        if number + 1 < len(cells):
            part += "\r" if part.endswith("\r") else newline
        parts.append(part)
        at += len(part)
    return Sheet(name, language, "".join(parts), starts)


def _newline(text: str) -> str:
    from ...context.text.lines import line_end

    end = line_end(text, 0)
    return "\r\n" if text.startswith("\r\n", end) else text[end : end + 1]


def _described_id(language: str) -> str:
    from ...context.languages import language as described

    return described(language).id if described(language).id != "plaintext" else language
