"""All open documents and notebooks, as the editor's notifications make them.

Changes come as the plain maps of the protocol, because an editor's odd change must not leave the text behind
what the user sees: whatever has a text and a place is applied, and nothing here raises.

It does not read files, and does not decide what is suggested.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from ..protocol.fields import as_int, as_list, as_map
from .document import Document
from .notebooks import Notebooks
from .positions import Encoding
from .roots import path_of, relative_path, root_of_file

_MARKUP = 1
"""What the protocol calls a cell that holds prose."""


class DocumentStore:
    """All open documents by URI, the notebooks that some belong to, and their editor's position encoding."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.encoding = Encoding.UTF16
        self.clock = clock
        self.roots: tuple[str, ...] = ()
        self.notebooks = Notebooks()
        self._documents: dict[str, Document] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._expected: dict[str, tuple[str, Callable[[], None]]] = {}

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._documents.values()))

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, uri: str) -> Document | None:
        """The open document of that URI."""
        return self._documents.get(uri)

    def root(self, uri: str) -> str:
        """The innermost of the workspace's folders that a document lies in; "" outside all of them."""
        document = self._documents.get(uri)
        return root_of_file(path_of(uri) if document is None else document.file, self.roots)

    def move_roots(self, roots: tuple[str, ...]) -> None:
        """The workspace has other folders now."""
        self.roots = roots
        for document in self._documents.values():
            document.path = relative_path(document.file, roots)
            document.forget_snapshot()

    def open(self, item: Any) -> Document | None:
        """Take a TextDocumentItem; a document that is open already is replaced.

        The first of a language takes its time here, where no key waits for it.
        """
        from ...context.languages import language as described_as
        from ...context.languages.grammars import bring_in

        fields = as_map(item)
        uri, text = fields.get("uri"), fields.get("text")
        if not isinstance(uri, str) or not isinstance(text, str):
            return None
        language = fields.get("languageId")
        document = Document(
            uri,
            language if isinstance(language, str) else "",
            as_int(fields.get("version")),
            text,
            self.roots,
        )
        bring_in(described_as(document.language))
        self._documents[uri] = document
        self.notebooks.take(document)
        document.path = relative_path(document.file, self.roots)
        return document

    def open_notebook(self, item: Any, cells: Sequence[Any]) -> list[Document]:
        """Take a NotebookDocument and the TextDocumentItems of its cells; gives the documents."""
        fields = as_map(item)
        uri = fields.get("uri")
        if isinstance(uri, str):
            stated = [as_map(cell) for cell in as_list(fields.get("cells"))]
            notebook = self.notebooks.open(uri, path_of(uri), cell_uris(stated) or text_uris(cells))
            notebook.prose.update(cell_uris([cell for cell in stated if cell.get("kind") == _MARKUP]))
            for document in self:
                if document.uri in notebook.order and document.notebook is not notebook:
                    self.notebooks.drop(document)
                    notebook.take(document)
                    document.path = relative_path(document.file, self.roots)
        opened = [self.open(cell) for cell in cells]
        return [document for document in opened if document is not None]

    def rearrange(self, identifier: Any, change: Any) -> None:
        """Take the NotebookCellArrayChange of a notebook: other cells stand in the place of some."""
        notebook = self.notebooks.get(str(as_map(identifier).get("uri")))
        fields = as_map(change)
        if notebook is None or not fields:
            return
        cells = [as_map(cell) for cell in as_list(fields.get("cells"))]
        notebook.prose.update(cell_uris([cell for cell in cells if cell.get("kind") == _MARKUP]))
        notebook.prose.difference_update(cell_uris([cell for cell in cells if cell.get("kind") != _MARKUP]))
        notebook.splice(as_int(fields.get("start")), as_int(fields.get("deleteCount")), cell_uris(cells))

    def close_notebook(self, identifier: Any) -> list[str]:
        """A notebook was closed; gives the URIs of its cells that are still open."""
        uri = str(as_map(identifier).get("uri"))
        notebook = self.notebooks.get(uri)
        self.notebooks.close(uri)
        return [each.uri for each in self if notebook is not None and each.notebook is notebook]

    def change(self, identifier: Any, changes: Any) -> Document | None:
        """Apply the changes of a didChange notification to an open document."""
        fields = as_map(identifier)
        document = self._documents.get(str(fields.get("uri")))
        if document is None or not isinstance(changes, list):
            return None
        version = fields.get("version")
        document.apply_all(
            cast("list[Any]", changes),
            as_int(version) if version is not None else document.version + 1,
            self.encoding,
        )
        document.edited_at = self.clock()
        expected = self._expected.pop(document.uri, None)
        if expected is not None and expected[0] == document.text:
            expected[1]()
        for news in self._waiting.pop(document.uri, ()):
            if not news.done():
                news.set_result(None)
        return document

    def expect(self, uri: str, text: str, then: Callable[[], None]) -> None:
        """Call `then` if the next change of a document makes it this text; drop it otherwise."""
        self._expected[uri] = text, then

    async def changed(self, uri: str, within_s: float) -> bool:
        """Wait for the next change of a document. Returns whether one came within `within_s` seconds."""
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(uri, []).append(news)
        done, _ = await asyncio.wait({news}, timeout=within_s)
        return bool(done)

    def close(self, uri: str) -> Document | None:
        """Drop a document."""
        document = self._documents.pop(uri, None)
        if document is not None:
            self.notebooks.drop(document)
        return document


def cell_uris(cells: Sequence[dict[str, Any]]) -> list[str]:
    """The URIs of NotebookCells."""
    return [uri for cell in cells if isinstance(uri := cell.get("document"), str)]


def text_uris(items: Sequence[Any]) -> list[str]:
    """The URIs of TextDocumentItems."""
    return [uri for item in items if isinstance(uri := as_map(item).get("uri"), str)]
