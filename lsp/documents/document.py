"""One open document: text, line index, version and tree.

A notebook's cell is a document with its own lines and positions. What the model and the checks see of it is a
text that it shares with the notebook's other cells: `whole`, in which its own text begins at `before`.

The one mutable copy of each text. Everybody else gets a `Snapshot`, which never changes.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..protocol.fields import as_map, read_position
from .line_index import LineIndex
from .positions import Encoding, offset_at, position_at, without_surrogates
from .roots import path_of, relative_path

if TYPE_CHECKING:
    from ...context.syntax.snapshot import Snapshot
    from ...context.syntax.tree import SyntaxTree
    from ...context.text.indentation import IndentOptions
    from .growing_tree import GrowingTree


class SharedText(Protocol):
    """The text of several cells."""

    @property
    def text(self) -> str:
        """The whole of it."""
        ...

    @property
    def starts(self) -> Mapping[str, int]:
        """Where each cell's text begins, in code points, by URI."""
        ...


class Gathering(Protocol):
    """What a cell is part of; a `Notebook` is one."""

    def languages_of(self, document: Document) -> list[str]:
        """Further names of languages that a cell goes by."""
        ...

    def sheet_of(self, document: Document) -> SharedText:
        """The text that a cell is part of."""
        ...

    def sheet_name(self, document: Document) -> str:
        """What that text is called among all that are open."""
        ...

    def touch(self) -> None:
        """A cell's text has changed."""
        ...

    def growing(self, document: Document) -> tuple[GrowingTree, str, str]:
        """The newest tree of a cell's shared text, that text as code, and its language."""
        ...

    def snapshot(self, document: Document, tree: SyntaxTree | None) -> Snapshot:
        """A cell as it is now, in its shared text."""
        ...


class Document:
    """One open document.

    `called` is its language as the editor calls it, `language` as foretype understands that. `file` is its
    absolute path, or its notebook's; "" where there is none. `path` is the same from the workspace's folder.
    `project_indent` is what .editorconfig says about it, once that was read. `last_changes` is what the last
    notification did, each change as (start, old text, new text); None where the whole text was replaced.
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
        self.notebook: Gathering | None = None
        self.text = without_surrogates(text)
        self._lines: LineIndex | None = None
        self.project_indent: IndentOptions | None = None
        self.edited_at = 0.0
        self.edited_offset = 0
        self.last_changes: list[tuple[int, str, str]] | None = []
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
        self.last_changes = []
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
            self.text, self._lines, self.last_changes = text, None, None
            return
        start = self.offset_at(*read_position(span.get("start")), encoding)
        end = self.offset_at(*read_position(span.get("end")), encoding)
        start, end = min(start, end), max(start, end)
        if self.last_changes is not None:
            self.last_changes.append((start, self.text[start:end], text))
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
        from .growing_tree import GrowingTree

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


def path_from(base: str, document: Document) -> str:
    """What a document is called beside those in a folder: a path from there, or its URI where it has no file.

    Two documents never have the same, whatever folders of a workspace they lie in.
    """
    return posixpath.relpath(document.file, base or "/") if document.file else document.uri
