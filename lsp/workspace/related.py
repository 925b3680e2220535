"""Related code for each open document: what was chosen last, and choosing anew when there is time.

Choosing takes longer than a key may wait and a new choice costs the model an evaluation. So a request takes
what is there, and `warm_up` has it chosen anew when the user rests in another declaration. What is relevant
is `context`'s decision; this module brings together what there is to choose from: the workspace's index, the
other open documents and what was edited in them a moment ago.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

import attrs

from ...context.imports import Importer, ImportSurroundings, importer
from ...context.languages import language
from ...context.related.choose import Choice, select_related
from ...context.related.sources import OpenFile, RecentEdit, Sources
from ...context.shared.values import RelatedPart
from ...context.syntax.snapshot import Snapshot
from ...context.workspace.index import Index
from ...context.workspace.nearby import names_beside, names_in_module
from ..documents.background import aside
from ..documents.document import Document, path_from
from ..documents.documents import DocumentStore
from .folders import Folder, WorkspaceFolders

if TYPE_CHECKING:
    from ...context.checking.check import WorkspaceFacts
    from ...context.checking.facts import KnowsName, OffersNames
    from ...context.syntax.includes import Headers

RECENT_S = 120.0
"""Seconds for which an edit counts as recent."""

OPEN_FILES = 8
"""Other documents that are considered, at most: those visited last."""

AROUND_LINES = 6
"""Lines shown on either side of a recent edit."""


class RelatedHost(Protocol):
    """What related code may be shown."""

    @property
    def wants_related(self) -> bool:
        """Whether the model is to see related code at all."""
        ...

    @property
    def can_import(self) -> bool:
        """Whether imports can be added to documents, and the user wants it."""
        ...

    def hidden(self, document: Document) -> bool:
        """Whether a document must not be shown to the model beside another one."""
        ...


class Relations:
    """Its state: per text the last choice and where its cursor was, and whose choice is out of date.

    A text is a document, or the cells of one language of a notebook.
    """

    def __init__(
        self,
        documents: DocumentStore,
        workspaces: WorkspaceFolders,
        host: RelatedHost,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            workspaces: the indexes.
            host: says what may be shown.
            clock: seconds, the clock of `Document.edited_at`.
        """
        self._documents = documents
        self._workspaces = workspaces
        self._host = host
        self._clock = clock
        self._choices: dict[str, Choice] = {}
        self._cursors: dict[str, tuple[str, int]] = {}  # the document and the offset in it
        self._outdated: set[str] = set()

    def parts(self, uri: str) -> tuple[RelatedPart, ...]:
        """What the model should see beside a document."""
        choice = self.choice(uri)
        return choice.parts if choice is not None and self._host.wants_related else ()

    def choice(self, uri: str) -> Choice | None:
        """The last choice for a document, with the account of it."""
        return self._choices.get(self._sheet(uri))

    def visited(self, uri: str, offset: int) -> None:
        """The cursor is in a document. After a visit elsewhere its choice is out of date."""
        sheet = self._sheet(uri)
        if next(reversed(self._cursors), None) != sheet:
            self._outdated.add(sheet)
        self._cursors.pop(sheet, None)
        self._cursors[sheet] = uri, offset

    def indexed(self) -> None:
        """An index has become complete: every choice is out of date."""
        self._outdated.update(self._cursors)

    def changed(self, root: str) -> None:
        """Files in a folder of the workspace have changed: so have those of its documents."""
        self._outdated.update(
            sheet for sheet, (uri, _) in self._cursors.items() if self._documents.root(uri) == root
        )

    def is_outdated(self, uri: str) -> bool:
        """Whether a document's choice will be made anew at the next rest, wherever that is."""
        return self._sheet(uri) in self._outdated

    def forget(self, sheet: str) -> None:
        """A text was closed."""
        self._choices.pop(sheet, None)
        self._cursors.pop(sheet, None)
        self._outdated.discard(sheet)

    async def choose(self, snapshot: Snapshot, offset: int, seen: tuple[int, int], characters: int) -> bool:
        """Choose for a cursor if need be; whether the model would see something else now.

        Args:
            snapshot: the document.
            offset: the cursor, in code points.
            seen: from where to where the model sees the document anyway, in code points.
            characters: code points to choose, at most.
        """
        before = self._choices.get(snapshot.session)
        anew = snapshot.session in self._outdated
        self._outdated.discard(snapshot.session)
        work = partial(
            select_related,
            snapshot,
            offset,
            self.sources(snapshot),
            characters,
            before,
            anew=anew,
            seen=seen,
        )
        choice = await aside(work)
        if self._documents.get(snapshot.uri) is None:
            return False
        self._choices[snapshot.session] = choice
        return choice.parts != (before.parts if before else ())

    def known(self, uri: str) -> WorkspaceFacts:
        """What is known of a document's workspace, for checking what a model says."""
        from ...context.checking.check import KnownNames, WorkspaceFacts

        names = KnownNames(self._defined(uri), self._named(uri), self._is_telling(uri), self._offered(uri))
        return WorkspaceFacts(names, self.imports(uri), self.headers(uri))

    def _defined(self, uri: str) -> KnowsName | None:
        """Whether a name exists in a document's workspace; None while that can't be said."""
        folder = self._folder(uri)
        if folder is None or not folder.ready:
            return None
        return partial(_is_known, folder, tuple(document.whole for document in self._others(uri)))

    def _is_telling(self, uri: str) -> bool:
        """Whether it proves something that a document's workspace doesn't mention a name."""
        folder = self._folder(uri)
        return folder is not None and folder.index.absence_is_evidence

    def _named(self, uri: str) -> KnowsName | None:
        """Whether another file of the workspace mentions a name; None while that can't be said."""
        folder, document = self._folder(uri), self._documents.get(uri)
        if folder is None or document is None or not folder.ready:
            return None
        texts = tuple(other.whole for other in self._others(uri))
        return lambda name: folder.index.mentions(name, document.path) or any(name in text for text in texts)

    def _offered(self, uri: str) -> OffersNames | None:
        """Which names of other files could stand in a document; None while that can't be said."""
        folder, document = self._folder(uri), self._documents.get(uri)
        if folder is None or document is None or not folder.ready:
            return None
        closed = language(document.language).names.visibility == "file"
        return _OtherNames(folder.index, document.path, closed, self._host.can_import)

    def headers(self, uri: str) -> Headers | None:
        """What the headers of a document's workspace include; None while that can't be said."""
        folder = self._folder(uri)
        return None if folder is None or not folder.ready else folder.index.headers

    def imports(self, uri: str) -> Importer | None:
        """Which imports the code of a document needs; None where none can be added."""
        if not self._host.can_import:
            return None
        folder = self._folder(uri)
        if folder is None or not folder.ready:
            return importer()
        return importer(ImportSurroundings(folder.index, folder))

    def _folder(self, uri: str) -> Folder | None:
        return self._workspaces.at(self._documents.root(uri))

    def _sheet(self, uri: str) -> str:
        document = self._documents.get(uri)
        return uri if document is None else document.sheet

    def _others(self, uri: str) -> list[Document]:
        """Other texts that are open and may be shown, one document of each, the one visited last first."""
        visited = [self._documents.get(one) for one, _ in reversed(self._cursors.values())]
        asked = self._documents.get(uri)
        found: dict[str, Document] = {}
        for one in (*visited, *self._documents):
            if one is not None and one.uri != uri and not _one_notebook(one, asked):
                found.setdefault(one.sheet, one)
        return [one for one in found.values() if not self._host.hidden(one)][:OPEN_FILES]

    def sources(self, snapshot: Snapshot) -> Sources:
        """What there is beside a document."""
        folder = self._folder(snapshot.uri)
        sources = folder.sources() if folder is not None else Sources()
        others = self._others(snapshot.uri)
        base = self._base(snapshot.uri)
        return attrs.evolve(
            sources,
            open_files=[OpenFile(_bare(each, base), self._cursor(each)) for each in others],
            edits=recent_edits(others, self._clock(), base),
        )

    def _base(self, uri: str) -> str:
        """The folder from which other documents' paths are told: they must not be taken for this one's."""
        document = self._documents.get(uri)
        return self._documents.root(uri) or ("" if document is None else posixpath.dirname(document.file))

    def _cursor(self, document: Document) -> int:
        """Where the cursor was last in a document's text."""
        uri, offset = self._cursors.get(document.sheet, (document.uri, 0))
        visited = self._documents.get(uri)
        return offset + (document if visited is None else visited).before


def recent_edits(documents: Sequence[Document], now: float, base: str = "") -> list[RecentEdit]:
    """The lines around the last edit of each document that was edited within `RECENT_S`, newest first.

    Paths are told from the folder `base`.
    """
    edited = [one for one in documents if one.edited_at and now - one.edited_at <= RECENT_S]
    found: list[RecentEdit] = []
    for document in sorted(edited, key=lambda one: -one.edited_at):
        lines = document.lines
        line = lines.line_at(min(document.edited_offset, len(document.text)))
        first, last = max(0, line - AROUND_LINES), min(len(lines) - 1, line + AROUND_LINES)
        start, end = lines.bounds(first)[0], lines.bounds(last)[1]
        above = document.whole.count("\n", 0, document.before)
        found.append(RecentEdit(path_from(base, document), document.text[start:end], above + first + 1))
    return found


def _bare(document: Document, base: str) -> Snapshot:
    """A document without a tree: its text is all that is asked for."""
    return Snapshot(
        document.uri, path_from(base, document), document.language, document.whole, document.version
    )


def _one_notebook(one: Document, other: Document | None) -> bool:
    return other is not None and one.notebook is not None and one.notebook is other.notebook


def _is_known(folder: Folder, texts: tuple[str, ...], name: str) -> bool:
    # Documents may define what is not saved yet. A mere mention counts as well: precision comes first.
    return folder.index.knows(name) or any(name in text for text in texts)


@attrs.frozen
class _OtherNames:
    """See `OffersNames`. Where names have to be imported (`closed`), those whose import can be added."""

    index: Index
    path: str
    closed: bool
    can_import: bool

    def offered(self, module: str) -> Iterator[str]:
        if module:
            yield from names_in_module(self.index, self.path, module)
        elif not self.closed:
            yield from names_beside(self.index, self.path)
        elif self.can_import:
            beside = names_beside(self.index, self.path)
            yield from (name for name in beside if name[0] != "_" and self.index.defined_once(name))
