"""Related code for each open document: what was chosen last, and choosing anew when there is time.

Choosing takes longer than a key may wait and a new choice costs the model an evaluation. So a request takes
what is there, and `ahead` has it chosen anew when the user rests in another declaration. What is relevant is
`context`'s decision; this module brings together what there is to choose from: the workspace's index, the
other open documents and what was edited in them a moment ago.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import attrs

from ..context.related import Choice, choose
from ..context.retrievers import Edit, OpenFile, Sources
from ..context.snapshot import Snapshot
from ..context.values import RelatedPart
from .documents import Document, DocumentStore, root_of
from .workspace import Folder, Workspaces

if TYPE_CHECKING:
    from ..context.ground import Symbols

RECENT_S = 120.0
"""An edit counts as recent for so many seconds."""

OPEN_FILES = 8
"""So many other documents are looked at, those visited last."""

AROUND_LINES = 6
"""Lines shown on either side of a recent edit."""


class Relations:
    """Its state: per document the last choice and where its cursor was, and whose choice is out of date."""

    def __init__(
        self,
        documents: DocumentStore,
        workspaces: Workspaces,
        budget: Callable[[], int],
        *,
        hidden: Callable[[Document], bool] = lambda _: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            workspaces: the indexes.
            budget: code points of related code, at most.
            hidden: whether a document must not be shown to the model.
            clock: seconds, the clock of `Document.edited_at`.
        """
        self._documents = documents
        self._workspaces = workspaces
        self._budget = budget
        self._hidden = hidden
        self._clock = clock
        self._choices: dict[str, Choice] = {}
        self._cursors: dict[str, int] = {}
        self._outdated: set[str] = set()

    def parts(self, uri: str) -> tuple[RelatedPart, ...]:
        """What the model should see beside a document."""
        choice = self._choices.get(uri)
        return choice.parts if choice is not None and self._budget() > 0 else ()

    def choice(self, uri: str) -> Choice | None:
        """The last choice for a document, with the account of it."""
        return self._choices.get(uri)

    def visited(self, uri: str, offset: int) -> None:
        """The cursor is in a document. After a visit elsewhere its choice is out of date."""
        if next(reversed(self._cursors), None) != uri:
            self._outdated.add(uri)
        self._cursors.pop(uri, None)
        self._cursors[uri] = offset

    def indexed(self) -> None:
        """An index has become complete: every choice is out of date."""
        self._outdated.update(self._cursors)

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self._choices.pop(uri, None)
        self._cursors.pop(uri, None)
        self._outdated.discard(uri)

    async def choose(self, snapshot: Snapshot, offset: int, seen: tuple[int, int]) -> bool:
        """Choose for a cursor if need be; whether the model would see something else now.

        Args:
            snapshot: the document.
            offset: the cursor, in code points.
            seen: from where to where the model sees the document anyway, in code points.
        """
        before = self._choices.get(snapshot.uri)
        anew = snapshot.uri in self._outdated
        self._outdated.discard(snapshot.uri)
        work = partial(
            choose, snapshot, offset, self._sources(snapshot), self._budget(), before, anew=anew, seen=seen
        )
        choice = await asyncio.to_thread(work)
        if self._documents.get(snapshot.uri) is None:
            return False
        self._choices[snapshot.uri] = choice
        return choice.parts != (before.parts if before else ())

    def symbols(self, uri: str) -> Symbols | None:
        """Whether a name exists in a document's workspace; None while that can't be said."""
        folder = self._folder(uri)
        if folder is None or not folder.ready:
            return None
        return partial(_is_known, folder, tuple(document.text for document in self._others(uri)))

    def mentions(self, uri: str) -> Symbols | None:
        """Whether another file of a document's workspace mentions a name; None where silence says nothing."""
        folder, document = self._folder(uri), self._documents.get(uri)
        if folder is None or document is None or not folder.ready or not folder.index.speaks:
            return None
        texts = tuple(other.text for other in self._others(uri))
        return lambda name: folder.index.mentions(name, document.path) or any(name in text for text in texts)

    def _folder(self, uri: str) -> Folder | None:
        return self._workspaces.at(root_of(uri, self._documents.roots))

    def _others(self, uri: str) -> list[Document]:
        """Other open documents that may be shown, the one visited last first."""
        order = [*reversed(self._cursors), *(each.uri for each in self._documents)]
        found = [self._documents.get(one) for one in dict.fromkeys(order) if one != uri]
        shown = [one for one in found if one is not None and not self._hidden(one)]
        return shown[:OPEN_FILES]

    def _sources(self, snapshot: Snapshot) -> Sources:
        folder = self._folder(snapshot.uri)
        sources = folder.sources() if folder is not None else Sources()
        others = self._others(snapshot.uri)
        return attrs.evolve(
            sources,
            open_files=[OpenFile(_bare(each), self._cursors.get(each.uri, 0)) for each in others],
            edits=recent_edits(others, self._clock()),
        )


def recent_edits(documents: list[Document], now: float) -> list[Edit]:
    """The lines around the last edit of each document that was edited within `RECENT_S`, newest first."""
    edited = [one for one in documents if one.edited_at and now - one.edited_at <= RECENT_S]
    found: list[Edit] = []
    for document in sorted(edited, key=lambda one: -one.edited_at):
        lines = document.lines
        line = lines.line_at(min(document.edited_offset, len(document.text)))
        first, last = max(0, line - AROUND_LINES), min(len(lines) - 1, line + AROUND_LINES)
        start, end = lines.bounds(first, document.text)[0], lines.bounds(last, document.text)[1]
        found.append(Edit(document.path, document.text[start:end], first + 1))
    return found


def _bare(document: Document) -> Snapshot:
    """A document without a tree: its text is all that is asked for."""
    return Snapshot(document.uri, document.path, document.language, document.text, document.version)


def _is_known(folder: Folder, texts: tuple[str, ...], name: str) -> bool:
    # Documents may define what is not saved yet. A mere mention counts as well: precision comes first.
    return folder.index.knows(name) or any(name in text for text in texts)
