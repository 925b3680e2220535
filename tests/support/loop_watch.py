"""How long single pieces of work hold an event loop: the watchdog of the tests about that.

A piece is one callback: a step of a task, a timer, a reader. It counts with the time for which it kept the
loop from its next piece, as far as this process had the processor: the smaller of the clock's time and of the
processor time that all threads of the process used meanwhile. So another program that takes a core away holds
nobody, while a thread that keeps the interpreter to itself does. The clock's time is noted beside it.

Work that is allowed to take its time can be left out. It changes nothing about the order of things and knows
no language server.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import attrs

_KEPT = 20


@attrs.frozen(order=True)
class Piece:
    """One piece of work.

    Attributes:
        held_ms: for how long it held the loop.
        own_ms: processor time of the loop's own thread.
        wall_ms: time by the clock.
        what: the callback, and for a task its coroutine.
    """

    held_ms: float
    own_ms: float
    wall_ms: float
    what: str


@attrs.define
class LoopWatch:
    """State: how many pieces there were, the longest of them, in no order, and what was left out.

    That is so many seconds by the clock, and so many of processor time of all threads.
    """

    count: int = 0
    pieces: list[Piece] = attrs.field(factory=list[Piece])
    left_out: tuple[float, float] = (0.0, 0.0)

    def note(self, piece: Piece) -> None:
        """Count a piece."""
        self.count += 1
        self.pieces.append(piece)
        if len(self.pieces) > 4 * _KEPT:
            self.pieces = self.worst()

    def leave_out(self, work: Callable[[Any], None]) -> Callable[[Any], None]:
        """Have some work of the loop's own not count in the pieces that do it."""

        def timed(argument: Any) -> None:
            wall, all_threads = time.perf_counter(), time.process_time()
            try:
                work(argument)
            finally:
                wall, all_threads = time.perf_counter() - wall, time.process_time() - all_threads
                self.left_out = self.left_out[0] + wall, self.left_out[1] + all_threads

        return timed

    def worst(self) -> list[Piece]:
        """The longest pieces, longest first."""
        return sorted(self.pieces, reverse=True)[:_KEPT]

    @property
    def max_ms(self) -> float:
        """For how long the loop was held at most."""
        return max((piece.held_ms for piece in self.pieces), default=0.0)

    def report(self) -> str:
        """The longest pieces, a line each."""
        return "\n".join(
            f"{each.held_ms:7.2f} ms held, {each.own_ms:7.2f} own, {each.wall_ms:7.2f} by clock: {each.what}"
            for each in self.worst()
        )

    def write(self, path: Path) -> None:
        """Keep what was seen in a file, for another process."""
        pieces = [attrs.asdict(piece) for piece in self.worst()]
        path.write_text(json.dumps({"count": self.count, "pieces": pieces}), "utf-8")

    @classmethod
    def read(cls, path: Path) -> LoopWatch:
        """What `write` kept."""
        kept = json.loads(path.read_text("utf-8"))
        return cls(kept["count"], [Piece(**piece) for piece in kept["pieces"]])


@contextmanager
def watched() -> Generator[LoopWatch]:
    """Watch every piece of every event loop of this process, until the context ends."""
    watch = LoopWatch()
    handle = cast("Any", asyncio.Handle)
    run = cast("Callable[[Any], None]", handle._run)

    def timed(self: Any) -> None:
        what = _name(self)
        before = watch.left_out
        wall, own, all_threads = time.perf_counter(), time.thread_time(), time.process_time()
        try:
            run(self)
        finally:
            all_threads, own = time.process_time() - all_threads, time.thread_time() - own
            wall = time.perf_counter() - wall
            after = watch.left_out
            held = min(wall - (after[0] - before[0]), all_threads - (after[1] - before[1]))
            watch.note(Piece(1000 * held, 1000 * own, 1000 * wall, what))

    handle._run = timed
    try:
        yield watch
    finally:
        handle._run = run


def _name(handle: Any) -> str:
    """What a handle runs; never what it was given, which may be code."""
    callback = handle._callback
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        coroutine = cast("Any", task).get_coro()
        return f"{getattr(coroutine, '__qualname__', coroutine)} {_where(coroutine)}"
    return str(getattr(callback, "__qualname__", type(callback).__name__))


def _where(coroutine: Any) -> str:
    """The innermost coroutine that waits, as `name:line`."""
    place = ""
    while coroutine is not None and (frame := getattr(coroutine, "cr_frame", None)) is not None:
        place = f"{frame.f_code.co_name}:{frame.f_lineno}"
        coroutine = getattr(coroutine, "cr_await", None)
    return place
