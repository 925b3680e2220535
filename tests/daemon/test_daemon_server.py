"""The socket: who may speak, what happens to those who misbehave, and that nobody else notices."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.values import Prompt, StopReason, StopRules
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process import unix_socket
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.process.reaching import chosen_transport, transport_at
from foretype.daemon.process.release import release
from foretype.daemon.server import server
from foretype.daemon.wire import messages as protocol
from foretype.daemon.wire.messages import (
    Cancel,
    Completion,
    CompletionRequest,
    DaemonStatus,
    Frame,
    FrameReader,
    Hello,
    Method,
    ModelState,
    ModelStatus,
    Notification,
    Response,
    Welcome,
    from_wire,
)
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.fake_engine import FakeEngine, FakeSource, by_default, until

LIMIT_S = 10.0


@attrs.define
class Wire:
    """A raw connection: what a client that keeps no rules would use."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: list[Frame] = attrs.field(factory=list[Frame])
    cutter: FrameReader = attrs.field(factory=FrameReader)
    numbers: int = 0

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def ask(self, method: Method, params: object = None) -> int:
        self.numbers += 1
        self.send(protocol.encode_request(self.numbers, method, params))
        return self.numbers

    async def frame(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The next frame that is wanted; others are kept."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                for index, frame in enumerate(self.frames):
                    if wanted(frame):
                        return self.frames.pop(index)
                data = await self.reader.read(65536)
                assert data, "the daemon closed the connection"
                self.frames += self.cutter.feed(data)

    async def answer(self, number: int) -> Response:
        found = await self.frame(lambda frame: isinstance(frame, Response) and frame.id == number)
        assert isinstance(found, Response)
        return found

    async def hello(self, version: int = protocol.VERSION) -> Welcome:
        answer = await self.answer(self.ask(Method.HELLO, Hello(version, "test", os.getpid())))
        return from_wire(Welcome, answer.result)

    async def closed(self) -> None:
        """Wait until the daemon has closed this connection."""
        async with asyncio.timeout(LIMIT_S):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionResetError:
                pass


@attrs.define
class Running:
    """A daemon in this process, and what it is made of."""

    place: DaemonHome
    engine: FakeEngine
    source: FakeSource
    clock: FakeClock
    server: server.Server
    task: asyncio.Task[bool]
    wires: list[Wire] = attrs.field(factory=list[Wire])

    async def wire(self, *, hello: bool = True) -> Wire:
        wire = Wire(*await transport_at(self.place).connect())
        self.wires.append(wire)
        if hello:
            await wire.hello()
        return wire

    @property
    def found_by(self) -> Path:
        """The file by which clients find the daemon."""
        (file,) = [file for file in (self.place.socket, self.place.port) if file.exists()]
        return file


@pytest.fixture(params=["unix", "tcp"])
async def running(place: DaemonHome, request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """Everything that a daemon does, it does on either transport."""
    engine, clock = FakeEngine(), FakeClock()
    source = FakeSource(engine)
    ready: asyncio.Future[server.Server] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        server.serve_daemon(
            place,
            source,
            clock=clock,
            tick_s=0.01,
            idle_minutes=30,
            transport=chosen_transport(place, request.param),
            on_ready=ready.set_result,
        )
    )
    daemon = Running(place, engine, source, clock, await ready, task)
    yield daemon
    engine.run_freely()
    source.gate.set()
    for wire in daemon.wires:
        wire.writer.close()
    daemon.server.stopping.set()
    await task
    assert not place.socket.exists()
    assert not place.port.exists()


def request(session: str = "a", prefix: str = "x", *, stream: bool = False) -> CompletionRequest:
    return CompletionRequest(session, Prompt(prefix), StopRules(), stream=stream)


async def check_still_serving(running: Running) -> None:
    wire = await running.wire()
    running.engine.run_freely()
    answer = await wire.answer(wire.ask(Method.COMPLETE, request("other")))
    assert from_wire(Completion, answer.result).text == "return 42\n"


async def test_what_it_is_found_by_and_the_directory_are_private(running: Running) -> None:
    assert stat.S_IMODE(running.found_by.stat().st_mode) == 0o600
    assert stat.S_IMODE(running.place.directory.stat().st_mode) == 0o700


async def test_hello_is_answered_with_the_version_and_the_models_state(running: Running) -> None:
    wire = await running.wire(hello=False)
    assert await wire.hello() == Welcome(protocol.VERSION, release(), os.getpid())
    model = await wire.frame(lambda frame: isinstance(frame, Notification) and frame.method == "model")
    assert isinstance(model, Notification)
    assert from_wire(ModelStatus, model.params) == ModelStatus()


async def test_deltas_come_before_the_answer_they_add_up_to(running: Running) -> None:
    wire = await running.wire()
    number = wire.ask(Method.COMPLETE, request(stream=True))
    answer = await wire.answer(number)
    deltas = [
        frame.params["text"]
        for frame in wire.frames
        if isinstance(frame, Notification) and frame.method == "delta" and frame.params["id"] == number
    ]
    assert "".join(deltas) == from_wire(Completion, answer.result).text == "return 42\n"


async def test_progress_goes_to_every_connection(running: Running) -> None:
    first, second = await running.wire(), await running.wire()
    loaded = await first.answer(first.ask(Method.LOAD))
    assert from_wire(ModelStatus, loaded.result).state is ModelState.READY
    await second.frame(lambda frame: isinstance(frame, Notification) and frame.params.get("fraction") == 0.5)
    await second.frame(lambda frame: isinstance(frame, Notification) and frame.params.get("state") == "ready")


async def test_a_cancelled_request_is_answered_as_cancelled(running: Running) -> None:
    running.engine.hold()
    wire = await running.wire()
    number = wire.ask(Method.COMPLETE, request())
    await until(lambda: running.engine.running)
    wire.send(protocol.encode_notification(Method.CANCEL, Cancel(number)))
    wire.send(protocol.encode_notification(Method.CANCEL, Cancel(999)))
    completion = from_wire(Completion, (await wire.answer(number)).result)
    assert completion.stop is StopReason.CANCELLED


async def test_a_load_can_be_cancelled(running: Running) -> None:
    running.source.gate.clear()
    wire = await running.wire()
    number = wire.ask(Method.LOAD)
    wire.send(protocol.encode_notification(Method.CANCEL, Cancel(number)))
    assert (await wire.answer(number)).error


async def test_status_counts(running: Running) -> None:
    wire = await running.wire()
    await wire.answer(wire.ask(Method.COMPLETE, request()))
    await wire.answer(wire.ask(Method.WARM, protocol.WarmRequest("b", Prompt("y"))))
    status = from_wire(DaemonStatus, (await wire.answer(wire.ask(Method.STATUS))).result)
    assert (status.pid, status.clients, status.sessions, status.requests) == (os.getpid(), 1, 2, 1)
    assert status.model.name == "fake"
    assert status.memory_bytes > 0


async def test_a_closed_connection_takes_its_requests_and_sessions_along(running: Running) -> None:
    running.engine.hold()
    wire = await running.wire()
    wire.ask(Method.COMPLETE, request())
    await until(lambda: running.engine.running)
    wire.writer.close()
    await until(lambda: running.engine.of("forget"))
    assert running.engine.calls[0].stop is StopReason.CANCELLED
    assert running.server.service.sessions == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xc1\xc1\xc1",
        protocol.encode_response(1, None, None),
        protocol.encode_notification(Method.DELTA, protocol.Delta(1, "x")),
        protocol.encode_notification(Method.CANCEL, Hello()),
        protocol.encode_request(5, Method.COMPLETE, request()) * 2,
        b"\x91" * 5000,
    ],
)
async def test_malformed_frames_close_that_connection_only(running: Running, garbage: bytes) -> None:
    running.engine.hold()
    wire, other = await running.wire(), await running.wire()
    number = other.ask(Method.COMPLETE, request("quiet"))
    wire.send(garbage)
    await wire.closed()
    running.engine.run_freely()
    assert from_wire(Completion, (await other.answer(number)).result).text == "return 42\n"


async def test_a_frame_over_the_limit_closes_the_connection(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_MESSAGE_BYTES", 10_000)
    wire = await running.wire()
    wire.ask(Method.COMPLETE, request(prefix="x" * 20_000))
    await wire.closed()
    await check_still_serving(running)


async def test_without_hello_nothing_is_answered(running: Running) -> None:
    wire = await running.wire(hello=False)
    wire.ask(Method.STATUS)
    await wire.closed()


async def test_parameters_of_the_wrong_shape_are_an_error_not_an_end(running: Running) -> None:
    wire = await running.wire()
    assert "CompletionRequest" in str((await wire.answer(wire.ask(Method.COMPLETE, Hello()))).error)
    wire.numbers += 1
    wire.send(b"\x94\x00" + bytes([wire.numbers]) + b"\xa6dances\x91\x80")
    assert "dances" in str((await wire.answer(wire.numbers)).error)
    await check_still_serving(running)


async def test_another_version_may_stop_the_daemon_and_nothing_else(running: Running) -> None:
    wire = await running.wire(hello=False)
    assert (await wire.hello(version=999)).version == protocol.VERSION
    assert "another version" in str((await wire.answer(wire.ask(Method.STATUS))).error)
    assert (await wire.answer(wire.ask(Method.STOP))).error is None
    await asyncio.wait_for(running.task, LIMIT_S)


@pytest.mark.parametrize("running", ["unix"], indirect=True)
async def test_another_users_connection_is_refused(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getuid()

    def peer_uid(_connection: socket.socket) -> int:
        return mine + 1

    monkeypatch.setattr(unix_socket, "peer_uid", peer_uid)
    wire = Wire(*await asyncio.open_unix_connection(str(running.place.socket)))
    running.wires.append(wire)
    wire.ask(Method.HELLO, Hello())
    await wire.closed()
    assert not wire.frames


def long_answer(_prompt: Prompt) -> list[str]:
    return ["x" * 1000] * 50


@pytest.mark.parametrize("running", ["unix"], indirect=True)  # how much the system buffers is known there
async def test_a_client_that_does_not_read_is_cut_off(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_UNREAD_BYTES", 50_000)
    running.engine.script = long_answer
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.setblocking(False)
        deaf.connect(str(running.place.socket))
        deaf.send(protocol.encode_request(0, Method.HELLO, Hello()))
        await until(lambda: running.server.status().clients == 1)
        number = 0
        for number in range(1, 200):
            try:
                deaf.send(protocol.encode_request(number, Method.COMPLETE, request("a")))
            except (BrokenPipeError, ConnectionResetError):
                break
            answered = number - 1
            await until(
                lambda answered=answered: (
                    running.server.service.totals.requests > answered or running.server.status().clients == 0
                )
            )
        assert running.server.status().clients == 0
        assert number < 100
    running.engine.script = by_default
    await check_still_serving(running)


async def test_it_ends_when_nobody_has_needed_it_for_long(running: Running) -> None:
    wire = await running.wire()
    await wire.answer(wire.ask(Method.COMPLETE, request()))
    await until(lambda: not running.server.service.busy)
    running.clock.advance(30 * 60)
    await asyncio.wait_for(running.task, LIMIT_S)
    await wire.closed()


async def test_it_does_not_end_while_it_works(running: Running) -> None:
    running.engine.hold()
    wire = await running.wire()
    number = wire.ask(Method.COMPLETE, request())
    await until(lambda: running.engine.running)
    running.clock.advance(31 * 60)
    running.server.tick()
    assert not running.server.stopping.is_set()
    running.engine.run_freely()
    assert (await wire.answer(number)).error is None


async def test_it_ends_when_what_it_is_found_by_was_removed(running: Running) -> None:
    running.found_by.unlink()
    await asyncio.wait_for(running.task, LIMIT_S)


async def test_a_second_daemon_in_the_same_place_leaves_at_once(running: Running) -> None:
    with pytest.raises(server.AlreadyRunningProblem):
        await server.serve_daemon(running.place, running.source)
    await check_still_serving(running)


async def test_stop_answers_what_waits(running: Running) -> None:
    running.engine.hold()
    wire, stopper = await running.wire(), await running.wire()
    number = wire.ask(Method.COMPLETE, request())
    waiting = wire.ask(Method.COMPLETE, request("b"))
    await until(lambda: running.engine.running)
    assert (await stopper.answer(stopper.ask(Method.STOP))).error is None
    assert from_wire(Completion, (await wire.answer(number)).result).stop is StopReason.CANCELLED
    assert from_wire(Completion, (await wire.answer(waiting)).result).stop is StopReason.UNAVAILABLE
    assert await asyncio.wait_for(running.task, LIMIT_S)


async def test_two_clients_with_the_same_document_do_not_meet(running: Running) -> None:
    first, second = DaemonClient(running.place), DaemonClient(running.place)
    running.engine.hold()
    both = asyncio.gather(first.complete(request("file:///a.py")), second.complete(request("file:///a.py")))
    await until(lambda: running.engine.running)
    running.engine.run_freely()
    assert [completion.stop for completion in await both] == [StopReason.END, StopReason.END]
    await first.aclose()
    await second.aclose()
