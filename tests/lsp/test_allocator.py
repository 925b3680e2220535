"""The language server's memory comes from one heap, whatever threads it has."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

_HEAPS_AFTER_THREADS = """
import ctypes, os, threading
from foretype.lsp.server.allocator import share_one_heap
print(share_one_heap())
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
threads = [threading.Thread(target=libc.malloc, args=(4096,)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fdopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
stream = libc.fdopen(os.dup(1), b"w")
libc.malloc_info(0, stream)
libc.fflush(ctypes.c_void_p(stream))
"""


def heaps(**environment: str) -> tuple[bool, int]:
    """Whether a process shares one heap, by its own account, and how many it has after eight threads."""
    code = [sys.executable, "-c", _HEAPS_AFTER_THREADS]
    said = subprocess.run(code, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    own, _, rest = said.stdout.partition("\n")
    return own == "True", len(re.findall(r"<heap nr=", rest))


@pytest.mark.skipif(sys.platform != "linux", reason="glibc has heaps for threads")
def test_all_threads_share_one_heap() -> None:
    assert heaps() == (True, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc has heaps for threads")
def test_what_the_user_has_chosen_stays() -> None:
    shared, count = heaps(MALLOC_ARENA_MAX="4")
    assert not shared
    assert count > 1
