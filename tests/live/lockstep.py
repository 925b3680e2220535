"""Engine work in virtual time: a thread that runs only while the event loop waits for it.

Whenever the work says that it needs time, the loop's clock moves on, and what happens until then (keys,
cancellations) happens. So a replay comes out the same on every machine and however busy that is.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from foretype.models.llama.cancellation import Cancellation

QUANTUM_S = 0.004
"""How long computing goes on before a cancellation is noticed."""


class LockstepThread:
    """Stands in for `daemon.engine_thread.EngineThread`.

    Its state: the work to do, the thread that does it, and `spent_s`, how long that has computed.
    """

    current: LockstepThread | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._work: deque[tuple[Callable[[], Any], Callable[[Any, BaseException | None], None]]] = deque()
        self._busy = False
        self._go = threading.Semaphore(0)
        self._said: queue.SimpleQueue[float | tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self.spent_s = 0.0
        LockstepThread.current = self

    def post(self, work: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        """See `EngineThread.post`."""
        self._work.append((work, done))
        if not self._busy:
            self._busy = True
            self._loop.call_soon(self._begin)

    def notify(self, callback: Callable[..., None], *arguments: object) -> None:
        """See `EngineThread.notify`."""
        self._loop.call_soon_threadsafe(callback, *arguments)

    async def close(self, within_s: float) -> bool:
        """See `EngineThread.close`; what was posted is finished first."""
        while self._busy and within_s > 0:
            await asyncio.sleep(0.01)
            within_s -= 0.01
        return not self._busy

    def spend(self, seconds: float, cancellation: Cancellation | None) -> bool:
        """Called by the work: it computes for so long. False when a cancellation came first."""
        while seconds > 0:
            if cancellation is not None and cancellation.cancelled:
                return False
            step = min(seconds, QUANTUM_S)
            self.spent_s += step
            seconds -= step
            self._said.put(step)
            self._go.acquire()
        return True

    def _begin(self) -> None:
        work, done = self._work.popleft()

        def run() -> None:
            try:
                self._said.put((work(), None))
            except BaseException as error:  # noqa: BLE001 - whatever it is, the loop has to answer for it
                self._said.put((None, error))

        threading.Thread(target=run, daemon=True).start()
        self._listen(done)

    def _listen(self, done: Callable[[Any, BaseException | None], None]) -> None:
        said = self._said.get()
        if not isinstance(said, tuple):
            self._loop.call_later(said, self._go_on, done)
            return
        self._busy = bool(self._work)
        if self._busy:
            self._loop.call_soon(self._begin)
        done(*said)

    def _go_on(self, done: Callable[[Any, BaseException | None], None]) -> None:
        self._go.release()
        self._listen(done)
