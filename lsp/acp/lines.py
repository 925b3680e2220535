"""JSON-RPC with one message a line, as the Agent Client Protocol has it on stdin and stdout.

Every request gets exactly one response, also one that makes no sense and one whose handler fails. It knows no
method but `$/cancel_request`, and sends no requests of its own. No message's content is logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from ..protocol.fields import as_map

log = logging.getLogger(__name__)

Params = dict[str, Any]
HandleRequest = Callable[[Params], Coroutine[Any, Any, Any]]
"""Called before the next message is read; its coroutine returns the result, or a function that is called for
it when the response is written: a message may come in between."""

HandleNotification = Callable[[Params], None]

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
INTERNAL_ERROR, CANCELLED = -32603, -32800

LARGEST_ACP_MESSAGE = 1 << 26
"""Bytes of a message, at most: a document comes as one line."""


class RequestError(Exception):
    """A request that can't be answered; the message is a sentence for the client."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Lines(Protocol):
    """What messages are read from."""

    def readline(self) -> Awaitable[bytes]:
        """A line with its end; b"" at the end of the input. Raises ValueError for one that is too long."""
        ...


class LineConnection:
    """Its state: the tables of handlers by method, and the requests that run."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """Make one that knows no method.

        Args:
            write: takes the bytes of one message, its line's end included.
        """
        self.requests: dict[str, HandleRequest] = {}
        self.notifications: dict[str, HandleNotification] = {}
        self._write = write
        self._running: dict[str | int, asyncio.Future[Any]] = {}

    async def hear(self, lines: Lines) -> None:
        """Take messages until the end of the input; what still runs then is cancelled."""
        while True:
            try:
                line = await lines.readline()
            except ValueError:
                self._refuse(
                    None,
                    RequestError(INVALID_REQUEST, f"A message has more than {LARGEST_ACP_MESSAGE} bytes."),
                )
                continue
            if not line:
                break
            if line.strip():
                self.take(line)
        for task in tuple(self._running.values()):
            task.cancel()
        await asyncio.sleep(0)

    def take(self, line: bytes) -> None:
        """Hand one message to its handler. Never raises."""
        try:
            message: Any = json.loads(line)
        except ValueError:
            self._refuse(None, RequestError(PARSE_ERROR, "A line is not JSON."))
            return
        fields = as_map(message)
        method, number = fields.get("method"), fields.get("id")
        if not isinstance(method, str):
            if "result" not in fields and "error" not in fields:
                self._refuse(_id(number), RequestError(INVALID_REQUEST, "A message has no method."))
        elif "id" not in fields:
            self._notify(method, as_map(fields.get("params")))
        elif (known := _id(number)) is None:
            self._refuse(None, RequestError(INVALID_REQUEST, "A request's id is a text or a whole number."))
        else:
            self._request(known, method, as_map(fields.get("params")))

    def _request(self, number: str | int, method: str, params: Params) -> None:
        handler = self.requests.get(method)
        if handler is None:
            self._refuse(number, RequestError(METHOD_NOT_FOUND, f"foretype doesn't know {method}."))
            return
        if number in self._running:
            self._refuse(number, RequestError(INVALID_REQUEST, "A request with this id still runs."))
            return
        try:
            task = asyncio.ensure_future(handler(params))
        except RequestError as refusal:
            self._refuse(number, refusal)
            return
        self._running[number] = task
        task.add_done_callback(partial(self._answer, number))

    def _answer(self, number: str | int, task: asyncio.Future[Any]) -> None:
        del self._running[number]
        if task.cancelled():
            self._refuse(number, RequestError(CANCELLED, "The request was cancelled."))
            return
        error = task.exception()
        if isinstance(error, RequestError):
            self._refuse(number, error)
        elif error is not None:
            log.error("a request failed", exc_info=error)
            self._refuse(number, RequestError(INTERNAL_ERROR, "foretype could not answer; its log says why."))
        else:
            result = task.result()
            self._send({"id": number, "result": result() if callable(result) else result})

    def _notify(self, method: str, params: Params) -> None:
        if method == "$/cancel_request":
            number = _id(params.get("requestId"))
            if number is not None and number in self._running:
                self._running[number].cancel()
        elif handler := self.notifications.get(method):
            try:
                handler(params)
            except Exception:
                log.exception("the notification %s could not be handled", method)

    def _refuse(self, number: str | int | None, refusal: RequestError) -> None:
        self._send({"id": number, "error": {"code": refusal.code, "message": str(refusal)}})

    def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":"))
        self._write(text.encode("utf-8", "replace") + b"\n")


def _id(value: Any) -> str | int | None:
    """A request's id, or None for what can't be one."""
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None
