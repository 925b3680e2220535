"""The daemon's connections: what clients ask, and what they are told.

Speaks the messages of `wire` and hands every request to `Service`; holds no queue and no engine of its own. A
client that misbehaves loses its connection, and nobody else notices. Signals, the lock and the idle exit come
together in `serve`, which is the daemon.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import attrs

from ...context.shared.problem import DaemonProblem
from ...context.shared.values import Completion
from ..process.home import DaemonHome, Lock
from ..process.lifecycle import Clock, IdleTimer
from ..process.reaching import chosen_transport
from ..process.release import release
from ..process.transport import Transport
from ..wire import messages as protocol
from ..wire.messages import Method
from .background_tuning import BackgroundTuning
from .metrics import figures_at
from .model_host import log_failure
from .model_source import ModelProvider
from .racing import front_desk
from .remote_source import RemoteProvider

log = logging.getLogger(__name__)

MAX_UNREAD_BYTES = 4 * 1024 * 1024
"""What may wait in memory for a client that does not read; beyond it the connection is cut."""

MAX_LOADS = 16
"""How many "load" requests of one client may be open."""

TICK_S = 5.0
"""Seconds between two looks at the idle timer, the socket and the model's file."""

_READ_BYTES = 256 * 1024
_FLUSH_S = 0.5


class AlreadyRunningProblem(DaemonProblem):
    """Another daemon holds the lock of this runtime directory. Nothing is wrong."""

    exit_code = 0


class _Client:
    """One connection. Its state: whether it said hello, and its open requests by their wire id."""

    def __init__(self, number: int, writer: asyncio.StreamWriter) -> None:
        self.owner = str(number)
        self.greeted = False
        self.same_version = False
        self.requests: dict[int, int] = {}  # wire id: the service's number
        self.loads: dict[int, asyncio.Task[None]] = {}
        self._writer = writer

    def send(self, frame: bytes) -> None:
        transport = self._writer.transport
        if transport.is_closing():
            return
        self._writer.write(frame)
        if transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            log.warning("client %s does not read; its connection is cut", self.owner)
            transport.abort()

    def respond(self, number: int, result: object = None) -> None:
        self.send(protocol.encode_response(number, None, result))

    def refuse(self, number: int, sentence: str) -> None:
        self.send(protocol.encode_response(number, sentence))

    async def flush(self) -> None:
        """Let what was written go out, for a bounded time, and close."""
        self._writer.transport.set_write_buffer_limits(0)
        try:
            await asyncio.wait_for(self._writer.drain(), _FLUSH_S)
        except (OSError, TimeoutError):
            pass  # it does not read, or is gone
        self._writer.close()


class Server:
    """The connections and what they ask. Its state: the clients and the wish to end (`stopping`)."""

    def __init__(
        self,
        source: ModelProvider,
        *,
        idle: IdleTimer,
        remote: RemoteProvider | None = None,
        tuning: BackgroundTuning | None = None,
        clock: Clock = time.monotonic,
        stopping: asyncio.Event | None = None,
    ) -> None:
        self.stopping = stopping or asyncio.Event()
        self.restarts = 0
        self._clock = clock
        self._idle = idle
        self._tuning = tuning
        self._tuning_told = False
        self._began = clock()
        self._numbers = itertools.count(1)
        self._clients: set[_Client] = set()
        self._connections: set[asyncio.Task[Any]] = set()
        self.service = front_desk(source, remote, on_model=self._model_changed, clock=clock)

    def __repr__(self) -> str:
        return f"<Server clients={len(self._clients)} {self.service!r}>"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of this user's until it ends."""
        client = _Client(next(self._numbers), writer)
        self._clients.add(client)
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        frames = protocol.FrameReader()
        try:
            while data := await reader.read(_READ_BYTES):
                for frame in frames.feed(data):
                    self._handle(client, frame)
        except protocol.ProtocolError as error:
            log.warning("client %s: %s; its connection is cut", client.owner, error)
        except OSError:
            pass  # it is gone, which is all that matters
        except Exception as error:  # noqa: BLE001 - a defect costs one connection, not the daemon
            log_failure(None, error)
        finally:
            self._clients.discard(client)
            for task in client.loads.values():
                task.cancel()
            client.requests.clear()
            self.service.forget_owner(client.owner)
            writer.close()

    async def close(self) -> bool:
        """Answer everything and close the connections. False when the engine did not let go in time."""
        if self._tuning is not None:
            self._tuning.close()
        ended = await self.service.close()
        await asyncio.sleep(0)  # "load" requests write their answers
        await asyncio.gather(*(client.flush() for client in list(self._clients)))
        if self._connections:
            await asyncio.wait(self._connections, timeout=_FLUSH_S)
        if self._tuning is not None:
            await self._tuning.cleared()
        return ended

    def tick(self) -> None:
        """Look whether the daemon is still needed, and whether its model still is the right one."""
        if self.service.busy:
            self._idle.touch()
        tunes = self._tuning is not None and self._tuning.running
        if self._idle.due and not tunes:  # tuning is why the daemon waited; it ends by itself
            log.info("not needed for %.0f minutes; ending", self._idle.minutes)
            self.stopping.set()
        self.service.refresh()
        if self._tuning is not None:
            self._tuning.tick(idle_s=self._idle.idle_s, busy=self.service.busy, model=self.service.model)
            self._tell_tuning()

    @property
    def model(self) -> protocol.ModelStatus:
        """What the model is doing, tuning included."""
        running = self._tuning is not None and self._tuning.running
        return attrs.evolve(self.service.model, tuning=running)

    def status(self) -> protocol.DaemonStatus:
        """What "status" answers."""
        import psutil

        return protocol.DaemonStatus(
            pid=os.getpid(),
            release=release(),
            uptime_s=self._clock() - self._began,
            idle_s=self._idle.idle_s,
            clients=sum(client.greeted for client in self._clients),
            sessions=self.service.sessions,
            queued=self.service.queued,
            model=self.model,
            memory_bytes=psutil.Process().memory_info().rss,
            remote=self.service.remote,
            restarts=self.restarts,
            **attrs.asdict(self.service.totals),
            latencies=self.service.latencies.histograms(),
        )

    def _tell_tuning(self) -> None:
        """Tell everybody when tuning has begun or ended."""
        if self.model.tuning != self._tuning_told:
            self._tuning_told = self.model.tuning
            self._model_changed(self.service.model)

    def _model_changed(self, _model: protocol.ModelStatus) -> None:
        if not self._clients:
            return
        frame = protocol.encode_notification(Method.MODEL, self.model)
        for client in self._clients:
            if client.same_version:
                client.send(frame)

    def _handle(self, client: _Client, frame: protocol.Frame) -> None:
        match frame:
            case protocol.Request():
                self._request(client, frame)
            case protocol.Notification(method=Method.CANCEL):
                self._cancel(client, protocol.from_wire(protocol.Cancel, frame.params).id)
            case _:
                raise protocol.ProtocolError("the client sent what only the daemon sends")

    def _request(self, client: _Client, frame: protocol.Request) -> None:
        if frame.id in client.requests or frame.id in client.loads:
            raise protocol.ProtocolError("the client used the id of an open request again")
        if not client.greeted and frame.method != Method.HELLO:
            raise protocol.ProtocolError("the client did not say hello")
        # A newer foretype must be able to stop an older one's daemon: these two never change.
        if client.greeted and not client.same_version and frame.method != Method.STOP:
            client.refuse(
                frame.id,
                f"The daemon is foretype {release()} and the client another version. Restart the editor.",
            )
            return
        try:
            self._answer(client, frame)
        except protocol.ProtocolError as error:
            client.refuse(frame.id, f"The daemon did not understand the client: {error}.")

    def _answer(self, client: _Client, frame: protocol.Request) -> None:
        match frame.method:
            case Method.HELLO:
                self._hello(client, frame)
            case Method.COMPLETE:
                self._submit(client, frame.id, protocol.from_wire(protocol.CompletionRequest, frame.params))
            case Method.WARM:
                self._submit(client, frame.id, protocol.from_wire(protocol.WarmRequest, frame.params))
            case Method.FORGET:
                session = protocol.from_wire(protocol.ForgetRequest, frame.params).session
                self.service.forget(client.owner, session)
                client.respond(frame.id)
            case Method.LOAD:
                self._load(client, frame.id)
            case Method.STATUS:
                client.respond(frame.id, self.status())
            case Method.STOP:
                client.respond(frame.id)
                self.stopping.set()
            case _:
                client.refuse(frame.id, f"The daemon knows no method '{frame.method}'.")

    def _hello(self, client: _Client, frame: protocol.Request) -> None:
        hello = protocol.from_wire(protocol.Hello, frame.params)
        self._idle.touch()
        client.greeted = True
        client.same_version = hello.version == protocol.VERSION
        log.info("connected: %.80r, process %d, version %d", hello.client, hello.pid, hello.version)
        client.respond(frame.id, protocol.Welcome(protocol.VERSION, release(), os.getpid()))
        if client.same_version:
            client.send(protocol.encode_notification(Method.MODEL, self.model))

    def _submit(
        self, client: _Client, number: int, request: protocol.CompletionRequest | protocol.WarmRequest
    ) -> None:
        self._needed()
        completing = isinstance(request, protocol.CompletionRequest)

        def answer(completion: Completion) -> None:
            if client.requests.pop(number, None) is not None:
                client.respond(number, completion if completing else None)

        def on_text(text: str) -> None:
            if number in client.requests:
                client.send(protocol.encode_notification(Method.DELTA, protocol.Delta(number, text)))

        streamed = completing and request.stream
        client.requests[number] = 0
        ticket = self.service.submit(client.owner, request, answer, on_text if streamed else None)
        if number in client.requests:
            client.requests[number] = ticket

    def _needed(self) -> None:
        """Somebody needs the model."""
        self._idle.touch()
        if self._tuning is not None:
            self._tuning.preempt()
            self._tell_tuning()

    def _load(self, client: _Client, number: int) -> None:
        if len(client.loads) >= MAX_LOADS:
            client.refuse(number, "The client asked too often for the model.")
            return
        self._needed()

        async def load() -> None:
            try:
                client.respond(number, await self.service.load())
            finally:
                client.loads.pop(number, None)

        client.loads[number] = asyncio.create_task(load())

    def _cancel(self, client: _Client, number: int) -> None:
        if (ticket := client.requests.get(number)) is not None:
            self.service.cancel(ticket)
        elif (task := client.loads.get(number)) is not None:
            task.cancel()
            client.refuse(number, "Cancelled.")


async def serve_daemon(
    place: DaemonHome,
    source: ModelProvider,
    *,
    remote: RemoteProvider | None = None,
    idle_minutes: float = 30.0,
    tuning: BackgroundTuning | None = None,
    clock: Clock = time.monotonic,
    tick_s: float = TICK_S,
    transport: Transport | None = None,
    metrics_port: int = 0,
    on_ready: Callable[[Server], Any] | None = None,
) -> bool:
    """Be the daemon: until a signal, a "stop", or nobody has needed it for `idle_minutes` (0: for ever).

    `transport` says where it listens, by default where the system's daemons do.

    Returns:
        Whether the engine's thread has ended. When it has not, native code is still running in it, and the
        process should end without waiting for it (`os._exit`).

    Raises:
        AlreadyRunningProblem: another daemon has this place.
        DaemonProblem: the directory or the address cannot be used.
    """
    place.prepare()
    lock = Lock.take(place.lock)
    if lock is None:
        raise AlreadyRunningProblem("A daemon is already running.")
    try:
        stopping = _stopped_by_signals()
        restarts = lock.sign()  # who can connect can also read whose process it is
        listener = (transport or chosen_transport(place)).listen()
        idle = IdleTimer(idle_minutes, clock)
        try:
            server = Server(source, idle=idle, remote=remote, tuning=tuning, clock=clock, stopping=stopping)
            server.restarts = restarts
            listening = await listener.serve(server.connected)
            log.info("daemon %d listens", os.getpid())
            async with figures_at(metrics_port, server.status):
                if on_ready is not None:
                    on_ready(server)
                await _until_stopped(server, lambda: listener.in_place and lock.in_place, tick_s)
            listening.close()
            return await server.close()
        finally:
            listener.close()
    finally:
        log.info("daemon %d ends", os.getpid())
        lock.release()


def _stopped_by_signals() -> asyncio.Event:
    """What a request to end sets. Made before anybody can connect: who finds a daemon may end it."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def stop(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(stopping.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # on Windows, where only Ctrl+C is a signal
            signal.signal(number, stop)
    return stopping


async def _until_stopped(server: Server, in_place: Callable[[], bool], tick_s: float) -> None:
    while not server.stopping.is_set():
        try:
            await asyncio.wait_for(server.stopping.wait(), tick_s)
        except TimeoutError:
            server.tick()
            if not in_place():
                log.warning("the runtime directory was cleaned; ending, since nobody can connect")
                server.stopping.set()
