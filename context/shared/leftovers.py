"""What killed processes leave half written: its name says who wrote it, so the next start can remove it.

A file is written beside its place under a name that says which process of which machine writes it, and moved
there when it is complete. What was never moved would stay there for ever. Who writes what, and where, is the
caller's business.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path

from .atomic import write_atomically

_OLD_S = 86400.0
"""Seconds after which nobody writes any more, whichever machine shares the folder."""

_BEGINS = ".writing-"


def writer(process: int | None = None) -> str:
    """How the name of a file begins that a process (None: this one) of this machine writes."""
    host = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
    return f"{_BEGINS}{host}-{os.getpid() if process is None else process}-"


def write_marked(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file, mode 0600, in place of an earlier one: at once or not at all.

    Raises:
        OSError: it could not be written, and the earlier one is still there.
    """
    write_atomically(path, parts, prefix=writer())


def sweep_leftovers(directory: Path) -> None:
    """Remove from a folder what processes that are gone were writing. Never raises."""
    with contextlib.suppress(OSError):
        for path in list(directory.glob(f"{_BEGINS}*")):
            with contextlib.suppress(OSError):
                if _abandoned(path):
                    path.unlink()


def _abandoned(path: Path) -> bool:
    _, _, rest = path.name.partition(_BEGINS)
    process = rest.split("-")[1] if rest.count("-") >= 2 else ""
    if not process.isdigit():
        return True  # as earlier versions named it
    if path.name.startswith(writer(int(process))):
        import psutil  # a language server's start does without

        return not psutil.pid_exists(int(process))
    return time.time() - path.stat().st_mtime > _OLD_S
