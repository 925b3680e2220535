"""How the C library hands out memory in this process: from one heap for all threads.

glibc gives threads heaps of their own. Texts and trees come and go in several threads here, and each heap
keeps the holes that they leave: megabytes, and more of them for hours. Other C libraries are left as they
are, and so is what the user has chosen for glibc.
"""

from __future__ import annotations

import os
import sys

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def share_one_heap() -> bool:
    """Have all threads share a heap; whether that was done. To be called before there are threads."""
    if _is_chosen() or not _is_glibc():
        return False
    import ctypes

    try:
        return ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1) == 1
    except (OSError, AttributeError):
        return False


def _is_chosen() -> bool:
    """Whether the environment says how many heaps there may be (glibc's manual, Tunables)."""
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    return "MALLOC_ARENA_MAX" in os.environ or "glibc.malloc.arena_max" in tunables


def _is_glibc() -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (ValueError, OSError):
        return False
