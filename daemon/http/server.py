"""HTTP on a loopback port: requests in, answers out, within bounds. `h11` speaks the protocol.

A client that goes away takes its request back at once. What is too large, too slow or one too many is refused
with a sentence, and everybody else is answered meanwhile. What is asked and answered is known elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import h11

from ...context.shared.problem import Problem
from ...context.shared.values import StopReason
from ..client.backend import Backend
from ..process.loopback import LOOPBACK
from ..process.release import release
from ..wire.messages import ModelState, ModelStatus
from . import answers
from .asked import BadRequestProblem, MarkerReader, Wanted, completion, infill
from .completing import Completer
from .guard import refusal

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 64
MAX_BODY_BYTES = 4 << 20
"""A larger request is refused before it is read: a window of code has a few hundred kilobytes at most."""

_MAX_HEAD_BYTES = 16 << 10
_CHUNK = 64 << 10
_REQUEST_WITHIN_S = 10.0
"""How long a client may take for the whole of a request that it has begun."""
_KEPT_S = 60.0
"""How long a connection may stay without a request."""

_LINGERS_S = 2.0
"""How long a client that was refused may go on sending."""

_ASKS: dict[str, tuple[str, ...]] = {
    "/infill": ("POST",),
    "/completion": ("POST",),
    "/completions": ("POST",),
    "/v1/completions": ("POST",),
    "/health": ("GET", "HEAD"),
    "/v1/health": ("GET", "HEAD"),
    "/props": ("GET", "HEAD"),
}

_Gone = ConnectionError, TimeoutError, asyncio.IncompleteReadError


@attrs.frozen
class Reply:
    """One response: its status and its body, which is JSON unless it has events."""

    status: int
    body: bytes
    kind: str = "application/json; charset=utf-8"


def json_reply(status: int, value: object) -> Reply:
    """A reply of JSON."""
    return Reply(status, json.dumps(value).encode())


class HttpServer:
    """Answers plugins of llama-server. State: the open connections and what is known of the model."""

    def __init__(self, backend: Backend, token: str = "") -> None:
        """Make one; it listens once `serve` is awaited.

        Args:
            backend: who completes.
            token: that every client has to send; "" for none.
        """
        self.model = ModelStatus()
        self._backend = backend
        self._completer = Completer(backend)
        self._token = token
        self._connections = 0

    async def serve(self, port: int, ready: Callable[[int], object]) -> None:
        """Listen until cancelled; `ready` is told the port.

        Raises:
            Problem: the port is taken.
        """
        try:
            server = await asyncio.start_server(self.connected, LOOPBACK, port, backlog=256)
        except OSError as error:
            raise Problem(
                f"Port {port} cannot be used ({error.strerror}). End the program that has it, such as "
                "llama-server, or choose another with --port."
            ) from error
        async with server:
            ready(server.sockets[0].getsockname()[1])
            await server.serve_forever()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        self._connections += 1
        try:
            with contextlib.suppress(*_Gone):
                await _Connection(reader, writer, self._answer, self._connections > MOST_CONNECTIONS).run()
        finally:
            self._connections -= 1
            writer.close()

    async def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        refused = refusal(path, headers, self._token)
        if refused is not None:
            return json_reply(refused.status, answers.failure(refused.status, refused.sentence))
        if path not in _ASKS:
            return json_reply(404, answers.failure(404, f"There is no {path[:80]} here, only {_known()}."))
        if method not in _ASKS[path]:
            return json_reply(405, answers.failure(405, f"{path} takes {' or '.join(_ASKS[path])}."))
        if path.endswith("/health"):
            return json_reply(*answers.health_answer(self.model))
        if path == "/props":
            return json_reply(200, answers.props_answer(self.model, release()))
        try:
            return await self._completed(path, json.loads(body or b"null"))
        except BadRequestProblem as problem:
            return json_reply(400, answers.failure(400, str(problem)))
        except (ValueError, RecursionError):
            return json_reply(400, answers.failure(400, "The request's body is no JSON."))

    async def _completed(self, path: str, body: object) -> Reply:
        asked: Wanted = infill(body) if path == "/infill" else completion(body, MarkerReader())
        said = await self._completer.answer(asked)
        if said.completion.stop is StopReason.UNAVAILABLE:
            return json_reply(503, answers.failure(503, said.completion.detail))
        openai = path == "/v1/completions"
        if openai:
            answer = answers.openai_answer(said, self.model, int(time.time()))
        else:
            answer = answers.infill_answer(said, asked, self.model)
        if asked.stream:
            return Reply(200, answers.as_events(answer, openai=openai), "text/event-stream")
        return json_reply(200, answer)

    def on_model(self, model: ModelStatus) -> None:
        """The model has changed its state."""
        if model.state is not self.model.state and model.state is ModelState.READY:
            log.info("the model is ready")
        self.model = model


def _known() -> str:
    return ", ".join(path for path in _ASKS if path != "/v1/health")


_Answer = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Reply]]


class _Connection:
    """One client's connection. State: h11's, which knows how far request and response are."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: _Answer, too_many: bool
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._too_many = too_many
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)

    async def run(self) -> None:
        """Answer one request after the other, until there are no more."""
        if self._too_many:
            return await self._refuse(503, "Too many connections at once; try again.")
        while True:
            try:
                async with asyncio.timeout(_KEPT_S):
                    request = await self._next()
                if not isinstance(request, h11.Request):
                    return None
                async with asyncio.timeout(_REQUEST_WITHIN_S):
                    body = await self._body(request)
            except h11.RemoteProtocolError as error:
                return await self._refuse(error.error_status_hint, "This is no request that HTTP knows.")
            if body is None:
                return await self._refuse(413, f"A request may have {MAX_BODY_BYTES >> 20} MB at most.")
            reply = await self._while_connected(request, body)
            if reply is None:
                return None
            await self._send(reply, with_body=request.method != b"HEAD")
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return None
            self._http.start_next_cycle()

    async def _next(self) -> Any:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._reader.read(_CHUNK))

    async def _body(self, request: h11.Request) -> bytes | None:
        """The request's body; None where it is too large."""
        announced = _headers(request).get("content-length", "0")
        if not announced.isdigit() or int(announced) > MAX_BODY_BYTES:
            return None
        if self._http.they_are_waiting_for_100_continue:
            self._writer.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        body = bytearray()
        while isinstance(event := await self._next(), h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                return None
        return bytes(body)

    async def _while_connected(self, request: h11.Request, body: bytes) -> Reply | None:
        """The reply; None where the client has gone, whose request is then taken back."""
        path = request.target.decode("ascii", "replace").partition("?")[0]
        method = request.method.decode("ascii", "replace")
        answering = asyncio.ensure_future(self._answer(method, path, _headers(request), body))
        hearing = asyncio.create_task(self._reader.read(_CHUNK))
        try:
            await asyncio.wait({answering, hearing}, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                heard = hearing.result()
                if not heard and not answering.done():
                    return None
                self._http.receive_data(heard)  # the next request, sent before this one was answered
            return await answering
        finally:
            for task in (answering, hearing):
                task.cancel()
            await asyncio.gather(answering, hearing, return_exceptions=True)

    async def _send(self, reply: Reply, *, with_body: bool = True) -> None:
        headers = [("content-type", reply.kind), ("content-length", str(len(reply.body)))]
        head = h11.Response(status_code=reply.status, headers=headers)
        self._writer.write(self._http.send(head) or b"")
        if with_body and reply.body:
            self._writer.write(self._http.send(h11.Data(data=reply.body)) or b"")
        self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await self._writer.drain()

    async def _refuse(self, status: int, sentence: str) -> None:
        """Say why, and end the connection without reading what else is sent."""
        body = json.dumps(answers.failure(status, sentence)).encode()
        head = f"HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\nConnection: close\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        # What was sent already is read and dropped: closed before, a connection loses the answer as well.
        async with asyncio.timeout(_LINGERS_S):
            await self._writer.drain()
            self._writer.write_eof()
            while await self._reader.read(_CHUNK):
                pass


def _headers(request: h11.Request) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
