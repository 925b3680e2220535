"""Hours of typing in virtual time, with the real language server and daemon around a made-up engine.

The processes are the product's, on real pipes and sockets; their clocks are moved by `shim` from one key to
the next, and whoever waits for a moment looks again. So eight hours take as long as the work in them. What is
looked at: resident memory, file descriptors and threads of both processes, the cache folder, the statistics,
and the processor time of keys, hour by hour. With a model, and without the shim, the same is an hour of real
time. Hours begin when each file was typed in once: that is when everything has its size.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import psutil
from foretype.models.cache.saved_states import MAX_STATES_BYTES
from foretype.tests.support.lsp_client import LspClient, python
from foretype.tests.support.private_home import default_model, private_home
from foretype.tests.torture import killed_daemon, shim
from foretype.tests.torture.journal import ROOT
from foretype.tests.torture.section import Found, Section
from foretype.tests.torture.typist import Typist

HOUR_S = 3600.0
LOOK_S = 300.0
MOST_GROWTH = 0.05
SLOWER = 1.5
"""How much more processor time the slowest of a hundred keys may take in the last hour than in the first."""

REAL_NAME = "hour"

FILES = 60
CACHE_BYTES = 64 << 20
"""Of everything in the cache folder but the states of a real model, which have `MAX_STATES_BYTES`."""
STATISTICS_BYTES = 64 << 20


@attrs.frozen
class Look:
    """Both processes at one moment of the virtual clock.

    Attributes:
        at_s: seconds since the beginning.
        resident: bytes, of the language server and of the daemon.
        descriptors: open files of both.
        threads: of both.
    """

    at_s: float
    resident: tuple[int, int]
    descriptors: tuple[int, int]
    threads: tuple[int, int]


@attrs.frozen
class Day:
    """What was seen.

    Attributes:
        hours: that were lived through.
        keys: that were pressed.
        suggested: how many of their answers held something.
        looks: in order of time.
        key_ms: for each hour, processor time of both processes from a key to its answer, in ms.
        cache: bytes in the cache folder at the end.
        statistics: bytes of the database at the end.
        code: how the language server ended.
    """

    hours: float
    keys: int
    suggested: int
    looks: tuple[Look, ...]
    key_ms: tuple[tuple[float, ...], ...]
    cache: int
    statistics: int
    code: int


@attrs.define
class Clock:
    """Time for the typist: the processes' clocks are moved, or it is waited for really.

    Attributes:
        faults: moves their clocks; None waits.
    """

    faults: shim.Faults | None
    _began: float = attrs.field(factory=time.monotonic)
    _moved: float = 0.0

    def begin(self) -> None:
        """Count from here."""
        self._began += self.now()

    def now(self) -> float:
        """Seconds since the beginning, for the processes."""
        return time.monotonic() - self._began + self._moved

    async def rest(self, seconds: float) -> None:
        """Let time go by: in small steps first, where much is done, then in larger ones."""
        if self.faults is None:
            await asyncio.sleep(seconds)
            return
        left = seconds
        while left > 0:
            step = min(left, 0.3 if seconds - left < 2 else 3.0)
            left -= step
            self._moved += step
            offset = int(self._moved * 1e9)
            self.faults.set(steady_ns=offset, wall_ns=offset)
            await asyncio.sleep(0.005 if step > 0.25 else 0.002)


def workspace(root: Path) -> list[Path]:
    """Files of real code to type in."""
    chosen = [
        each for each in sorted((ROOT / "context").rglob("*.py")) if 2000 < each.stat().st_size < 20_000
    ]
    made: list[Path] = []
    for number, source in enumerate(chosen[:FILES]):
        path = root / f"package{number % 7}" / f"{source.stem}{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(source.read_bytes())
        made.append(path)
    return made


def processor_ms(processes: tuple[psutil.Process, ...]) -> float:
    """Processor time of all threads, in ms, to the nanosecond where Linux tells; else 0."""
    total = 0
    for process in processes:
        for task in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError, ValueError):
                total += int(task.read_text("ascii").split()[0])
    return total / 1e6


def _look(at: float, server: psutil.Process, daemon: psutil.Process) -> Look:
    return Look(
        at,
        (server.memory_info().rss, daemon.memory_info().rss),
        (server.num_fds(), daemon.num_fds()),
        (server.num_threads(), daemon.num_threads()),
    )


@asynccontextmanager
async def _editor(home: dict[str, str], root: Path) -> AsyncGenerator[LspClient]:
    client = await LspClient.start(*python("-P", "-m", killed_daemon.__name__, "lsp"), env=home)
    async with client:
        await client.initialize(
            workspaceFolders=[{"uri": root.as_uri(), "name": "w"}],
            initializationOptions={"betterSuggestions": True},
        )
        yield client


async def lived(seed: int, hours: float, *, model: Path | None = None) -> Day:
    """Type for so many hours, of the virtual clock unless there is a model."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        home = stack.enter_context(private_home(model))
        root, base = Path(folder), Path(home["XDG_RUNTIME_DIR"]).parent
        faults = None
        if model is None:
            faults = stack.enter_context(shim.faults(Path("/nowhere")))
            faults.set(virtual=1)
            home.update(faults.environment)
            home[killed_daemon.FORGETFUL] = "1"
        else:
            home[killed_daemon.REAL] = "1"
        paths = await asyncio.to_thread(workspace, root)
        async with _editor(home, root) as client:
            clock = Clock(faults)
            typist = Typist(client, clock.rest, random.Random(seed), paths)
            await typist.begin()
            await typist.through()
            clock.begin()
            lock = base / "run" / "foretype" / "daemon.lock"
            processes = (
                psutil.Process(client.process.pid),
                psutil.Process(int(lock.read_text("ascii").split()[0])),
            )
            looks, key_ms = await _hours(clock, typist, processes, hours)
            code = await client.close()
        cache = sum(each.stat().st_size for each in (base / "cache").rglob("*") if each.is_file())
        database = base / "data" / "foretype" / "statistics.sqlite3"
        size = database.stat().st_size if database.exists() else 0
    lived_h = clock.now() / HOUR_S
    return Day(lived_h, typist.keys, typist.suggested, tuple(looks), key_ms, cache, size, code)


async def _hours(
    clock: Clock, typist: Typist, processes: tuple[psutil.Process, psutil.Process], hours: float
) -> tuple[list[Look], tuple[tuple[float, ...], ...]]:
    looks = [_look(clock.now(), *processes)]
    key_ms: list[list[float]] = [[] for _ in range(max(1, int(hours)))]
    while clock.now() < hours * HOUR_S:
        hour = min(int(clock.now() / HOUR_S), len(key_ms) - 1)
        async for key in typist.burst():
            before = processor_ms(processes)
            await key
            key_ms[hour].append(processor_ms(processes) - before)
        if clock.now() - looks[-1].at_s >= LOOK_S:
            typist.client.notifications.clear()
            typist.client.requests.clear()
            typist.client.answers.clear()
            looks.append(_look(clock.now(), *processes))
    return looks, tuple(map(tuple, key_ms))


def sizes(day: Day) -> dict[str, tuple[float, float]]:
    """What each process held in the second eighth of the time and in the last, in MB; empty for no looks."""
    parts = [
        [look for look in day.looks if low <= look.at_s / HOUR_S / day.hours < high]
        for low, high in ((1 / 8, 1 / 4), (7 / 8, 1.01))
    ]
    if not all(parts):
        return {}
    first, last = (
        [statistics.median(look.resident[which] for look in part) / 1e6 for which in (0, 1)] for part in parts
    )
    return dict(zip(("lsp", "daemon"), zip(first, last, strict=True), strict=True))


def growth(day: Day) -> float:
    """By which part the larger of both has grown: the last eighth of the time against the second."""
    return max((last / first - 1 for first, last in sizes(day).values()), default=0.0)


def p99(values: tuple[float, ...]) -> float:
    """What one key of a hundred exceeds."""
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def judged(day: Day, name: str) -> Found:
    """The figures of a day, and what was not as promised."""
    first, last = day.looks[len(day.looks) // 8], day.looks[-1]
    cache_bytes = CACHE_BYTES + (MAX_STATES_BYTES if name == REAL_NAME else 0)
    grown, quick, late = growth(day), p99(day.key_ms[0]), p99(day.key_ms[-1])
    wrong = [
        (grown > MOST_GROWTH, f"memory has grown by {grown:.1%}: {sizes(day)} MB"),
        (any(b > a + 3 for a, b in zip(first.descriptors, last.descriptors, strict=True)),
         f"open files went from {first.descriptors} to {last.descriptors}"),
        (any(b > a + 3 for a, b in zip(first.threads, last.threads, strict=True)),
         f"threads went from {first.threads} to {last.threads}"),
        (day.cache > cache_bytes, f"the cache folder has {day.cache} bytes"),
        (day.statistics > STATISTICS_BYTES, f"the statistics have {day.statistics} bytes"),
        (late > quick * SLOWER and late > quick + 5, f"slow keys: {quick:.1f} ms, then {late:.1f}"),
        (day.suggested == 0, "nothing was suggested at all"),
        (day.code != 0, f"the language server ended with {day.code}"),
    ]  # fmt: skip
    prefix = "" if name == "hours" else f"{name}."
    return Found(
        {f"hours.{'virtual' if name == 'hours' else 'real'}": round(day.hours), f"{name}.keys": day.keys},
        {
            f"{prefix}rss.growth": round(grown, 4),
            f"{name}.lsp.mb": round(last.resident[0] / 1e6, 1),
            f"{name}.daemon.mb": round(last.resident[1] / 1e6, 1),
            **{f"{name}.{process}.mb.early": round(early, 1) for process, (early, _) in sizes(day).items()},
            f"{name}.p99.first.ms": round(quick, 1),
            f"{name}.p99.last.ms": round(late, 1),
            f"{name}.descriptors": max(last.descriptors),
            f"{name}.threads": max(last.threads),
            f"{name}.cache.bytes": day.cache,
            f"{name}.statistics.bytes": day.statistics,
        },
        tuple(sentence for is_wrong, sentence in wrong if is_wrong),
    )


def play(seed: int, hours: float = 8.0) -> Found:
    """The hours, in virtual time."""
    if not shim.available():
        return Found(notes=("hours: left out, there is no C compiler for the shim",))
    return judged(asyncio.run(lived(seed, hours)), "hours")


def play_real(seed: int, hours: float = 1.0) -> Found:
    """An hour of real time with the real model."""
    return judged(asyncio.run(lived(seed, hours, model=default_model())), REAL_NAME)


SECTION = Section("hours", "hours.virtual", 8, "hours.wrong", play, rounds=1, minutes=30)
REAL = Section(REAL_NAME, "hours.real", 1, "hour.wrong", play_real, rounds=1, minutes=60, usual=False)
