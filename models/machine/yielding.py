"""How many cores are kept busy by programs that give way to us: those of a low priority.

The kernel's count of runnable threads says nothing of priorities. An index that is being read, a search or a
build that somebody runs with `nice` is counted like any other program, and yet takes next to nothing from
threads that compute beside it: with one of them on two cores, two threads were measured at 0.9 to 1.0 times
what they do alone, one thread at 0.6. The kernel adds up what such programs use (proc(5), /proc/stat, the
column "nice"). What follows for the number of threads is `governor`'s decision.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

_SOONEST_S = 0.1
"""Processor time over less than this says nothing: the kernel counts in ticks of 10 ms."""

_LATEST_S = 30.0
"""Processor time over more than this says nothing about now."""

BELIEVED_S = 2.0
"""So long they are believed to be there still: beside ours they hardly get to use any processor time."""

_PART = 0.75
"""A quarter of a core is one program that also waits for its files now and then."""


def yielding_cores(
    stat: Path = Path("/proc/stat"), *, clock: Callable[[], float] = time.monotonic
) -> Callable[[], int]:
    """A function that tells how many cores programs of a low priority keep busy, as last seen; 0 at first.

    It is always 0 where nobody counts, and where this process has a low priority itself.

    Args:
        stat: the kernel's counters.
        clock: seconds.
    """
    if not stat.is_file() or _is_yielding_itself():
        return lambda: 0
    ticks_a_second = os.sysconf("SC_CLK_TCK") if sys.platform == "linux" else 100
    last: tuple[float, int] | None = None
    believed, until = 0, 0.0

    def ask() -> int:
        nonlocal last, believed, until
        now = clock()
        if last is not None and now - last[0] < _SOONEST_S:
            return believed
        ticks = _nice_ticks(stat)
        if ticks is None:
            return 0
        passed = _LATEST_S + 1 if last is None else now - last[0]
        seen = 0
        if last is not None and passed <= _LATEST_S:
            seen = int((ticks - last[1]) / ticks_a_second / passed + _PART)
        if seen >= believed or now >= until:
            believed, until = seen, now + BELIEVED_S
        last = now, ticks
        return believed

    return ask


def _is_yielding_itself() -> bool:
    if sys.platform == "win32":
        return False
    return os.getpriority(os.PRIO_PROCESS, 0) > 0


def _nice_ticks(stat: Path) -> int | None:
    """Processor time of programs with a low priority since the machine was started, in ticks."""
    try:
        with stat.open(encoding="ascii") as file:
            return int(file.readline().split()[2])
    except (OSError, ValueError, IndexError):
        return None
