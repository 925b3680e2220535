"""What the editor writes, read in the event loop itself where stdin allows that.

pygls reads stdin through a thread: three hand-overs to it and back for every message, which was a third of
the time of an answer that needs no model. A pipe or a socket can be waited for by the loop. What can't
(files, terminals, Windows), and a socket that is stdout as well, which must not become non-blocking, is
read through the thread as before. It understands no message.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Protocol

from pygls.io_ import StdinAsyncReader

BUFFERED = 1 << 20
"""Bytes that are read ahead, twice at most."""


_LARGE = 100_000
"""Bytes of a message that takes a millisecond to understand."""


class Reader(Protocol):
    """What pygls reads from."""

    def readline(self) -> Awaitable[bytes]:
        """A line with its end; b"" at the end of the input."""
        ...

    def readexactly(self, n: int) -> Awaitable[bytes]:
        """Exactly `n` bytes; fewer, or `asyncio.IncompleteReadError`, at the end of the input."""
        ...


class Patient:
    """A reader that begins a line when something else is ready: until then messages wait, not the loop."""

    def __init__(self, reader: Reader, ready: Callable[[], Awaitable[None]]) -> None:
        self._reader = reader
        self._ready = ready

    async def readline(self) -> bytes:
        """See `Reader`."""
        await self._ready()
        return await self._reader.readline()

    async def readexactly(self, n: int) -> bytes:
        """See `Reader`."""
        return await self._reader.readexactly(n)


class Fair:
    """A reader that lets the loop go round before each line, also when more has arrived already.

    So whatever a message has begun has had its first step when the next message is read: a request that is
    cancelled in the same breath still replaces the older one. Between reading a large message and
    understanding it the loop goes round as well.
    """

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readline(self) -> bytes:
        """See `Reader`."""
        await asyncio.sleep(0)
        return await self._reader.readline()

    async def readexactly(self, n: int) -> bytes:
        """See `Reader`."""
        read = await self._reader.readexactly(n)
        if n > _LARGE:
            await asyncio.sleep(0)
        return read


async def open_reader(
    stdin: BinaryIO, stdout: BinaryIO, longest_line: int = BUFFERED
) -> tuple[Reader, Callable[[], None]]:
    """A reader of stdin, and what to call when it is no longer needed.

    Args:
        stdin: what is read.
        stdout: what is written, which may be the same socket.
        longest_line: bytes of a line, at most, and half of what is read ahead at most.
    """
    if not can_be_awaited(stdin, stdout):
        return StdinAsyncReader(stdin, ThreadPoolExecutor(1, thread_name_prefix="stdin")), _nothing
    reader = asyncio.StreamReader(limit=longest_line)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), stdin)
    return Fair(reader), transport.close


def can_be_awaited(stdin: BinaryIO, stdout: BinaryIO) -> bool:
    """Whether the event loop can wait for stdin without changing anything for others."""
    if os.name != "posix":
        return False
    try:
        kind, other = os.fstat(stdin.fileno()), os.fstat(stdout.fileno())
    except (OSError, ValueError):
        return False
    if (kind.st_dev, kind.st_ino) == (other.st_dev, other.st_ino):
        return False
    return stat.S_ISFIFO(kind.st_mode) or stat.S_ISSOCK(kind.st_mode)


def _nothing() -> None:
    return
