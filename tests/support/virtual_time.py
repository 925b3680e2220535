"""An event loop whose clock jumps: when nothing is left to do, it is at once the time of the next timer.

Hours of typing and waiting take as long as the work in them, and what happens depends on the times that a
test asks for, never on the machine. Work for threads is done on the spot and said to have taken
`THREAD_S`. It knows nothing of real sockets and processes: what waits for them, waits for ever and is
reported.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

THREAD_S = 0.003
"""How long, in seconds of the virtual clock, whatever is given to a thread takes."""


class NothingLeft(Exception):
    """Somebody waits, and no timer is set that could end it."""


class _Selector(selectors.DefaultSelector):
    """Instead of waiting, moves the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout is None:
            raise NothingLeft
        if not found and timeout is not None:
            self.now += max(timeout, 0.0)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its state, beside a loop's, is the time in seconds, 0 at the beginning."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    def run_in_executor(
        self,
        executor: Any,  # noqa: ARG002 - a thread would be outside of virtual time
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        return asyncio.ensure_future(_as_in_a_thread(func, *args))


async def _as_in_a_thread(func: Callable[..., Any], *args: Any) -> Any:
    try:
        return func(*args)
    finally:
        await asyncio.sleep(THREAD_S)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
