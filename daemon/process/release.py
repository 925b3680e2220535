"""foretype's own version, read from the installed distribution, and which of two is the older."""

from __future__ import annotations

import functools
import importlib.metadata
import re

_LEADING = re.compile(r"\d+(?:\.\d+)*")


@functools.cache
def release() -> str:
    """The version, such as "0.1.0"; "unknown" when run from files that were never installed."""
    try:
        return importlib.metadata.version("foretype")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def is_older(theirs: str, ours: str) -> bool:
    """Whether one release came before another; False where either does not say in numbers which it is."""
    first, second = _numbers(theirs), _numbers(ours)
    return bool(first and second) and first < second


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers: (0, 10, 2) of "0.10.2rc1", () of "unknown"."""
    found = _LEADING.match(version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
