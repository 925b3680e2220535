"""What may be edited next in the open documents: the session's edits, and proposals on request.

Edits come from the editor's changes alone and stay in memory, bounded, until their document closes. A
proposal is looked for in a thread; one is given at a time, since what comes after it depends on whether it is
taken. A pattern that the user dismisses, or takes back, is not proposed again in this session.

It knows no protocol and no model, and what a pattern is decides `context/edits`.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from ...context.edits.history import EditHistory, TextChange
from ..documents.background import aside
from ..documents.document import Document
from ..documents.documents import DocumentStore
from .model_edits import ModelEditHost, model_edit
from .searching import SearchedDocuments, first_proposal

if TYPE_CHECKING:
    from ...context.edits.propose import EditedDocument, Proposal
    from ..documents.trees import Trees
    from ..workspace.folders import Folder
    from .unopened import UnopenedFiles

log = logging.getLogger(__name__)

LARGEST_TEXT = 400_000
"""Code points of a document beyond which nothing is looked for: nobody edits that by hand."""

OTHERS = 6
"""Other open documents in which a pattern is looked for, those edited last first."""

AT_CURSOR_WITHIN_S = 0.03
"""Seconds that an ordinary completion waits for an edit that begins at the cursor."""

_KEPT = 64
"""Proposals whose fate may still be told."""


class EditFate(enum.StrEnum):
    """What became of a proposal."""

    SHOWN = "shown"
    TAKEN = "taken"
    DISMISSED = "dismissed"


class EditsHost(ModelEditHost, Protocol):
    """By which settings edits are proposed, and for whom not; a `Session` is one."""

    def refused(self, document: Document) -> str:
        """Why a document gets no suggestions now; "" when it does."""
        ...

    def hidden(self, document: Document) -> bool:
        """Whether a document must not be looked at beside another one."""
        ...

    def folder(self, document: Document) -> Folder | None:
        """The folder of the workspace that a document lies in, where there is an index of it."""
        ...

    async def settle(self, document: Document) -> None:
        """Wait a little for what is known of a document to be up to date."""
        ...


@attrs.frozen
class NextEdit:
    """One proposal, as an editor is told of it.

    Attributes:
        id: names it when its fate is told.
        proposal: what is proposed, and where.
        document_text: the text that it is about.
    """

    id: str
    proposal: Proposal
    document_text: str = attrs.field(repr=False, eq=False)


@attrs.frozen(eq=False)
class _Search:
    """A search for patterns that runs or is done, for whoever asks the same.

    Attributes:
        about: the document, the offset, and what is known of edits.
        text: the document's text that is searched.
        found: what is found, to come.
    """

    about: tuple[str, int, int, int]
    text: str
    found: asyncio.Future[list[NextEdit]]


class NextEdits:
    """Its state: the history, what was dismissed, the latest proposals, and the last search."""

    def __init__(
        self,
        documents: DocumentStore,
        host: EditsHost,
        trees: Callable[[], Trees],
        on_fate: Callable[[str, EditFate], None],
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            host: by which settings, and for whom not.
            trees: makes the documents' syntax trees; asked for when first needed.
            on_fate: told the kind of a proposal, and what became of it.
        """
        self.history = EditHistory()
        self._documents = documents
        self._host = host
        self._trees = trees
        self._on_fate = on_fate
        self._refused: set[str] = set()
        self._told: dict[str, NextEdit] = {}
        self._taken: NextEdit | None = None
        self._count = 0
        self._counted: set[str] = set()
        self._search: _Search | None = None

    # -- what the editor tells

    def changed(self, document: Document) -> None:
        """A document has changed: what its last notification did is an edit, or the end of its history."""
        if self._taken is not None and _is_undone(self._taken, document):
            self._refused.add(self._taken.proposal.pattern)
            self._taken = None
        changes = document.last_changes
        if changes is None or document.notebook is not None or not self._wanted(document):
            self.history = self.history.forgotten(document.uri)
            return
        made = [TextChange(*change) for change in changes]
        self.history = self.history.changed(document.uri, made, document.text)

    def forget(self, uri: str) -> None:
        """A document was opened anew, or closed."""
        self.history = self.history.forgotten(uri)

    def shown(self, name: str) -> None:
        """The editor has drawn a proposal; it counts once."""
        if name in self._told and name not in self._counted:
            self._counted.add(name)
            self._settle(name, EditFate.SHOWN)

    def accepted(self, name: str) -> None:
        """The user took a proposal."""
        self._settle(name, EditFate.TAKEN)
        self._taken = self._told.pop(name, None)

    def dismissed(self, name: str) -> None:
        """The user doesn't want a proposal, nor others of its pattern."""
        self._settle(name, EditFate.DISMISSED)
        found = self._told.pop(name, None)
        if found is not None:
            self._refused.add(found.proposal.pattern)

    # -- what the editor asks

    def request(
        self, document: Document, offset: int, *, model: bool = True
    ) -> Callable[[], Coroutine[Any, Any, list[NextEdit]]]:
        """Take one request: the text is the document's now. What is returned finds the likeliest edit.

        Once the text has changed, there is nothing to be found. Who asks the same has the same search.

        Args:
            document: where the user is.
            offset: of the cursor, in code points.
            model: where patterns say nothing, the model may be asked.
        """
        return partial(self._find, document, document.text, offset, model=model)

    def request_at_cursor(
        self, document: Document, offset: int
    ) -> Callable[[], Coroutine[Any, Any, list[NextEdit]]] | None:
        """The same for an edit that begins at the cursor; None while the user is typing an edit there."""
        newest = self.history.edits[-1:]
        if not newest or (newest[0].document == document.uri and newest[0].start <= offset <= newest[0].end):
            return None
        return partial(self._find_at_cursor, self.request(document, offset, model=False), document, offset)

    async def _find_at_cursor(
        self, find: Callable[[], Coroutine[Any, Any, list[NextEdit]]], document: Document, offset: int
    ) -> list[NextEdit]:
        finding = asyncio.ensure_future(find())
        try:
            await asyncio.wait({finding}, timeout=AT_CURSOR_WITHIN_S)
        finally:
            if not finding.done():
                finding.cancel()  # the search itself goes on, for whoever asks for it
        if not finding.done() or finding.cancelled():
            return []
        if (error := finding.exception()) is not None:
            log.error("looking for the next edit failed", exc_info=error)
            return []
        found = finding.result()
        return [each for each in found if begins_at(each.proposal, document.uri, offset)]

    async def _find(self, document: Document, text: str, offset: int, *, model: bool) -> list[NextEdit]:
        await self._host.settle(document)
        if not self._wanted(document) or self._host.refused(document) or not self.history.edits:
            return []
        about = (document.uri, offset, self.history.number, len(self._refused))
        search = self._search
        if search is None or search.about != about or search.text is not text:
            search = _Search(about, text, asyncio.ensure_future(self._look(document, text, offset)))
            self._search = search
        found = await asyncio.shield(search.found)
        if found or not model or document.text is not text:
            return found
        return await self._thought(document, offset)

    async def _look(self, document: Document, text: str, offset: int) -> list[NextEdit]:
        """What patterns say; nothing once the text is another one."""
        if not self.history.edits:
            return []
        newest = self.history.edits[-1].document
        mine = await self._edited(document, offset)
        others = await self._others(document, newest)
        if mine is None or document.text is not text:
            return []
        searched = SearchedDocuments(mine, others, self._unopened(document))
        dismissed = frozenset(self._refused)
        found = await aside(
            lambda: first_proposal(searched, offset, newest, dismissed, lambda: document.text is text)
        )
        return [self._remember(*found)] if found is not None and self._is_current(*found) else []

    async def _thought(self, document: Document, offset: int) -> list[NextEdit]:
        """What the model says, where patterns say nothing."""
        text, mine = document.text, await self._edited(document, offset)
        thought = None if mine is None else await model_edit(self._host, document, mine, offset)
        if thought is None or thought.pattern in self._refused or not self._is_current(thought, text):
            return []
        return [self._remember(thought, text)]

    async def aclose(self) -> None:
        """Give the search up."""
        if self._search is not None:
            self._search.found.cancel()

    # -- pieces

    def _wanted(self, document: Document) -> bool:
        settings = self._host.settings.edits
        return settings.enabled and not document.is_in(settings.disabled_languages)

    async def _edited(self, document: Document, offset: int) -> EditedDocument | None:
        """A document with its tree and its edits; None for what is too large, or a notebook's."""
        from ...context.edits.propose import EditedDocument

        if document.notebook is not None or len(document.text) > LARGEST_TEXT:
            return None
        snapshot = await self._trees().snapshot(document, offset)
        edits = self.history.of(document.uri)
        return EditedDocument(document.uri, document.language, snapshot.text, snapshot.tree, edits)

    async def _others(self, document: Document, newest: str) -> list[EditedDocument]:
        """The other documents that edits may be about: what was edited last, and what may follow from it."""
        if not self._host.settings.edits.across_files:
            return []
        chosen = [
            each
            for each in sorted(self._documents, key=lambda one: -one.edited_at)
            if each is not document
            and each.language == document.language
            and self._wanted(each)
            and not self._host.refused(each)
            and not self._host.hidden(each)
        ]
        chosen.sort(key=lambda one: one.uri != newest)
        found = [await self._edited(each, each.edited_offset) for each in chosen[:OTHERS]]
        return [each for each in found if each is not None]

    def _unopened(self, document: Document) -> UnopenedFiles | None:
        """The files around a document that nobody has open; None where none is looked at."""
        folder = self._host.folder(document) if self._host.settings.edits.across_files else None
        if folder is None or not document.path:
            return None
        from .unopened import UnopenedFiles

        opened = frozenset(each.path for each in self._documents)
        return UnopenedFiles(folder, document.path, document.language, opened)

    def _is_current(self, proposal: Proposal, text: str) -> bool:
        """Whether a document still is as it was looked at; one that nobody opened since is."""
        document = self._documents.get(proposal.document)
        return document is None or document.text == text

    def _remember(self, proposal: Proposal, text: str) -> NextEdit:
        for name, known in self._told.items():
            if known.proposal == proposal:
                self._told[name] = attrs.evolve(known, document_text=text)
                return self._told[name]
        self._count += 1
        found = NextEdit(f"edit-{self._count}", proposal, text)
        self._told[found.id] = found
        while len(self._told) > _KEPT:
            del self._told[next(iter(self._told))]
        self._counted &= self._told.keys()
        return found

    def _settle(self, name: str, fate: EditFate) -> None:
        found = self._told.get(name)
        if found is not None:
            self._on_fate(found.proposal.kind, fate)


def _is_undone(taken: NextEdit, document: Document) -> bool:
    """Whether a document is again what it was before a proposal was taken."""
    return taken.proposal.document == document.uri and taken.document_text == document.text


def begins_at(proposal: Proposal, uri: str, offset: int) -> bool:
    """Whether a proposal can be shown as an ordinary completion at a place: it only adds something there."""
    adds = proposal.text.startswith(proposal.old) and "\n" not in proposal.old
    return proposal.document == uri and proposal.start == offset and adds
