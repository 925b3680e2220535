"""Bringing an index up to date without getting in anybody's way.

Decides where the work runs, not what it is: that is `walk`'s. Walking and parsing happen in a process
of their own at idle priority, because a parser holds Python's interpreter lock for as long as a large file
takes, and because what parsing leaves behind in memory goes with it. Its findings are taken over in the
caller's event loop, little by little. Where no process can be started, a thread does it.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import msgpack

from . import worker
from .index import Index, WalkProgress
from .walk import ALL_FOLDERS, Folders

log = logging.getLogger(__name__)

BITE_S = 0.0005
"""How long findings are taken over before everything else that waits in the event loop has its turn."""

_READ = 1 << 16
_COMMAND = (sys.executable, "-P", "-m", worker.__name__)  # -P: never import from a workspace


async def refresh(
    index: Index, on_progress: Callable[[WalkProgress], None], inside: tuple[str, ...] = ALL_FOLDERS
) -> None:
    """Walk the workspace, read what is new or changed, forget what is gone.

    Cancelling it ends the work at once; what was found until then stays, and the next call goes on there.

    Args:
        index: what is brought up to date; it may be asked meanwhile.
        on_progress: told now and then how far it has come; called in the caller's event loop.
        inside: the folders that are walked, relative to the workspace.
    """
    if not await _in_a_process(index, on_progress, inside):
        await _in_a_thread(index, on_progress, inside)


async def _in_a_process(
    index: Index, on_progress: Callable[[WalkProgress], None], inside: tuple[str, ...]
) -> bool:
    """Whether it could be done that way."""
    try:
        child = await asyncio.create_subprocess_exec(*_COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    except (OSError, ValueError, NotImplementedError) as error:
        log.info("no process could be started for indexing: %s", error)
        return False
    asking = asyncio.ensure_future(_ask(cast("asyncio.StreamWriter", child.stdin), index, inside))
    try:
        return await _take_over(cast("asyncio.StreamReader", child.stdout), index, on_progress, inside)
    except (ValueError, OSError, msgpack.UnpackException) as error:
        log.warning("the indexing process failed, a thread goes on: %s", error)
        return False
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await _end(child)


async def _ask(stdin: asyncio.StreamWriter, index: Index, inside: tuple[str, ...]) -> None:
    limits, known = index.limits_for(inside), index.known(inside)
    with suppress(OSError):  # an early end shows in the answer
        for part in worker.packed_request(index.root.absolute(), limits, known, inside):
            stdin.write(part)
            await stdin.drain()
            await asyncio.sleep(0)


async def _take_over(
    stdout: asyncio.StreamReader,
    index: Index,
    on_progress: Callable[[WalkProgress], None],
    inside: tuple[str, ...],
) -> bool:
    """Take over the findings; False when the answer ends early."""
    unpacker = cast("Any", msgpack).Unpacker(max_buffer_size=worker.MAX_MESSAGE)
    folders: list[str] = []
    while data := await stdout.read(_READ):
        unpacker.feed(data)
        since = time.monotonic()
        for message in unpacker:
            found = worker.finding(message)
            if found is None:
                index.take(Folders(tuple(folders), inside))
                return True
            if isinstance(found, WalkProgress):
                on_progress(found)
            elif isinstance(found, Folders):
                folders.extend(found.paths)
            else:
                index.take(found)
            if time.monotonic() - since > BITE_S:
                await asyncio.sleep(0)
                since = time.monotonic()
    log.warning("the indexing process ended early, a thread goes on")
    return False


async def _end(child: Process) -> None:
    """Let go of a child that has answered or isn't needed any more; it keeps nothing that could be lost."""
    with suppress(ProcessLookupError):
        child.kill()
    await asyncio.shield(child.wait())


async def _in_a_thread(
    index: Index, on_progress: Callable[[WalkProgress], None], inside: tuple[str, ...]
) -> None:
    loop = asyncio.get_running_loop()
    unwanted = False

    def work() -> None:
        for progress in index.steps(inside):
            if unwanted:
                return
            loop.call_soon_threadsafe(on_progress, progress)

    try:
        await asyncio.to_thread(work)
    finally:
        unwanted = True
