"""Requests to an engine elsewhere: one per document at most, as many at once as it takes, the newest first.

Who goes next and what a newer request makes pointless is `scheduler`'s decision, as for the engine here. A
flight goes on after its race was answered, and a later request for the same place joins it; one for a place
that its answer leads to waits for it (`typed_along`): who types along need not ask again. State: the flights
that wait and run, and the last one of each document.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import attrs

from ...context.shared.values import Completion, Prompt, StopReason
from ..process.lifecycle import Clock
from ..wire.messages import CompletionRequest, Priority
from . import scheduler
from .model_host import log_failure
from .scheduler import Job, Turn
from .typed_along import rest_of, typed_since

if TYPE_CHECKING:
    from ...models.remote.engine import RemoteEngine

_REMEMBERED = 64


class FlightListener(Protocol):
    """Who waits for a flight."""

    def remote_said(self) -> None:
        """More of the answer is there."""
        ...

    def remote_ended(self) -> None:
        """It has come to its end, either way."""
        ...


@attrs.define(eq=False)
class Flight:
    """One request to the engine elsewhere.

    Attributes:
        job: as the scheduler sees it.
        request: what is asked for.
        listeners: who wait; nobody where its race was answered and it is worth having all the same.
        text: what of the answer nothing takes back.
        completion: the answer; None while there is none.
        ended: it has come to its end.
        dropped: because nobody wants it any more.
        kept: its race was answered without it, and it goes on for the keys to come.
    """

    job: Job
    request: CompletionRequest
    listeners: list[FlightListener] = attrs.field(factory=list[FlightListener])
    text: str = ""
    completion: Completion | None = None
    ended: bool = False
    dropped: bool = False
    kept: bool = False
    turn: Turn | None = None
    task: asyncio.Task[None] | None = None

    @property
    def failed(self) -> bool:
        """It has ended without an answer."""
        return self.ended and self.completion is None

    def say(self, text: str) -> None:
        """Take more of the answer."""
        self.text += text
        for listener in tuple(self.listeners):
            listener.remote_said()

    def end(self, completion: Completion | None) -> None:
        """It is over; once."""
        if not self.ended:
            self.ended, self.completion = True, completion
            for listener in tuple(self.listeners):
                listener.remote_ended()

    def leads_to(self, typed: str, *, urgent: bool) -> bool:
        """Whether it is worth waiting for after this was typed: it said so, or may and nothing is urgent.

        Only what goes on for the keys to come is waited for.
        """
        if not self.kept or self.ended or self.task is None:
            return False
        said = self.text.startswith(typed) and len(self.text) > len(typed)
        return said or (not urgent and typed.startswith(self.text))

    def rest_for(self, request: CompletionRequest) -> Completion | None:
        """What of its answer a later request still wants; None where it has none, or says something else."""
        typed = None if self.completion is None else typed_since(self.request, request)
        return None if self.completion is None or not typed else rest_of(self.completion, typed)


class Flights:
    """See the module's opening. All methods are called in the event loop's thread."""

    def __init__(self, engine: RemoteEngine, clock: Clock, on_health: Callable[[], None]) -> None:
        """Make it.

        Args:
            engine: who is asked.
            clock: seconds.
            on_health: called when a request has come to its end: whether all is well may have changed.
        """
        self.engine = engine
        self._clock = clock
        self._on_health = on_health
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Flight] = {}
        self._running: dict[int, Flight] = {}
        self._last: dict[str, Flight] = {}
        self._warming: dict[str, asyncio.Task[None]] = {}
        self._served: dict[str, float] = {}

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many are asked now."""
        return len(self._running)

    def ask(self, owner: str, session: str, request: CompletionRequest, listener: FlightListener) -> Flight:
        """Ask, or join what asks for the same already.

        Args:
            owner: the client.
            session: the document, unique across owners.
            request: what is asked for.
            listener: told how it goes.
        """
        known = self._last.get(session)
        typed = None if known is None or known.failed else typed_since(known.request, request)
        if known is not None and typed == "":
            known.listeners.append(listener)
            known.job = attrs.evolve(known.job, priority=min(known.job.priority, request.priority))
            return known
        job = Job(next(self._numbers), owner, session, request.priority, self._clock())
        if known is not None and (rest := known.rest_for(request)) is not None:
            return Flight(job, request, completion=rest, ended=True)
        flight = Flight(job, request, [listener])
        urgent = request.priority is Priority.INTERACTIVE
        follows = known is not None and bool(typed) and known.leads_to(typed or "", urgent=urgent)
        self._end_warming(session)
        self._supersede(job, spared=known if follows else None)
        if not follows:
            self._remember(flight)
        self._waiting[job.number] = flight
        for dropped in scheduler.overflowing(each.job for each in self._waiting.values()):
            self.drop(self._waiting[dropped.number])
        asyncio.get_running_loop().call_soon(self._pump)
        return flight

    def _supersede(self, job: Job, *, spared: Flight | None) -> None:
        others = [one for one in (*self._waiting.values(), *self._running.values()) if one is not spared]
        pointless = {each.number for each in scheduler.superseded([one.job for one in others], job)}
        for other in others:
            if other.job.number in pointless:
                self.drop(other)

    def _remember(self, flight: Flight) -> None:
        """It is the last one of its document."""
        self._last.pop(flight.job.session, None)
        self._last[flight.job.session] = flight
        while len(self._last) > _REMEMBERED:
            self._last.pop(next(iter(self._last)))

    def drop(self, flight: Flight) -> None:
        """Nobody wants it any more: what runs of it is closed at once."""
        if flight.ended:
            return
        self._waiting.pop(flight.job.number, None)
        if flight.task is not None:
            flight.task.cancel()
        flight.dropped = True
        flight.end(None)

    def leave(self, flight: Flight, listener: FlightListener, *, keep: bool) -> None:
        """Somebody waits no more; it goes on for others, and with `keep` for whoever asks for it later.

        What was kept once goes on, behind everything that somebody waits for, until a later request of its
        document makes it pointless.
        """
        if listener not in flight.listeners:
            return
        flight.listeners.remove(listener)
        if flight.listeners:
            return
        if keep and flight.task is not None:
            flight.kept = True
        if flight.kept:
            flight.job = attrs.evolve(flight.job, priority=Priority.PREFETCH)
        elif not keep:
            self.drop(flight)

    def warm(self, session: str, prompt: Prompt) -> None:
        """Have a prompt evaluated while nothing else of the document is asked; nobody hears how it went."""
        busy = any(each.job.session == session for each in self._running.values())
        if busy or not self.engine.breaker.is_closed or self.running >= self.engine.capacity:
            return
        self._end_warming(session)
        task = asyncio.ensure_future(self.engine.warm(session, prompt))
        self._warming[session] = task
        task.add_done_callback(lambda ended: self._warmed(session, ended))

    def forget(self, session: str) -> None:
        """A document was closed."""
        self._end_warming(session)
        for flight in [*self._waiting.values(), *self._running.values()]:
            if flight.job.session == session:
                self.drop(flight)
        self._last.pop(session, None)
        self._served.pop(session, None)
        self.engine.forget(session)

    def forget_owner(self, owner: str) -> None:
        """A client went away."""
        for session in {each.job.session for each in self._last.values() if each.job.owner == owner}:
            self.forget(session)

    async def aclose(self) -> None:
        """End everything and close the connection."""
        tasks = [each.task for each in self._running.values() if each.task is not None]
        tasks += self._warming.values()
        for flight in [*self._waiting.values(), *self._running.values()]:
            self.drop(flight)
        for session in tuple(self._warming):
            self._end_warming(session)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.engine.aclose()

    def _pump(self) -> None:
        """Let begin what can."""
        while self._waiting:
            busy = {each.job.session for each in self._running.values()}
            free = [each.job for each in self._waiting.values() if each.job.session not in busy]
            turn = scheduler.next_turn(free, self._served, self._clock())
            if turn is None:
                return
            if self.running >= self.engine.capacity:
                self._make_room(turn.job)
                return
            flight = self._waiting.pop(turn.job.number)
            if not self.engine.breaker.may_ask():
                flight.end(None)
                continue
            flight.turn = turn
            self._remember(flight)
            self._running[turn.job.number] = flight
            flight.task = asyncio.ensure_future(self._fly(flight))
            flight.task.add_done_callback(lambda ended, flown=flight: self._landed(flown, ended))

    def _make_room(self, job: Job) -> None:
        """End what is less important than a job that waits, the least important first."""
        rivals = [each for each in self._running.values() if each.job.priority > job.priority]
        if rivals:
            self.drop(max(rivals, key=lambda each: (each.job.priority, each.job.number)))

    async def _fly(self, flight: Flight) -> None:
        from ...models.remote.failure import RemoteFailedError

        request = flight.request
        try:
            completion = await self.engine.complete(
                flight.job.session,
                request.prompt,
                request.rules,
                on_text=flight.say,
                temperature=request.temperature,
                seed=request.seed,
            )
        except RemoteFailedError:
            flight.end(None)
        else:
            found = completion.stop is not StopReason.UNAVAILABLE
            flight.end(attrs.evolve(completion, remote=True) if found else None)

    def _landed(self, flight: Flight, ended: asyncio.Task[None]) -> None:
        self._running.pop(flight.job.number, None)
        self._served[flight.job.session] = self._clock()
        if not ended.cancelled() and (error := ended.exception()) is not None:
            log_failure(None, error)
        flight.end(None)
        for waiting in [one for one in self._waiting.values() if one.job.session == flight.job.session]:
            if (rest := flight.rest_for(waiting.request)) is not None:
                del self._waiting[waiting.job.number]
                waiting.end(rest)
        self._on_health()
        self._pump()

    def _end_warming(self, session: str) -> None:
        task = self._warming.pop(session, None)
        if task is not None:
            task.cancel()

    def _warmed(self, session: str, ended: asyncio.Task[None]) -> None:
        from ...models.remote.failure import RemoteFailedError

        if self._warming.get(session) is ended:
            del self._warming[session]
        if ended.cancelled():
            return
        error = ended.exception()
        if error is not None and not isinstance(error, RemoteFailedError):
            log_failure(None, error)
        self._on_health()
