"""Tuning while nobody needs the model: when it begins, that any request ends it, and what it leaves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.values import Prompt, StopRules
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.process.lifecycle import IdleTimer
from foretype.daemon.server import background_tuning, server
from foretype.daemon.server.background_tuning import (
    IDLE_S,
    LOOK_EVERY_S,
    MOST_STARTS,
    BackgroundTuning,
    Facts,
    ThisMachine,
    obstacle,
)
from foretype.daemon.wire.messages import CompletionRequest, ModelState, ModelStatus, WarmRequest
from foretype.models.tuning import record as tuned
from foretype.models.tuning.record import Measured, Tuned
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.fake_engine import FakeEngine, FakeSource, until
from foretype.tests.support.tiny_gguf import tiny_model

READY = ModelStatus(ModelState.READY, name="fake")
FAVOURABLE = Facts(
    allowed=True,
    tuned=False,
    model_bytes=100_000_000,
    free_disk=1 << 40,
    free_memory=1 << 36,
    on_battery=False,
)
FORM = Measured("as is", True, 2, 128, 0.4, {1: 5.0})


@attrs.define
class FakeChild:
    """A process that ends when the test says so, or when it is killed."""

    code: int | None = None
    kills: int = 0

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.kills += 1
        self.code = -9

    def said(self) -> str:
        return "It said so."


@attrs.define
class FakeMachine:
    """Facts as the test wants them; every start makes one more child."""

    facts: Facts = FAVOURABLE
    fails: bool = False
    looks: int = 0
    children: list[FakeChild] = attrs.field(factory=list[FakeChild])
    sweeps: int = 0

    def look(self) -> Facts:
        self.looks += 1
        return self.facts

    def start(self) -> FakeChild:
        if self.fails:
            raise OSError("no more processes")
        self.children.append(FakeChild())
        return self.children[-1]

    def sweep(self) -> None:
        self.sweeps += 1


@attrs.define
class Room:
    """A tuning with a clock of its own."""

    machine: FakeMachine = attrs.field(factory=FakeMachine)
    clock: FakeClock = attrs.field(factory=FakeClock)
    tuning: BackgroundTuning = attrs.field(init=False)
    quiet_since: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tuning = BackgroundTuning(self.machine, self.clock)
        self.quiet_since = self.clock()

    def after(self, seconds: float, *, busy: bool = False, model: ModelStatus = READY) -> bool:
        """Let time pass and the daemon tick; whether a process tunes then."""
        self.clock.advance(seconds)
        self.tuning.tick(idle_s=self.clock() - self.quiet_since, busy=busy, model=model)
        return self.tuning.running

    def request(self) -> None:
        self.quiet_since = self.clock()
        self.tuning.preempt()


def check_not_begun(room: Room, *, busy: bool = False, model: ModelStatus = READY) -> None:
    assert not room.after(IDLE_S, busy=busy, model=model)
    assert not room.after(LOOK_EVERY_S, busy=busy, model=model)
    assert not room.machine.children


def check_obstacle(sentence: str, **changes: object) -> None:
    facts = attrs.evolve(FAVOURABLE, **changes)  # pyright: ignore[reportArgumentType]
    assert sentence in obstacle(facts)
    check_not_begun(Room(FakeMachine(facts)))


def test_it_begins_when_nobody_needed_the_model_for_some_minutes() -> None:
    room = Room()
    assert not room.after(IDLE_S - 1)
    assert room.after(1)
    assert room.after(1)
    assert len(room.machine.children) == 1


def test_it_does_not_begin_while_somebody_waits() -> None:
    check_not_begun(Room(), busy=True)


@pytest.mark.parametrize("state", [ModelState.UNLOADED, ModelState.LOADING, ModelState.ERROR])
def test_it_does_not_begin_without_a_model_that_works(state: ModelState) -> None:
    check_not_begun(Room(), model=ModelStatus(state))


def test_what_stands_against_it() -> None:
    assert obstacle(FAVOURABLE) == ""
    check_obstacle("switched off", allowed=False)
    check_obstacle("nothing to tune", tuned=True)
    check_obstacle("on battery", on_battery=True)
    check_obstacle("disk space", free_disk=background_tuning.SPARE_DISK)
    check_obstacle("disk space", model_bytes=1 << 38, free_memory=1 << 50)
    check_obstacle("often enough", starts=MOST_STARTS)
    check_obstacle("memory", free_memory=FAVOURABLE.model_bytes)


def test_it_is_looked_again_when_what_stood_against_it_may_be_gone() -> None:
    room = Room(FakeMachine(attrs.evolve(FAVOURABLE, on_battery=True)))
    assert not room.after(IDLE_S)
    room.machine.facts = FAVOURABLE
    assert not room.after(LOOK_EVERY_S / 2)
    assert room.machine.looks == 1
    assert room.after(LOOK_EVERY_S / 2)


async def test_a_request_ends_it_at_once_and_it_is_tried_again_later() -> None:
    room = Room()
    assert room.after(IDLE_S)
    room.request()
    assert room.machine.children[0].kills == 1
    assert not room.tuning.running
    room.request()
    assert room.machine.children[0].kills == 1
    assert not room.after(5)
    await until(lambda: room.machine.sweeps == 1)
    assert not room.after(2 * IDLE_S - 10)
    assert room.after(LOOK_EVERY_S)
    assert len(room.machine.children) == 2


@pytest.mark.parametrize("code", [0, 1, -11])
async def test_it_is_not_tried_twice_when_it_ended_by_itself(code: int) -> None:
    room = Room()
    assert room.after(IDLE_S)
    room.machine.children[0].code = code
    assert not room.after(5)
    await until(lambda: room.machine.sweeps == (code != 0))
    assert not room.after(10 * IDLE_S)
    assert len(room.machine.children) == 1


def test_a_process_that_cannot_be_started_harms_nobody() -> None:
    room = Room(FakeMachine(fails=True))
    check_not_begun(room)
    assert room.machine.looks == 1


async def test_it_ends_with_the_daemon() -> None:
    room = Room()
    assert room.after(IDLE_S)
    room.tuning.close()
    assert room.machine.children[0].kills == 1
    await room.tuning.cleared()
    assert room.machine.sweeps == 1
    assert not room.after(10 * IDLE_S)


@pytest.mark.parametrize("asking", ["complete", "warm", "load"])
async def test_the_daemon_tunes_when_idle_and_stops_for_any_request(place: DaemonHome, asking: str) -> None:
    clock, machine, source = FakeClock(), FakeMachine(), FakeSource(FakeEngine())
    tuning = BackgroundTuning(machine, clock)
    ready: asyncio.Future[server.Server] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        server.serve_daemon(place, source, tuning=tuning, clock=clock, tick_s=0.01, on_ready=ready.set_result)
    )
    daemon = await ready
    told: list[bool] = []
    client = DaemonClient(place, name="test", on_model=lambda model: told.append(model.tuning))
    try:
        await client.load()
        clock.advance(IDLE_S)
        await until(lambda: tuning.running)
        assert (await client.status()).model.tuning
        assert tuning.running, "looking at the daemon is no request"
        if asking == "complete":
            await client.complete(CompletionRequest("a", Prompt("x"), StopRules()))
        elif asking == "warm":
            await client.warm(WarmRequest("a", Prompt("x")))
        else:
            await client.load()
        assert machine.children[0].kills == 1
        await until(lambda: told[-1:] == [False] and True in told)
        clock.advance(2 * IDLE_S + LOOK_EVERY_S)
        await until(lambda: tuning.running)
    finally:
        await client.aclose()
        daemon.stopping.set()
        await task
    assert [child.kills for child in machine.children] == [1, 1]


def settings_file(tmp_path: Path, model: Path, *lines: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text("\n".join(["[model]", f'path = "{model}"', *lines]))
    return path


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(1000))
    return path


def test_the_facts_are_those_of_the_configured_model(model: Path, tmp_path: Path) -> None:
    machine = ThisMachine(settings_file(tmp_path, model))
    facts = machine.look()
    assert (facts.allowed, facts.tuned, facts.model_bytes) == (True, False, 1004)
    assert facts.free_disk > 0
    assert facts.free_memory > 0
    tuned.keep(Tuned(tuned.identity(model), tuned.machine(), str(model), FORM, FORM))
    assert machine.look().tuned


async def test_the_number_of_starts_is_bounded_whatever_ends_them(model: Path, tmp_path: Path) -> None:
    """Also over the lives of many daemons: each would begin anew after a pause, for ever."""
    machine = ThisMachine(settings_file(tmp_path, model))
    starts = 0
    while not obstacle(attrs.evolve(machine.look(), free_disk=1 << 50, free_memory=1 << 50)):
        starts += 1
        child = ThisMachine(settings_file(tmp_path, model)).start()
        child.kill()
        await until(lambda child=child: child.poll() is not None)
        assert starts <= MOST_STARTS
    assert starts == MOST_STARTS


async def test_the_daemon_does_not_end_for_want_of_requests_while_it_tunes() -> None:
    clock, machine = FakeClock(), FakeMachine()
    tuning = BackgroundTuning(machine, clock)
    daemon = server.Server(FakeSource(FakeEngine()), idle=IdleTimer(10.0, clock), tuning=tuning, clock=clock)
    await daemon.service.load()
    clock.advance(IDLE_S)
    daemon.tick()
    assert tuning.running
    clock.advance(1000)
    daemon.tick()
    assert not daemon.stopping.is_set()
    machine.children[0].code = 0
    daemon.tick()
    daemon.tick()
    assert daemon.stopping.is_set()
    await daemon.service.close()


def test_a_setting_switches_it_off(model: Path, tmp_path: Path) -> None:
    assert not ThisMachine(settings_file(tmp_path, model, "tune = false")).look().allowed


def test_only_what_dead_processes_left_is_swept(tmp_path: Path) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    dead = tmp_path / f"{tuned.scratch_prefix(int(gone.stdout))}x"
    alive = tmp_path / f"{tuned.scratch_prefix(os.getpid())}x"
    elsewhere = tmp_path / ".tuning-otherhost-1-x"
    odd = tmp_path / ".tuning-a-b-c"
    for folder in (dead, alive, elsewhere, odd):
        folder.mkdir()
        (folder / "Q8_0.gguf").touch()
    tuned.sweep_tuned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, elsewhere.name, odd.name])


async def test_the_real_process_says_why_it_kept_nothing(model: Path, tmp_path: Path) -> None:
    child = ThisMachine(settings_file(tmp_path, model)).start()
    await until(lambda: child.poll() is not None, within_s=60)
    assert child.poll() == 1
    assert child.said().startswith(str(model)) or "GGUF" in child.said()


def test_the_real_process_ends_with_the_daemon(tmp_path: Path) -> None:
    path = tiny_model("starcoder", tmp_path)
    # Standard input that is closed from the beginning: the daemon is gone before anything was measured.
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "foretype.models.tuning.worker", str(path), "1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")},
    )
    assert ran.returncode == 1
    assert not ran.stdout
    assert not list((tmp_path / "data").rglob("*.json"))


async def test_the_real_process_can_be_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    machine = ThisMachine(settings_file(tmp_path, tiny_model("starcoder", tmp_path)))
    child = machine.start()
    child.kill()
    await until(lambda: child.poll() is not None)
    assert child.poll() not in (0, 1)
    machine.sweep()
    assert not list((tmp_path / "data").rglob(".tuning-*"))
