"""Advisory locks on open files, gone with the process that holds them, on every system.

Whether a lock means anything is agreed between those who take it; whoever opened a file closes it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_FAR = 1 << 30


def lock(descriptor: int, *, wait: bool = False) -> None:
    """Lock an open file, at once unless `wait` says otherwise.

    Raises:
        OSError: EWOULDBLOCK or EACCES where somebody else holds it, anything else where it cannot be locked.
    """
    if sys.platform == "win32":
        import msvcrt

        # A byte that is locked can't be read by others there, so it is one that no file has.
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def open_for_lock(path: Path) -> int:
    """A descriptor to lock a folder by: the folder's own, on Windows that of a file in it.

    Raises:
        OSError: it cannot be opened.
    """
    if sys.platform == "win32":
        return os.open(path / ".lock", os.O_RDWR | os.O_CREAT)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)
