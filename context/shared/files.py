"""Reading files of somebody's workspace as text: plain ones of a bounded size, never waiting for a pipe.

What may be read is not decided here but in `ignore`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_SOURCE_BYTES = 1_000_000
_SNIFFED = 8192


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
