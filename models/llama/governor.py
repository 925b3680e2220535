"""How many threads compute, given who else wants the processor right now.

ggml's threads meet at a barrier after every graph node, hundreds of times a token, and spin there. When
another program takes the core of one of them, all others burn their time waiting: with one busy program on
two cores, two threads were measured at 8 to 100 times the time of one. So before each computation the
kernel is asked how many threads are runnable, and the busy cores are left to their owners, unless these give
way to us (`yielding`); which cores there are, and which of them are ours, is `cores`' business. Its answer is
that of a moment, and whoever takes the token that was just made (our own event loop, the language server, the
editor) is runnable in just that moment: so only those count that are seen twice. Where the
kernel can't be asked (systems other than Linux), an unusually slow computation is the signal that somebody
else is computing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import attrs

from ..machine.cores import Cores, busy_inside, cores
from ..machine.yielding import yielding_cores

SPIN_MS = 10.0
"""Milliseconds after a computation in which its own threads may still spin and count as runnable."""

SLOW_FACTOR = 4.0
"""A step that takes this many times the best one of its kind was disturbed."""

PENALTY_MS = 300.0
"""How long one disturbance is believed to last."""

GLANCE_S = 0.0003
"""So long is waited for a second look where the last computation is too long ago to serve as the first."""

Runnable = Callable[[], int | None]


def usable_cores() -> int:
    """Physical cores that this process may use: a second thread on one core gains decoding nothing."""
    return cores().usable


def runnable_threads() -> Runnable:
    """A function that asks the kernel how many threads are running or ready to, machine-wide (proc(5))."""
    if sys.platform == "win32":
        return lambda: None
    try:
        file = os.open("/proc/loadavg", os.O_RDONLY)
    except OSError:
        return lambda: None

    def ask() -> int | None:
        try:
            return int(os.pread(file, 128, 0).split()[3].split(b"/")[0])
        except (OSError, ValueError, IndexError):
            return None

    return ask


def competing_threads(runnable: Runnable, yielding: Callable[[], int]) -> Runnable:
    """A function that tells how many runnable threads do not give way to ours; None when unknown.

    Args:
        runnable: how many there are in all, ours among them.
        yielding: how many cores programs of a low priority keep busy.
    """

    def ask() -> int | None:
        found = runnable()
        return None if found is None else max(0, found - yielding())

    return ask


def thread_count(most: int, others: int, *, shape: Cores | None = None, inside: float = 0.0) -> int:
    """Threads to use: as many as are wanted, and no more than cores are free.

    Args:
        most: threads that are wanted on a quiet machine.
        others: threads that run beside ours or are ready to, machine-wide, and don't give way.
        shape: the machine; None is one with just `most` cores.
        inside: how many of the usable cores others keep busy who share them with us.
    """
    shape = shape or Cores(most, most, most)
    # Whoever wants more threads than there are cores gets them on a quiet machine.
    free = max(shape.machine, most) - others
    free_inside = max(shape.usable, most) - int(inside + 0.5)
    return max(1, min(most, free, free_inside))


@attrs.frozen
class ProcessorLoad:
    """Who else wants the processor.

    Attributes:
        runnable: threads running or ready to, machine-wide, that don't give way; None where nobody can say.
        inside: how many of the cores that this process may use are kept busy by others who share them.
    """

    runnable: Runnable
    inside: Callable[[], float]

    @classmethod
    def of(cls, shape: Cores) -> ProcessorLoad:
        """What the system says."""
        return cls(competing_threads(runnable_threads(), yielding_cores()), busy_inside(shape.group))

    @classmethod
    def in_group(cls, shape: Cores) -> ProcessorLoad:
        """Only what others in the same group do: for measurements, which choose a quiet moment themselves."""
        return cls(lambda: None, busy_inside(shape.group))


@attrs.define
class Governor:
    """Chooses before each computation.

    State: the threads in use, when they last ran and who ran beside them, the best step times.

    Attributes:
        most: threads on a quiet machine.
        shape: the machine that these run on.
        load: who else wants it.
        clock: seconds.
        pause: waits for so many seconds.
        current: threads in use.
    """

    most: int
    shape: Cores = attrs.field(factory=cores)
    load: ProcessorLoad = attrs.field(
        default=attrs.Factory(lambda self: ProcessorLoad.of(self.shape), takes_self=True)
    )
    clock: Callable[[], float] = time.perf_counter
    pause: Callable[[float], None] = time.sleep
    current: int = 0
    _finished: float = -1e9
    _beside: int = 0  # threads of others when the last computation was over
    _started: float = 0.0
    _best: float = float("inf")  # ms of the fastest step of one token
    _disturbed_until: float = -1e9

    def __attrs_post_init__(self) -> None:
        self.current = self.most

    def before(self) -> int:
        """Threads for the computation that begins now."""
        now = self.clock()
        if self.most > 1:
            others = self._lasting((now - self._finished) * 1000 < SPIN_MS)
            inside = self.load.inside()
            self.current = thread_count(self.most, others, shape=self.shape, inside=inside)
            if now < self._disturbed_until:
                self.current = 1
        self._started = now
        return self.current

    def after(self, tokens: int, *, finished: bool = True) -> None:
        """The computation of `tokens` tokens is over.

        Args:
            tokens: how many were to be computed.
            finished: all of them were. One that was aborted, found no room or failed says nothing
                about speed.
        """
        now = self.clock()
        self._finished = now
        self._beside = self._others(self.current) if self.most > 1 else 0
        if tokens != 1 or self.current == 1 or not finished:
            return
        milliseconds = (now - self._started) * 1000
        # A growing context makes steps slower, honestly: let the best one age.
        self._best = min(self._best * 1.001, milliseconds)
        if milliseconds > SLOW_FACTOR * self._best:
            self._disturbed_until = now + PENALTY_MS / 1000

    def _lasting(self, spinning: bool) -> int:
        """Threads of others that were seen twice; our own may still be `spinning`."""
        others = self._others(self.current if spinning else 1)
        if not others:
            return 0
        if spinning:
            return min(others, self._beside)
        self.pause(GLANCE_S)
        return min(others, self._others(1))

    def _others(self, own: int) -> int:
        """Threads beside `own` of ours, now; 0 where nobody can say."""
        runnable = self.load.runnable()
        return 0 if runnable is None else max(0, runnable - own)
