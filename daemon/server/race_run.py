"""One request that two engines may answer, from its arrival to its one answer.

It asks, listens, and carries out what `race` decides. Which requests come here is `racing`'s decision.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import attrs

from ...context.shared.values import Completion, Stage, StopReason
from ..wire.messages import CompletionRequest, Priority
from .desk import Desk, OnAnswer, OnText
from .flights import Flight, Flights
from .race import Course, Move, Standing, next_move

_GONE = Completion("", StopReason.CANCELLED, Stage.QUEUE)


@attrs.frozen
class RaceRequest:
    """What was asked for, and by whom; see `desk.Desk.submit`."""

    owner: str
    request: CompletionRequest
    answer: OnAnswer
    on_text: OnText | None


class RaceDesk(Protocol):
    """What a race needs of the front desk."""

    @property
    def local(self) -> Desk:
        """The desk of the engine here."""
        ...

    @property
    def budget_s(self) -> float:
        """Seconds that the engine elsewhere has before the one here answers."""
        ...

    def over(self, race: RaceRun, *, late: bool) -> None:
        """A race was answered, `late` by the engine elsewhere after its time."""
        ...


class RaceRun:
    """One request and the two that may answer it. State: how far both are, and what was passed on."""

    def __init__(self, desk: RaceDesk, number: int, asked: RaceRequest) -> None:
        self.number = number
        self.asked = asked
        self.local: int | None = None
        self._desk = desk
        self._on_text = asked.on_text if asked.request.priority is Priority.INTERACTIVE else None
        self._flight: Flight | None = None
        self._flights: Flights | None = None
        self._local_text = ""
        self._local_answer: Completion | None = None
        self._follows: Move | None = None
        self._passed = 0
        self._late = False
        self._over = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, flights: Flights, session: str, *, at_once: bool) -> None:
        """Ask the engine elsewhere, and the one here `at_once` or when the other fails or is late."""
        self._flights = flights
        background = self.asked.request.priority is not Priority.INTERACTIVE
        if not background:
            self._timer = asyncio.get_running_loop().call_later(self._desk.budget_s, self._time_is_up)
        self._flight = flights.ask(self.asked.owner, session, self.asked.request, self)
        if at_once and not self._flight.ended:
            self._ask_local()
        self._move()

    def cancel(self) -> None:
        """The client took it back."""
        self._finish(_GONE)

    def remote_said(self) -> None:
        """See `FlightListener`."""
        self._move()

    def remote_ended(self) -> None:
        """See `FlightListener`."""
        if self._flight is not None and self._flight.dropped:
            self._finish(attrs.evolve(_GONE, stop=StopReason.SUPERSEDED))
        self._move()

    def _ask_local(self) -> None:
        number = self._desk.local.submit(
            self.asked.owner,
            self.asked.request,
            self._local_answered,
            None if self._on_text is None else self._local_said,
        )
        self.local = number if self.local is None else self.local

    def _local_said(self, text: str) -> None:
        self._local_text += text
        self._move()

    def _local_answered(self, completion: Completion) -> None:
        self._local_answer = completion
        self.local = self.local or 0
        if completion.stop in (StopReason.SUPERSEDED, StopReason.CANCELLED):
            self._finish(completion)
        self._move()

    def _time_is_up(self) -> None:
        self._late = True
        self._move()

    def _standing(self) -> Standing:
        flight, local = self._flight, self._local_answer
        remote = Course.RUNNING
        if flight is None or flight.failed:
            remote = Course.FAILED
        elif flight.ended:
            remote = Course.DONE
        elif _has_lines(flight.text):
            remote = Course.SPEAKING
        here = Course.RUNNING if self.local is not None else Course.UNASKED
        if local is not None:
            here = Course.FAILED if local.stop is StopReason.UNAVAILABLE else Course.DONE
        elif self._local_text:
            here = Course.SPEAKING
        return Standing(remote, here, self._late, self._follows)

    def _move(self) -> None:
        """Do what is to be done, until there is nothing more to do."""
        while not self._over:
            move = next_move(self._standing())
            if move is Move.WAIT:
                break
            if move is Move.ASK_LOCAL:
                self._ask_local()
            elif move in (Move.FOLLOW_LOCAL, Move.FOLLOW_REMOTE):
                self._follows = move
            else:
                self._end(move)
        if not self._over:
            self._pass_on()

    def _pass_on(self) -> None:
        """Pass on what is said by whom is followed: whole lines of one that may still break off."""
        if self._on_text is None or self._follows is None:
            return
        remote = self._follows is Move.FOLLOW_REMOTE and self._flight is not None
        text = _whole_lines(self._flight.text) if remote and self._flight else self._local_text
        if len(text) > self._passed:
            self._on_text(text[self._passed :])
            self._passed = len(text)

    def _end(self, move: Move) -> None:
        flight, local = self._flight, self._local_answer
        if move is Move.ANSWER_REMOTE and flight is not None and flight.completion is not None:
            self._finish(flight.completion, late=self._late)
        elif move is Move.ANSWER_PART and flight is not None:
            self._finish(Completion(_whole_lines(flight.text), StopReason.BUDGET, remote=True))
        elif local is not None:
            running = flight is not None and not flight.ended
            self._finish(attrs.evolve(local, provisional=running), keep=running)

    def _finish(self, completion: Completion, *, late: bool = False, keep: bool = False) -> None:
        """Give the answer, and end what nobody waits for; with `keep` the other engine's is worth having."""
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self.local is not None and self._local_answer is None:
            self._desk.local.cancel(self.local)
        if self._flight is not None and self._flights is not None:
            self._flights.leave(self._flight, self, keep=keep)
        self._desk.over(self, late=late)
        self.asked.answer(completion)


def _has_lines(text: str) -> bool:
    return bool(_whole_lines(text).strip())


def _whole_lines(text: str) -> str:
    """The lines of a text that are finished, without the last line's end."""
    end = max(text.rfind("\n"), text.rfind("\r"))
    return text[:end].rstrip("\r\n") if end > 0 else ""
