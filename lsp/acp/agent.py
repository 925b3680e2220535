"""Next edit suggestions of the Agent Client Protocol: what each of its messages does.

The format is that of the protocol's proposal "Next Edit Suggestions" and its draft schema, version 1, in
which it is an unstable capability: `nes/start`, `nes/suggest`, `nes/accept`, `nes/reject`, `nes/close` and
the `document/…` notifications. A session of it has documents, a history and dismissed patterns of its own.
Suggestions of other kinds than edits are never made, so nothing depends on what the client can do.

It answers no prompts, and decides nothing about edits.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ..documents.positions import Encoding, negotiate, units
from ..documents.roots import path_of
from ..edits.wire import as_edits
from ..protocol.fields import as_list, as_map, read_position
from .lines import INVALID_PARAMS, HandleNotification, HandleRequest, Params, RequestError

if TYPE_CHECKING:
    from ..edits.next_edits import NextEdit
    from ..session.session import Session

PROTOCOL_VERSION = 1
"""Of the protocol; the only one that is spoken."""

MOST_SESSIONS = 32
"""Sessions at once, beyond which a new one is refused."""

_SEEN = ("rejected", "ignored", "replaced")
"""Reasons of a rejection that say that the user had seen the suggestion; "cancelled" says that nobody had."""


class Agent:
    """Its state: the sessions by their ids, and how positions are counted."""

    def __init__(self, make: Callable[[], Session], release: str) -> None:
        """Make it.

        Args:
            make: makes a session without documents, once what it needs was imported.
            release: foretype's version.
        """
        self.requests: dict[str, HandleRequest] = {
            "initialize": self._initialize,
            "nes/start": self._start,
            "nes/suggest": self._suggest,
            "nes/close": self._close,
        }
        self.notifications: dict[str, HandleNotification] = {
            "document/didOpen": self._opened,
            "document/didChange": self._changed,
            "document/didClose": self._closed,
            "nes/accept": self._accepted,
            "nes/reject": self._rejected,
        }
        self._make = make
        self._release = release
        self._sessions: dict[str, Session] = {}
        self._encoding = Encoding.UTF16

    async def aclose(self) -> None:
        """End every session; what they counted is written."""
        sessions = tuple(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.aclose()

    # -- requests

    async def _initialize(self, params: Params) -> dict[str, Any]:
        offered = as_map(params.get("clientCapabilities")).get("positionEncodings")
        self._encoding = negotiate([name for name in as_list(offered) if isinstance(name, str)])
        events = {"didOpen": {}, "didChange": {"syncKind": "incremental"}, "didClose": {}}
        return {
            "protocolVersion": PROTOCOL_VERSION,
            "agentCapabilities": {
                "nes": {"events": {"document": events}},
                "positionEncoding": self._encoding.value,
            },
            "agentInfo": {"name": "foretype", "title": "foretype", "version": self._release},
            "authMethods": [],
        }

    async def _start(self, params: Params) -> dict[str, Any]:
        from ..server.preparation import prepare

        if len(self._sessions) >= MOST_SESSIONS:
            raise RequestError(INVALID_PARAMS, f"{MOST_SESSIONS} sessions are open; close one first.")
        await asyncio.to_thread(prepare)
        session = self._make()
        session.begin({}, {}, workspace_folders(params))
        session.documents.encoding = self._encoding
        name = f"nes-{secrets.token_hex(8)}"
        self._sessions[name] = session
        return {"sessionId": name}

    def _suggest(self, params: Params) -> Coroutine[Any, Any, Any]:
        session, uri = self._session(params), params.get("uri")
        document = session.documents.get(uri) if isinstance(uri, str) else None
        version = params.get("version")
        if document is None:
            raise RequestError(INVALID_PARAMS, "The document was not opened here: send document/didOpen.")
        if isinstance(version, int) and version != document.version:
            return _nothing()
        place = read_position(params.get("position"))
        offset = document.offset_at(*place, session.documents.encoding)
        return _suggested(session, session.edits.request(document, offset))

    async def _close(self, params: Params) -> dict[str, Any]:
        session = self._session(params)
        del self._sessions[str(params.get("sessionId"))]
        await session.aclose()
        return {}

    # -- notifications

    def _opened(self, params: Params) -> None:
        self._session(params).open(params, completes=False)

    def _changed(self, params: Params) -> None:
        self._session(params).change(params, params.get("contentChanges"))

    def _closed(self, params: Params) -> None:
        self._session(params).close(str(params.get("uri")))

    def _accepted(self, params: Params) -> None:
        edits, name = self._session(params).edits, str(params.get("id"))
        edits.shown(name)
        edits.accepted(name)

    def _rejected(self, params: Params) -> None:
        edits, name = self._session(params).edits, str(params.get("id"))
        reason = params.get("reason") or "rejected"
        if reason in _SEEN:
            edits.shown(name)
        if reason == "rejected":
            edits.dismissed(name)

    def _session(self, params: Params) -> Session:
        """The session that a message is about; raises RequestError where there is none."""
        session = self._sessions.get(str(params.get("sessionId")))
        if session is None:
            raise RequestError(INVALID_PARAMS, "There is no session of this id: nes/start begins one.")
        return session


async def _nothing() -> dict[str, Any]:
    """The answer about another version than the document has."""
    return {"suggestions": []}


async def _suggested(
    session: Session, find: Callable[[], Coroutine[Any, Any, list[NextEdit]]]
) -> Callable[[], dict[str, Any]]:
    found = await find()
    return lambda: as_suggestions(as_edits(found, session.documents, ""), session.documents.encoding)


def as_suggestions(answer: dict[str, Any], encoding: Encoding) -> dict[str, Any]:
    """Edits as `edits.wire` writes them, in this protocol's words.

    Args:
        answer: what `as_edits` made.
        encoding: of its positions.
    """
    return {"suggestions": [_suggestion(each, encoding) for each in answer["edits"]]}


def _suggestion(edit: dict[str, Any], encoding: Encoding) -> dict[str, Any]:
    start, lines = edit["range"]["start"], edit["text"].split("\n")
    before = start["character"] if len(lines) == 1 else 0
    cursor = {"line": start["line"] + len(lines) - 1, "character": before + units(lines[-1], encoding)}
    return {
        "id": edit["command"]["arguments"][0],
        "kind": "edit",
        "uri": edit["textDocument"]["uri"],
        "edits": [{"range": edit["range"], "newText": edit["text"]}],
        "cursorPosition": cursor,
    }


def workspace_folders(params: Params) -> tuple[str, ...]:
    """Paths of the workspace's folders, as `nes/start` names them."""
    named = [as_map(folder).get("uri") for folder in as_list(params.get("workspaceFolders"))]
    uris = [uri for uri in named or [params.get("workspaceUri")] if isinstance(uri, str)]
    return tuple(path for uri in uris if (path := path_of(uri)))
