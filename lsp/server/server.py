"""The language server: which messages it hears, and who does the work.

Registers handlers with the protocol and translates between the protocol's values and those of `session`,
`documents` and `completions`; it decides nothing about completions. What is heavy to import (syntax trees,
the daemon's client) is imported after `initialize` has been answered.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from lsprotocol import types
from pygls.io_ import StdoutWriter, run_async
from pygls.lsp.server import LanguageServer

from ..documents.positions import code_points, negotiate
from ..documents.roots import path_of
from ..protocol.editor import Editor
from ..protocol.fields import as_int, as_list, as_map, read_position
from ..protocol.json_rpc import ClientError, Protocol
from ..protocol.stdin import Patient, Reader, open_reader
from ..session.session import BackendFactory, Session, SettingsLoader, TellModel
from . import next_edits
from .allocator import share_one_heap
from .capabilities import COMMAND_NAMES, capabilities

if TYPE_CHECKING:
    from ..completions.items import InlineItem

log = logging.getLogger(__name__)

_T = TypeVar("_T")

SWITCH_S = 0.0005
"""Seconds after which a busy thread gives the interpreter to one that waits: a key may be waiting."""

PARENT_CHECK_S = 3.0
"""Seconds between two looks at whether the editor is still there."""


class ForetypeServer(LanguageServer):
    """One editor's language server. Its state: the session, what is being prepared, and other tasks."""

    protocol: Protocol  # pyright: ignore[reportIncompatibleVariableOverride] - made from protocol_cls below

    def __init__(self, backend: BackendFactory, settings: SettingsLoader, *, release: str = "0") -> None:
        super().__init__("foretype", release, protocol_cls=Protocol)  # pyright: ignore[reportUnknownMemberType] - pygls leaves *args bare
        self.session = Session(backend, settings, Editor(self.protocol.notify, self.protocol.send_request))
        self._tasks: set[asyncio.Future[Any]] = set()
        self._preparing: asyncio.Future[Any] | None = None
        self.protocol.requests.update(
            {
                types.INITIALIZE: self._on_initialize,
                types.SHUTDOWN: self._on_shutdown,
                types.TEXT_DOCUMENT_INLINE_COMPLETION: self._on_inline_completion,
                types.TEXT_DOCUMENT_COMPLETION: self._on_completion,
                types.WORKSPACE_EXECUTE_COMMAND: self._on_command,
            }
        )
        self.protocol.notifications.update(
            {
                types.INITIALIZED: self._on_initialized,
                types.TEXT_DOCUMENT_DID_OPEN: self._on_open,
                types.TEXT_DOCUMENT_DID_CHANGE: self._on_change,
                types.TEXT_DOCUMENT_DID_CLOSE: self._on_close,
                types.NOTEBOOK_DOCUMENT_DID_OPEN: self._on_notebook_open,
                types.NOTEBOOK_DOCUMENT_DID_CHANGE: self._on_notebook_change,
                types.NOTEBOOK_DOCUMENT_DID_CLOSE: self._on_notebook_close,
                types.WORKSPACE_DID_CHANGE_CONFIGURATION: self._on_configuration,
                types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: self._on_folders,
                "textDocument/didFocus": self._on_focus,
                "textDocument/didShowCompletion": self._on_shown,
                "textDocument/didPartiallyAcceptCompletion": self._on_partly_accepted,
            }
        )
        self.protocol.requests[next_edits.INLINE_EDIT] = partial(next_edits.answer_request, self.session)
        self.protocol.notifications[next_edits.DID_SHOW] = partial(next_edits.hear_shown, self.session)

    # -- life

    def _on_initialize(self, params: dict[str, Any]) -> Coroutine[Any, Any, dict[str, Any]]:
        self.protocol.initialized = True
        client, options = as_map(params.get("capabilities")), as_map(params.get("initializationOptions"))
        self.session.begin(client, options, workspace_roots(params))
        offered = as_map(client.get("general")).get("positionEncodings")
        self.session.documents.encoding = negotiate(
            [name for name in as_list(offered) if isinstance(name, str)]
        )
        watch = params.get("processId")
        if isinstance(watch, int) and not isinstance(watch, bool) and watch > 0:
            self._keep(self._watch_parent(watch))
        inline = as_map(client.get("textDocument")).get("inlineCompletion")
        fallback = options.get("completion") is True or (
            inline is None and options.get("completion") is not False
        )
        return answer(
            {
                "capabilities": capabilities(self.session.documents.encoding.value, fallback=fallback),
                "serverInfo": {"name": self.name, "version": self.version},
            }
        )

    def _on_initialized(self, _params: dict[str, Any]) -> None:
        self._preparing = self._keep(self._prepare())
        if self.session.editor.can("workspace", "configuration"):
            self._keep(self._pull_settings())

    async def _prepare(self) -> None:
        from .preparation import prepare

        await asyncio.to_thread(prepare)
        _ = self.session.inline
        gc.freeze()  # what was imported stays: looking through it again and again would delay answers

    async def _prepared(self) -> None:
        """Wait until the next message can be answered without importing anything."""
        if self._preparing is not None:
            await asyncio.wait({self._preparing})
            self._preparing = None

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
        """End what runs."""
        for task in tuple(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()
        await self.session.aclose()

    def _keep(self, work: Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # -- documents

    def _on_open(self, params: dict[str, Any]) -> None:
        self.session.open(params.get("textDocument"))

    def _on_change(self, params: dict[str, Any]) -> None:
        self.session.change(params.get("textDocument"), params.get("contentChanges"))

    def _on_close(self, params: dict[str, Any]) -> None:
        self._close(params.get("textDocument"))

    def _on_focus(self, params: dict[str, Any]) -> None:
        uri = as_map(params.get("textDocument")).get("uri")
        if isinstance(uri, str):
            place = read_position(params["position"]) if "position" in params else None
            self.session.focus(uri, place)

    def _on_notebook_open(self, params: dict[str, Any]) -> None:
        self.session.open_notebook(params.get("notebookDocument"), as_list(params.get("cellTextDocuments")))

    def _on_notebook_change(self, params: dict[str, Any]) -> None:
        cells = as_map(as_map(params.get("change")).get("cells"))
        structure = as_map(cells.get("structure"))
        self.session.documents.rearrange(params.get("notebookDocument"), structure.get("array"))
        for cell in as_list(structure.get("didClose")):
            self._close(cell)
        for cell in as_list(structure.get("didOpen")):
            self.session.open(cell)
        for change in as_list(cells.get("textContent")):
            self.session.change(as_map(change).get("document"), as_map(change).get("changes"))

    def _on_notebook_close(self, params: dict[str, Any]) -> None:
        for cell in as_list(params.get("cellTextDocuments")):
            self._close(cell)
        self.session.close_notebook(params.get("notebookDocument"))

    def _close(self, identifier: Any) -> None:
        uri = as_map(identifier).get("uri")
        if isinstance(uri, str):
            self.session.close(uri)

    def _on_folders(self, params: dict[str, Any]) -> None:
        event = as_map(params.get("event"))
        gone, new = folder_paths(event.get("removed")), folder_paths(event.get("added"))
        kept = [root for root in self.session.documents.roots if root not in gone]
        self._keep(self.session.move_roots(tuple(dict.fromkeys((*kept, *new)))))

    # -- settings and commands

    def _on_configuration(self, params: dict[str, Any]) -> None:
        if params.get("settings") is not None:
            self.session.change_settings(params["settings"])
        elif self.session.editor.can("workspace", "configuration"):
            self._keep(self._pull_settings())

    async def _pull_settings(self) -> None:
        try:
            found = await self.protocol.ask(
                types.WORKSPACE_CONFIGURATION,
                types.ConfigurationParams(items=[types.ConfigurationItem(section="foretype")]),
            )
        except ClientError:
            return
        if as_list(found):
            self.session.change_settings(as_list(found)[0])

    def _on_command(self, params: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        from ..session.commands import COMMANDS

        command = COMMANDS.get(str(params.get("command")))
        if command is None:
            return answer(None)
        return command(self.session, as_list(params.get("arguments")))

    # -- completions

    def _on_inline_completion(
        self, params: dict[str, Any]
    ) -> Coroutine[Any, Any, Callable[[], types.InlineCompletionList]]:
        from ..documents.query import read_query

        query = read_query(params)
        return self._inline_items(next_edits.before(self.session, query, self.session.inline.request(query)))

    async def _inline_items(
        self, make: Callable[[], Coroutine[Any, Any, list[InlineItem]]]
    ) -> Callable[[], types.InlineCompletionList]:
        items = await make()
        return lambda: types.InlineCompletionList(
            items=[self._inline_item(item) for item in self._current(items)]
        )

    def _current(self, items: list[InlineItem]) -> list[InlineItem]:
        """The items that are about the text which their document has now."""
        documents = self.session.documents
        return [
            item
            for item in items
            if (document := documents.get(item.uri)) is not None and document.whole is item.document_text
        ]

    def _inline_item(self, item: InlineItem) -> types.InlineCompletionItem:
        documents = self.session.documents
        document = documents.get(item.uri)
        place = None
        if document is not None:
            start = types.Position(*document.position_at(item.start, documents.encoding))
            end = types.Position(*document.position_at(item.end, documents.encoding))
            place = types.Range(start, end)
        return types.InlineCompletionItem(
            insert_text=item.text,
            filter_text=item.filter_text,
            range=place,
            command=types.Command(title="Accepted", command=COMMAND_NAMES[0], arguments=item.arguments),
        )

    def _on_completion(
        self, params: dict[str, Any]
    ) -> Coroutine[Any, Any, Callable[[], types.CompletionList]]:
        import attrs

        from ..documents.query import read_query

        query = read_query(params)
        # Kind 1 is "invoked" here, but also every key with most editors: it asks for one answer all the same.
        return self._completion_list(
            query.uri, self.session.inline.request(attrs.evolve(query, invoked=False))
        )

    async def _completion_list(
        self, uri: str, make: Callable[[], Coroutine[Any, Any, list[InlineItem]]]
    ) -> Callable[[], types.CompletionList]:
        from .fallback import completion_list

        items, documents = await make(), self.session.documents
        return lambda: completion_list(self._current(items), documents, uri, COMMAND_NAMES[0])

    def _on_shown(self, params: dict[str, Any]) -> None:
        self.session.books.ledger.shown(item_id(params))
        self.session.edits.shown(item_id(params))

    def _on_partly_accepted(self, params: dict[str, Any]) -> None:
        text = as_map(params.get("item")).get("insertText")
        length = as_int(params.get("acceptedLength"))
        if isinstance(text, str):
            from ..completions.items import characters

            encoding = self.session.documents.encoding.UTF16  # whatever was negotiated: established so
            taken = text[: code_points(text, length, encoding)]
            self.session.books.ledger.partly(item_id(params), characters(taken), characters(text))
            self.session.imports.add(item_imports(params), taken)

    # -- the message loop

    async def hear(self, reader: Reader) -> None:
        """Take messages until the end of the input, or `exit`, which raises SystemExit."""
        sys.setswitchinterval(SWITCH_S)
        patient = Patient(reader, self._prepared)
        await run_async(threading.Event(), patient, self.protocol, logging.getLogger("pygls"))

    async def serve(self, stdin: BinaryIO, stdout: BinaryIO) -> int:
        """Speak the protocol until `exit` or the end of stdin; returns the exit code."""
        self.protocol.set_writer(StdoutWriter(stdout))
        reader, close = await open_reader(stdin, stdout)
        try:
            await self.hear(reader)
            code = 0 if self.protocol.was_shut_down else 1
        except (BrokenPipeError, asyncio.IncompleteReadError):
            code = 1
        finally:
            close()
            await self.aclose()
        return code


async def answer(value: _T) -> _T:
    """A coroutine that is already done."""
    return value


def item_id(params: dict[str, Any]) -> str:
    """The id of the suggestion that a notification is about: the argument of its item's command."""
    arguments = as_list(as_map(as_map(params.get("item")).get("command")).get("arguments"))
    return arguments[0] if arguments and isinstance(arguments[0], str) else ""


def item_imports(params: dict[str, Any]) -> Any:
    """What the item that a notification is about has to import: the second argument of its command."""
    arguments = as_list(as_map(as_map(params.get("item")).get("command")).get("arguments"))
    return arguments[1] if len(arguments) > 1 else None


def folder_paths(folders: Any) -> list[str]:
    """The paths of a list of WorkspaceFolder."""
    names = [as_map(folder).get("uri") for folder in as_list(folders)]
    return [path for name in names if isinstance(name, str) and (path := path_of(name))]


def workspace_roots(params: dict[str, Any]) -> tuple[str, ...]:
    """Paths of the workspace's folders, from whichever field the client filled in."""
    roots = folder_paths(params.get("workspaceFolders"))
    if not roots and isinstance(params.get("rootUri"), str):
        roots = [path_of(params["rootUri"])]
    if not roots and isinstance(params.get("rootPath"), str):
        roots = [params["rootPath"]]
    return tuple(root for root in roots if root)


def run_stdio(server: ForetypeServer) -> int:
    """Serve on the process' own stdin and stdout; whatever else prints goes to stderr instead."""
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    share_one_heap()
    try:
        return asyncio.run(server.serve(stdin, stdout))
    except KeyboardInterrupt:
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1


__all__ = ["BackendFactory", "ForetypeServer", "Session", "SettingsLoader", "TellModel", "run_stdio"]
