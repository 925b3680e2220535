"""The one thread that owns the llama context, and the way work gets in and results get out.

Work goes in through a thread-safe queue and runs in order; what came of it is handed to the event loop
by `call_soon_threadsafe`. This module knows neither engines nor requests, and it never decides what runs.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")

_Work = tuple[Callable[[], Any], Callable[[Any, BaseException | None], None]]


class EngineThread:
    """A thread with a queue. Its state is the queue; `close` ends it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        # A daemon thread: a native call that never returns must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name="foretype-engine", daemon=True)
        self._thread.start()

    def post(self, work: Callable[[], _T], done: Callable[[_T | None, BaseException | None], None]) -> None:
        """Run `work` in the thread, then `done(result, error)` in the event loop."""
        self._queue.put((work, done))

    def notify(self, callback: Callable[..., None], *arguments: object) -> None:
        """Call into the event loop from the thread; nothing happens once the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            pass  # the loop is closed: nobody is left to hear it

    async def close(self, within_s: float) -> bool:
        """End the thread after the work already posted. False when it did not end in time."""
        self._queue.put(None)
        deadline = self._loop.time() + within_s
        while self._thread.is_alive():
            if self._loop.time() >= deadline:
                return False
            await asyncio.sleep(0.005)
        return True

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            work, done = item
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the event loop has to answer for it
                self.notify(done, None, error)
            else:
                self.notify(done, result, None)
            del work, done, item  # an idle thread keeps no prompt alive
