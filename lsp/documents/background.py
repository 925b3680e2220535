"""Threads beside the loop's: for work that may hang, and one for work that nobody at the cursor waits for.

What may hang is, for example, reading a drive that is gone: nothing waits for that at the end.

The standard library's pool joins its threads when the interpreter ends; one that waits for a drive would keep
the language server alive after its editor. Each piece of work has a thread of its own here: callers bound how
many.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
_T = TypeVar("_T")


async def aside(work: Callable[[], _T]) -> _T:
    """Do bounded work that computes, after what others brought here: such work takes turns in one thread.

    The interpreter goes round between the threads that compute, so each one more makes a key wait longer.
    """
    return await asyncio.get_running_loop().run_in_executor(_aside(), work)


@functools.cache
def _aside() -> Executor:
    return ThreadPoolExecutor(1, thread_name_prefix="foretype-aside")


class Threads(Executor):
    """An executor whose threads are daemons."""

    def __init__(self, name: str) -> None:
        """Make it.

        Args:
            name: what its threads are called.
        """
        self._name = name

    def submit(self, fn: Callable[P, _T], /, *args: P.args, **kwargs: P.kwargs) -> Future[_T]:
        """Run a function in a new thread."""
        future: Future[_T] = Future()
        threading.Thread(target=_run, args=(future, fn, args, kwargs), name=self._name, daemon=True).start()
        return future


def _run(future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = fn(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - it is the future's now
        future.set_exception(error)
    else:
        future.set_result(result)
