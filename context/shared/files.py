"""Reading files of somebody's workspace as text: plain ones of a bounded size, never waiting for a pipe.

What may be read is not decided here but in `ignore`. Files of our own are opened here, too, where somebody
would wait for them: what lies there may be a pipe as well.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MAX_SOURCE_BYTES = 1_000_000
_SNIFFED = 8192


def never_waiting(path: str, flags: int) -> int:
    """An opener for `open`: a named pipe is refused instead of waiting for its other end. New files are 0600.

    Raises:
        OSError: it can't be opened, or is a pipe.
    """
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is a named pipe, not a file", path)
    return descriptor


def read_text(path: Path, max_bytes: int = MAX_SOURCE_BYTES) -> str | None:
    """A file's text; None when it is missing, unreadable, binary, no plain file, or larger than `max_bytes`.

    Invalid UTF-8 is replaced, not refused.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
            return None
        data = os.read(descriptor, max_bytes + 1)
        while len(data) < status.st_size and (more := os.read(descriptor, max_bytes + 1 - len(data))):
            data += more
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if len(data) > max_bytes or b"\0" in data[:_SNIFFED]:
        return None
    return data.decode("utf-8", "replace")
