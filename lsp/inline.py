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
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import attrs

from ..context.assemble import WindowSettings, assemble
from ..context.ground import ground
from ..context.rules import should_trigger, stop_rules
from ..context.snapshot import Snapshot
from ..context.trim import trim
from ..context.values import Completion, Prompt, StopReason
from ..context.window import Window
from ..daemon.backend import Backend
from ..daemon.config import CompletionSettings, Settings
from ..daemon.protocol import CompletionRequest, ForgetRequest, ModelState, ModelStatus, WarmRequest
from .documents import Document, DocumentStore
from .generation import Generation
from .place import Place, place_of, snapshot_at
from .query import InlineQuery
from .suggestions import Rest, Suggestion, Suggestions, around

log = logging.getLogger(__name__)

_SUPERSEDED = "superseded"

CANDIDATES = 3
"""How many different suggestions an explicit request gets, at most."""

CANDIDATES_WITHIN = 4.0
"""The time for further candidates, in latency budgets."""

WARM_AFTER_S = 0.3
"""An editor that restores twenty files opens them all at once: only the one that stays in front is warmed."""

TEMPERATURE = 0.7
"""How freely further candidates are sampled."""

DECODE_WITHIN = 6.0
"""The decoding time of one generation, in latency budgets: its beginning is answered within one or two."""


@attrs.frozen
class Item:
    """One thing to show.

    Attributes:
        id: the suggestion's.
        uri: the document.
        text: what replaces the range.
        start: offset in code points where the range begins.
        end: offset where it ends, on the same line.
        filter_text: what an editor compares with the text it has in the range.
        document_text: the document's text that all of this is about.
        cached: it was answered without the model.
    """

    id: str
    uri: str
    text: str
    start: int
    end: int
    filter_text: str
    document_text: str = attrs.field(repr=False, eq=False)
    cached: bool = False


@attrs.frozen
class Report:
    """What one request did, for status and statistics. It holds no code.

    Attributes:
        uri: the document.
        language: its language.
        outcome: "cached", "shown", "empty", "stale", "cancelled", "failed", or the rule that declined.
        context_ms: time in ms until the backend was asked.
        total_ms: time in ms until the answer.
        suggestion: the first suggestion's id, or "".
        characters: code points of the first suggestion.
        completion: the backend's answer without its text, where there was one.
    """

    uri: str
    language: str
    outcome: str
    context_ms: float = 0.0
    total_ms: float = 0.0
    suggestion: str = ""
    characters: int = 0
    completion: Completion | None = None


class InlineCompletions:
    """The requests of one editor. Its state: per document one live request, one generation, one window."""

    def __init__(
        self,
        documents: DocumentStore,
        backend: Callable[[], Awaitable[Backend]],
        settings: Callable[[], Settings],
        *,
        clock: Callable[[], float] = time.perf_counter,
        refused: Callable[[Document], str] = lambda _: "",
        on_report: Callable[[Report], None] | None = None,
        on_running: Callable[[int], None] | None = None,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            backend: what completes; asked for with the first prompt.
            settings: the settings in force.
            clock: seconds.
            refused: why a document gets no suggestions now; "" when it does.
            on_report: told what every request did.
            on_running: told how many generations run, whenever that changes.
            on_trouble: told why nothing can be completed, and "" when that is over.
        """
        self.documents = documents
        self.suggestions = Suggestions()
        self._backend = backend
        self._settings = settings
        self._clock = clock
        self._refused = refused
        self._on_report = on_report
        self._on_running = on_running
        self._on_trouble = on_trouble
        self._live: dict[str, asyncio.Task[Any]] = {}
        self._generations: dict[str, Generation] = {}
        self._windows: dict[str, Window] = {}
        self._asked: dict[str, int] = {}
        self._front = ""
        self._background: set[asyncio.Task[Any]] = set()

    # -- what the server calls

    def request(self, query: InlineQuery) -> Callable[[], Coroutine[Any, Any, list[Item]]]:
        """Take one request: the text is the document's now. What is returned makes the answer."""
        document = self.documents.get(query.uri)
        if document is None or (query.version is not None and query.version != document.version):
            return _nothing
        place = place_of(document, query, self.documents.encoding)
        return partial(self._answer, document, document.text, place, query.invoked)

    async def load(self) -> ModelStatus:
        """Have the model loaded; what came of it replaces what was said of an earlier attempt."""
        status = await (await self._backend()).load()
        self._tell_trouble(status.detail if status.state is ModelState.ERROR else "")
        return status

    def opened(self, uri: str) -> None:
        """A document was opened or came to the front: be ready by the time of the first key."""
        self._front = uri
        self._in_background(self._prepare(uri))

    def closed(self, uri: str) -> None:
        """A document is gone: what was running for it ends, what was kept for it goes."""
        live = self._live.pop(uri, None)
        if live is not None:
            live.cancel()
        self._stop(uri)
        self._windows.pop(uri, None)
        self._asked.pop(uri, None)
        self.suggestions.forget(uri)
        self._in_background(self._forget(uri))

    def stop_all(self) -> None:
        """End every generation; open requests are answered as cancelled."""
        for uri in tuple(self._generations):
            self._stop(uri)

    def prompt_at(self, document: Document, place: Place) -> Prompt:
        """What the model would see for a place."""
        return self._prompt(snapshot_at(document, place), place.offset)[0]

    async def aclose(self) -> None:
        """End everything that runs."""
        tasks = [*self._background, *(one.task for one in self._generations.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- one request

    async def _answer(self, document: Document, text: str, place: Place, invoked: bool) -> list[Item]:
        began = self._clock()
        self._supersede(document.uri)
        report = Report(document.uri, document.language, "failed")
        items: list[Item] = []
        try:
            if self._moved_on(document, text):
                report = attrs.evolve(report, outcome="stale")
            else:
                items, report = await self._decide(document, text, place, invoked, report)
        except asyncio.CancelledError:
            report = attrs.evolve(report, outcome="cancelled")
            raise
        except Exception:
            log.exception("a completion could not be made")
        finally:
            if self._live.get(document.uri) is asyncio.current_task():
                del self._live[document.uri]
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
        self, document: Document, text: str, place: Place, invoked: bool, report: Report
    ) -> tuple[list[Item], Report]:
        settings = self._settings().completion
        if self._refused(document):
            self._stop(document.uri)
            return [], attrs.evolve(report, outcome="disabled")
        self._harvest(document.uri, place)
        rest = self.suggestions.find(document.uri, place.text, place.offset)
        if rest is not None and rest.suggestion.dismissed:
            if not invoked:
                return [], attrs.evolve(report, outcome="dismissed")
            rest = None
        if rest is not None and not invoked:
            return [_item(rest, place, text, cached=True)], attrs.evolve(report, outcome="cached")
        snapshot = snapshot_at(document, place)
        decision = should_trigger(snapshot, place.offset, invoked)
        if not decision.trigger:
            self._stop(document.uri)
            return [], attrs.evolve(report, outcome=decision.reason)
        began = self._clock()
        if rest is None:
            generation = await self._generation(snapshot, place)
            report = attrs.evolve(report, context_ms=1000 * (self._clock() - began))
            completion = await self._listen(generation, settings.latency_budget_ms / 1000)
            report = attrs.evolve(report, completion=attrs.evolve(completion, text=""))
            self._remember(generation, completion)
        if invoked:
            await self._sample(snapshot, place, settings.latency_budget_ms / 1000 * CANDIDATES_WITHIN)
        if self._moved_on(document, text):
            return [], attrs.evolve(report, outcome="stale")
        found = self.suggestions.all_at(document.uri, place.text, place.offset)
        ranked = sorted(found, key=lambda rest: -rest.suggestion.mean_logprob)[: CANDIDATES if invoked else 1]
        return [_item(rest, place, text) for rest in ranked], attrs.evolve(
            report, outcome="shown" if ranked else "empty"
        )

    def _harvest(self, uri: str, place: Place) -> None:
        """Take what a running generation has said since it last answered, if it is about this place."""
        generation = self._generations.get(uri)
        if generation is None or not generation.fits(place.text, place.offset):
            return
        completion = generation.so_far()
        if completion.text != generation.taken:
            generation.taken = completion.text
            self._remember(generation, completion)

    async def _generation(self, snapshot: Snapshot, place: Place) -> Generation:
        """The running generation where it is about this place, else a new one in its stead."""
        backend = await self._backend()
        running = self._generations.get(snapshot.uri)
        if running is not None and running.fits(place.text, place.offset):
            return running
        self._stop(snapshot.uri)
        settings = self._settings().completion
        budget = settings.latency_budget_ms
        rules = stop_rules(
            snapshot, place.offset, settings.max_tokens, budget * DECODE_WITHIN, settings.multiline
        )
        prompt, self._windows[snapshot.uri] = self._prompt(snapshot, place.offset)
        self._asked[snapshot.uri] = place.offset
        request = CompletionRequest(session_of(snapshot.uri), prompt, rules, stream=True)
        generation = Generation(self.suggestions.next_id(), snapshot, place.offset, rules)
        generation.task = asyncio.ensure_future(self._run(backend, request, generation))
        self._generations[snapshot.uri] = generation
        self._count()
        return generation

    async def _run(self, backend: Backend, request: CompletionRequest, generation: Generation) -> Completion:
        """One generation to its end: what it says is judged and kept, also when nobody waits any more."""
        try:
            completion = await backend.complete(request, generation.add)
        finally:
            if self._generations.get(generation.snapshot.uri) is generation:
                del self._generations[generation.snapshot.uri]
            self._count()
        self._tell_trouble(completion.detail if completion.stop is StopReason.UNAVAILABLE else "")
        if generation.listeners == 0:
            self._remember(generation, completion)
        return completion

    async def _listen(self, generation: Generation, budget_s: float) -> Completion:
        """Wait for a generation. Its last listener takes it along when cancelled, unless superseded."""
        try:
            return await generation.wait(budget_s)
        except asyncio.CancelledError as cancelled:
            if _SUPERSEDED not in cancelled.args and generation.listeners == 0:
                self._stop(generation.snapshot.uri, generation)
            raise

    async def _sample(self, snapshot: Snapshot, place: Place, within_s: float) -> None:
        """Have further candidates in the store, as many as time allows."""
        backend = await self._backend()
        settings = self._settings().completion
        rules = stop_rules(
            snapshot, place.offset, settings.max_tokens, settings.latency_budget_ms, settings.multiline
        )
        prompt, _ = self._prompt(snapshot, place.offset)
        until = self._clock() + within_s
        for seed in range(1, CANDIDATES):
            left = until - self._clock()
            if left <= 0:
                return
            request = CompletionRequest(
                session_of(snapshot.uri), prompt, rules, temperature=TEMPERATURE, seed=seed
            )
            try:
                completion = await asyncio.wait_for(backend.complete(request), left)
            except TimeoutError:
                return
            self._remember(Generation(self.suggestions.next_id(), snapshot, place.offset, rules), completion)

    # -- pieces

    def _prompt(self, snapshot: Snapshot, offset: int) -> tuple[Prompt, Window]:
        settings = self._settings().completion
        return assemble(
            snapshot,
            offset,
            WindowSettings(settings.prefix_characters, settings.suffix_characters),
            self._windows.get(snapshot.uri),
        )

    def _remember(self, generation: Generation, completion: Completion) -> None:
        """Trim and check what the model said, and keep what may be shown."""
        snapshot, offset = generation.snapshot, generation.offset
        if not completion.text or self.documents.get(snapshot.uri) is None:
            return
        # What was said so far ends with a whole line or word; only the engine's own end may cut one in two.
        cut = completion.stop if completion.timings.decode_tokens else None
        trimmed = trim(completion.text, snapshot, offset, generation.rules, cut)
        verdict = ground(trimmed.text, snapshot, offset, trimmed.replace_right)
        if not verdict.shown or not verdict.text:
            return
        right = trimmed.replace_right if verdict.text == trimmed.text else 0
        before, replaces, after = around(snapshot.text, offset, right)
        self.suggestions.remember(
            Suggestion(
                id=generation.id,
                uri=snapshot.uri,
                before=before,
                text=verdict.text,
                after=after,
                replaces=replaces,
                complete=completion.stop not in (StopReason.BUDGET, StopReason.LENGTH),
                mean_logprob=completion.mean_logprob,
            )
        )

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

    def _moved_on(self, document: Document, text: str) -> bool:
        return self.documents.get(document.uri) is not document or document.text is not text

    async def _prepare(self, uri: str) -> None:
        """Have the model loaded, then the document's window evaluated if it stays in front."""
        if (await self.load()).state is not ModelState.READY:
            return
        await asyncio.sleep(WARM_AFTER_S)
        document = self.documents.get(uri)
        if document is None or self._front != uri or uri in self._generations:
            return
        offset = warm_offset(len(document.text), self._asked.get(uri), self._settings().completion)
        if offset is not None:
            snapshot = document.snapshot()
            prompt, self._windows[uri] = self._prompt(snapshot, offset)
            await (await self._backend()).warm(WarmRequest(session_of(uri), prompt))

    async def _forget(self, uri: str) -> None:
        backend = await self._backend()
        if self.documents.get(uri) is None:
            await backend.forget(ForgetRequest(session_of(uri)))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("background work failed", exc_info=error)

    def _report(self, report: Report, items: list[Item], began: float) -> None:
        if self._on_report is not None:
            first = items[0] if items else None
            self._on_report(
                attrs.evolve(
                    report,
                    total_ms=1000 * (self._clock() - began),
                    suggestion=first.id if first else "",
                    characters=len(first.text) if first else 0,
                )
            )


def warm_offset(length: int, asked: int | None, settings: CompletionSettings) -> int | None:
    """Where to assume the cursor when a document comes to the front, or None: not worth guessing.

    Where it last was; else the end, if the whole document fits before the cursor: then every place in it
    shares the evaluated beginning.

    Args:
        length: of the document, in code points.
        asked: offset of the last request in it, or None.
        settings: how much the model sees.
    """
    if asked is not None:
        return min(asked, length)
    return length if 0 < length <= settings.prefix_characters else None


def session_of(uri: str) -> str:
    """The name of a document's session at the daemon: no two editors share one."""
    return f"{os.getpid()} {uri}"


async def _nothing() -> list[Item]:
    return []


def _item(rest: Rest, place: Place, document_text: str, *, cached: bool = False) -> Item:
    return Item(
        id=rest.suggestion.id,
        uri=rest.suggestion.uri,
        text=place.said + rest.text,
        start=place.start,
        end=place.end + rest.replace_right,
        filter_text=place.typed + rest.text,
        document_text=document_text,
        cached=cached,
    )
