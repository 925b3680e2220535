"""One connection to the daemon: requests with their answers, deltas and cancellations.

Knows the protocol's frames and nothing of starting, retrying or users; that is `client`'s.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Any

from ...context.shared.problem import DaemonProblem
from ..wire import messages as protocol
from ..wire.messages import Method, ModelStatus, Welcome, from_wire
from .backend import OnDelta, OnModel

log = logging.getLogger(__name__)

_MAX_UNREAD_BYTES = 32 * 1024 * 1024
"""What may wait for a daemon that does not read; beyond it the daemon is taken for dead."""

_READ_BYTES = 256 * 1024


class RefusedError(Exception):
    """The daemon answered with an error; the message is its sentence."""


class LostProblem(DaemonProblem):
    """The connection ended before the answer came."""


class Connection:
    """One connection. Its state: the open requests, and why it ended, if it did."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_model: OnModel) -> None:
        self.welcome: Welcome | None = None
        self.lost = False
        self._writer = writer
        self._on_model = on_model
        self._numbers = itertools.count(1)
        self._open: dict[int, tuple[asyncio.Future[Any], OnDelta | None]] = {}
        self.reading = asyncio.create_task(self._read(reader))

    @property
    def pid(self) -> int | None:
        """The daemon's process; None before it has said so."""
        return self.welcome.pid if self.welcome else None

    async def request(self, method: Method, params: object = None, on_delta: OnDelta | None = None) -> Any:
        """Ask, and wait for the plain result. A cancelled wait takes the request back.

        Raises:
            RefusedError: the daemon answered with a sentence.
            DaemonProblem: the connection ended before the answer.
        """
        if self.lost:
            raise LostProblem(_DIED)
        number = next(self._numbers)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[number] = future, on_delta
        self._send(protocol.encode_request(number, method, params))
        try:
            return await future
        except asyncio.CancelledError:
            self._send(protocol.encode_notification(Method.CANCEL, protocol.Cancel(number)))
            raise
        finally:
            self._open.pop(number, None)

    def tell(self, method: Method, params: object) -> None:
        """Send a request whose answer does not matter."""
        if not self.lost:
            self._send(protocol.encode_request(next(self._numbers), method, params))

    def close(self) -> None:
        """End it; open requests end with DaemonProblem."""
        self.lost = True
        self._writer.close()
        self.reading.cancel()
        self._end_requests()

    def _send(self, frame: bytes) -> None:
        transport = self._writer.transport
        if transport.is_closing():
            return
        self._writer.write(frame)
        if transport.get_write_buffer_size() > _MAX_UNREAD_BYTES:
            transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = protocol.FrameReader()
        try:
            while data := await reader.read(_READ_BYTES):
                for frame in frames.feed(data):
                    self._handle(frame)
        except (OSError, protocol.ProtocolError) as error:
            log.info("the connection to the daemon ended: %s", error)
        finally:
            self.lost = True
            self._writer.close()
            self._end_requests()

    def _handle(self, frame: protocol.Frame) -> None:
        match frame:
            case protocol.Response():
                future, _ = self._open.get(frame.id, (None, None))
                if future is None or future.done():
                    return  # the answer of a request that was taken back
                if frame.error is not None:
                    future.set_exception(RefusedError(frame.error))
                else:
                    future.set_result(frame.result)
            case protocol.Notification(method=Method.DELTA):
                delta = from_wire(protocol.Delta, frame.params)
                future, on_delta = self._open.get(delta.id, (None, None))
                if on_delta is not None and future is not None and not future.done():
                    _guarded(on_delta, delta.text)
            case protocol.Notification(method=Method.MODEL):
                _guarded(self._on_model, from_wire(ModelStatus, frame.params))
            case _:
                raise protocol.ProtocolError("the daemon sent what only clients send")

    def _end_requests(self) -> None:
        for future, _ in self._open.values():
            if not future.done():
                future.set_exception(LostProblem(_DIED))


_DIED = "The daemon ended before it answered; the next request starts it again."


def _guarded(callback: Callable[[Any], None], value: object) -> None:
    """Call back; a defect there must not end the connection."""
    try:
        callback(value)
    except Exception:
        log.exception("a callback of the daemon's client failed")
