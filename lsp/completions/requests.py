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
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import attrs

from ...context.prompt.rules import should_trigger, stop_rules
from ...context.shared.values import Completion, Prompt, StopReason, StopRules
from ...context.syntax.snapshot import Snapshot
from ...daemon.client.backend import Backend
from ...daemon.settings.settings import Settings
from ...daemon.wire.messages import CompletionRequest, ModelState, ModelStatus
from ..documents.documents import Document, DocumentStore
from ..documents.query import InlineQuery
from ..documents.target import Target, place_of
from ..documents.trees import Trees
from ..workspace.related import Relations
from .better import Asking, Better, BetterAnswers
from .candidates import CANDIDATES, sampled
from .generation import Generation
from .items import InlineItem, Report, item
from .judge import judge
from .suggestions import Rest, Suggestion, Suggestions
from .warm_up import Ahead, session_of

log = logging.getLogger(__name__)

_SUPERSEDED = "superseded"

CANDIDATES_WITHIN = 4.0
"""The time for further candidates, in latency budgets."""

DECODE_WITHIN = 6.0
"""The decoding time of one generation, in latency budgets: its beginning is answered within one or two."""


class InlineCompletions:
    """The requests of one editor. Its state: per document one live request and one generation."""

    def __init__(
        self,
        documents: DocumentStore,
        backend: Callable[[], Awaitable[Backend]],
        settings: Callable[[], Settings],
        relations: Relations,
        *,
        clock: Callable[[], float] = time.perf_counter,
        refused: Callable[[Document], str] = lambda _: "",
        settle: Callable[[Document], Awaitable[object]] = lambda _: asyncio.sleep(0),
        on_report: Callable[[Report], None] | None = None,
        on_cut: Callable[[str], None] | None = None,
        on_running: Callable[[int], None] | None = None,
        on_trouble: Callable[[str], None] | None = None,
        on_better: Callable[[Better], None] | None = None,
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            backend: what completes; asked for with the first prompt.
            settings: the settings in force.
            relations: the related code, and what names the workspace knows.
            clock: seconds.
            refused: why a document gets no suggestions now; "" when it does.
            settle: waits a little for what `refused` goes by to be up to date.
            on_report: told what every request did.
            on_cut: told each reason for which a part of an answer was not shown.
            on_running: told how many generations run, whenever that changes.
            on_trouble: told why nothing can be completed, and "" when that is over.
            on_better: told when the store has something better for the place of the last answer.
        """
        self.documents = documents
        self.suggestions = Suggestions()
        self.relations = relations
        self._trees = Trees()
        self._judges = ThreadPoolExecutor(1, thread_name_prefix="foretype-judge")
        self.ahead = Ahead(
            documents,
            backend,
            settings,
            relations,
            self._trees,
            load=self.load,
            running=lambda uri: uri in self._generations,
            refused=refused,
        )
        self.better = BetterAnswers(
            self.suggestions,
            Asking(
                backend,
                partial(self.ahead.prompt, keep=False),
                self._rules,
                self._judged,
                stands=self._stands,
            ),
            on_better,
        )
        self._backend = backend
        self._settings = settings
        self._clock = clock
        self._refused = refused
        self._settle = settle
        self._on_report = on_report
        self._on_cut = on_cut
        self._on_running = on_running
        self._on_trouble = on_trouble
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
        place = place_of(document, query, self.documents.encoding)
        self._requests += 1
        self._newest[query.uri] = self._requests
        return partial(self._answer, self._requests, document, document.whole, place, query.invoked)

    async def load(self) -> ModelStatus:
        """Have the model loaded; what came of it replaces what was said of an earlier attempt."""
        status = await (await self._backend()).load()
        self._tell_trouble(status.detail if status.state is ModelState.ERROR else "")
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
        snapshot = await self._trees.snapshot_at(document, place)
        return self.ahead.prompt(snapshot, place.offset, keep=False)

    async def aclose(self) -> None:
        """End everything that runs."""
        await self.ahead.aclose()
        await self.better.aclose()
        tasks = [one.task for one in self._generations.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- one request

    async def _answer(
        self, number: int, document: Document, text: str, place: Target, invoked: bool
    ) -> list[InlineItem]:
        began = self._clock()
        report = Report(document.uri, document.language, "failed")
        if self._newest.get(document.uri) != number:  # replaced before it could begin
            self._report(attrs.evolve(report, outcome="cancelled"), [], began)
            raise asyncio.CancelledError(_SUPERSEDED)
        self._supersede(document.uri)
        items: list[InlineItem] = []
        try:
            if self._moved_on(document, text):
                report = attrs.evolve(report, outcome="stale")
            else:
                self.ahead.asked(document.uri, place.start)
                items, report = await self._decide(document, text, place, invoked, report)
        except asyncio.CancelledError:
            report = attrs.evolve(report, outcome="cancelled")
            raise
        except Exception:
            log.exception("a completion could not be made")
        finally:
            if self._live.get(document.uri) is asyncio.current_task():
                del self._live[document.uri]
            if items:
                self.better.answered(document.uri)
            self._report(report, items, began)
        return items

    def _supersede(self, uri: str) -> None:
        me = asyncio.current_task()
        older = self._live.get(uri)
        if older is not None and older is not me:
            older.cancel(_SUPERSEDED)
        if me is not None:
            self._live[uri] = me

    async def _decide(
        self, document: Document, text: str, place: Target, invoked: bool, report: Report
    ) -> tuple[list[InlineItem], Report]:
        settings = self._settings().completion
        await self._settle(document)
        if self._refused(document):
            self._stop(document.uri)
            return [], attrs.evolve(report, outcome="disabled")
        await self._harvest(document.uri, place, invoked)
        rest = self.suggestions.find(document.uri, place.text, place.offset)
        if rest is not None and rest.suggestion.dismissed:
            if not invoked:
                return [], attrs.evolve(report, outcome="dismissed")
            rest = None
        if rest is not None and not invoked:
            return self._from_store(rest, place, text), attrs.evolve(report, outcome="cached")
        snapshot = await self._trees.snapshot_at(document, place)
        if self._moved_on(document, text):
            return [], attrs.evolve(report, outcome="stale")
        decision = should_trigger(snapshot, place.offset, invoked)
        if not decision.trigger:
            self._stop(document.uri)
            return [], attrs.evolve(report, outcome=decision.reason)
        if rest is None:
            report = await self._complete(snapshot, place, invoked, report)
        if invoked:
            await self._sample(snapshot, place, settings.latency_budget_ms / 1000 * CANDIDATES_WITHIN)
        if self._moved_on(document, text):
            return [], attrs.evolve(report, outcome="stale")
        found = self.suggestions.all_at(document.uri, place.text, place.offset)
        ranked = sorted(found, key=lambda rest: -rest.suggestion.mean_logprob)[: CANDIDATES if invoked else 1]
        return [item(rest, place, text) for rest in ranked], attrs.evolve(
            report, outcome="shown" if ranked else "empty"
        )

    async def _complete(self, snapshot: Snapshot, place: Target, invoked: bool, report: Report) -> Report:
        """Have the model complete, and what may be shown of it in the store."""
        began = self._clock()
        generation = await self._generation(snapshot, place, invoked)
        report = attrs.evolve(report, context_ms=1000 * (self._clock() - began))
        completion = await self._listen(generation, self._settings().completion.latency_budget_ms / 1000)
        if not generation.task.done():
            await self._remember(generation, completion, invoked=invoked, partial=True)
        elif invoked and not generation.invoked:
            await self._remember(generation, completion, invoked=True)
        if completion.early and not invoked:
            self.better.early(snapshot, place.offset)
        return attrs.evolve(report, completion=attrs.evolve(completion, text=""))

    def _from_store(self, rest: Rest, place: Target, text: str) -> list[InlineItem]:
        suggestion = rest.suggestion
        if not rest.typed:  # what the user has begun to type through stays
            self.suggestions.drop(suggestion.instead_of)
            if suggestion.early:
                self.ahead.in_background(self._ask_better(suggestion.uri, place))
        return [item(rest, place, text, cached=True)]

    async def _ask_better(self, uri: str, place: Target) -> None:
        """Have a better answer for a place at which an early one was shown."""
        document, number = self.documents.get(uri), self._newest.get(uri)
        if document is not None and document.whole is place.text:
            snapshot = await self._trees.snapshot(document, place.offset)
            if self._newest.get(uri) == number:
                self.better.early(snapshot, place.offset)

    async def _harvest(self, uri: str, place: Target, invoked: bool) -> None:
        """Take what a running generation has said since it last answered, if it is about this place."""
        generation = self._generations.get(uri)
        if generation is None or generation.said_all or not generation.fits(place.text, place.offset):
            return
        completion = generation.so_far()
        if completion.text != generation.taken:
            await self._remember(generation, completion, invoked=invoked, partial=True)
            generation.taken = completion.text

    async def _generation(self, snapshot: Snapshot, place: Target, invoked: bool) -> Generation:
        """The running generation where it is about this place, else a new one in its stead."""
        backend = await self._backend()
        running = self._generations.get(snapshot.uri)
        if running is not None and running.fits(place.text, place.offset):
            running.invoked = running.invoked or invoked
            return running
        self._stop(snapshot.uri)
        rules = self._rules(snapshot, place.offset)
        prompt = self.ahead.prompt(snapshot, place.offset)
        request = CompletionRequest(session_of(snapshot.session), prompt, rules, stream=True)
        generation = Generation(self.suggestions.next_id(), snapshot, place.offset, rules, invoked=invoked)
        generation.task = asyncio.ensure_future(self._run(backend, request, generation))
        self._generations[snapshot.uri] = generation
        self._count()
        return generation

    async def _run(self, backend: Backend, request: CompletionRequest, generation: Generation) -> Completion:
        """One generation to its end: what it says is judged and kept, also when nobody waits any more."""
        try:
            completion = await backend.complete(request, generation.add)
            self._tell_trouble(completion.detail if completion.stop is StopReason.UNAVAILABLE else "")
            generation.said_all = True
            await self._remember(generation, completion, invoked=generation.invoked)
        finally:
            if self._generations.get(generation.snapshot.uri) is generation:
                del self._generations[generation.snapshot.uri]
            self._count()
        if generation.listeners == 0 and completion.early:
            self.better.early(generation.snapshot, generation.offset)
        return completion

    async def _listen(self, generation: Generation, budget_s: float) -> Completion:
        """Wait for a generation. Its last listener takes it along when cancelled, unless superseded."""
        try:
            return await generation.wait(budget_s)
        except asyncio.CancelledError as cancelled:
            if _SUPERSEDED not in cancelled.args and generation.listeners == 0:
                self._stop(generation.snapshot.uri, generation)
            raise

    async def _sample(self, snapshot: Snapshot, place: Target, within_s: float) -> None:
        """Have further candidates in the store, as many as time allows."""
        rules = self._rules(snapshot, place.offset, within=1.0)
        prompt = self.ahead.prompt(snapshot, place.offset, keep=False)
        request = CompletionRequest(session_of(snapshot.session), prompt, rules)
        async for completion in sampled(await self._backend(), request, within_s, self._clock):
            candidate = Generation(self.suggestions.next_id(), snapshot, place.offset, rules)
            await self._remember(candidate, completion, invoked=True)

    # -- pieces

    def _rules(self, snapshot: Snapshot, offset: int, within: float = DECODE_WITHIN) -> StopRules:
        """Where decoding stops; `within` is its time in latency budgets."""
        settings = self._settings().completion
        decode_ms = settings.latency_budget_ms * within
        return stop_rules(snapshot, offset, settings.max_tokens, decode_ms, settings.multiline)

    async def _remember(
        self, generation: Generation, completion: Completion, *, invoked: bool = False, partial: bool = False
    ) -> None:
        """Trim and check what the model said, and keep what may be shown; a part only until more is there."""
        suggestion = await self._judged(generation, completion, invoked=invoked)
        overtaken = generation.said_all or len(completion.text) < len(generation.taken)
        if suggestion is not None and not (partial and overtaken):
            self.suggestions.remember(suggestion)

    async def _judged(
        self, generation: Generation, completion: Completion, *, invoked: bool = False
    ) -> Suggestion | None:
        """What may be shown of an answer; None when nothing may. One is judged at a time, in a thread."""
        uri = generation.snapshot.uri
        if not completion.text or self.documents.get(uri) is None:
            return None
        work = partial(judge, completion, generation, self.relations.known(uri), invoked=invoked)
        judgement = await asyncio.get_running_loop().run_in_executor(self._judges, work)
        if self.documents.get(uri) is None:
            return None
        if judgement.cuts:
            log.debug("suggestion %s was cut: %s", generation.id, ", ".join(judgement.cuts))
        if self._on_cut is not None and completion.timings.decode_tokens:
            for reason in judgement.cuts:
                self._on_cut(reason)
        return judgement.suggestion

    def _stop(self, uri: str, only: Generation | None = None) -> None:
        generation = self._generations.get(uri)
        if generation is not None and only in (None, generation):
            del self._generations[uri]
            generation.task.cancel()
            self._count()

    def _count(self) -> None:
        if self._on_running is not None:
            self._on_running(len(self._generations))

    def _tell_trouble(self, sentence: str) -> None:
        if self._on_trouble is not None:
            self._on_trouble(sentence)

    def _stands(self, snapshot: Snapshot) -> bool:
        document = self.documents.get(snapshot.uri)
        return document is not None and document.whole == snapshot.text and not self._refused(document)

    def _moved_on(self, document: Document, text: str) -> bool:
        return self.documents.get(document.uri) is not document or document.whole is not text

    def _report(self, report: Report, items: list[InlineItem], began: float) -> None:
        if self._on_report is not None:
            self._on_report(
                attrs.evolve(
                    report,
                    total_ms=1000 * (self._clock() - began),
                    offers=tuple(item.offer for item in items),
                )
            )


async def _nothing() -> list[InlineItem]:
    return []
