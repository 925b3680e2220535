"""What goes wrong while somebody types: clocks, suspended processes, limits, folders that vanish."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
from foretype.tests.torture import kills
from foretype.tests.torture.fault import Fault
from foretype.tests.torture.fault_scene import Act, FaultScene, fault

SUSPENDED_S = float(os.environ.get("FORETYPE_TORTURE_SUSPENDED_S", "60"))
DAY_NS = 86_400 * 10**9


def _anywhere(base: Path, _root: Path) -> Path:
    return base


def _workspace(_base: Path, root: Path) -> Path:
    return root


def _set(**numbers: int) -> Act:
    """It begins while somebody types, and stays."""

    async def play(made: FaultScene) -> str:
        said = await made.suggests()
        assert made.faults is not None
        made.faults.set(**numbers)
        return said or await made.suggests()

    return play


def _from_the_start(**numbers: int) -> Act:
    async def play(made: FaultScene) -> str:
        assert made.faults is not None
        made.faults.set(**numbers)
        return await made.suggests()

    return play


def _clock(**numbers: int) -> Act:
    async def play(made: FaultScene) -> str:
        assert made.faults is not None
        said = await made.suggests()
        for name, value in numbers.items():
            made.faults.set(**{name: value})
            said = said or await made.suggests()
        return said

    return play


def _removed(kind: str) -> Act:
    """A folder of ours is removed while somebody types."""

    async def play(made: FaultScene) -> str:
        said = await made.suggests()
        await asyncio.to_thread(shutil.rmtree, made.folder(kind), ignore_errors=True)
        return said or await made.suggests()

    return play


async def _no_workspace(made: FaultScene) -> str:
    said = await made.suggests()
    await asyncio.to_thread(shutil.rmtree, made.root)
    said = said or await made.suggests()
    made.root.mkdir()
    return said or await made.suggests()


async def _daemon_suspended(made: FaultScene) -> str:
    """Answers come while it stands, and suggestions when it goes on."""
    said = await made.suggests()
    daemon = made.daemon()
    if said or daemon is None:
        return said or "there is no daemon"
    daemon.suspend()
    try:
        for _ in range(3):
            if not await made.editor.answered():
                return "no answer came while the daemon stood"
        await asyncio.sleep(SUSPENDED_S)
    finally:
        daemon.resume()
    return await made.suggests()


async def _server_suspended(made: FaultScene) -> str:
    said = await made.suggests()
    server = made.server()
    server.suspend()
    await asyncio.sleep(SUSPENDED_S)
    server.resume()
    return said or await made.suggests()


async def _all_suspended(made: FaultScene) -> str:
    said = await made.suggests()
    everybody = kills.processes_of(made.home)
    for each in everybody:
        each.suspend()
    await asyncio.sleep(SUSPENDED_S)
    for each in everybody:
        each.resume()
    return said or await made.suggests()


def _limited(who: Callable[[FaultScene], psutil.Process | None], kind: str, spare: int) -> Act:
    """A running process may have only so many more of something."""

    async def play(made: FaultScene) -> str:
        said = await made.suggests()
        process = who(made)
        if said or process is None:
            return said or "there is no such process"
        assert sys.platform == "linux"
        if kind == "files":
            process.rlimit(psutil.RLIMIT_NOFILE, (most := process.num_fds() + spare, most))
        else:
            process.rlimit(psutil.RLIMIT_AS, (most := process.memory_info().vms + spare, most))
        for _ in range(5):
            if not await made.editor.answered():
                return "no answer came"
        return await made.suggests()

    return play


async def _full_while_typing(made: FaultScene) -> str:
    said = await made.suggests()
    assert made.faults is not None
    made.faults.set(writes_left=0)
    for number in range(30):
        (made.root / f"new{number}.py").write_text(f"class New{number}: pass\n")
    return said or await made.suggests()


async def _locked_statistics(made: FaultScene) -> str:
    """Somebody else holds the database for as long as anybody types."""
    said = await made.suggests()
    path = made.folder("data") / "statistics.sqlite3"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("begin exclusive")
    try:
        return said or await made.suggests() or ("" if await made.editor.end() == 0 else "it did not end")
    finally:
        held.close()


def _ended_by(number: int) -> Act:
    """The server is told to end; an editor starts it again."""

    async def play(made: FaultScene) -> str:
        said = await made.suggests()
        made.server().send_signal(number)
        return said or await made.suggests()

    return play


async def _editor_died(made: FaultScene) -> str:
    """The pipe ends without a word."""
    said = await made.suggests()
    server = made.server()
    await made.editor.hang_up()
    for _ in range(kills.STEPS):
        if not server.is_running() or server.status() == psutil.STATUS_ZOMBIE:
            return said or await made.suggests()
        await asyncio.sleep(kills.STEP_S)
    return "the language server stayed"


async def _deaf_editor(made: FaultScene) -> str:
    """The editor asks and asks, and reads nothing for a while."""
    said = await made.suggests()
    return said or await made.editor.deaf(3000) or await made.suggests()


def _server(made: FaultScene) -> psutil.Process | None:
    return made.server()


def _daemon(made: FaultScene) -> psutil.Process | None:
    return made.daemon()


FAULTS: tuple[Fault, ...] = (
    fault(
        "the disk fills up while somebody types",
        "Nothing more is kept; suggestions come.",
        _full_while_typing,
        faulty=_anywhere,
    ),
    fault(
        "a disk that takes 50 ms for everything",
        "Keys do not wait for it.",
        _set(delay_us=50_000),
        faulty=_anywhere,
    ),
    fault(
        "a slow disk from the start",
        "It takes longer until the first suggestion.",
        _from_the_start(delay_us=20_000),
        faulty=_anywhere,
    ),
    fault(
        "the workspace's disk cannot be read",
        "Nothing of other files is seen; suggestions come.",
        _from_the_start(read=errno.EIO),
        faulty=_workspace,
    ),
    fault(
        "the clock is set back a day, then forward two",
        "No interval is measured by it.",
        _clock(wall_ns=-DAY_NS),
        faulty=_anywhere,
    ),
    fault(
        "the clock is set forward a year",
        "No interval is measured by it.",
        _clock(wall_ns=365 * DAY_NS),
        faulty=_anywhere,
    ),
    fault(
        "the clock says 1970",
        "No interval is measured by it.",
        _clock(wall_ns=-20_000 * DAY_NS),
        faulty=_anywhere,
    ),
    fault("the clock is beyond 2038", "Times have 64 bits.", _clock(wall_ns=9000 * DAY_NS), faulty=_anywhere),
    fault(
        "an hour of sleep, as the steady clock counts it",
        "What was waited for is asked for again.",
        _clock(steady_ns=3600 * 10**9, wall_ns=3600 * 10**9),
        faulty=_anywhere,
    ),
    fault(
        "the daemon is suspended for a minute",
        "Answers are empty in time; then suggestions come again.",
        _daemon_suspended,
    ),
    fault(
        "the language server is suspended for a minute",
        "The editor gets its answers after that.",
        _server_suspended,
    ),
    fault("everybody is suspended for a minute", "All goes on where it was.", _all_suspended),
    fault(
        "the server may open no more files",
        "The index is not brought up to date; suggestions come.",
        _limited(_server, "files", 0),
    ),
    fault(
        "the daemon may open no more files",
        "Connections that are there serve on.",
        _limited(_daemon, "files", 0),
    ),
    fault(
        "the server gets hardly any more memory",
        "It serves on, or is started again by its editor.",
        _limited(_server, "memory", 8 << 20),
        ends=False,
    ),
    fault(
        "no inotify watches are left",
        "Changes are found by walking now and then.",
        _from_the_start(watch_add=errno.ENOSPC),
        faulty=_anywhere,
    ),
    fault(
        "no inotify instances are left",
        "Changes are found by walking now and then.",
        _from_the_start(watch_new=errno.EMFILE),
        faulty=_anywhere,
    ),
    fault(
        "no process can be started any more",
        "The workspace is not looked through again; suggestions come.",
        _set(fork=errno.EAGAIN),
        faulty=_anywhere,
    ),
    fault(
        "no thread can be started any more",
        "What needs one is left out; suggestions come.",
        _set(thread=errno.EAGAIN),
        faulty=_anywhere,
        ends=False,
    ),
    fault(
        "files cannot be removed, as while NFS renames them",
        "They are removed at the next start.",
        _set(unlink=errno.EBUSY),
        faulty=_anywhere,
    ),
    fault("the cache folder is removed", "It is made again when something is kept.", _removed("cache")),
    fault(
        "the runtime folder is removed",
        "The daemon notices, ends, and another one is started.",
        _removed("run"),
    ),
    fault("the log folder is removed", "It is made again, or nothing is logged.", _removed("state")),
    fault("the workspace is removed and comes back", "Suggestions come from what is open.", _no_workspace),
    fault(
        "another program locks the statistics",
        "These counts are lost; nobody waits for it.",
        _locked_statistics,
    ),
    fault(
        "SIGTERM for the language server", "It ends; the editor starts it again.", _ended_by(signal.SIGTERM)
    ),
    fault(
        "SIGHUP for the language server",
        "It ends; the editor starts it again.",
        _ended_by(getattr(signal, "SIGHUP", signal.SIGTERM)),
    ),
    fault("the editor dies", "Its language server ends, the daemon stays for others.", _editor_died),
    fault(
        "an editor that asks and does not read",
        "The server waits for it, and answers every question once.",
        _deaf_editor,
    ),
)
