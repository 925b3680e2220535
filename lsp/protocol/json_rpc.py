"""JSON-RPC as real editors speak it, on top of pygls.

pygls frames the messages, keeps the requests' futures and turns a cancelled task into -32800. This subclass
takes the messages in as plain maps instead of validated classes, so that a request with an odd field is still
answered and an extra field is not lost; it keeps no documents, leaving that to `documents`. Every request
gets exactly one response, also before `initialize`, after `shutdown`, and when its handler fails. Nothing is
ever shown to the user from here, and no message's content is logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any, cast

import attrs
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol

log = logging.getLogger(__name__)

MessageId = str | int
RequestHandler = Callable[[dict[str, Any]], Coroutine[Any, Any, Any]]
"""Makes the coroutine of an answer. What it returns is the result, or a function without parameters that is
called for the result when the answer is written: a message may come in between."""

NotificationHandler = Callable[[dict[str, Any]], None]


@attrs.frozen
class Incoming:
    """One message from the client: a request, a notification, or the response to a request of ours.

    Attributes:
        id: None for a notification.
        method: None for a response.
        params: always a map; anything else counts as an empty one.
        result: of a response.
        error: of a response; None when it succeeded.
    """

    id: MessageId | None = None
    method: str | None = None
    params: dict[str, Any] = attrs.field(factory=dict[str, Any])
    result: Any = None
    error: Any = None


class ClientError(Exception):
    """The client answered a request of ours with an error."""


class Protocol(LanguageServerProtocol):
    """pygls' protocol with lenient messages.

    Its state, beside pygls', is two tables of handlers, whether `initialize` was accepted, and who is
    admitted. A request handler is called at once, before the next message is read, and returns the
    coroutine that makes the answer; a notification handler does its work before it returns.
    """

    def __init__(self, server: Any, converter: Any) -> None:
        super().__init__(server, converter)
        cast("dict[str, Any]", self.fm.builtin_features).clear()  # pyright: ignore[reportUnknownMemberType] - bare Dict
        self.requests: dict[str, RequestHandler] = {}
        self.notifications: dict[str, NotificationHandler] = {}
        self.initialized = False
        self.admits: Callable[[Any], bool] | None = None

    @property
    def was_shut_down(self) -> bool:
        """Whether the client said goodbye with `shutdown`."""
        return self._shutdown

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Called for every JSON object, the innermost first; only whole messages are changed."""
        if data.get("jsonrpc") != self.VERSION or not ("method" in data or "id" in data):
            return data
        number, method = data.get("id"), data.get("method")
        params = data.get("params")
        return Incoming(
            id=number if isinstance(number, str | int) else None,
            method=method if isinstance(method, str) else None,
            params=cast("dict[str, Any]", params) if isinstance(params, dict) else {},
            result=data.get("result"),
            error=data.get("error"),
        )

    def handle_message(self, message: Any) -> None:
        """Hand a message to its handler. Never raises, except to end the process on `exit`."""
        if not isinstance(message, Incoming):
            log.warning("ignoring something that is not a JSON-RPC message")
        elif message.method is None:
            self._take_response(message)
        elif message.id is None:
            self._take_notification(message.method, message.params)
        else:
            self._take_request(message.id, message.method, message.params)

    def ask(self, method: str, params: Any) -> asyncio.Future[Any]:
        """Send a request of ours; the result is the plain JSON value, or `ClientError` is raised."""
        return asyncio.wrap_future(self.send_request(method, params))

    def _take_request(self, number: MessageId, method: str, params: dict[str, Any]) -> None:
        handler = self.requests.get(method)
        if self._shutdown:
            self._refuse(number, JsonRpcInvalidRequest("foretype is shutting down"))
        elif not self.initialized and method != types.INITIALIZE:
            self._refuse(number, JsonRpcServerNotInitialized("the first request must be initialize"))
        elif method == types.INITIALIZE and not self._admitted(params):
            self._refuse(number, JsonRpcInvalidRequest("the token is wrong"))
        elif handler is None:
            self._refuse(number, JsonRpcMethodNotFound.of(method))
        else:
            self._ctx_msg_id.set(number)
            try:
                task = asyncio.ensure_future(handler(params))
            except Exception:
                log.exception("the request %s could not be handled", method)
                self._send_response(number, result=None)
                return
            self._request_futures[number] = cast("Future[Any]", task)
            task.add_done_callback(partial(self._answer, number))

    def _admitted(self, params: dict[str, Any]) -> bool:
        options = params.get("initializationOptions")
        token = cast("dict[str, Any]", options).get("token") if isinstance(options, dict) else None
        return self.admits is None or self.admits(token)

    def _answer(self, number: MessageId, task: asyncio.Future[Any]) -> None:
        if cast("object", self._request_futures.get(number)) is task:
            del self._request_futures[number]
        if task.cancelled():
            self._send_response(
                number,
                error=types.ResponseError(code=types.LSPErrorCodes.RequestCancelled, message="cancelled"),
            )
            return
        error = task.exception()
        if error is None:
            result = task.result()
            self._send_response(number, result=result() if callable(result) else result)
        elif isinstance(error, JsonRpcException):
            self._refuse(number, error)
        else:
            log.error("a request failed, and was answered with nothing", exc_info=error)
            self._send_response(number, result=None)

    def _refuse(self, number: MessageId, error: JsonRpcException) -> None:
        self._send_response(number, error=error.to_response_error())

    def _take_notification(self, method: str, params: dict[str, Any]) -> None:
        if method == types.EXIT:
            self.lsp_exit_now()
        elif method == types.CANCEL_REQUEST:
            self._cancel(params.get("id"))
        elif self.initialized and not self._shutdown and (handler := self.notifications.get(method)):
            try:
                handler(params)
            except Exception:
                log.exception("the notification %s could not be handled", method)

    def _cancel(self, number: Any) -> None:
        future = self._request_futures.get(number) if isinstance(number, str | int) else None
        if isinstance(future, asyncio.Future):
            future.cancel()

    def _take_response(self, message: Incoming) -> None:
        future = self._request_futures.pop(message.id, None) if message.id is not None else None
        if future is None or isinstance(future, asyncio.Future) or future.done():
            return
        if message.error is not None:
            future.set_exception(ClientError("the client refused"))
        else:
            future.set_result(message.result)

    def begin_shutdown(self) -> None:
        """Answer every open request as cancelled; from now on only `exit` is heard."""
        for number, future in list(self._request_futures.items()):
            if number != self.msg_id and not future.done():
                future.cancel()
        self._shutdown = True

    def lsp_exit_now(self) -> None:
        """Leave the message loop. The process' exit code says whether `shutdown` came first."""
        raise SystemExit(0 if self._shutdown else 1)
