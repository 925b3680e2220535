"""One editor's session: what the language server knows beside the protocol.

Brings together the documents, the inline completions, the backend, the settings in force, the status and the
books. Decides who gets suggestions at all; everything else is decided in the parts. Of the protocol it knows
only the `Editor` at the other end, to which it sends notifications and requests.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..documents.document import Document
from ..documents.documents import DocumentStore
from ..documents.roots import root_of_file
from ..protocol.editor import Editor
from ..protocol.fields import as_map
from .books import Books
from .status import COMMON_STATUS, STATUS, ModelProgress, StatusBoard

if TYPE_CHECKING:
    from ...context.imports import ImportEdit
    from ...daemon.client.backend import Backend
    from ...daemon.settings.settings import Settings
    from ...daemon.wire.messages import ModelStatus
    from ..completions.imports import Importing
    from ..completions.requests import InlineCompletions
    from ..completions.warm_up import Ahead
    from ..edits.next_edits import NextEdits
    from ..protocol.progress import WorkProgress
    from ..workspace.folders import Folder, WorkspaceFolders
    from ..workspace.restrictions import Narrowings
    from .settings import Switches

log = logging.getLogger(__name__)

TellModel = Callable[["ModelStatus"], None]
BackendFactory = Callable[[TellModel], Awaitable["Backend"]]
SettingsLoader = Callable[[], "Settings"]


class Session:
    """Its state: the parts named above, made when first needed, and the layers of settings."""

    def __init__(self, backend: BackendFactory, settings: SettingsLoader, editor: Editor) -> None:
        """Make it.

        Args:
            backend: makes what completes, when first asked for; told whom to tell about the model.
            settings: reads the user's own settings.
            editor: the client.
        """
        self.documents = DocumentStore()
        self.editor = editor
        self.board = StatusBoard(editor.notify)
        self.books = Books(lambda: self.settings)
        self._progress = ModelProgress(self.work_progress)
        self._make_backend = backend
        self._load_settings = settings
        self._backend: asyncio.Future[Backend] | None = None
        self._inline: InlineCompletions | None = None
        self._edits: NextEdits | None = None
        self._imports: Importing | None = None
        self._workspaces: WorkspaceFolders | None = None
        self._narrowings: Narrowings | None = None
        self._front = ""
        self._file: Settings | None = None
        self._layers: list[dict[str, Any]] = [{}, {}]
        self._resolved: Settings | None = None
        self._switches: Switches | None = None
        self._wants_better = False

    # -- settings

    def begin(self, client: dict[str, Any], options: dict[str, Any], roots: tuple[str, ...]) -> None:
        """What `initialize` brought: the client's capabilities, its options, the workspace's folders."""
        self.editor.capabilities = client
        self._layers[0] = options
        self.documents.roots = roots
        wants = [STATUS] if options.get("status") is True else []
        if "editorInfo" in options:
            wants.append(COMMON_STATUS)
        self.board.tell(*wants)
        self._wants_better = options.get("betterSuggestions") is True

    def change_settings(self, sent: Any) -> None:
        """What `workspace/didChangeConfiguration` or an answer to `workspace/configuration` brought."""
        self._layers[1] = as_map(sent)
        self.reload()
        self.focus(
            self._front
        )  # the daemon looks for another model in the user's file when it is asked to load

    def reload(self) -> None:
        """Take the user's file and every layer anew."""
        self._file = self._resolved = None
        self._show_whether_off()
        if self._workspaces is not None:
            self._moving = asyncio.ensure_future(self._follow_roots())

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        if self._resolved is None:
            from .settings import received, resolve_settings

            if self._file is None:
                self._file = self._load_settings()
            self._resolved, complaints = resolve_settings(
                self._file, *(received(layer) for layer in self._layers)
            )
            for complaint in complaints:
                log.warning("%s", complaint)
        return self._resolved

    @property
    def switches(self) -> Switches:
        """What was switched off by command."""
        if self._switches is None:
            from .settings import Switches

            self._switches = Switches()
        return self._switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self._switches = switches
        self._show_whether_off()

    def refused(self, document: Document) -> str:
        """Why a document gets no suggestions now; "" when it does."""
        settings = self.settings.completion
        if not settings.enabled:
            return "Suggestions are switched off in the settings."
        if document.is_in(settings.disabled_languages):
            return f"Suggestions are switched off for {document.language} in the settings."
        if not self.switches.allows(document.language, document.file):
            return "Suggestions are switched off for this session."
        return self.narrowings.verdict(document).why

    def hidden(self, document: Document) -> bool:
        """Whether the model must not see a document beside another one."""
        return self.narrowings.verdict(document).kept_back

    def stays_here(self, document: Document) -> bool:
        """Whether the workspace forbids that a document's text leaves this machine."""
        return self.narrowings.verdict(document).local_only

    def folder(self, document: Document) -> Folder | None:
        """The folder of the workspace that a document lies in, where there is an index of it."""
        return self.workspaces.at(self.documents.root(document.uri))

    async def settle(self, document: Document) -> None:
        """Wait a little for what is known of a document to be up to date."""
        await self.narrowings.settle(document)

    @property
    def wants_related(self) -> bool:
        """Whether the model is to see related code at all."""
        return self.settings.completion.related_characters != 0

    @property
    def can_import(self) -> bool:
        """Whether an import can be added with a suggestion: the user wants it, and the client is able to."""
        return self.settings.completion.imports and self.imports.able

    @property
    def narrowings(self) -> Narrowings:
        """What the workspace's own files keep back."""
        if self._narrowings is None:
            from ..workspace.restrictions import Narrowings

            self._narrowings = Narrowings(lambda: self.documents.roots, on_news=self._narrowed)
        return self._narrowings

    def _narrowed(self, path: str) -> None:
        """Something else is known of what the workspace keeps back."""
        folder = self.workspaces.at(root_of_file(path, self.documents.roots))
        if folder is not None:
            folder.walk_again()
        front = self.documents.get(self._front)
        if front is not None and front.file == path:
            self.focus(front.uri)

    def _show_whether_off(self) -> None:
        if not self.settings.completion.enabled:
            self.board.off("Suggestions are switched off in the settings.")
        elif self.switches.everywhere:
            self.board.off("Suggestions are switched off for this session.")
        else:
            document = self.documents.get(self._front)
            if document is None:
                self.board.off("")
            elif self.narrowings.verdict(document).known or self.narrowings.is_slow(document):
                self.board.off(self.refused(document))

    # -- parts

    @property
    def inline(self) -> InlineCompletions:
        """The inline completions."""
        if self._inline is None:
            from ..completions.requests import InlineCompletions
            from ..workspace.related import Relations
            from .observing import SessionObserver

            observer = SessionObserver(
                self.documents,
                self.editor,
                self.board,
                self.books,
                looked_at=self._looked_at,
                wants_better=self._wants_better,
            )
            relations = Relations(self.documents, self.workspaces, self)
            self._inline = InlineCompletions(self.documents, self, relations, observer)
        return self._inline

    @property
    def edits(self) -> NextEdits:
        """What may be edited next."""
        if self._edits is None:
            from ..edits.next_edits import NextEdits

            self._edits = NextEdits(
                self.documents,
                self,
                lambda: self.inline.trees,
                lambda kind, fate: self.books.edited(kind, fate.value),
            )
        return self._edits

    @property
    def imports(self) -> Importing:
        """The imports that come with suggestions."""
        if self._imports is None:
            from ..completions.imports import Importing

            self._imports = Importing(self.documents, self.editor, self._import_added)
        return self._imports

    @property
    def ahead(self) -> Ahead:
        """What is done ahead of the next key."""
        return self.inline.ahead

    @property
    def workspaces(self) -> WorkspaceFolders:
        """The indexes of the workspace's folders."""
        if self._workspaces is None:
            from ...context.shared import paths
            from ..workspace.folders import WorkspaceFolders
            from .observing import IndexObserver

            self._workspaces = WorkspaceFolders(
                paths.cache_dir() / "workspaces",
                IndexObserver(self),
                wanted=lambda: self.settings.workspace.index,
            )
        return self._workspaces

    async def backend(self) -> Backend:
        """The one backend; made by the first caller."""
        if self._backend is None:
            self._backend = asyncio.ensure_future(self._make_backend(self._model_changed))
        return await asyncio.shield(self._backend)

    async def aclose(self) -> None:
        """End what runs, write what was counted, let the backend go."""
        if self._imports is not None:
            await self._imports.aclose()
        if self._edits is not None:
            await self._edits.aclose()
        if self._inline is not None:
            await self._inline.aclose()
        if self._workspaces is not None:
            await self._workspaces.aclose()
        await self.books.aclose()
        backend, self._backend = self._backend, None
        if backend is not None and backend.done() and not backend.cancelled() and not backend.exception():
            await backend.result().aclose()

    # -- documents

    def open(self, item: Any, *, completes: bool = True) -> None:
        """A document was opened.

        Args:
            item: a TextDocumentItem.
            completes: completions will be asked for in it, so the model is had ready.
        """
        document = self.documents.open(item)
        if document is not None:
            self.edits.forget(document.uri)
            self._begin(document, completes=completes)

    def open_notebook(self, item: Any, cells: list[Any]) -> None:
        """A notebook was opened: its cells are documents; one is enough to have the model ready."""
        opened = self.documents.open_notebook(item, cells)
        if opened:
            self._begin(next((each for each in opened if each.language != "markdown"), opened[0]))

    def close_notebook(self, identifier: Any) -> None:
        """A notebook was closed, and with it all of its cells."""
        for uri in self.documents.close_notebook(identifier):
            self.close(uri)

    def _begin(self, document: Document, *, completes: bool = True) -> None:
        if root := self.documents.root(document.uri):
            self.workspaces.begin(root)
        if completes:
            self.focus(document.uri)

    async def move_roots(self, roots: tuple[str, ...]) -> None:
        """The workspace has other folders now."""
        self.documents.move_roots(roots)
        await self._follow_roots()

    async def _follow_roots(self) -> None:
        """Index the folders that are open and wanted, and no others."""
        if self._workspaces is None:
            return
        roots = self.documents.roots
        await self._workspaces.keep_only(roots if self.settings.workspace.index else ())
        for document in self.documents:
            if root := self.documents.root(document.uri):
                self._workspaces.begin(root)

    def focus(self, uri: str, place: tuple[int, int] | None = None) -> None:
        """The user looks at a document: have the model ready.

        Args:
            uri: which.
            place: (line, character) where the cursor rests, where the client says so.
        """
        document = self.documents.get(uri)
        if document is None:
            return
        self._front = uri
        self._show_whether_off()
        if not self.refused(document):
            offset = None if place is None else document.offset_at(*place, self.documents.encoding)
            self.inline.ahead.opened(uri, offset)

    def change(self, identifier: Any, changes: Any) -> None:
        """A document has changed."""
        document = self.documents.change(identifier, changes)
        if document is not None:
            self.edits.changed(document)
        if document is not None and self._inline is not None:
            self._inline.better.stop(document.uri)
            self._follow_typing(document, self._inline)

    def _follow_typing(self, document: Document, inline: InlineCompletions) -> None:
        """Note how much of the open suggestion stands in the document now."""
        from ..completions.items import standing_in

        name = self.books.ledger.name(document.uri)
        known = [one for one in inline.suggestions.of(document.uri) if one.id == name]
        standing = standing_in(document, known[0]) if known else None
        if standing is not None:
            self.books.ledger.reached(document.uri, standing)

    def close(self, uri: str) -> None:
        """A document was closed."""
        document = self.documents.get(uri)
        if document is not None:
            sheet = document.sheet
            self.documents.close(uri)
            self.books.ledger.closed(uri)
            self.edits.forget(uri)
            self.inline.closed(uri, sheet)

    # -- news

    def _model_changed(self, status: ModelStatus) -> None:
        self.books.model = status.name
        self.board.model(status)
        self._progress.update(status)

    def work_progress(self, title: str) -> WorkProgress | None:
        """A bar for a piece of work that begins now; None where the client shows none."""
        if not self.editor.can("window", "workDoneProgress"):
            return None
        from ..protocol.progress import WorkProgress

        return WorkProgress(self.editor.request, self.editor.notify, title)

    def _import_added(self, uri: str, text: str, edit: ImportEdit) -> None:
        self.inline.suggestions.moved(uri, text, edit)

    def _looked_at(self, uri: str) -> None:
        self._front = uri
        self._show_whether_off()
