"""The front desk where an engine elsewhere is set: asks both, or the one here only where the other fails.

Every request is answered once, whoever does it. What is decided stands in `race`; the requests that go
elsewhere are `flights`' business, those that stay `service`'s, which knows nothing of this. Requests of
workspaces that forbid it, and those for names that only the engine here can be held to, never leave. All
methods are called in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from ...context.shared.values import Completion, StopReason
from ..process.lifecycle import Clock
from ..wire.messages import (
    CompletionRequest,
    ModelState,
    ModelStatus,
    Priority,
    RemoteStatus,
    WarmRequest,
)
from .desk import Desk, OnAnswer, OnText, Totals
from .flights import Flights
from .latencies import Latencies
from .model_source import ModelProvider
from .race_run import RaceRequest, RaceRun
from .remote_source import RemoteProvider, RemoteWish
from .service import Service

if TYPE_CHECKING:
    from ...models.remote.engine import RemoteEngine

READS_PER_S = 5000.0
"""Tokens of a prompt that an engine elsewhere is taken to evaluate in a second: the largest window fits."""


class Racing:
    """Its state: the desk of the engine here, the flights to the one elsewhere, the open races by number."""

    def __init__(
        self,
        source: ModelProvider,
        remote: RemoteProvider,
        *,
        on_model: Callable[[ModelStatus], None] | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """Make it inside a running event loop.

        Args:
            source: finds and loads the model here.
            remote: says which engine elsewhere is wanted.
            on_model: told what becomes of either.
            clock: seconds.
        """
        self._provider = remote
        self._on_model = on_model
        self._clock = clock
        self._numbers = itertools.count(1)
        self._races: dict[int, RaceRun] = {}
        self._flights: Flights | None = None
        self._wish = RemoteWish()
        self._stamp: object = None
        self._told: ModelStatus | None = None
        self._late = 0
        self._unshared = 0
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False
        self._local = Service(source, on_model=self._local_changed, clock=clock)
        self._follow_settings()

    def __repr__(self) -> str:
        return f"<Racing races={len(self._races)} remote={self._wish.where or None} {self._local!r}>"

    # What can be seen from outside.

    @property
    def local(self) -> Desk:
        """The desk of the engine here."""
        return self._local

    @property
    def model(self) -> ModelStatus:
        """The model here, or the one elsewhere where that alone is asked."""
        local, flights = self.local.model, self._flights
        if flights is None:
            return local
        facts, trouble = flights.engine.facts, flights.engine.breaker.trouble
        shown = attrs.evolve(local, elsewhere=self._wish.where)
        if trouble:
            return attrs.evolve(
                shown, detail=local.detail or f"{trouble} The local engine answers meanwhile."
            )
        if facts is None:
            return shown
        shown = attrs.evolve(
            shown,
            sees_suffix=local.sees_suffix or facts.sees_suffix,
            tokens_per_s=max(local.tokens_per_s, READS_PER_S),
        )
        alone = self._wish.alone or local.state is ModelState.ERROR
        if not alone or local.state in (ModelState.READY, ModelState.LOADING):
            return shown
        format_ = "" if facts.recognition is None else facts.recognition.format.name
        return attrs.evolve(
            shown,
            state=ModelState.READY,
            name=facts.model,
            context_tokens=facts.context_tokens,
            fim=format_,
            sees_suffix=facts.sees_suffix,
        )

    @property
    def remote(self) -> RemoteStatus | None:
        """See `Desk`."""
        if self._flights is None:
            return None
        engine = self._flights.engine
        facts = engine.facts
        recognition = None if facts is None else facts.recognition
        return RemoteStatus(
            where=self._wish.where,
            use="always" if self._wish.alone else "race",
            protocol="" if facts is None else facts.protocol,
            model="" if facts is None else facts.model,
            fim="" if recognition is None else recognition.format.name,
            trouble=engine.breaker.trouble,
            late=self._late,
            **attrs.asdict(engine.counts),
        )

    @property
    def latencies(self) -> Latencies:
        """See `Desk`."""
        return self.local.latencies

    @property
    def totals(self) -> Totals:
        """See `Desk`. A request is counted once, whoever was asked."""
        local = self.local.totals
        return attrs.evolve(local, requests=local.requests + self._unshared)

    @property
    def sessions(self) -> int:
        """See `Desk`."""
        return self.local.sessions

    @property
    def queued(self) -> int:
        """See `Desk`."""
        return self.local.queued + (0 if self._flights is None else self._flights.queued)

    @property
    def busy(self) -> bool:
        """See `Desk`."""
        return self.local.busy or bool(self._races)

    # Requests.

    def submit(
        self,
        owner: str,
        request: CompletionRequest | WarmRequest,
        answer: OnAnswer,
        on_text: OnText | None = None,
    ) -> int:
        """See `Desk`."""
        flights = self._flights
        if flights is None or request.local_only or self._closed:
            return self.local.submit(owner, request, answer, on_text)
        session = _key(owner, request.session)
        if isinstance(request, WarmRequest):
            flights.warm(session, request.prompt)
            if self._wish.alone and flights.engine.breaker.is_closed:
                answer(Completion("", StopReason.END))
                return 0
            return self.local.submit(owner, request, answer, on_text)
        if request.restriction is not None or not flights.engine.breaker.lets_through:
            return self.local.submit(owner, request, answer, on_text)
        race = RaceRun(self, -next(self._numbers), RaceRequest(owner, request, answer, on_text))
        self._races[race.number] = race
        race.begin(flights, session, at_once=self._asks_both(request))
        return race.number

    def cancel(self, number: int) -> None:
        """See `Desk`."""
        if number >= 0:
            self.local.cancel(number)
        elif (race := self._races.get(number)) is not None:
            race.cancel()

    def forget(self, owner: str, session: str) -> None:
        """See `Desk`."""
        self.local.forget(owner, session)
        if self._flights is not None:
            self._flights.forget(_key(owner, session))

    def forget_owner(self, owner: str) -> None:
        """See `Desk`."""
        for race in [each for each in self._races.values() if each.asked.owner == owner]:
            race.cancel()
        self.local.forget_owner(owner)
        if self._flights is not None:
            self._flights.forget_owner(owner)

    async def load(self) -> ModelStatus:
        """See `Desk`. Where the engine elsewhere alone is asked, the model here is loaded only without it."""
        self._follow_settings()
        flights = self._flights
        if flights is None:
            return await self.local.load()
        recognised = asyncio.ensure_future(self._recognise(flights.engine))
        self._ending.add(recognised)
        recognised.add_done_callback(self._ending.discard)
        if self._wish.alone:
            await asyncio.shield(recognised)
            if flights.engine.facts is not None:
                return self.model
        await self.local.load()
        if self.local.model.state is ModelState.ERROR:
            await asyncio.shield(recognised)
        return self.model

    def refresh(self) -> None:
        """See `Desk`."""
        self._follow_settings()
        self.local.refresh()

    async def close(self, within_s: float = 2.0) -> bool:
        """See `Desk`."""
        self._closed = True
        for race in list(self._races.values()):
            race.cancel()
        self._let_go()
        ended = await self.local.close(within_s)
        await asyncio.gather(*self._ending, return_exceptions=True)
        return ended

    # What the races need.

    def over(self, race: RaceRun, *, late: bool) -> None:
        """A race was answered."""
        self._races.pop(race.number, None)
        self._late += late
        self._unshared += race.local is None

    @property
    def budget_s(self) -> float:
        """Seconds that the engine elsewhere has before the one here answers."""
        return self._wish.budget_s

    def _asks_both(self, request: CompletionRequest) -> bool:
        """Whether the engine here is asked at once; for what nobody waits it isn't."""
        return not self._wish.alone and request.priority is Priority.INTERACTIVE

    # The engine elsewhere.

    async def _recognise(self, engine: RemoteEngine) -> None:
        from ...models.remote.failure import RemoteFailedError

        try:
            await engine.recognise()
        except RemoteFailedError as error:
            engine.breaker.failed(error)
        self._tell()

    def _follow_settings(self) -> None:
        """Take another engine elsewhere where the settings name one now."""
        stamp = self._provider.fingerprint()
        if self._closed or (stamp == self._stamp and self._stamp is not None):
            return
        self._stamp = stamp
        wish = self._provider.wish()
        if wish.target != self._wish.target:
            self._let_go()
            if wish.target is not None:
                self._flights = Flights(self._provider.make(wish.target), self._clock, self._tell)
        self._wish = wish
        self._tell()

    def _let_go(self) -> None:
        flights, self._flights = self._flights, None
        if flights is not None:
            task = asyncio.ensure_future(flights.aclose())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def _local_changed(self, _model: ModelStatus) -> None:
        self._tell()

    def _tell(self) -> None:
        """Tell of the model where that has changed: what is wrong is said once, and that it is over."""
        model = self.model
        if model != self._told and self._on_model is not None:
            self._told = model
            self._on_model(model)


def _key(owner: str, session: str) -> str:
    return f"{owner}:{session}"


def front_desk(
    source: ModelProvider,
    remote: RemoteProvider | None,
    *,
    on_model: Callable[[ModelStatus], None] | None = None,
    clock: Clock = time.monotonic,
) -> Desk:
    """The desk for what the user may set; without `remote` nothing can leave the machine."""
    if remote is None:
        return Service(source, on_model=on_model, clock=clock)
    return Racing(source, remote, on_model=on_model, clock=clock)
