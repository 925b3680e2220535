"""How much memory is free for us: what the machine has, and what the control groups of a container allow.

No single figure says what a program may still allocate. The system's own estimate does not know of the limits
of control groups; a group's usage counts files in the page cache, which are given back when memory is short.
What a model needs is `file`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from .cores import groups

_UNLIMITED = 1 << 60


def available_bytes(root: Path = Path("/"), machine: int | None = None) -> int:
    """Bytes that may be allocated without anything being pushed out or ended.

    Args:
        root: where proc and sys lie.
        machine: bytes that are free on the machine; None asks.
    """
    free = psutil.virtual_memory().available if machine is None else machine
    return max(0, min([free, *_left(root)]))


def _left(root: Path) -> Iterator[int]:
    """What each limit leaves."""
    for folder, second in groups(root, "memory"):
        if second:
            limit, used = _number(folder / "memory.max"), _number(folder / "memory.current")
            key = "inactive_file"
        else:
            limit = _number(folder / "memory.limit_in_bytes")
            used = _number(folder / "memory.usage_in_bytes")
            key = "total_inactive_file"
        if limit is not None and used is not None and limit < _UNLIMITED:
            yield limit - used + _of(folder / "memory.stat", key)


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdigit() else None


def _of(path: Path, key: str) -> int:
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == key and value.isdigit():
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
