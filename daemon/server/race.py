"""Which of two engines answers a request: one here and one elsewhere. Pure decisions.

The one elsewhere is worth more, so it has until the latency budget is used up. Then whoever has said whole
lines is followed, and whoever has ended answers; what the other says later is a better answer, or nothing.
Where the one elsewhere fails, nobody waits for it. `racing` carries this out.
"""

from __future__ import annotations

import enum

import attrs


class Course(enum.Enum):
    """How far an engine has come with a request."""

    UNASKED = enum.auto()
    RUNNING = enum.auto()
    SPEAKING = enum.auto()  # whole lines of its answer are there
    DONE = enum.auto()
    FAILED = enum.auto()


class Move(enum.Enum):
    """What becomes of a request now."""

    WAIT = enum.auto()
    ASK_LOCAL = enum.auto()
    FOLLOW_REMOTE = enum.auto()  # pass on what it says from here on: it is the answer
    FOLLOW_LOCAL = enum.auto()
    ANSWER_REMOTE = enum.auto()
    ANSWER_LOCAL = enum.auto()
    ANSWER_PART = enum.auto()  # what was passed on of a remote answer that broke off


@attrs.frozen
class Standing:
    """How a race stands.

    Attributes:
        remote: the engine elsewhere.
        local: the one here.
        late: the latency budget is used up.
        follows: whose answer is being passed on already.
    """

    remote: Course
    local: Course
    late: bool = False
    follows: Move | None = None


def next_move(now: Standing) -> Move:
    """What becomes of the request; what was passed on is never taken back."""
    if now.follows is Move.FOLLOW_REMOTE:
        ends = {Course.DONE: Move.ANSWER_REMOTE, Course.FAILED: Move.ANSWER_PART}
        return ends.get(now.remote, Move.WAIT)
    if now.follows is Move.FOLLOW_LOCAL:
        return Move.ANSWER_LOCAL if now.local in (Course.DONE, Course.FAILED) else Move.WAIT
    if now.remote is Course.DONE:
        return Move.ANSWER_REMOTE
    if now.remote is Course.FAILED:
        return _alone(now.local)
    if not now.late:
        return Move.WAIT
    if now.remote is Course.SPEAKING:
        return Move.FOLLOW_REMOTE
    if now.local is Course.FAILED:
        return Move.WAIT
    return Move.FOLLOW_LOCAL if now.local is Course.SPEAKING else _alone(now.local, follow=False)


def _alone(local: Course, *, follow: bool = True) -> Move:
    """What the local engine's course means where nobody waits for the other one."""
    if local is Course.UNASKED:
        return Move.ASK_LOCAL
    if local in (Course.DONE, Course.FAILED):
        return Move.ANSWER_LOCAL
    return Move.FOLLOW_LOCAL if follow else Move.WAIT
