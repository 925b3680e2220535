"""The engine's front desk: takes requests, keeps them in order, answers every one once.

The asyncio half of the scheduler: `scheduler` decides, this module holds the state, hands one piece of
work at a time to the engine thread and turns what comes back into answers. It knows nothing of sockets;
`server` and `in_process` stand in front of it. All methods are called in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import enum
import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from ...context.shared.values import Completion, Stage, StopReason, Timings
from ...models.llama.cancellation import Cancellation
from ..process.lifecycle import Clock
from ..wire.messages import CompletionRequest, ModelStatus, Priority, RemoteStatus, WarmRequest
from . import scheduler
from .desk import OnAnswer, OnText, Totals
from .engine_thread import EngineThread
from .latencies import Latencies
from .model_host import ModelHost, log_failure
from .model_source import ModelProvider
from .scheduler import Job, Turn

if TYPE_CHECKING:
    from ...models.engine.interface import EngineLike

IDLE_AFTER_S = 0.25
"""Seconds of quiet before idle work begins: the pauses inside a burst of typing stay free of it."""

GROW_AFTER_S = 0.02
"""So soon after an answer that did not see everything its context goes on growing, also between two keys."""

IDLE_SESSIONS = 8
"""How many of the last used sessions idle work is done for."""


class _Why(enum.Enum):
    CANCELLED = enum.auto()
    SUPERSEDED = enum.auto()
    PREEMPTED = enum.auto()


@attrs.define
class _Ticket:
    """A request that is not answered yet. Its state is the job, which changes when it is preempted."""

    job: Job
    request: CompletionRequest | WarmRequest
    arrived: float
    answer: OnAnswer
    on_text: OnText | None


@attrs.define
class _Running:
    """What the engine thread is busy with, and why it was asked to end, if it was."""

    turn: Turn | None  # None: idle work
    session: str
    began: float
    cancellation: Cancellation
    why: _Why | None = None

    def end(self, why: _Why) -> None:
        self.why = why
        self.cancellation.cancel()


def unavailable(sentence: str) -> Completion:
    """The answer that says why there is none."""
    return Completion("", StopReason.UNAVAILABLE, Stage.QUEUE, detail=sentence)


class Service:
    """One engine and the requests for it. Its state: the tickets, what runs, and the model's status."""

    def __init__(
        self,
        source: ModelProvider,
        *,
        on_model: Callable[[ModelStatus], None] | None = None,
        clock: Clock = time.monotonic,
        idle_after_s: float = IDLE_AFTER_S,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._idle_after_s = idle_after_s
        self._thread = EngineThread(self._loop)
        self._on_model = on_model
        self._host = ModelHost(source, self._thread, self, clock)
        self._numbers = itertools.count(1)
        self._tickets: dict[int, _Ticket] = {}
        self._waiting: dict[int, Job] = {}
        self._running: _Running | None = None
        self._preemption: asyncio.TimerHandle | None = None
        self._after_aged = False
        self._served: dict[str, float] = {}
        self._sessions: dict[str, str] = {}
        self._idle_sessions: dict[str, None] = {}
        self._idle_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._refresh_due = False
        self._unsaved = False
        self._grows = False  # the last answer did not see everything
        self._totals = Totals()
        self.latencies = Latencies()

    def model_changed(self, status: ModelStatus) -> None:
        """See `HostObserver`."""
        if self._on_model is not None:
            self._on_model(status)

    def load_ended(self) -> None:
        """See `HostObserver`."""
        self._pump()

    def __repr__(self) -> str:
        busy = "idle" if self._running is None else "busy"
        counts = f"waiting={len(self._waiting)} sessions={len(self._sessions)}"
        return f"<Service {self._host.status.state} {busy} {counts}>"

    # What can be seen from outside.

    @property
    def model(self) -> ModelStatus:
        """What the model is doing."""
        return self._host.status

    @property
    def remote(self) -> RemoteStatus | None:
        """None: nothing leaves the machine here."""
        return None

    @property
    def totals(self) -> Totals:
        """Counts since the start."""
        return self._totals

    @property
    def sessions(self) -> int:
        """How many documents the engine may hold cells of."""
        return len(self._sessions)

    @property
    def queued(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether anything is asked for, loading, or running for somebody."""
        return bool(self._tickets) or self._host.loading

    # Requests.

    def submit(
        self,
        owner: str,
        request: CompletionRequest | WarmRequest,
        answer: OnAnswer,
        on_text: OnText | None = None,
    ) -> int:
        """Take a request.

        Args:
            owner: the client; its sessions are apart from everybody else's.
            request: what is asked for.
            answer: called exactly once with the completion (text "" for a warm-up), perhaps before this
                method returns.
            on_text: called with each piece of text of an interactive completion.

        Returns:
            The number that `cancel` takes.
        """
        number = next(self._numbers)
        now = self._clock()
        completing = isinstance(request, CompletionRequest)
        priority = request.priority if completing else Priority.WARM_UP
        job = Job(number, owner, _key(owner, request.session), priority, now)
        if self._closed:
            answer(unavailable("The daemon is ending."))
            return number
        if priority is not Priority.INTERACTIVE:
            on_text = None
        self._tickets[number] = _Ticket(job, request, now, answer, on_text)
        self._supersede(job)
        self._waiting[number] = job
        self._drop_overflowing()
        self._pump()
        return number

    def cancel(self, number: int) -> None:
        """Take a request back. It is answered as CANCELLED; nothing happens if it has been answered."""
        if number in self._waiting:
            self._answer_waiting(number, self._unstarted(number, StopReason.CANCELLED))
        elif self._running is not None and self._running.turn and self._running.turn.job.number == number:
            self._running.end(_Why.CANCELLED)

    def forget(self, owner: str, session: str) -> None:
        """A document was closed: end its requests and give its cells back."""
        self._forget(_key(owner, session))

    def forget_owner(self, owner: str) -> None:
        """A client went away: so do its requests and documents."""
        theirs = {ticket.job.session for ticket in self._tickets.values() if ticket.job.owner == owner}
        theirs |= {session for session, its_owner in self._sessions.items() if its_owner == owner}
        for session in theirs:
            self._forget(session)

    async def load(self) -> ModelStatus:
        """Load the model unless it is loaded, also after a failure. Never raises for a bad model."""
        self.refresh()
        return await self._host.load()

    def refresh(self) -> None:
        """Unload a model that the configuration no longer names or whose file was replaced.

        While it works for somebody, that waits for the answer, and the new one is loaded right after; idle
        work gives way at once.
        """
        self._refresh_due = False
        if not self._host.is_replaced():
            return
        if self._tickets or self._running is not None:
            self._refresh_due = True
            if self._running is not None and self._running.turn is None and self._running.why is None:
                self._running.end(_Why.PREEMPTED)
        elif self._host.unload_if_replaced():
            self._idle_sessions.clear()
            self._sessions.clear()

    def _refresh_if_due(self) -> None:
        if self._refresh_due and not self._closed:
            self.refresh()
            if not self._refresh_due:
                self._host.want()

    async def close(self, within_s: float = 2.0) -> bool:
        """Answer everything, free the model. False when the engine did not let go in time."""
        if self._closed:
            return True
        self._closed = True
        self._cancel_timers()
        for number in list(self._waiting):
            self._answer_waiting(number, unavailable("The daemon was stopped."))
        if self._running is not None:
            self._running.end(_Why.CANCELLED)
        self._host.close()
        ended = await self._thread.close(within_s)
        await asyncio.sleep(0)  # what the thread handed over last is delivered now
        for ticket in list(self._tickets.values()):
            self._answer(ticket, unavailable("The daemon was stopped."))
        return ended

    # Order.

    def _supersede(self, newcomer: Job) -> None:
        for old in scheduler.superseded(list(self._waiting.values()), newcomer):
            self._answer_waiting(old.number, self._unstarted(old.number, StopReason.SUPERSEDED))
        running = self._running
        if running is None or running.turn is None or running.why is _Why.CANCELLED:
            return
        if scheduler.superseded([running.turn.job], newcomer):
            running.end(_Why.SUPERSEDED)

    def _drop_overflowing(self) -> None:
        for dropped in scheduler.overflowing(self._waiting.values()):
            self._answer_waiting(dropped.number, unavailable("Too many requests wait for the model."))

    def _pump(self) -> None:
        """Bring the engine thread and the queue in line; called after every change of either."""
        if self._closed:
            return
        if self._waiting:
            self._cancel_idle_timer()
        if self._host.engine is None:
            self._pump_without_engine()
        elif self._running is not None:
            self._preempt_if_due()
        elif turn := scheduler.next_turn(
            self._waiting.values(), self._served, self._clock(), after_aged=self._after_aged
        ):
            self._start(turn)
        elif (self._idle_sessions or self._unsaved) and self._idle_timer is None:
            after_s = min(GROW_AFTER_S, self._idle_after_s) if self._grows else self._idle_after_s
            self._idle_timer = self._loop.call_later(after_s, self._start_idle)

    def _pump_without_engine(self) -> None:
        if self._waiting and (sentence := self._host.want()):
            for number in list(self._waiting):
                self._answer_waiting(number, unavailable(sentence))

    def _preempt_if_due(self) -> None:
        running = self._running
        if running is None or running.why is not None or not self._waiting:
            return
        if running.turn is None:
            running.end(_Why.PREEMPTED)
        elif scheduler.preempting(running.turn, self._waiting.values()):
            patience = running.turn.protected_until - self._clock()
            if patience <= 0:
                running.end(_Why.PREEMPTED)
            elif self._preemption is None:
                self._preemption = self._loop.call_later(patience, self._preemption_due)

    def _preemption_due(self) -> None:
        self._preemption = None
        self._pump()

    def _start(self, turn: Turn) -> None:
        engine = self._host.engine
        if engine is None:
            return
        job = turn.job
        del self._waiting[job.number]
        ticket = self._tickets[job.number]
        ticket.job = job
        self._after_aged = turn.aged
        self._sessions[job.session] = job.owner
        self._idle_sessions.pop(job.session, None)
        self._idle_sessions[job.session] = None
        while len(self._idle_sessions) > IDLE_SESSIONS:
            del self._idle_sessions[next(iter(self._idle_sessions))]
        running = self._running = _Running(turn, job.session, self._clock(), Cancellation())
        work = _work(engine, ticket, running.cancellation, self._thread)
        self._thread.post(work, lambda result, error: self._finished(running, ticket, result, error))
        self._host.watch_reading()
        self._preempt_if_due()

    def _finished(
        self, running: _Running, ticket: _Ticket, completion: Completion | None, error: BaseException | None
    ) -> None:
        self._running = None
        if self._preemption is not None:
            self._preemption.cancel()
            self._preemption = None
        now = self._clock()
        if running.session in self._sessions:
            self._served[running.session] = now
        if error is not None or completion is None:
            log_failure(None, error)
            completion = unavailable("The model could not complete this; the daemon's log says more.")
        cut_short = completion.stop is StopReason.CANCELLED
        if not cut_short:
            self._grows = completion.early
            self._host.note(completion.detail if completion.stop is StopReason.UNAVAILABLE else "")
        if cut_short and running.why is _Why.PREEMPTED and running.turn is not None and not self._closed:
            ticket.job = scheduler.requeued(running.turn, now)
            self._waiting[ticket.job.number] = ticket.job
            self._drop_overflowing()
        else:
            if cut_short and running.why is _Why.SUPERSEDED:
                completion = attrs.evolve(completion, stop=StopReason.SUPERSEDED)
            waited = (running.began - ticket.arrived) * 1000
            timings = attrs.evolve(completion.timings, queue_ms=waited)
            self._answer(ticket, attrs.evolve(completion, timings=timings))
        self._refresh_if_due()
        self._pump()

    # Idle work.

    def _start_idle(self) -> None:
        self._idle_timer = None
        engine = self._host.engine
        if engine is None or self._closed or self._running is not None or self._waiting:
            return
        if not self._idle_sessions:
            if self._unsaved:
                self._start_keeping(engine)
            return
        session = next(reversed(self._idle_sessions))
        running = self._running = _Running(None, session, self._clock(), Cancellation())

        def work() -> bool:
            return engine.idle(session, cancellation=running.cancellation)

        self._thread.post(work, lambda more, error: self._idle_finished(running, bool(more), error))
        self._host.watch_reading()

    def _idle_finished(self, running: _Running, more: bool, error: BaseException | None) -> None:
        self._running = None
        self._refresh_if_due()
        if error is not None:
            log_failure(None, error)
        if error is not None or (not more and running.why is None):
            self._idle_sessions.pop(running.session, None)
        self._pump()
        if self._running is None and not self._waiting:
            self._cancel_idle_timer()
            self._start_idle()

    def _start_keeping(self, engine: EngineLike) -> None:
        """Have saved what closed documents left; like all idle work it gives way to any request."""
        running = self._running = _Running(None, "", self._clock(), Cancellation())

        def ended(more: bool | None, error: BaseException | None) -> None:
            self._unsaved = bool(more) and error is None
            self._idle_finished(running, bool(more), error)

        self._thread.post(lambda: engine.keep(cancellation=running.cancellation), ended)

    def _cancel_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _cancel_timers(self) -> None:
        self._cancel_idle_timer()
        if self._preemption is not None:
            self._preemption.cancel()
            self._preemption = None

    # Answers.

    def _answer(self, ticket: _Ticket, completion: Completion) -> None:
        del self._tickets[ticket.job.number]
        completing = isinstance(ticket.request, CompletionRequest)
        self._totals = self._totals.plus(completion.timings, requests=int(completing))
        if completing:
            self.latencies.add(completion, self._clock() - ticket.arrived)
        ticket.answer(completion)

    def _answer_waiting(self, number: int, completion: Completion) -> None:
        del self._waiting[number]
        self._answer(self._tickets[number], completion)

    def _unstarted(self, number: int, stop: StopReason) -> Completion:
        waited = (self._clock() - self._tickets[number].arrived) * 1000
        return Completion("", stop, Stage.QUEUE, Timings(queue_ms=waited))

    def _forget(self, session: str) -> None:
        for number in [number for number, job in self._waiting.items() if job.session == session]:
            self._answer_waiting(number, self._unstarted(number, StopReason.CANCELLED))
        if self._running is not None and self._running.session == session:
            self._running.end(_Why.CANCELLED)
        self._idle_sessions.pop(session, None)
        self._served.pop(session, None)
        engine = self._host.engine
        if self._sessions.pop(session, None) is not None and engine is not None and not self._closed:
            self._thread.post(lambda: engine.forget(session), log_failure)
            self._unsaved = True
            self._pump()


def _key(owner: str, session: str) -> str:
    return f"{owner}:{session}"


def _work(
    engine: EngineLike, ticket: _Ticket, cancellation: Cancellation, thread: EngineThread
) -> Callable[[], Completion]:
    request = ticket.request
    session = ticket.job.session
    if isinstance(request, WarmRequest):
        return lambda: engine.warm(session, request.prompt, cancellation=cancellation)
    on_text = ticket.on_text

    def stream(text: str) -> None:
        if on_text is not None:
            thread.notify(on_text, text)

    return lambda: engine.complete(
        session,
        request.prompt,
        request.rules,
        cancellation=cancellation,
        on_text=None if on_text is None else stream,
        temperature=request.temperature,
        seed=request.seed,
        whole=request.whole,
        restriction=request.restriction,
    )
