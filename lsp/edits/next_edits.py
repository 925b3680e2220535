"""What may be edited next in the open documents: the session's edits, and proposals on request.

Edits come from the editor's changes alone and stay in memory, bounded, until their document closes. A
proposal is looked for in a thread; one is given at a time, since what comes after it depends on whether it is
taken. A pattern that the user dismisses, or takes back, is not proposed again in this session.

It knows no protocol and no model, and what a pattern is decides `context/edits`.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from ...context.edits.history import EditHistory, TextChange
from ..documents.document import Document
from ..documents.documents import DocumentStore
from .model_edits import ModelEditHost, model_edit

if TYPE_CHECKING:
    from ...context.edits.propose import EditedDocument, Proposal
    from ..documents.trees import Trees
    from ..workspace.folders import Folder
    from .unopened import UnopenedFiles

LARGEST_TEXT = 400_000
"""Code points of a document beyond which nothing is looked for: nobody edits that by hand."""

OTHERS = 6
"""Other open documents in which a pattern is looked for, those edited last first."""

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


class NextEdits:
    """Its state: the history, what was dismissed, the latest proposals, and the thread that searches."""

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
        self._requests = 0
        self._thread: ThreadPoolExecutor | None = None

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
        """The editor has drawn a proposal."""
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

        A newer request leaves an older one without an answer.

        Args:
            document: where the user is.
            offset: of the cursor, in code points.
            model: where patterns say nothing, the model may be asked.
        """
        self._requests += 1
        return partial(self._find, self._requests, document, document.text, offset, model=model)

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
        return [each for each in await find() if begins_at(each.proposal, document.uri, offset)]

    async def _find(
        self, number: int, document: Document, text: str, offset: int, *, model: bool
    ) -> list[NextEdit]:
        await self._host.settle(document)
        if not self._wanted(document) or self._host.refused(document) or not self.history.edits:
            return []
        mine = await self._edited(document, offset)
        others = await self._others(document)
        if mine is None or number != self._requests or document.text is not text:
            return []
        found = await self._in_thread(mine, others, self._unopened(document), offset)
        if found is None and model and number == self._requests and document.text is text:
            thought = await model_edit(self._host, document, mine, offset)
            fresh = thought is not None and thought.pattern not in self._refused
            found = (thought, text) if thought is not None and fresh else None
        if found is None or not self._is_current(*found):
            return []
        return [self._remember(*found)]

    async def aclose(self) -> None:
        """Let the thread go."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

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

    async def _others(self, document: Document) -> list[EditedDocument]:
        """The other documents that edits may be about: what was edited last, and what may follow from it."""
        newest = self.history.edits[-1].document
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

    async def _in_thread(
        self,
        mine: EditedDocument,
        others: Sequence[EditedDocument],
        unopened: UnopenedFiles | None,
        offset: int,
    ) -> tuple[Proposal, str] | None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="foretype-edits")
        newest, refused = self.history.edits[-1].document, set(self._refused)
        work = partial(_first, mine, others, unopened, offset=offset, newest=newest, refused=refused)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

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


def _first(
    mine: EditedDocument,
    others: Sequence[EditedDocument],
    unopened: UnopenedFiles | None,
    *,
    offset: int,
    newest: str,
    refused: set[str],
) -> tuple[Proposal, str] | None:
    """The first proposal, and the text that it is about.

    In the user's document; for what was edited elsewhere there; then in the other open documents, and in
    files that nobody has open.
    """
    from ...context.edits.propose import proposals, proposals_elsewhere, words_elsewhere

    is_refused = refused.__contains__
    found = next(proposals(mine, offset, is_refused), None)
    source = next((each for each in others if each.name == newest), None)
    if found is None and source is not None:
        found = next(proposals_elsewhere(source, [mine], is_refused), None)
    if found is None and newest == mine.name:
        found = next(proposals_elsewhere(mine, others, is_refused), None)
    if found is not None:
        return found, next(each.text for each in (mine, *others) if each.name == found.document)
    if newest == mine.name and unopened is not None:
        for target in unopened.mentioning(words_elsewhere(mine, is_refused)):
            found = next(proposals_elsewhere(mine, [target], is_refused), None)
            if found is not None:
                return found, target.text
    return None
