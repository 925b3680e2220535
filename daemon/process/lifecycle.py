"""The daemon's life: its start on demand, its end by force, its end after a long pause.

Exactly one daemon runs for each runtime directory: the one that holds the lock file (see `home`). A second
lock keeps ten clients that start at once from starting ten processes. Nothing here speaks the protocol.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ...context.shared.files import never_waiting
from ...context.shared.problem import DaemonProblem
from .home import DaemonHome, Lock, holder
from .reaching import transport_at

START_WITHIN_S = 30.0
"""How long a client waits for a daemon that it started; importing on a busy laptop takes a while."""

_OUTPUT_BYTES = 1_000_000

Clock = Callable[[], float]


def spawn(
    place: DaemonHome, arguments: tuple[str, ...] = ("-m", "foretype.daemon", "run")
) -> subprocess.Popen[bytes]:
    """Start a daemon of the user's, detached from this process, its terminal and its directory.

    `-P` keeps the current directory, which may be a workspace, out of the import path.

    Args:
        place: where it is to live.
        arguments: what Python is to run.
    """
    with _output(place) as output:
        child = subprocess.Popen(
            [sys.executable, "-P", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=Path(sys.executable).anchor or "/",
            start_new_session=True,
            creationflags=_DETACHED,
        )
    remember(child)
    return child


def remember(child: subprocess.Popen[bytes]) -> None:
    """Wait for a daemon's end, so that a language server keeps no zombie process and knows its signal."""
    threading.Thread(target=child.wait, name="foretype-reaper", daemon=True).start()
    _started[child.pid] = child


_DETACHED = (
    subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP if sys.platform == "win32" else 0
)
"""On Windows, where there are no sessions: no console, and no Ctrl+C that was meant for somebody else."""


_started: dict[int, subprocess.Popen[bytes]] = {}
"""The daemons that this process started, by their ids."""

REAPED_WITHIN_S = 0.2
"""How long after its last byte a process may take to be gone."""


_KILL = 9


async def how_it_ended(pid: int | None, *, within_s: float = REAPED_WITHIN_S) -> str:
    """The signal that ended a daemon, for people; "" where it ended otherwise or somebody else started it."""
    child = None if pid is None else _started.get(pid)
    if child is None:
        return ""
    deadline = time.monotonic() + within_s
    while child.returncode is None and time.monotonic() < deadline:  # noqa: ASYNC110 - see below
        await asyncio.sleep(0.01)  # the thread that reaps it holds no event of ours
    return signal_name(-(child.returncode or 0))


def signal_name(number: int) -> str:
    """A signal for people, as in "signal SIGILL (Illegal instruction)"; "" for no signal."""
    if number <= 0:
        return ""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    if number == _KILL:
        return f"signal {name} (Killed, as the system does when memory is short)"
    return f"signal {name} ({signal.strsignal(number)})"


def _output(place: DaemonHome) -> IO[bytes]:
    """Where a daemon's output goes. One that cannot be written down is no reason not to run."""
    try:
        place.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _size(place.output) > _OUTPUT_BYTES:
            os.truncate(place.output, 0)
        return open(place.output, "ab", opener=never_waiting)  # noqa: PTH123 - Path.open takes no opener
    except OSError:
        return Path(os.devnull).open("ab")


Spawn = Callable[[DaemonHome], "subprocess.Popen[bytes]"]


async def start_daemon(
    place: DaemonHome,
    *,
    spawn: Spawn = spawn,
    within_s: float = START_WITHIN_S,
    clock: Clock = time.monotonic,
) -> None:
    """Have a daemon that accepts connections, starting one if need be. Safe from many clients at once.

    Raises:
        DaemonProblem: it could not be started, and why.
    """
    place.prepare()
    deadline = clock() + within_s
    turn: Lock | None = None
    child: subprocess.Popen[bytes] | None = None
    offset = 0
    pause = 0.005
    try:
        while not await transport_at(place).accepts():
            if turn is None:
                turn = Lock.take(place.starting)
            if turn is not None and child is None:
                offset = _size(place.output)
                child = _spawned(spawn, place)
            elif child is not None and (code := child.poll()) is not None:
                if code != 0:
                    raise DaemonProblem(_why_it_ended(place, offset, code))
                child = None  # another one holds the lock, perhaps while it is ending
                pause = 0.2
            if clock() >= deadline:
                raise DaemonProblem(
                    f"The daemon does not accept connections after {within_s:g} seconds. "
                    f"'foretype daemon stop' ends it; its log is {place.log}."
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.1)
    finally:
        if turn is not None:
            turn.release()


def _spawned(spawn: Spawn, place: DaemonHome) -> subprocess.Popen[bytes]:
    try:
        return spawn(place)
    except (OSError, RuntimeError) as error:  # RuntimeError: no thread can be started
        if isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError):
            raise DaemonProblem(
                f"The daemon could not be started, since the Python of this program is gone or has changed "
                f"({sys.executable or 'unknown'}), as when its environment was made anew. Restart the editor."
            ) from error
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DaemonProblem(
            f"The daemon could not be started ({reason}). Close other programs, and try again."
        ) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _why_it_ended(place: DaemonHome, offset: int, code: int) -> str:
    """The sentence that the daemon printed since `offset` bytes, or one that names its exit."""
    try:
        with place.output.open("rb") as output:
            output.seek(offset)
            lines = output.read(65536).decode("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    sentences = [line.removeprefix("foretype: ") for line in lines if line.startswith("foretype: ")]
    if sentences:
        return sentences[-1]
    how = signal_name(-code) or f"exit code {code}"
    return f"The daemon ended with {how} before it accepted connections. {place.output} says why."


async def end(place: DaemonHome, pid: int, *, within_s: float = 3.0) -> bool:
    """End the daemon `pid`, which holds the lock but does not answer: politely first, then at once.

    Returns:
        Whether it let go of the lock.
    """
    for number in (signal.SIGTERM, _KILL):
        if holder(place) != pid:
            return True
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
        deadline = time.monotonic() + within_s
        while holder(place) == pid and time.monotonic() < deadline:  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.02)  # no event tells of a lock that another process lets go
    return holder(place) != pid


class IdleTimer:
    """Tells when the daemon has not been needed for long enough. Its state is the time of the last need."""

    def __init__(self, minutes: float, clock: Clock = time.monotonic) -> None:
        self.minutes = minutes
        self._clock = clock
        self._last = clock()

    def touch(self) -> None:
        """The daemon is needed now."""
        self._last = self._clock()

    @property
    def idle_s(self) -> float:
        """Seconds since the last need."""
        return self._clock() - self._last

    @property
    def due(self) -> bool:
        """Whether the daemon should end. Never when `minutes` is 0."""
        return self.minutes > 0 and self.idle_s >= self.minutes * 60
