"""Imports that come with a suggestion: told to the client in the item's command, added when the user accepts.

The edit is worked out for the document as it is then: what was typed meanwhile has moved it, and the name may
have been imported by other means. Clients that want both undone at once ask for the edits
(`foretype.importEdits`) and give the item's command nothing but its id; the others are asked to apply them.
Which import a name needs is `context`'s decision.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
from lsprotocol import types

from ..documents.document import Document
from ..documents.documents import DocumentStore
from ..protocol.fields import as_map
from .import_argument import read_argument

if TYPE_CHECKING:
    from ...context.imports import Import, ImportEdit
    from ..protocol.editor import Editor
    from .items import InlineItem

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""Seconds to wait for the inserted text: some clients run an item's command before they tell of it."""

_TRIES = 3
"""A client refuses an edit for a version that it has left; it is worked out anew so often."""


@attrs.frozen
class ImportChange:
    """An edit in one document, in the client's words.

    Attributes:
        uri: the document.
        version: the one that the edit is for.
        edit: what is replaced, and by what.
        there: the same in code points of the document.
        whole: the same in code points of what it is part of.
    """

    uri: str
    version: int
    edit: types.TextEdit
    there: ImportEdit
    whole: ImportEdit

    def as_workspace_edit(self, *, versioned: bool) -> types.WorkspaceEdit:
        """The same for `workspace/applyEdit`, with the version where the client understands that."""
        if not versioned:
            return types.WorkspaceEdit(changes={self.uri: [self.edit]})
        document = types.OptionalVersionedTextDocumentIdentifier(uri=self.uri, version=self.version)
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, [self.edit])])


class Importing:
    """Its state: the additions that are under way."""

    def __init__(
        self,
        documents: DocumentStore,
        editor: Editor,
        on_added: Callable[[str, str, ImportEdit], None] = lambda _uri, _text, _edit: None,
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            editor: asked to apply what is added.
            on_added: told of a document's URI, its text before, and the edit, once an import is in it.
        """
        self._documents = documents
        self._editor = editor
        self._on_added = on_added
        self._running: set[asyncio.Task[None]] = set()

    @property
    def able(self) -> bool:
        """Whether imports can be added: the client applies edits."""
        return self._editor.can("workspace", "applyEdit")

    def add(self, argument: Any, taken: str | None = None) -> None:
        """The user has accepted a suggestion: have the client add what it needs.

        Args:
            argument: what `as_argument` made.
            taken: the beginning of the suggestion that was accepted; None for all of it.
        """
        uri, imports = read_argument(argument)
        if taken is not None:
            imports = tuple(
                one for one in imports if _holds(taken, one.name) or _begins_with_end(taken, one.name)
            )
        if imports and self.able:
            task = asyncio.ensure_future(self._add(uri, imports))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def edits(self, argument: Any) -> dict[str, Any] | None:
        """The edits for a client that applies them itself; None where there is nothing to do."""
        uri, imports = read_argument(argument)
        await self._arrived(uri, imports)
        found = self._change(uri, imports)
        if found is None:
            return None
        start, end = found.edit.range.start, found.edit.range.end
        place = {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        }
        edit = {"range": place, "newText": found.edit.new_text}
        return {"uri": found.uri, "version": found.version, "edits": [edit]}

    async def aclose(self) -> None:
        """End what runs."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _change(self, uri: str, imports: tuple[Import, ...]) -> ImportChange | None:
        """What is to be done to a document as it is now; when it has been done, that is told."""
        found = edit_now(self._documents, uri, imports)
        if found is None:
            return None
        document, target = self._documents.get(uri), self._documents.get(found.uri)
        if document is not None and target is not None:
            after = found.there.apply(target.text)
            told = partial(self._on_added, uri, document.whole, found.whole)
            self._documents.expect(found.uri, after, told)
        return found

    async def _add(self, uri: str, imports: tuple[Import, ...]) -> None:
        await self._arrived(uri, imports)
        edit = as_map(as_map(self._editor.capabilities.get("workspace")).get("workspaceEdit"))
        for _ in range(_TRIES):
            found = self._change(uri, imports)
            if found is None:
                return
            label = "Import " + ", ".join(one.name for one in imports)
            change = found.as_workspace_edit(versioned=bool(edit.get("documentChanges")))
            asked = types.ApplyWorkspaceEditParams(edit=change, label=label)
            try:
                answer = await self._editor.ask(types.WORKSPACE_APPLY_EDIT, asked)
            except Exception as failure:  # noqa: BLE001 - whatever the client answers costs the import alone
                log.info("the client did not add an import: %s", type(failure).__name__)
                return
            document = self._documents.get(found.uri)
            if (
                as_map(answer).get("applied") is not False
                or document is None
                or document.version == found.version
            ):
                return

    async def _arrived(self, uri: str, imports: tuple[Import, ...]) -> None:
        """Wait until a document has the names, or the patience ends."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        while (document := self._documents.get(uri)) is not None and not all(
            _holds(document.whole, one.name) for one in imports
        ):
            left = until - loop.time()
            if left <= 0 or not await self._documents.changed(uri, left):
                return


def _holds(text: str, name: str) -> bool:
    """Whether a text has a name, as a whole word."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _begins_with_end(text: str, name: str) -> bool:
    """Whether a text begins with the end of a name whose beginning stands in front of it."""
    word = re.match(r"\w+(?=\W)|\w+$", text)
    return word is not None and name.endswith(word.group())


def edit_now(documents: DocumentStore, uri: str, imports: tuple[Import, ...]) -> ImportChange | None:
    """The edit that adds imports to a document as it is now; None where there is nothing to add."""
    from ...context.imports import imports_edit

    document = documents.get(uri)
    if document is None or not imports:
        return None
    edit = imports_edit(document.snapshot(), imports)
    if edit is None:
        return None
    target, there = _in_its_cell(document, documents, edit)
    if target is None or there.end > len(target.text):
        return None
    return ImportChange(target.uri, target.version, _text_edit(target, documents, there), there, edit)


def edit_with(documents: DocumentStore, item: InlineItem) -> types.TextEdit | None:
    """The edit that adds what an item imports to the document as it is before that is accepted."""
    from ...context.imports import imports_edit
    from ...context.syntax.tree_work import parse_again

    document = documents.get(item.uri)
    if document is None or not item.imports or document.notebook is not None:
        return None
    snapshot = document.snapshot()
    after = snapshot.text[: item.start] + item.text + snapshot.text[item.end :]
    if snapshot.tree is None:
        return None
    tree = parse_again(snapshot.tree, after, item.start, item.end, item.start + len(item.text))
    edit = imports_edit(attrs.evolve(snapshot, text=after, tree=tree), item.imports)
    return None if edit is None or edit.end > item.start else _text_edit(document, documents, edit)


def _text_edit(document: Document, documents: DocumentStore, edit: ImportEdit) -> types.TextEdit:
    start, end = (document.position_at(at, documents.encoding) for at in (edit.start, edit.end))
    return types.TextEdit(types.Range(types.Position(*start), types.Position(*end)), edit.text)


def _in_its_cell(
    document: Document, documents: DocumentStore, edit: ImportEdit
) -> tuple[Document | None, ImportEdit]:
    """The document that an edit of the whole is for, and the edit there: in a notebook, one of its cells."""
    if document.notebook is None:
        return document, edit
    starts = document.notebook.sheet_of(document).starts
    before = {cell: start for cell, start in starts.items() if start <= edit.start}
    cell = max(before, key=lambda each: before[each], default=document.uri)
    at = before.get(cell, 0)
    if edit.start == edit.end == at and len(before) > 1 and edit.text.endswith("\n"):
        above = max((each for each in before if each != cell), key=lambda each: before[each])
        target = documents.get(above)
        if target is not None and re.search(r"^[^\S\n]*(?:import|from)\s", target.text, re.MULTILINE):
            end = len(target.text)
            return target, attrs.evolve(edit, start=end, end=end, text="\n" + edit.text.removesuffix("\n"))
    return documents.get(cell), attrs.evolve(edit, start=edit.start - at, end=edit.end - at)
