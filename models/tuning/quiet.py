"""Whether this machine is quiet enough to be measured, and what to say when it is not.

Two signs, both cheap. Before measuring: how many threads of others the kernel counts as runnable. While
measuring: ggml's threads spin at their barriers, so on a quiet machine a computation by n threads takes
n times its duration of processor time; where it got clearly less, somebody else had the processor. Nothing
is measured here and no choice is made; `tune` does both.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from ..llama.governor import Runnable, runnable_threads
from ..machine.cores import cores

LEAST_SHARE = 0.85
"""Part of its duration that each thread must have computed, or the turn was disturbed."""

ASKED = 20
ASKED_EVERY_S = 0.05

MOST_OTHERS = 0.35
"""Mean number of runnable threads of others on a machine that counts as quiet."""

_WAIT_S = 30.0
"""How long to wait for others to finish."""


@attrs.frozen
class TimedTurn:
    """One timed computation.

    Attributes:
        milliseconds: that it lasted.
        share: processor time that each of its threads got, as a part of that.
    """

    milliseconds: float
    share: float = 1.0


def _spare() -> int:
    shape = cores()
    return shape.machine - shape.usable


@attrs.frozen
class Clocks:
    """What is looked at to measure.

    Attributes:
        wall: seconds.
        processor: seconds of processor time of this process.
    """

    wall: Callable[[], float] = time.perf_counter
    processor: Callable[[], float] = time.process_time


@attrs.define
class Quiet:
    """Looks at the machine. Everything it looks at can be replaced.

    Attributes:
        runnable: threads running or ready to, machine-wide, or None where nobody can say.
        spare: cores that we may not use: as many threads of others disturb nobody.
        sleep: waits for a number of seconds.
        clocks: how time is told.
    """

    runnable: Runnable = attrs.field(factory=runnable_threads)
    sleep: Callable[[float], None] = time.sleep
    clocks: Clocks = attrs.field(factory=Clocks)
    spare: int = attrs.field(factory=_spare)

    def others(self) -> float:
        """Mean number of others' runnable threads without a spare core, during a second; 0.0 if unknown."""
        counts: list[int] = []
        for _ in range(ASKED):
            count = self.runnable()
            if count is None:
                return 0.0
            counts.append(max(0, count - 1 - self.spare))  # the thread that asks is running
            self.sleep(ASKED_EVERY_S)
        return sum(counts) / len(counts)

    def wait(self, on_wait: Callable[[], None] = lambda: None) -> bool:
        """Wait until others leave the processor alone, `WAIT_S` at most; whether they do now."""
        until = self.clocks.wall() + _WAIT_S
        while self.others() > MOST_OTHERS:
            if self.clocks.wall() >= until:
                return False
            on_wait()
        return True

    def timed(self, work: Callable[[], None], threads: int) -> TimedTurn:
        """Do `work`, which computes with `threads` threads of this process, and time it."""
        wall, processor = self.clocks.wall(), self.clocks.processor()
        work()
        seconds = max(1e-9, self.clocks.wall() - wall)
        return TimedTurn(seconds * 1000, (self.clocks.processor() - processor) / (seconds * threads))


def settled(
    turn: Callable[[], TimedTurn], *, most: int = 12, agreeing: int = 4, agreement: float = 1.08
) -> TimedTurn:
    """The best of several turns: whatever else the machine does makes them slower, never faster.

    Goes on until `agreeing` turns last at most `agreement` times the best one, or for `most` turns.
    """
    turns: list[TimedTurn] = []
    while len(turns) < most:
        turns.append(turn())
        best = min(one.milliseconds for one in turns)
        if sum(one.milliseconds <= best * agreement for one in turns) >= agreeing:
            break
    return min(turns, key=lambda one: one.milliseconds)
