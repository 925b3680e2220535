"""One inline completion request, from the cursor to the items.

In order: a suggestion that is being typed through answers at once; else the trigger rules, the prompt,
the backend, trimming, checking, the store. One generation runs per document. A newer request replaces
an older one, which is answered as cancelled; when the newer only typed what the generation has already
said, it joins the generation instead of starting another. When the latency budget is used up the whole
lines so far are the answer, and the generation goes on into the store. No answer is ever given for a
text that the document no longer has.

It knows documents, the backend and `context/`; of the protocol it knows only the query. It never raises
for a request, except `asyncio.CancelledError`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import attrs

from ...context.prompt.rules import should_trigger
from ...context.shared.values import Completion, Prompt, Restriction, StopReason
from ...context.syntax.snapshot import Snapshot
from ...daemon.client.backend import Backend
from ...daemon.settings.settings import CompletionSettings
from ...daemon.wire.messages import CompletionRequest, ModelState, ModelStatus
from ..documents.document import Document
from ..documents.documents import DocumentStore
from ..documents.query import InlineQuery
from ..documents.target import Target, target_of
from ..documents.trees import Trees
from ..workspace.related import Relations
from .better import BetterAnswers
from .candidates import CANDIDATES, sampled
from .generation import Generation
from .items import BetterSuggestion, InlineItem, Outcome, Report, item
from .judging import Judging
from .observer import CompletionHost, Observer
from .prompts import Prompts, rules_at, session_of
from .renaming import RENAMED_WITHIN, Renaming
from .suggestions import Rest, Suggestions
from .warm_up import Ahead

log = logging.getLogger(__name__)

_SUPERSEDED = "superseded"

CANDIDATES_WITHIN = 4.0
"""The time for further candidates, in latency budgets."""


@attrs.frozen(eq=False)
class InlineRequest:
    """One request, as it was taken in.

    Attributes:
        number: counts the requests of this editor.
        document: what it is for; it may have another text by the time of the answer.
        text: the document's `whole` that it is about.
        place: where in it.
        invoked: the user asked with a key.
        settings: those in force when it came.
    """

    number: int
    document: Document
    text: str = attrs.field(repr=False)
    place: Target
    invoked: bool
    settings: CompletionSettings

    @property
    def uri(self) -> str:
        """The document's."""
        return self.document.uri

    @property
    def budget_s(self) -> float:
        """Seconds within which an answer is wanted."""
        return self.settings.latency_budget_ms / 1000


class InlineCompletions:
    """The requests of one editor. Its state: per document one live request and one generation."""

    def __init__(
        self,
        documents: DocumentStore,
        host: CompletionHost,
        relations: Relations,
        observer: Observer | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            host: what completes, by which settings, and for whom not.
            relations: the related code, and what names the workspace knows.
            observer: told what happens to requests; nobody by default.
            clock: seconds.
        """
        self.documents = documents
        self.suggestions = Suggestions()
        self.relations = relations
        self._host = host
        self._observer = observer or Observer()
        self._clock = clock
        self.trees = Trees()
        self._prompts = Prompts(documents, relations)
        self._judging = Judging(documents, relations, self._observer)
        self.ahead = Ahead(
            documents,
            host,
            self._prompts,
            relations,
            self.trees,
            load=self.load,
            running=lambda uri: uri in self._generations,
        )
        self._renaming = Renaming(self._judging, self._observer)
        self.better = BetterAnswers(
            self.suggestions, documents, host, self._prompts, self._judging, self._renaming, self._observer
        )
        self._live: dict[str, asyncio.Task[Any]] = {}
        self._newest: dict[str, int] = {}
        self._requests = 0
        self._generations: dict[str, Generation] = {}

    # -- what the server calls

    def request(self, query: InlineQuery) -> Callable[[], Coroutine[Any, Any, list[InlineItem]]]:
        """Take one request: the text is the document's now. What is returned makes the answer."""
        document = self.documents.get(query.uri)
        if document is None or (query.version is not None and query.version != document.version):
            return _nothing
        self.better.stop(query.uri)
        place = target_of(document, query, self.documents.encoding)
        self._requests += 1
        self._newest[query.uri] = self._requests
        settings = self._host.settings.completion
        request = InlineRequest(self._requests, document, document.whole, place, query.invoked, settings)
        return partial(self._answer, request)

    async def load(self) -> ModelStatus:
        """Have the model loaded; what came of it replaces what was said of an earlier attempt."""
        status = await (await self._host.backend()).load()
        self._observer.trouble(status.detail if status.state is ModelState.ERROR else "")
        return status

    def closed(self, uri: str, sheet: str = "") -> None:
        """A document is gone: what was running for it ends, what was kept for it goes.

        `sheet` is what the text was called that the model saw of it; "" stands for its URI.
        """
        self._newest.pop(uri, None)
        live = self._live.pop(uri, None)
        if live is not None:
            live.cancel()
        self._stop(uri)
        self.better.closed(uri)
        self.suggestions.forget(uri)
        self.ahead.closed(uri, sheet or uri)

    def stop_all(self) -> None:
        """End every generation; open requests are answered as cancelled."""
        for uri in tuple(self._generations):
            self._stop(uri)

    async def prompt_at(self, document: Document, place: Target) -> Prompt:
        """What the model would see for a place."""
        snapshot = await self.trees.snapshot_at(document, place)
        return self._prompts.prompt(snapshot, place.offset, self._host.settings.completion, keep=False)

    async def aclose(self) -> None:
        """End everything that runs."""
        await self.ahead.aclose()
        await self.better.aclose()
        tasks = [one.task for one in self._generations.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- one request

    async def _answer(self, request: InlineRequest) -> list[InlineItem]:
        began, uri = self._clock(), request.uri
        report = Report(uri, request.document.language, Outcome.FAILED)
        if self._newest.get(uri) != request.number:  # replaced before it could begin
            self._report(attrs.evolve(report, outcome=Outcome.CANCELLED), [], began)
            raise asyncio.CancelledError(_SUPERSEDED)
        self._supersede(uri)
        items: list[InlineItem] = []
        try:
            if self._moved_on(request):
                report = attrs.evolve(report, outcome=Outcome.STALE)
            else:
                self.ahead.asked(uri, request.place.start)
                items, report = await self._decide(request, report)
        except asyncio.CancelledError:
            report = attrs.evolve(report, outcome=Outcome.CANCELLED)
            raise
        except Exception:
            log.exception("a completion could not be made")
        finally:
            if self._live.get(uri) is asyncio.current_task():
                del self._live[uri]
            if items:
                self.better.answered(uri, request.place, self._generations.get(uri))
            self._report(report, items, began)
        return items

    def _supersede(self, uri: str) -> None:
        me = asyncio.current_task()
        older = self._live.get(uri)
        if older is not None and older is not me:
            older.cancel(_SUPERSEDED)
        if me is not None:
            self._live[uri] = me

    async def _decide(self, request: InlineRequest, report: Report) -> tuple[list[InlineItem], Report]:
        document, place, invoked = request.document, request.place, request.invoked
        await self._host.settle(document)
        if self._host.refused(document):
            self._stop(request.uri)
            return [], attrs.evolve(report, outcome=Outcome.DISABLED)
        await self._harvest(request)
        rest = self.suggestions.find(request.uri, place.text, place.offset)
        if rest is not None and rest.suggestion.dismissed:
            if not invoked:
                return [], attrs.evolve(report, outcome=Outcome.DISMISSED)
            rest = None
        if rest is not None and not invoked:
            return self._from_store(rest, request), attrs.evolve(report, outcome=Outcome.CACHED)
        snapshot = await self.trees.snapshot_at(document, place)
        if self._moved_on(request):
            return [], attrs.evolve(report, outcome=Outcome.STALE)
        decision = should_trigger(snapshot, place.offset, invoked)
        if not decision.trigger:
            self._stop(request.uri)
            return [], attrs.evolve(report, outcome=decision.reason)
        if rest is None:
            report = await self._complete(request, snapshot, report)
        if invoked:
            await self._sample(request, snapshot)
        if self._moved_on(request):
            return [], attrs.evolve(report, outcome=Outcome.STALE)
        ranked = self._ranked(request)
        items = [item(each, place, request.text) for each in ranked]
        return items, attrs.evolve(report, outcome=Outcome.SHOWN if items else Outcome.EMPTY)

    def _ranked(self, request: InlineRequest) -> list[Rest]:
        """What the store has for the place, the likeliest first: one, or several for who asked with a key."""
        found = self.suggestions.all_at(request.uri, request.place.text, request.place.offset)
        most = CANDIDATES if request.invoked else 1
        return sorted(found, key=lambda rest: -rest.suggestion.mean_logprob)[:most]

    async def _complete(self, request: InlineRequest, snapshot: Snapshot, report: Report) -> Report:
        """Have the model complete, and what may be shown of it in the store."""
        began, invoked = self._clock(), request.invoked
        generation = await self._generation(request, snapshot)
        report = attrs.evolve(report, context_ms=1000 * (self._clock() - began))
        completion = await self._listen(generation, request.budget_s)
        if not generation.task.done():
            await self._remember(generation, completion, invoked=invoked, partial=True)
        elif invoked and not generation.invoked:
            await self._remember(generation, completion, invoked=True)
        if completion.early and not invoked:
            self.better.early(snapshot, request.place.offset)
        return attrs.evolve(report, completion=attrs.evolve(completion, text=""))

    def _from_store(self, rest: Rest, request: InlineRequest) -> list[InlineItem]:
        suggestion = rest.suggestion
        self.suggestions.drop(suggestion.instead_of)
        if suggestion.instead_of:
            self.better.taken(BetterSuggestion(suggestion.uri, suggestion.id, suggestion.instead_of))
        if suggestion.early:
            self.ahead.in_background(self._ask_better(suggestion.uri, request.place))
        return [item(rest, request.place, request.text, cached=True)]

    async def _ask_better(self, uri: str, place: Target) -> None:
        """Have a better answer for a place at which an early one was shown."""
        document, number = self.documents.get(uri), self._newest.get(uri)
        if document is not None and document.whole is place.text:
            snapshot = await self.trees.snapshot(document, place.offset)
            if self._newest.get(uri) == number:
                self.better.early(snapshot, place.offset)

    async def _harvest(self, request: InlineRequest) -> None:
        """Take what a running generation has said since it last answered, if it is about this place."""
        generation, place = self._generations.get(request.uri), request.place
        if generation is None or generation.said_all or not generation.fits(place.text, place.offset):
            return
        completion = generation.so_far()
        if completion.text != generation.taken:
            await self._remember(generation, completion, invoked=request.invoked, partial=True)
            generation.taken = completion.text

    async def _generation(self, request: InlineRequest, snapshot: Snapshot) -> Generation:
        """The running generation where it is about this place, else a new one in its stead."""
        backend, place = await self._host.backend(), request.place
        running = self._generations.get(snapshot.uri)
        if running is not None and running.fits(place.text, place.offset):
            running.invoked |= request.invoked
            return running
        self._stop(snapshot.uri)
        rules = rules_at(snapshot, place.offset, request.settings)
        prompt = self._prompts.prompt(snapshot, place.offset, request.settings)
        session, stays = session_of(snapshot.session), self._host.stays_here(request.document)
        asked = CompletionRequest(session, prompt, rules, stream=True, local_only=stays)
        name = self.suggestions.next_id()
        generation = Generation(name, snapshot, place.offset, rules, invoked=request.invoked)
        generation.task = asyncio.ensure_future(self._run(backend, asked, generation))
        self._generations[snapshot.uri] = generation
        self._count()
        return generation

    async def _run(self, backend: Backend, request: CompletionRequest, generation: Generation) -> Completion:
        """One generation to its end: what it says is judged and kept, also when nobody waits any more."""
        now = asyncio.get_running_loop().time
        until = now() + RENAMED_WITHIN * self._host.settings.completion.latency_budget_ms / 1000
        try:
            completion = await backend.complete(request, generation.add)
            self._observer.trouble(completion.detail if completion.stop is StopReason.UNAVAILABLE else "")
            generation.said_all = True
            restriction = await self._remember(generation, completion, invoked=generation.invoked)
            if restriction is not None and not completion.early:
                found = self._renaming.renamed(backend, request, generation, restriction)
                await self.better.renamed(generation, found, until - now())
        finally:
            if self._generations.get(generation.snapshot.uri) is generation:
                del self._generations[generation.snapshot.uri]
            self._count()
        self.better.ended(generation, early=completion.early)
        return completion

    async def _listen(self, generation: Generation, budget_s: float) -> Completion:
        """Wait for a generation. Its last listener takes it along when cancelled, unless superseded."""
        try:
            return await generation.wait(budget_s)
        except asyncio.CancelledError as cancelled:
            if _SUPERSEDED not in cancelled.args and generation.listeners == 0:
                self._stop(generation.snapshot.uri, generation)
            raise

    async def _sample(self, request: InlineRequest, snapshot: Snapshot) -> None:
        """Have further candidates in the store, as many as time allows."""
        offset, settings = request.place.offset, request.settings
        rules = rules_at(snapshot, offset, settings, within=1.0)
        prompt = self._prompts.prompt(snapshot, offset, settings, keep=False)
        backend, stays = await self._host.backend(), self._host.stays_here(request.document)
        asked = CompletionRequest(session_of(snapshot.session), prompt, rules, local_only=stays)
        async for completion in sampled(backend, asked, request.budget_s * CANDIDATES_WITHIN, self._clock):
            candidate = Generation(self.suggestions.next_id(), snapshot, offset, rules)
            await self._remember(candidate, completion, invoked=True)

    # -- pieces

    async def _remember(
        self, generation: Generation, completion: Completion, *, invoked: bool = False, partial: bool = False
    ) -> Restriction | None:
        """Trim and check what the model said, and keep what may be shown; a part only until more is there.

        Returns:
            what to ask for instead, where it was cut at an unknown name.
        """
        judgement = await self._judging.judged(generation, completion, invoked=invoked)
        overtaken = generation.said_all or len(completion.text) < len(generation.taken)
        if judgement.suggestion is not None and not (partial and overtaken):
            self.suggestions.remember(judgement.suggestion)
        return judgement.restriction

    def _stop(self, uri: str, only: Generation | None = None) -> None:
        generation = self._generations.get(uri)
        if generation is not None and only in (None, generation):
            del self._generations[uri]
            generation.task.cancel()
            self._count()

    def _count(self) -> None:
        self._observer.running(len(self._generations))

    def _moved_on(self, request: InlineRequest) -> bool:
        document = request.document
        return self.documents.get(document.uri) is not document or document.whole is not request.text

    def _report(self, report: Report, items: list[InlineItem], began: float) -> None:
        total_ms = 1000 * (self._clock() - began)
        offers = tuple(item.offer for item in items)
        self._observer.reported(attrs.evolve(report, total_ms=total_ms, offers=offers))


async def _nothing() -> list[InlineItem]:
    return []
