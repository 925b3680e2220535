"""Who gets the engine next, and who has to give it back: decisions only.

Everything here is a pure function over `Job` values and a `Turns` record; nothing waits, locks or knows
an engine. `service` holds the state, carries the decisions out and is the only caller.

The rules:

- The newest request of a session supersedes its older ones, unless the older one is more important
  (a warm-up never takes a keystroke's answer away).
- Interactive before prefetch before warm-up. A more important arrival preempts what runs; what was
  preempted waits again and finds its finished cells in the KV cache.
- Within a priority the session served longest ago goes first, so that two editors share fairly.
- Nothing starves. A prefetch or warm-up that has waited `AGED_S` gets a turn before the next interactive
  request, at most every other turn, and keeps the engine for `SLICE_S` before it can be preempted. Each
  further aged turn of the same job is twice as long, so it ends however long it is. An interactive
  request therefore never waits longer than one slice for a background one, and the n-th background job
  begins within `AGED_S` plus n times (a slice and one interactive request).
- At most `MAX_WAITING` requests wait. Beyond that the least important are dropped, and of those the
  oldest of the client that has the most.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from ..wire.messages import Priority

MAX_WAITING = 64
AGED_S = 3.0
SLICE_S = 0.1


@attrs.frozen
class Job:
    """One request as the scheduler sees it.

    Attributes:
        number: grows with every arrival; names the job.
        owner: the client that asked; sessions of different owners never meet.
        session: the document, unique across owners.
        priority: who goes first.
        since: when it began to wait (s of the caller's clock); anew after an aged turn.
        aged_turns: how often it got the engine because it had waited too long.
    """

    number: int
    owner: str
    session: str
    priority: Priority
    since: float
    aged_turns: int = 0


@attrs.frozen
class Turn:
    """The job that runs.

    Attributes:
        job: which.
        began: when it got the engine (s).
        aged: it got it because it had waited too long.
    """

    job: Job
    began: float
    aged: bool = False

    @property
    def protected_until(self) -> float:
        """The moment (s) from which it may be preempted."""
        return self.began + SLICE_S * 2 ** (self.job.aged_turns - 1) if self.aged else -math.inf


def superseded(jobs: Iterable[Job], newcomer: Job) -> tuple[Job, ...]:
    """The jobs that `newcomer` makes pointless: its session's, as important as itself or less."""
    return tuple(
        job
        for job in jobs
        if job.session == newcomer.session
        and job.number < newcomer.number
        and job.priority >= newcomer.priority
    )


def overflowing(waiting: Iterable[Job], limit: int = MAX_WAITING) -> tuple[Job, ...]:
    """The jobs to drop so that at most `limit` wait."""
    left = list(waiting)
    dropped: list[Job] = []
    while len(left) > limit:
        owners = Counter(job.owner for job in left)
        victim = max(left, key=lambda job: (job.priority, owners[job.owner], -job.number))
        left.remove(victim)
        dropped.append(victim)
    return tuple(dropped)


def next_turn(
    waiting: Iterable[Job], served: Mapping[str, float], now: float, *, after_aged: bool = False
) -> Turn | None:
    """Who goes next.

    Args:
        waiting: the jobs that could.
        served: when each session was last served (s); a session that is missing never was.
        now: the time (s).
        after_aged: the previous turn was an aged one, so this one is not.

    Returns:
        The turn that begins now, or None when nobody waits.
    """
    jobs = list(waiting)
    if not jobs:
        return None
    best = min(jobs, key=lambda job: (job.priority, served.get(job.session, -math.inf), job.number))
    aged = [job for job in jobs if job.priority > best.priority and now - job.since >= AGED_S]
    if after_aged or not aged:
        return Turn(best, now)
    oldest = min(aged, key=lambda job: (job.since, job.number))
    return Turn(attrs.evolve(oldest, aged_turns=oldest.aged_turns + 1), now, aged=True)


def preempting(turn: Turn, waiting: Iterable[Job]) -> Job | None:
    """The waiting job for whose sake `turn` should give the engine back, once it is no longer protected."""
    rivals = [job for job in waiting if job.priority < turn.job.priority]
    return min(rivals, key=lambda job: (job.priority, job.number), default=None)


def requeued(turn: Turn, now: float) -> Job:
    """The preempted turn's job, waiting again. Only an aged turn makes it young; its slices still grow."""
    return attrs.evolve(turn.job, since=now) if turn.aged else turn.job
