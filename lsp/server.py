"""The language server: which messages it hears, and who does the work.

Registers handlers with the protocol and translates between the protocol's values and those of
`documents` and `inline`; it decides nothing about completions. What is heavy to import (syntax trees,
the daemon's client) is imported after `initialize` has been answered.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from lsprotocol import types
from pygls.io_ import StdinAsyncReader, StdoutWriter, run_async
from pygls.lsp.server import LanguageServer

from .documents import DocumentStore, as_map, path_of
from .positions import negotiate
from .wire import Protocol

if TYPE_CHECKING:
    from ..daemon.backend import Backend
    from ..daemon.config import Settings
    from ..daemon.protocol import ModelStatus
    from .inline import InlineCompletions, Item

log = logging.getLogger(__name__)

T = TypeVar("T")

PARENT_CHECK_S = 3.0
"""Seconds between two looks at whether the editor is still there."""

ACCEPTED = "foretype.accepted"
"""The command that runs when the user accepts a suggestion; its argument is the suggestion's id."""

OnModel = Callable[["ModelStatus"], None]
BackendFactory = Callable[["Settings", OnModel], Awaitable["Backend"]]


class ForetypeServer(LanguageServer):
    """One editor's language server.

    Its state: the open documents, the inline completions (from the first document on), the backend
    (from the first prompt on), the settings, and what the client said it can do.
    """

    protocol: Protocol  # pyright: ignore[reportIncompatibleVariableOverride] - made from protocol_cls below

    def __init__(
        self,
        backend: BackendFactory,
        settings: Callable[[], Settings],
        *,
        release: str = "0",
    ) -> None:
        super().__init__("foretype", release, protocol_cls=Protocol)  # pyright: ignore[reportUnknownMemberType] - pygls leaves *args bare
        self.documents = DocumentStore()
        self.client: dict[str, Any] = {}
        self._make_backend = backend
        self._load_settings = settings
        self._settings: Settings | None = None
        self._inline: InlineCompletions | None = None
        self._backend: asyncio.Future[Backend] | None = None
        self._progress = ModelProgress(self)
        self._tasks: set[asyncio.Future[Any]] = set()
        self._register()

    def _register(self) -> None:
        self.protocol.requests.update(
            {
                types.INITIALIZE: self._on_initialize,
                types.SHUTDOWN: self._on_shutdown,
                types.TEXT_DOCUMENT_INLINE_COMPLETION: self._on_inline_completion,
                types.WORKSPACE_EXECUTE_COMMAND: self._on_command,
            }
        )
        self.protocol.notifications.update(
            {
                types.INITIALIZED: self._on_initialized,
                types.TEXT_DOCUMENT_DID_OPEN: self._on_open,
                types.TEXT_DOCUMENT_DID_CHANGE: self._on_change,
                types.TEXT_DOCUMENT_DID_CLOSE: self._on_close,
                "textDocument/didFocus": self._on_focus,
            }
        )

    # -- what the handlers work with, made when first needed

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        if self._settings is None:
            self._settings = self._load_settings()
        return self._settings

    @property
    def inline(self) -> InlineCompletions:
        """The inline completions of this editor."""
        if self._inline is None:
            from .inline import InlineCompletions

            self._inline = InlineCompletions(self.documents, self.backend, lambda: self.settings)
        return self._inline

    async def backend(self) -> Backend:
        """The one backend; made by the first caller."""
        if self._backend is None:
            self._backend = asyncio.ensure_future(self._make_backend(self.settings, self._progress.update))
        return await asyncio.shield(self._backend)

    # -- life

    def _on_initialize(self, params: dict[str, Any]) -> Coroutine[Any, Any, types.InitializeResult]:
        self.protocol.initialized = True
        self.client = as_map(params.get("capabilities"))
        offered = as_map(self.client.get("general")).get("positionEncodings")
        names = cast("list[Any]", offered) if isinstance(offered, list) else []
        self.documents.encoding = negotiate([name for name in names if isinstance(name, str)])
        self.documents.roots = workspace_roots(params)
        watch = params.get("processId")
        if isinstance(watch, int) and not isinstance(watch, bool) and watch > 0:
            self._keep(self._watch_parent(watch))
        return answer(
            types.InitializeResult(
                capabilities=capabilities(self.documents.encoding.value),
                server_info=types.ServerInfo(name=self.name, version=self.version),
            )
        )

    def _on_initialized(self, _params: dict[str, Any]) -> None:
        _ = self.inline

    def _on_shutdown(self, _params: dict[str, Any]) -> Coroutine[Any, Any, None]:
        self.protocol.begin_shutdown()
        return answer(None)

    async def _watch_parent(self, pid: int) -> None:
        """End the process when the editor is gone, even if somebody keeps our stdin open."""
        import psutil

        if not psutil.pid_exists(pid):
            return  # a client in another container names a process that we cannot see
        while psutil.pid_exists(pid):  # noqa: ASYNC110 - processes of others give no event
            await asyncio.sleep(PARENT_CHECK_S)
        await self.aclose()
        os._exit(0 if self.protocol.was_shut_down else 1)  # the thread that reads stdin cannot be woken

    async def aclose(self) -> None:
        """End what runs and let the backend go."""
        for task in tuple(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()
        if self._inline is not None:
            await self._inline.aclose()
        backend, self._backend = self._backend, None
        if backend is not None and backend.done() and not backend.cancelled() and not backend.exception():
            await backend.result().aclose()

    def _keep(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- documents

    def _on_open(self, params: dict[str, Any]) -> None:
        document = self.documents.open(params.get("textDocument"))
        if document is not None:
            self.inline.opened()

    def _on_change(self, params: dict[str, Any]) -> None:
        self.documents.change(params.get("textDocument"), params.get("contentChanges"))

    def _on_close(self, params: dict[str, Any]) -> None:
        uri = as_map(params.get("textDocument")).get("uri")
        if isinstance(uri, str) and self.documents.close(uri) is not None:
            self.inline.closed(uri)

    def _on_focus(self, params: dict[str, Any]) -> None:
        uri = as_map(params.get("textDocument")).get("uri")
        document = self.documents.get(uri) if isinstance(uri, str) else None
        if document is not None:
            self.inline.opened()

    # -- completions

    def _on_inline_completion(
        self, params: dict[str, Any]
    ) -> Coroutine[Any, Any, types.InlineCompletionList]:
        from .query import read_query

        work = self.inline.request(read_query(params))
        return self._items(work)

    async def _items(self, work: Coroutine[Any, Any, list[Item]]) -> types.InlineCompletionList:
        uri_items = await work
        return types.InlineCompletionList(items=[self._item(item) for item in uri_items])

    def _item(self, item: Item) -> types.InlineCompletionItem:
        document = self.documents.get(item.uri)
        place = types.Range(types.Position(0, 0), types.Position(0, 0))
        if document is not None:
            start = types.Position(*document.position_at(item.start, self.documents.encoding))
            end = types.Position(*document.position_at(item.end, self.documents.encoding))
            place = types.Range(start, end)
        return types.InlineCompletionItem(
            insert_text=item.text,
            filter_text=item.filter_text,
            range=place,
            command=types.Command(title="Accepted", command=ACCEPTED, arguments=[item.id]),
        )

    def _on_command(self, _params: dict[str, Any]) -> Coroutine[Any, Any, None]:
        return answer(None)

    # -- the message loop

    async def serve(self, stdin: BinaryIO, stdout: BinaryIO) -> int:
        """Speak the protocol until `exit` or the end of stdin; returns the exit code."""
        self.protocol.set_writer(StdoutWriter(stdout))
        reader = StdinAsyncReader(stdin, ThreadPoolExecutor(1, thread_name_prefix="stdin"))
        try:
            await run_async(threading.Event(), reader, self.protocol, logging.getLogger("pygls"))
            code = 0 if self.protocol.was_shut_down else 1
        except BrokenPipeError:
            code = 1
        finally:
            await self.aclose()
        return code


class ModelProgress:
    """The model's loading, shown as work-done progress. Its state: the token of the bar that is open."""

    def __init__(self, server: ForetypeServer) -> None:
        self._server = server
        self._token: str | None = None
        self._bars = 0

    def update(self, status: ModelStatus) -> None:
        """Take news of the model."""
        if not as_map(self._server.client.get("window")).get("workDoneProgress"):
            return
        loading = status.state.value == "loading"
        if loading and self._token is None:
            self._bars += 1
            self._token = f"foretype-model-{self._bars}"
            self._server.protocol.send_request(
                types.WINDOW_WORK_DONE_PROGRESS_CREATE, types.WorkDoneProgressCreateParams(token=self._token)
            )
            self._send(
                types.WorkDoneProgressBegin(title=f"Loading {status.name or 'the model'}", percentage=0)
            )
        elif loading:
            self._send(types.WorkDoneProgressReport(percentage=round(100 * status.fraction)))
        elif self._token is not None:
            self._send(types.WorkDoneProgressEnd(message=status.detail or None))
            self._token = None

    def _send(self, value: Any) -> None:
        if self._token is not None:
            self._server.protocol.notify(types.PROGRESS, types.ProgressParams(token=self._token, value=value))


async def answer(value: T) -> T:
    """A coroutine that is already done."""
    return value


def capabilities(encoding: str) -> types.ServerCapabilities:
    """What foretype can do, said once; nothing is registered later."""
    return types.ServerCapabilities(
        position_encoding=encoding,
        text_document_sync=types.TextDocumentSyncOptions(
            open_close=True, change=types.TextDocumentSyncKind.Incremental
        ),
        inline_completion_provider=types.InlineCompletionOptions(work_done_progress=False),
        execute_command_provider=types.ExecuteCommandOptions(commands=[ACCEPTED]),
        workspace=types.WorkspaceOptions(
            workspace_folders=types.WorkspaceFoldersServerCapabilities(
                supported=True, change_notifications=True
            )
        ),
    )


def workspace_roots(params: dict[str, Any]) -> tuple[str, ...]:
    """Paths of the workspace's folders, from whichever field the client filled in."""
    folders = params.get("workspaceFolders")
    names = (
        [as_map(folder).get("uri") for folder in cast("list[Any]", folders)]
        if isinstance(folders, list)
        else []
    )
    if not names and params.get("rootUri"):
        names = [params["rootUri"]]
    roots = [path_of(name) for name in names if isinstance(name, str)]
    if not roots and isinstance(params.get("rootPath"), str):
        roots = [params["rootPath"]]
    return tuple(root for root in roots if root)


def run_stdio(server: ForetypeServer) -> int:
    """Serve on the process' own stdin and stdout; whatever else prints goes to stderr instead."""
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        return asyncio.run(server.serve(stdin, stdout))
    except KeyboardInterrupt:
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
