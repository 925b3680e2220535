"""The language server's memory comes from one heap, whatever threads it has."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys

import pytest

needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc has heaps for threads")

_CHOICES = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")

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
    usual = {name: value for name, value in os.environ.items() if name not in _CHOICES}
    said = subprocess.run(code, env={**usual, **environment}, capture_output=True, text=True, check=True)
    own, _, rest = said.stdout.partition("\n")
    return own == "True", len(re.findall(r"<heap nr=", rest))


@needs_glibc
def test_all_threads_share_one_heap() -> None:
    assert heaps() == (True, 1)


@needs_glibc
@pytest.mark.parametrize(
    "choice", [{"MALLOC_ARENA_MAX": "4"}, {"GLIBC_TUNABLES": "glibc.malloc.arena_max=4"}]
)
def test_what_the_user_has_chosen_stays(choice: dict[str, str]) -> None:
    shared, count = heaps(**choice)
    assert not shared
    assert count > 1
