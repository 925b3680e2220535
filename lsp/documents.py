"""The open documents: text, line index, version and tree, as the editor's notifications make them.

The one mutable copy of each text. Everybody else gets a `Snapshot`, which never changes. Changes come
as the plain maps of the protocol, because an editor's odd change must not leave the text behind what
the user sees: whatever has a text and a place is applied, and nothing here raises.

It does not read files, and does not decide what is suggested.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

import attrs
from pygls import uris

from .lines import LineIndex
from .positions import Encoding, offset_at, position_at, without_surrogates

if TYPE_CHECKING:
    from ..context.snapshot import Snapshot
    from ..context.syntax import SyntaxTree


@attrs.frozen
class Edited:
    """Edits since the last parse, as one: `old[start:old_end]` became `new[start:new_end]`."""

    start: int
    old_end: int
    new_end: int

    def then(self, start: int, old_end: int, new_end: int) -> Edited:
        """One edit that covers this one and a later one, whose offsets are in the text between them."""
        reach = max(self.new_end, old_end)
        return Edited(min(self.start, start), self.old_end + reach - self.new_end, reach + new_end - old_end)


class Document:
    """One open document.

    `called` is its language as the editor calls it, `language` as foretype understands that.
    Its state is a text with its line index, the editor's version of it, the newest tree with what was
    edited since, and the length at which parsing was given up, if it was.
    """

    def __init__(self, uri: str, language: str, version: int, text: str, roots: Sequence[str] = ()) -> None:
        from ..context.languages import identify

        self.uri = uri
        self.called = language
        self.language = identify(language, path_of(uri), text)
        self.version = version
        self.path = relative_path(path_of(uri), roots)
        self.text = without_surrogates(text)
        self.lines = LineIndex(self.text)
        self.edited_at = 0.0
        self.edited_offset = 0
        self._tree: SyntaxTree | None = None
        self._edited: Edited | None = None
        self._too_long: int | None = None
        self._snapshot: Snapshot | None = None

    def is_in(self, languages: Collection[str]) -> bool:
        """Whether the document's language is among some, by any of the names that it goes by."""
        from ..context.languages import language

        names = (self.called, self.language, language(self.language).id)
        return any(name in languages for name in names)

    def apply_all(self, changes: list[Any], version: int, encoding: Encoding) -> None:
        """Apply one didChange notification, in order."""
        for change in changes:
            self.apply(change, encoding)
        self.version = version
        self._snapshot = None
        self.edited_at = time.monotonic()

    def apply(self, change: Any, encoding: Encoding) -> None:
        """Apply one content change; one without a usable range replaces the whole text."""
        fields = as_map(change)
        text = fields.get("text")
        if not isinstance(text, str):
            return
        text = without_surrogates(text)
        self._snapshot = None
        span = as_map(fields.get("range"))
        if not span:
            self.text, self.lines, self._tree, self._edited = text, LineIndex(text), None, None
            return
        start = self.offset_at(*read_position(span.get("start")), encoding)
        end = self.offset_at(*read_position(span.get("end")), encoding)
        start, end = min(start, end), max(start, end)
        old, new = self.text, self.text[:start] + text + self.text[end:]
        self.lines.edit(old, new, start, end, start + len(text))
        self.text = new
        self.edited_offset = start + len(text)
        if self._tree is not None:
            change = (start, end, start + len(text))
            self._edited = self._edited.then(*change) if self._edited else Edited(*change)

    def offset_at(self, line: int, character: int, encoding: Encoding) -> int:
        """Offset in code points of a position, clamped to the document."""
        return offset_at(self.text, self.lines, line, character, encoding)

    def position_at(self, offset: int, encoding: Encoding) -> tuple[int, int]:
        """(line, character) of an offset in code points, clamped to the document."""
        return position_at(self.text, self.lines, offset, encoding)

    def snapshot(self) -> Snapshot:
        """The document as it is now; the same value until the next change. Parses what is new."""
        from ..context.snapshot import Snapshot

        if self._snapshot is None:
            self._snapshot = Snapshot(
                uri=self.uri,
                path=self.path,
                language=self.language,
                text=self.text,
                version=self.version,
                tree=self._parsed(),
            )
        return self._snapshot

    def _parsed(self) -> SyntaxTree | None:
        from ..context.syntax import parse

        if self._too_long is not None and len(self.text) >= self._too_long:
            return None
        if "\x00" in self.text:
            self._tree = None
        elif self._tree is None:
            self._tree = parse(self.text, self.language)
            self._too_long = len(self.text) if self._tree is None else None
        elif self._edited is not None:
            edit = self._edited
            self._tree = self._tree.edited(self.text, edit.start, edit.old_end, edit.new_end)
        self._edited = None
        return self._tree


class DocumentStore:
    """All open documents by URI, and the position encoding of their editor."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.encoding = Encoding.UTF16
        self.clock = clock
        self.roots: tuple[str, ...] = ()
        self._documents: dict[str, Document] = {}

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._documents.values()))

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, uri: str) -> Document | None:
        """The open document of that URI."""
        return self._documents.get(uri)

    def move_roots(self, roots: tuple[str, ...]) -> None:
        """The workspace has other folders now."""
        self.roots = roots
        for document in self._documents.values():
            document.path = relative_path(path_of(document.uri), roots)

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
        return document

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
        return document

    def close(self, uri: str) -> Document | None:
        """Drop a document."""
        return self._documents.pop(uri, None)


def path_of(uri: str) -> str:
    """The file system path of a file URI, with forward slashes; "" for anything else."""
    try:
        path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    except Exception:  # noqa: BLE001 - a URI is the client's, and may be anything
        return ""
    return PurePath(path).as_posix() if path else ""


def root_of(uri: str, roots: Sequence[str]) -> str:
    """The innermost of the workspace's folders that a document lies in; "" outside all of them."""
    return _innermost(path_of(uri), roots)


def relative_path(path: str, roots: Sequence[str]) -> str:
    """The path below the innermost of the workspace's folders, or the bare file name outside all of them."""
    root = _innermost(path, roots)
    return path[len(root) + 1 :] if root else path.rsplit("/", 1)[-1]


def _innermost(path: str, roots: Sequence[str]) -> str:
    inside = [root.rstrip("/") for root in roots if path.startswith(root.rstrip("/") + "/")]
    return max(inside, key=len, default="")


def as_map(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_int(value: Any) -> int:
    """The value if it is a number, else 0."""
    return int(value) if isinstance(value, int | float) and value == value and abs(value) < 2**53 else 0  # noqa: PLR0124 - NaN


def read_position(value: Any) -> tuple[int, int]:
    """(line, character) of a protocol position; what is missing counts as 0."""
    fields = as_map(value)
    return as_int(fields.get("line")), as_int(fields.get("character"))
