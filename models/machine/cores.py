"""Which cores of this machine are ours to use, and who else uses them: affinity, cpusets, quotas, SMT.

Two things are easily mixed up. The kernel's count of runnable threads (/proc/loadavg) is about the whole
machine, in a container as well, so it may only be set against the cores of the whole machine. What a
container, a service or a batch job may use is less; its control group's processor time tells who else uses
that. How many threads compute is `governor`'s decision.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import psutil

LEAST_S = 0.05
"""Processor time over less than this says nothing: the kernel counts in ticks of 1 to 10 ms."""

MOST_S = 2.0
"""Processor time over more than this says nothing about now."""


@attrs.frozen
class Cores:
    """The shape of a machine as one process sees it.

    Attributes:
        machine: physical cores in all: those that `runnable_threads` is about.
        usable: of these, as many as this process may keep busy.
        logical: processors that it may run on, at most; more than `usable` where a core runs two threads.
        group: the file with the processor time of all who share `usable`; None where it is not limited,
            or nobody counts.
    """

    machine: int
    usable: int
    logical: int
    group: Path | None = None


def cores(root: Path = Path("/"), affinity: frozenset[int] | None = None) -> Cores:
    """The shape of this machine.

    Args:
        root: where proc and sys lie.
        affinity: processors that the process may run on; None asks.
    """
    online = _listed(root / "sys/devices/system/cpu/online") or frozenset(range(os.cpu_count() or 1))
    if affinity is None:
        affinity = frozenset(os.sched_getaffinity(0)) if sys.platform == "linux" else online
    allowed = affinity & online or affinity or online
    machine = max(1, _physical(root, online))
    usable = max(1, min(machine, _physical(root, allowed)))
    logical = len(allowed)
    group = _sharing(root, allowed) if len(allowed) < len(online) else None
    limits = [(quota, usage) for quota, usage in _quotas(root) if quota < logical]
    if limits:
        quota, usage = min(limits, key=lambda limit: limit[0])
        logical = max(1, int(quota))
        if logical <= usable:
            usable, group = logical, usage
    return Cores(machine, usable, logical, group)


def busy_inside(
    group: Path | None,
    *,
    wall: Callable[[], float] = time.monotonic,
    own: Callable[[], float] = time.process_time,
) -> Callable[[], float]:
    """A function that tells how many of the usable cores others keep busy, as last seen; 0.0 at first.

    Args:
        group: `Cores.group`.
        wall: seconds.
        own: seconds of processor time of this process.
    """
    last: tuple[float, float, float] | None = None
    busy = 0.0

    def ask() -> float:
        nonlocal last, busy
        now = wall()
        if group is None or (last is not None and now - last[0] < LEAST_S):
            return busy
        used = _used_s(group)
        if used is None:
            return 0.0
        mine = own()
        if last is not None and now - last[0] <= MOST_S:
            busy = max(0.0, (used - last[1]) - (mine - last[2])) / (now - last[0])
        last = now, used, mine
        return busy

    return ask


def _physical(root: Path, processors: frozenset[int]) -> int:
    """Cores that these processors are threads of."""
    siblings: set[str] = set()
    for number in processors:
        folder = root / f"sys/devices/system/cpu/cpu{number}/topology"
        told = _text(folder / "core_cpus_list") or _text(folder / "thread_siblings_list")
        if not told:  # not Linux, or a sandbox that hides it
            physical = psutil.cpu_count(logical=False) if root == Path("/") else None
            return min(len(processors), physical or len(processors))
        siblings.add(told)
    return len(siblings)


def groups(root: Path, controller: str = "cpu") -> Iterator[tuple[Path, bool]]:
    """Control groups of this process that may limit what a controller hands out, the innermost first.

    Yields:
        its folder, and whether it is of version 2.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            bases = [root / "sys/fs/cgroup", root / "sys/fs/cgroup/unified"]
        elif controller in controllers.split(","):
            bases = [root / "sys/fs/cgroup" / name for name in (controllers, controller)]
        else:
            continue
        for base in bases:
            folder = base / path.lstrip("/")
            # A container may be told its path on the host, and see only what lies below.
            for one in (folder, *folder.parents) if folder.is_dir() else (base,):
                yield one, number == "0"
                if one == base:
                    break


def _quotas(root: Path) -> Iterator[tuple[float, Path | None]]:
    """Limits in cores, with the file of the processor time that counts against each."""
    for folder, second in groups(root):
        if second:
            limit, _, period = _text(folder / "cpu.max").partition(" ")
            usage = folder / "cpu.stat"
        else:
            limit = _text(folder / "cpu.cfs_quota_us")
            period = _text(folder / "cpu.cfs_period_us")
            usage = folder / "cpuacct.usage"
        if limit.isdigit() and period.isdigit() and int(limit) > 0 and int(period) > 0:
            yield int(limit) / int(period), usage if usage.is_file() else None


def _sharing(root: Path, allowed: frozenset[int]) -> Path | None:
    """The processor time of the outermost control group that is confined to just these processors."""
    found: Path | None = None
    for folder, second in groups(root):
        if second and _listed(folder / "cpuset.cpus.effective") == allowed:
            usage = folder / "cpu.stat"
            found = usage if usage.is_file() else found
    return found


def _used_s(usage: Path) -> float | None:
    """Seconds of processor time that a control group has used so far."""
    text = _text(usage)
    if usage.name == "cpuacct.usage":
        return int(text) / 1e9 if text.isdigit() else None
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec" and value.isdigit():
            return int(value) / 1e6
    return None


def _listed(path: Path) -> frozenset[int]:
    """Processors as the kernel lists them: "0-3,8"."""
    found: set[int] = set()
    try:
        for part in _text(path).split(","):
            first, _, last = part.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    except ValueError:
        return frozenset()
    return frozenset(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
