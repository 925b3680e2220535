"""The daemon's directory, lock and start: safe among other users, and exactly one among many starters."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.problem import DaemonProblem
from foretype.daemon.process import home as places
from foretype.daemon.process import lifecycle
from foretype.daemon.process.home import DaemonHome, Lock
from foretype.daemon.process.lifecycle import IdleTimer
from foretype.daemon.process.loopback import Loopback
from foretype.daemon.process.reaching import chosen_transport, transport_at
from foretype.daemon.process.unix_socket import UnixSocket, peer_uid
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.fake_daemon import spawn_fake


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def check_refused(place: DaemonHome, *words: str) -> None:
    with pytest.raises(DaemonProblem) as refusal:
        place.prepare()
    for word in (*words, "XDG_RUNTIME_DIR"):
        assert word in str(refusal.value)


def test_the_runtime_directory_is_the_users_alone(place: DaemonHome) -> None:
    old = os.umask(0)
    try:
        place.prepare()
    finally:
        os.umask(old)
    assert mode_of(place.directory) == 0o700
    place.prepare()


def test_a_directory_that_others_may_read_is_closed(place: DaemonHome) -> None:
    place.directory.mkdir()
    place.directory.chmod(0o755)
    place.prepare()
    assert mode_of(place.directory) == 0o700


def test_a_directory_that_others_may_write_is_refused(place: DaemonHome) -> None:
    place.directory.mkdir()
    place.directory.chmod(0o777)
    check_refused(place, "not safe")


def test_a_symbolic_link_is_refused(place: DaemonHome) -> None:
    elsewhere = place.directory.with_name("elsewhere")
    elsewhere.mkdir(mode=0o700)
    place.directory.symlink_to(elsewhere)
    check_refused(place, "symbolic link")


def test_a_file_in_its_place_is_refused(place: DaemonHome) -> None:
    place.directory.touch()
    check_refused(place, "not a directory")


def test_another_users_directory_is_refused(place: DaemonHome, monkeypatch: pytest.MonkeyPatch) -> None:
    place.prepare()
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    check_refused(place, "another user", f"uid {mine}")


def test_a_path_too_long_for_a_socket_says_so_and_what_to_set(tmp_path: Path) -> None:
    place = DaemonHome(tmp_path / ("x" * 120), tmp_path)
    place.prepare()
    with pytest.raises(DaemonProblem, match=r"bytes.*XDG_RUNTIME_DIR.*transport"):
        UnixSocket(place).listen()
    Loopback(place).listen().close()


def test_a_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    check_refused(DaemonHome(tmp_path / "missing" / "run", tmp_path), "cannot be created")


def test_the_lock_is_held_once(place: DaemonHome) -> None:
    place.prepare()
    lock = Lock.take(place.lock)
    assert lock is not None
    lock.sign()
    assert Lock.take(place.lock) is None
    assert places.holder(place) == os.getpid()
    assert mode_of(place.lock) == 0o600
    lock.release()
    assert places.holder(place) is None


def test_a_lock_file_that_is_a_link_is_refused(place: DaemonHome) -> None:
    place.prepare()
    place.lock.symlink_to("/dev/null")
    with pytest.raises(DaemonProblem, match="cannot be opened"):
        Lock.take(place.lock)


async def test_a_stale_socket_is_replaced_and_the_new_one_is_private(place: DaemonHome) -> None:
    place.prepare()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(place.socket))
    stale.close()
    assert not await transport_at(place).accepts()
    listener = UnixSocket(place).listen()
    assert mode_of(place.socket) == 0o600
    assert await transport_at(place).accepts()
    listener.close()


@pytest.mark.parametrize("setting", ["unix", "tcp"])
def test_only_what_is_ones_own_is_removed(place: DaemonHome, setting: str) -> None:
    place.prepare()
    mine, anothers = (chosen_transport(place, setting).listen() for _ in range(2))
    assert not mine.in_place
    mine.close()
    assert anothers.in_place
    anothers.close()
    assert not place.socket.exists()
    assert not place.port.exists()


def test_a_socket_knows_the_user_at_its_other_end() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert peer_uid(here) in (os.getuid(), None)


def test_the_idle_timer_counts_from_the_last_need() -> None:
    clock = FakeClock()
    timer = IdleTimer(30, clock)
    clock.advance(29 * 60)
    timer.touch()
    clock.advance(29 * 60)
    assert not timer.due
    clock.advance(60)
    assert timer.due


def test_with_zero_minutes_it_never_ends() -> None:
    clock = FakeClock()
    timer = IdleTimer(0, clock)
    clock.advance(1e9)
    assert not timer.due


async def test_ten_starts_at_once_make_one_process(place: DaemonHome) -> None:
    children: list[subprocess.Popen[bytes]] = []

    def spawn(place: DaemonHome) -> subprocess.Popen[bytes]:
        children.append(spawn_fake(place))
        return children[-1]

    await asyncio.gather(*(lifecycle.start_daemon(place, spawn=spawn) for _ in range(10)))
    assert len(children) == 1
    assert places.holder(place) == children[0].pid
    assert await lifecycle.end(place, children[0].pid)
    assert children[0].wait(10) == 0
    assert not place.socket.exists()


async def test_two_daemons_at_once_leave_one(place: DaemonHome) -> None:
    """Even without the starters' lock: several processes, one daemon, the others leave quietly."""
    children = [spawn_fake(place) for _ in range(4)]

    def spawn(place: DaemonHome) -> subprocess.Popen[bytes]:
        children.append(spawn_fake(place))
        return children[-1]

    await lifecycle.start_daemon(place, spawn=spawn)
    (running,) = [child for child in children if child.pid == places.holder(place)]
    for child in children:
        if child is not running:
            assert child.wait(10) == 0
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 0


async def test_a_daemon_that_cannot_start_passes_its_sentence_on(place: DaemonHome) -> None:
    def spawn(place: DaemonHome) -> subprocess.Popen[bytes]:
        place.socket.mkdir()  # nothing can be bound here
        return spawn_fake(place)

    with pytest.raises(DaemonProblem, match=r"The socket .* cannot be made"):
        await lifecycle.start_daemon(place, spawn=spawn)


async def test_a_daemon_that_crashes_while_starting_is_named_with_its_log(place: DaemonHome) -> None:
    def spawn(place: DaemonHome) -> subprocess.Popen[bytes]:
        place.logs.mkdir()
        return subprocess.Popen([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])

    with pytest.raises(DaemonProblem, match=r"signal SIGKILL.*daemon-output\.log"):
        await lifecycle.start_daemon(place, spawn=spawn)


async def test_a_daemon_that_never_listens_is_given_up(place: DaemonHome) -> None:
    children: list[subprocess.Popen[bytes]] = []

    def spawn(_place: DaemonHome) -> subprocess.Popen[bytes]:
        children.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return children[-1]

    try:
        with pytest.raises(DaemonProblem, match="does not accept connections"):
            await lifecycle.start_daemon(place, spawn=spawn, within_s=0.2)
    finally:
        children[0].communicate()


async def test_the_daemons_own_command_starts_and_ends(
    place: DaemonHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real command in a real process, detached: only the model is never asked for."""
    home = place.directory.parent
    for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home))
    place = attrs.evolve(DaemonHome(), logs=home / "logs")
    await lifecycle.start_daemon(place)
    pid = places.holder(place)
    assert pid is not None
    assert os.getsid(pid) == pid
    assert (mode_of(place.directory), mode_of(place.socket)) == (0o700, 0o600)
    assert await lifecycle.end(place, pid)
    assert not place.socket.exists()


async def test_a_daemon_starts_also_where_no_log_can_be_written(
    place: DaemonHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = place.directory.parent
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    place = DaemonHome()
    await lifecycle.start_daemon(place)
    pid = places.holder(place)
    assert pid is not None
    assert await lifecycle.end(place, pid)


def test_who_signs_hears_how_many_before_never_let_go(place: DaemonHome) -> None:
    place.prepare()

    def signed() -> tuple[Lock, int]:
        lock = Lock.take(place.lock)
        assert lock is not None
        return lock, lock.sign()

    first, lost = signed()
    assert (lost, places.holder(place)) == (0, os.getpid())
    first.release()
    second, lost = signed()
    assert lost == 0, "the first one said goodbye"
    os.close(second._descriptor)  # pyright: ignore[reportPrivateUsage] # as when a process is killed
    third, lost = signed()
    assert lost == 1
    third.release()
    assert signed()[1] == 1
