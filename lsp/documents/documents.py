"""The open documents: text, line index, version and tree, as the editor's notifications make them.

A notebook's cell is a document with its own lines and positions. What the model and the checks see of it is a
text that it shares with the notebook's other cells: `whole`, in which its own text begins at `before`.

The one mutable copy of each text. Everybody else gets a `Snapshot`, which never changes. Changes come
as the plain maps of the protocol, because an editor's odd change must not leave the text behind what
the user sees: whatever has a text and a place is applied, and nothing here raises.

It does not read files, and does not decide what is suggested.
"""

from __future__ import annotations

import asyncio
import posixpath
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from pygls import uris

from .line_index import LineIndex
from .notebooks import Notebook, Notebooks, file_uri_of_cell
from .positions import Encoding, offset_at, position_at, without_surrogates

if TYPE_CHECKING:
    from ...context.syntax.snapshot import Snapshot
    from ...context.text.indentation import IndentOptions
    from .trees import GrowingTree


_MARKUP = 1
"""What the protocol calls a cell that holds prose."""


class Document:
    """One open document.

    `called` is its language as the editor calls it, `language` as foretype understands that. `file` is its
    absolute path, or its notebook's; "" where there is none. `path` is the same from the workspace's folder.
    `project_indent` is what .editorconfig says about it, once that was read.
    Its state is a text with its line index, the editor's version of it, and the newest tree.
    """

    def __init__(self, uri: str, language: str, version: int, text: str, roots: Sequence[str] = ()) -> None:
        from ...context.languages import identify

        self.uri = uri
        self.called = language
        self.file = path_of(uri)
        self.language = identify(language, self.file, text)
        self.version = version
        self.path = relative_path(self.file, roots)
        self.notebook: Notebook | None = None
        self.text = without_surrogates(text)
        self._lines: LineIndex | None = None
        self.project_indent: IndentOptions | None = None
        self.edited_at = 0.0
        self.edited_offset = 0
        self._growing: GrowingTree | None = None
        self._snapshot: Snapshot | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The names of languages that it goes by: any of them may be switched off."""
        from ...context.languages import language

        names = [self.called, self.language, language(self.language).id]
        if self.notebook is not None:
            names += self.notebook.languages_of(self)
        return tuple(dict.fromkeys(names))

    def is_in(self, languages: Collection[str]) -> bool:
        """Whether the document's language is among some, by any of the names that it goes by."""
        return any(name in languages for name in self.languages)

    @property
    def lines(self) -> LineIndex:
        """Where lines begin; looked for when somebody asks, not while a large text is being taken in."""
        if self._lines is None:
            self._lines = LineIndex(self.text)
        return self._lines

    @property
    def whole(self) -> str:
        """The text that the model and the checks see: its own, or that of its notebook's cells together."""
        return self.text if self.notebook is None else self.notebook.sheet_of(self).text

    @property
    def before(self) -> int:
        """Where its own text begins in `whole`, in code points."""
        return 0 if self.notebook is None else self.notebook.sheet_of(self).starts[self.uri]

    @property
    def sheet(self) -> str:
        """What `whole` is called among all that are open."""
        return self.uri if self.notebook is None else self.notebook.sheet_name(self)

    def _touch(self) -> None:
        self._snapshot = None
        if self.notebook is not None:
            self.notebook.touch()

    def forget_snapshot(self) -> None:
        """What stands around the text has changed."""
        self._snapshot = None

    def apply_all(self, changes: list[Any], version: int, encoding: Encoding) -> None:
        """Apply one didChange notification, in order."""
        for change in changes:
            self.apply(change, encoding)
        self.version = version
        self._touch()
        self.edited_at = time.monotonic()

    def apply(self, change: Any, encoding: Encoding) -> None:
        """Apply one content change; one without a usable range replaces the whole text."""
        fields = as_map(change)
        text = fields.get("text")
        if not isinstance(text, str):
            return
        text = without_surrogates(text)
        self._touch()
        span = as_map(fields.get("range"))
        if not span:
            self.text, self._lines = text, None
            return
        start = self.offset_at(*read_position(span.get("start")), encoding)
        end = self.offset_at(*read_position(span.get("end")), encoding)
        start, end = min(start, end), max(start, end)
        self.text = self.text[:start] + text + self.text[end:]
        self.lines.edit(self.text, start, end, start + len(text))
        self.edited_offset = start + len(text)

    def offset_at(self, line: int, character: int, encoding: Encoding) -> int:
        """Offset in code points of a position, clamped to the document."""
        return offset_at(self.text, self.lines, line, character, encoding)

    def position_at(self, offset: int, encoding: Encoding) -> tuple[int, int]:
        """(line, character) of an offset in code points, clamped to the document."""
        return position_at(self.text, self.lines, offset, encoding)

    def growing(self) -> tuple[GrowingTree, str, str]:
        """The newest tree of `whole`, `whole` as its language's code, and that language."""
        from .trees import GrowingTree

        if self.notebook is not None:
            return self.notebook.growing(self)
        if self._growing is None:
            self._growing = GrowingTree()
        return self._growing, self.text, self.language

    def snapshot(self) -> Snapshot:
        """The document as it is now, with its tree: parses what is new, however long that takes."""
        growing, code, language = self.growing()
        growing.follow(code, language, self.before + self.edited_offset)
        return self.snapshot_so_far()

    def snapshot_so_far(self) -> Snapshot:
        """The document as it is now, the same value until it changes; with its tree if that is made."""
        from ...context.syntax.snapshot import Snapshot

        growing, code, _ = self.growing()
        tree = growing.of(code)
        kept = self._snapshot
        if kept is not None and kept.tree is tree:
            return kept
        if self.notebook is not None:
            self._snapshot = self.notebook.snapshot(self, tree)
        else:
            self._snapshot = Snapshot(
                uri=self.uri,
                path=self.path,
                language=self.language,
                text=self.text,
                version=self.version,
                tree=tree,
            )
        return self._snapshot


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
        """Take a TextDocumentItem; a document that is open already is replaced."""
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
        """Call `then` with the next change of a document if that makes it this text, and never otherwise."""
        self._expected[uri] = text, then

    async def changed(self, uri: str, within_s: float) -> bool:
        """Wait for the next change of a document; whether one came in so many seconds."""
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


def path_of(uri: str) -> str:
    """The path of a URI of a file or of a notebook's cell, with forward slashes; "" for any other."""
    try:
        path = uris.to_fs_path(file_uri_of_cell(uri) or uri if _has_path(uri) else "")
    except Exception:  # noqa: BLE001 - a URI is the client's, and may be anything
        return ""
    return PurePath(path).as_posix() if path else ""


def _has_path(uri: str) -> bool:
    return uri.startswith("file:") or bool(file_uri_of_cell(uri))


def root_of(uri: str, roots: Sequence[str]) -> str:
    """The innermost of the workspace's folders that a document lies in; "" outside all of them."""
    return root_of_file(path_of(uri), roots)


def root_of_file(path: str, roots: Sequence[str]) -> str:
    """The innermost of the workspace's folders that a file lies in; "" outside all of them."""
    inside = [root.rstrip("/") for root in roots if path.startswith(root.rstrip("/") + "/")]
    return max(inside, key=len, default="")


def relative_path(path: str, roots: Sequence[str]) -> str:
    """The path below the innermost of the workspace's folders, or the bare file name outside all of them."""
    root = root_of_file(path, roots)
    return path[len(root) + 1 :] if root else path.rsplit("/", 1)[-1]


def path_from(base: str, document: Document) -> str:
    """What a document is called beside those in a folder: a path from there, or its URI where it has no file.

    Two documents never have the same, whatever folders of a workspace they lie in.
    """
    return posixpath.relpath(document.file, base or "/") if document.file else document.uri


def cell_uris(cells: Sequence[dict[str, Any]]) -> list[str]:
    """The URIs of NotebookCells."""
    return [uri for cell in cells if isinstance(uri := cell.get("document"), str)]


def text_uris(items: Sequence[Any]) -> list[str]:
    """The URIs of TextDocumentItems."""
    return [uri for item in items if isinstance(uri := as_map(item).get("uri"), str)]


def as_map(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_int(value: Any) -> int:
    """The value if it is a number, else 0."""
    return int(value) if isinstance(value, int | float) and value == value and abs(value) < 2**53 else 0  # noqa: PLR0124 - NaN


def read_position(value: Any) -> tuple[int, int]:
    """(line, character) of a protocol position; what is missing counts as 0."""
    fields = as_map(value)
    return as_int(fields.get("line")), as_int(fields.get("character"))
