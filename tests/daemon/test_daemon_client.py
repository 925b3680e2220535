"""The client: whatever happens to the daemon, the editor gets an answer, and the next request works."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.context.shared.problem import DaemonProblem
from foretype.context.shared.values import Prompt, Stage, StopReason, StopRules
from foretype.daemon.client import client as client_module
from foretype.daemon.client.backend import Backend
from foretype.daemon.client.client import Backoff, DaemonClient, NotRunningProblem
from foretype.daemon.process import home as places
from foretype.daemon.process import lifecycle, unix_socket
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.process.release import is_older
from foretype.daemon.server.in_process import InProcess
from foretype.daemon.wire import messages as protocol
from foretype.daemon.wire.messages import (
    CompletionRequest,
    ForgetRequest,
    ModelState,
    ModelStatus,
    WarmRequest,
)
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.fake_daemon import spawn_fake
from foretype.tests.support.fake_engine import FakeEngine, FakeSource, until


@attrs.define
class Starter:
    """Starts fake daemons and keeps them to be ended; `hold` lets none of their completions end.

    `spawner` takes the place of starting a fake one; they listen as `transport` says.
    """

    place: DaemonHome
    transport: str = "auto"
    hold: bool = False
    spawner: Callable[[DaemonHome], subprocess.Popen[bytes]] | None = None
    children: list[subprocess.Popen[bytes]] = attrs.field(factory=list[subprocess.Popen[bytes]])

    async def __call__(self, place: DaemonHome) -> None:
        await lifecycle.start_daemon(place, spawn=self.spawner or self.spawn)

    def spawn(self, place: DaemonHome) -> subprocess.Popen[bytes]:
        self.children.append(spawn_fake(place, self.transport, *(["hold"] if self.hold else [])))
        lifecycle.remember(self.children[-1])
        return self.children[-1]

    def kill(self) -> None:
        """End the newest daemon with SIGKILL, as an out-of-memory killer would."""
        self.children[-1].kill()
        self.children[-1].wait()


@pytest.fixture(params=["unix", "tcp"])
async def starter(place: DaemonHome, request: pytest.FixtureRequest) -> AsyncIterator[Starter]:
    starter = Starter(place, request.param)
    yield starter
    for child in starter.children:
        child.kill()
        child.wait()


@contextlib.asynccontextmanager
async def connecting(starter: Starter, clock: FakeClock | None = None) -> AsyncGenerator[DaemonClient]:
    """A client that starts fake daemons."""
    client = DaemonClient(starter.place, name="test", start=starter, backoff=Backoff(clock or FakeClock()))
    yield client
    await client.aclose()


def request(session: str = "a", prefix: str = "x", *, stream: bool = False) -> CompletionRequest:
    return CompletionRequest(session, Prompt(prefix), StopRules(), stream=stream)


async def test_the_first_request_starts_the_daemon_and_is_answered(starter: Starter) -> None:
    models: list[ModelStatus] = []
    deltas: list[str] = []
    async with connecting(starter) as client:
        client.on_model = models.append
        completion = await client.complete(request(stream=True), deltas.append)
        assert (completion.text, completion.stop) == ("return 42\n", StopReason.END)
        assert "".join(deltas) == completion.text
        assert [model.state for model in models][-1] is ModelState.READY
        assert (await client.status()).pid == starter.children[0].pid
        await client.warm(WarmRequest("a", Prompt("y")))
        await client.forget(ForgetRequest("a"))
        assert (await client.load()).state is ModelState.READY


@pytest.mark.parametrize(
    "left", ["nothing", "a file nobody may run", "a folder", "a file in a folder's place"]
)
async def test_without_its_interpreter_a_client_answers_with_a_sentence_until_it_is_back(
    starter: Starter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: str
) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    if left == "a file nobody may run":
        python.write_bytes(b"")
    elif left == "a folder":
        python.mkdir()
    elif left == "a file in a folder's place":
        python.parent.rmdir()
        python.parent.write_bytes(b"")
    async with connecting(starter) as client:
        with monkeypatch.context() as gone:
            gone.setattr(sys, "executable", str(python))
            starter.spawner = lifecycle.spawn
            completion = await client.complete(request())
            assert (completion.text, completion.stop) == ("", StopReason.UNAVAILABLE)
            assert str(python) in completion.detail
            assert "Restart the editor" in completion.detail
        starter.spawner = None
        assert (await client.complete(request())).text == "return 42\n"


@pytest.mark.parametrize(
    "error",
    [
        BlockingIOError(11, "Resource temporarily unavailable"),
        OSError(12, "Cannot allocate memory"),
        OSError(),
    ],
)
async def test_whatever_keeps_the_system_from_starting_a_daemon_is_a_sentence(
    place: DaemonHome, error: OSError
) -> None:
    async def start(_place: DaemonHome) -> None:
        raise error

    async def begin(where: DaemonHome) -> None:
        await lifecycle.start_daemon(where, spawn=raising(error))

    for how in (start, begin):
        client = DaemonClient(place, name="test", start=how, backoff=Backoff(FakeClock()))
        await client.warm(WarmRequest("a", Prompt("y")))
        completion = await client.complete(request())
        assert completion.stop is StopReason.UNAVAILABLE
        assert completion.detail.startswith("The daemon could not be started (")
        assert (await client.load()).state is ModelState.ERROR
        await client.aclose()


def raising(error: OSError) -> Callable[[DaemonHome], subprocess.Popen[bytes]]:
    def spawn(_place: DaemonHome) -> subprocess.Popen[bytes]:
        raise error

    return spawn


async def test_ten_clients_at_once_get_answers_of_one_daemon(starter: Starter) -> None:
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connecting(starter)) for _ in range(10)]
        completions = await asyncio.gather(*(client.complete(request()) for client in clients))
        assert [completion.text for completion in completions] == ["return 42\n"] * 10
        assert len(starter.children) == 1
        assert (await clients[0].status()).clients == 10


async def test_a_killed_daemon_costs_an_empty_answer_and_the_next_request_starts_another(
    starter: Starter,
) -> None:
    starter.hold = True
    async with connecting(starter) as client:
        first = asyncio.create_task(client.complete(request("a")))
        second = asyncio.create_task(client.complete(request("b")))
        warming = asyncio.create_task(client.warm(WarmRequest("c", Prompt("z"))))
        await until(lambda: running_requests(starter))
        starter.kill()
        for completion in (await first, await second):
            assert (completion.text, completion.stop) == ("", StopReason.UNAVAILABLE)
            assert "next request" in completion.detail
        await warming
        starter.hold = False
        assert (await client.complete(request())).text == "return 42\n"
        assert len(starter.children) == 2


async def running_requests(starter: Starter) -> bool:
    """Whether the daemon has all three requests: one runs, two wait."""
    other = DaemonClient(starter.place)
    try:
        return (await other.status()).queued == 2
    except DaemonProblem:
        return False
    finally:
        await other.aclose()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_daemon_cleanly_in_the_middle_of_a_request(
    starter: Starter, number: signal.Signals
) -> None:
    starter.hold = True
    async with connecting(starter) as client:
        task = asyncio.create_task(client.complete(request()))
        other = DaemonClient(starter.place)
        await until(lambda: sessions(other))
        starter.children[0].send_signal(number)
        assert (await task).stop is StopReason.CANCELLED
        assert starter.children[0].wait(10) == 0
        assert not starter.place.socket.exists()
        assert not starter.place.port.exists()
        assert starter.place.output.read_bytes() == b""


async def test_a_daemon_that_ends_between_requests_is_no_failure(starter: Starter) -> None:
    async with connecting(starter) as client:
        assert (await client.complete(request())).text
        assert await DaemonClient(starter.place).stop()
        await until(lambda: not client.connected)  # it hears of the end when its loop comes to it
        assert (await client.complete(request())).text
        assert "failures=0" in repr(client)


async def test_a_daemon_that_keeps_dying_is_started_ever_more_rarely(place: DaemonHome) -> None:
    clock = FakeClock()
    starts = 0

    async def start(_place: DaemonHome) -> None:
        nonlocal starts
        starts += 1
        raise DaemonProblem("It will not start.")

    client = DaemonClient(place, start=start, backoff=Backoff(clock))
    details = [(await client.complete(request())).detail for _ in range(4)]
    assert details[:2] == ["It will not start."] * 2
    assert details[2] == (
        "The daemon failed 2 times in a row; it is started again in 1 second. It will not start."
    ), "what is wrong is said for as long as it is"
    assert starts == 2
    clock.advance(Backoff.FIRST_S)
    assert (await client.complete(request())).detail == "It will not start."
    assert (await client.load()).state is ModelState.ERROR
    await client.warm(WarmRequest("a", Prompt("x")))
    assert starts == 3
    await client.aclose()


async def test_what_kept_a_daemon_from_starting_is_not_said_of_one_that_started(starter: Starter) -> None:
    starter.hold, clock, starts = True, FakeClock(), 0

    async def start(place: DaemonHome) -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise DaemonProblem("It will not start.")
        await starter(place)

    client = DaemonClient(starter.place, start=start, backoff=Backoff(clock))
    assert (await client.complete(request("a"))).detail == "It will not start."
    asking = asyncio.create_task(client.complete(request("a")))
    other = DaemonClient(starter.place)
    await until(lambda: sessions(other))
    starter.kill()
    await asking
    refused = await client.complete(request("a"))
    assert "2 times in a row" in refused.detail
    assert "It will not start." not in refused.detail
    await other.aclose()
    await client.aclose()


async def test_a_daemon_that_dies_at_every_request_is_given_up_until_somebody_starts_it(
    starter: Starter,
) -> None:
    """As where llama.cpp's computation ends the process: each start would load the model in vain."""
    starter.hold = True
    clock = FakeClock()
    async with connecting(starter, clock) as client:
        for death in range(1, Backoff.MOST_DEATHS + 1):
            asking = asyncio.create_task(client.complete(request("a")))
            other = DaemonClient(starter.place)
            await until(lambda other=other: sessions(other))
            starter.children[-1].send_signal(signal.SIGILL)
            assert "was ended by signal SIGILL" in (await asking).detail, death
            clock.advance(Backoff.LONGEST_S)
        refused = await client.complete(request("a"))
        assert refused.stop is StopReason.UNAVAILABLE
        assert "was ended by signal SIGILL (Illegal instruction), 5 times in a row" in refused.detail
        assert "'foretype doctor'" in refused.detail
        assert (await client.load()).detail == refused.detail
        assert len(starter.children) == Backoff.MOST_DEATHS

        starter.hold = False
        await starter(starter.place)  # 'foretype daemon start'
        assert (await client.complete(request("a"))).text == "return 42\n"
        assert "failures=0" in repr(client)


def test_deaths_are_forgotten_after_an_hour() -> None:
    clock = FakeClock()
    backoff = Backoff(clock)
    for _ in range(Backoff.MOST_DEATHS):
        assert not backoff.given_up
        backoff.died()
    assert backoff.given_up
    clock.advance(Backoff.GIVEN_UP_S)
    assert not backoff.given_up
    assert backoff.wait_s == 0.0
    backoff.died()
    assert backoff.given_up
    backoff.succeeded()
    assert not backoff.given_up


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, ""), (4, "signal SIGILL (Illegal instruction)"), (9, "memory is short"), (99, "signal 99")],
)
def test_signals_have_names(number: int, name: str) -> None:
    said = lifecycle.signal_name(number)
    assert (name in said) if name else not said


def test_the_back_off_grows_to_a_limit_and_ends_with_a_success() -> None:
    clock = FakeClock()
    backoff = Backoff(clock)
    waits: list[float] = []
    for _ in range(9):
        backoff.failed()
        waits.append(backoff.wait_s)
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    clock.advance(31)
    assert backoff.wait_s == 0.0
    backoff.succeeded()
    backoff.failed()
    assert backoff.wait_s == 0.0


async def test_cancelling_the_task_takes_the_request_back_at_once(starter: Starter) -> None:
    starter.hold = True
    async with connecting(starter) as client:
        task = asyncio.create_task(client.complete(request()))
        other = DaemonClient(place=starter.place)
        await until(lambda: sessions(other))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: answered(other))  # the daemon has stopped decoding
        await other.aclose()


async def answered(client: DaemonClient) -> int:
    return (await client.status()).requests


async def sessions(client: DaemonClient) -> int:
    try:
        return (await client.status()).sessions
    except DaemonProblem:
        return 0


async def test_cancelling_one_caller_does_not_stop_the_start_for_another(starter: Starter) -> None:
    async with connecting(starter) as client:
        impatient = asyncio.create_task(client.complete(request("a")))
        patient = asyncio.create_task(client.complete(request("b")))
        await until(lambda: starter.children)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        assert (await patient).text == "return 42\n"


async def test_looking_never_starts_a_daemon(starter: Starter) -> None:
    async with connecting(starter) as client:
        with pytest.raises(NotRunningProblem):
            await client.status()
        assert await client.stop() is False
        await client.forget(ForgetRequest("a"))
        assert not starter.children


async def test_stop_returns_when_the_daemon_is_gone(starter: Starter) -> None:
    async with connecting(starter) as client:
        await client.complete(request())
        assert await client.stop() is True
        assert places.holder(starter.place) is None
        assert starter.children[0].wait(10) == 0


async def test_a_daemon_that_hangs_is_a_sentence_and_can_be_ended(
    starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "ANSWER_WITHIN_S", 0.2)
    async with connecting(starter) as client:
        await lifecycle.start_daemon(starter.place, spawn=starter.spawn)
        pid = starter.children[0].pid
        os.kill(pid, signal.SIGSTOP)
        completion = await client.complete(request())
        assert completion.stop is StopReason.UNAVAILABLE
        assert f"process {pid}" in completion.detail
        with pytest.raises(DaemonProblem, match="does not answer"):
            await client.stop()
        assert await lifecycle.end(starter.place, pid, within_s=0.1)


async def test_a_daemon_that_stops_in_the_middle_is_not_waited_for(starter: Starter) -> None:
    starter.hold = True
    client = DaemonClient(starter.place, start=starter, beat_s=1.0)
    try:
        waiting = asyncio.ensure_future(client.complete(request()))
        await until(lambda: client.connected, 30)
        await client.status()
        assert not waiting.done()
        os.kill(starter.children[0].pid, signal.SIGSTOP)
        completion = await asyncio.wait_for(waiting, 60)
        assert completion.stop is StopReason.UNAVAILABLE
        assert "does not answer" in completion.detail
    finally:
        os.kill(starter.children[0].pid, signal.SIGCONT)
        await client.aclose()


@contextlib.asynccontextmanager
async def impostor(place: DaemonHome, answer: bytes) -> AsyncGenerator[None]:
    """Something that answers every connection with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        while await reader.read(1000):
            pass
        writer.close()

    place.prepare()
    listening = await asyncio.start_unix_server(serve, str(place.socket))
    yield
    listening.close()


async def no_start(_place: DaemonHome) -> None:
    """A starter that has nothing to do."""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "keeps ending"),
        (protocol.encode_response(1, "Go away."), "Go away."),
        (protocol.encode_response(1, None, {"version": "x"}), "Welcome"),
        (
            protocol.encode_response(1, None, protocol.Welcome(protocol.VERSION + 1, "9.9", 1)),
            "foretype 9.9, newer",
        ),
    ],
)
async def test_whoever_else_listens_there_is_a_sentence(place: DaemonHome, answer: bytes, words: str) -> None:
    async with impostor(place, answer):
        client = DaemonClient(place, start=no_start)
        completion = await client.complete(request())
        assert (completion.stop, completion.stage) == (StopReason.UNAVAILABLE, Stage.QUEUE)
        assert words in completion.detail
        await client.aclose()


async def test_another_users_daemon_is_refused(place: DaemonHome, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getuid()

    def peer_uid(_connection: socket.socket) -> int:
        return mine + 1

    async with impostor(place, b""):
        monkeypatch.setattr(unix_socket, "peer_uid", peer_uid)
        client = DaemonClient(place, start=no_start)
        assert "another user" in (await client.complete(request())).detail
        await client.aclose()


async def test_a_directory_that_is_not_safe_is_not_even_looked_into(place: DaemonHome) -> None:
    elsewhere = place.directory.with_name("elsewhere")
    elsewhere.mkdir()
    place.directory.symlink_to(elsewhere)
    client = DaemonClient(place, start=no_start)
    assert "symbolic link" in (await client.complete(request())).detail


@pytest.mark.parametrize("older", [{"version": protocol.VERSION - 1}, {"release": "0.0.1"}])
async def test_an_older_daemon_is_ended_and_replaced(
    starter: Starter, monkeypatch: pytest.MonkeyPatch, older: dict[str, Any]
) -> None:
    await lifecycle.start_daemon(starter.place, spawn=starter.spawn)
    async with connecting(starter) as client:
        old = starter.children[0]
        real = protocol.from_wire

        def an_older_first_one(kind: type[Any], data: Any) -> Any:
            value = real(kind, data)
            if isinstance(value, protocol.Welcome) and value.pid == old.pid:
                return attrs.evolve(value, **older)
            return value

        monkeypatch.setattr(client_module, "from_wire", an_older_first_one)
        assert (await client.complete(request())).text == "return 42\n"
        assert old.wait(10) == 0
        assert len(starter.children) == 2


async def test_an_update_loses_nothing_that_another_editor_waits_for(
    starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old daemon answers its client before it ends; the client's next request goes to the new one."""
    async with connecting(starter) as old_editor, connecting(starter) as new_editor:
        starter.hold = True
        task = asyncio.create_task(old_editor.complete(request()))
        other = DaemonClient(starter.place)
        await until(lambda: sessions(other))
        starter.hold = False
        monkeypatch.setattr(client_module, "release", lambda: "99.0")

        def the_first_is(_theirs: str, _ours: str) -> bool:
            return len(starter.children) == 1

        monkeypatch.setattr(client_module, "is_older", the_first_is)
        assert (await new_editor.complete(request("b"))).text == "return 42\n"
        assert (await task).stop is StopReason.CANCELLED
        assert starter.children[0].wait(10) == 0
        assert (await old_editor.complete(request())).text == "return 42\n"
        assert len(starter.children) == 2


async def test_an_older_client_uses_a_newer_daemon_that_speaks_the_same(
    starter: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "release", lambda: "0.0.1")
    async with connecting(starter) as client:
        assert (await client.complete(request())).text
        assert len(starter.children) == 1


@pytest.mark.parametrize(
    ("theirs", "ours", "older"),
    [
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "0.10.0", True),
        ("0.1", "0.1.1", True),
        ("0.1.0", "0.1.0", False),
        ("0.2.0", "0.1.9", False),
        ("unknown", "0.1.0", False),
        ("0.1.0", "unknown", False),
    ],
)
def test_which_of_two_releases_is_older(theirs: str, ours: str, older: bool) -> None:
    assert is_older(theirs, ours) is older


async def test_closing_the_client_ends_what_is_open(starter: Starter) -> None:
    starter.hold = True
    async with connecting(starter) as client:
        task = asyncio.create_task(client.complete(request()))
        await until(lambda: starter.children)
        await client.aclose()
        assert (await task).stop is StopReason.UNAVAILABLE
        assert (await client.complete(request())).stop is StopReason.UNAVAILABLE


def test_importing_the_client_is_light() -> None:
    """A language server imports it before it can answer `initialize`."""
    code = "import sys, foretype.daemon.client.client; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    modules = ran.stdout.split()
    heavy = {"llama_cpp", "numpy", "rich", "psutil", "click", "foretype.models.engine.interface"}
    assert not heavy & set(modules)


async def test_in_process_everything_works_the_same() -> None:
    engine = FakeEngine()
    backend = InProcess(FakeSource(engine))
    models: list[ModelStatus] = []
    deltas: list[str] = []
    backend.on_model = models.append
    assert (await backend.load()).state is ModelState.READY
    completion = await backend.complete(request(stream=True), deltas.append)
    assert completion.text == "".join(deltas) == "return 42\n"
    assert models[-1].state is ModelState.READY
    await backend.warm(WarmRequest("a", Prompt("y")))
    engine.hold()
    task = asyncio.create_task(backend.complete(request()))
    await until(lambda: engine.running and engine.running.kind == "complete")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: engine.of("complete")[-1].stop is StopReason.CANCELLED)
    status = await backend.status()
    assert (status.pid, status.sessions) == (os.getpid(), 1)
    await backend.forget(ForgetRequest("a"))
    await backend.aclose()
    assert engine.closed


def test_both_are_backends(place: DaemonHome) -> None:
    def check(_backend: type[Backend]) -> None:
        """The type checker's part of this test."""

    check(DaemonClient)
    check(InProcess)
    assert DaemonClient(place).on_model is None
