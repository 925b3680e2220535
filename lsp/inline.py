"""One inline completion request, from the cursor to the items.

In order: a suggestion that is being typed through answers at once; else the trigger rules, the prompt,
the backend, trimming, checking, the store. One generation runs per document. A newer request replaces
an older one, which is answered as cancelled; when the newer only typed what the generation has already
said, it joins the generation instead of starting another. No answer is ever given for a text that the
document no longer has.

It knows documents, the backend and `context/`; of the protocol it knows only the query. It never raises
for a request, except `asyncio.CancelledError`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import attrs

from ..context.assemble import WindowSettings, assemble
from ..context.ground import ground
from ..context.rules import should_trigger, stop_rules
from ..context.snapshot import Snapshot
from ..context.trim import trim
from ..context.values import Completion, StopReason, StopRules
from ..context.window import Window
from ..daemon.backend import Backend
from ..daemon.config import Settings
from ..daemon.protocol import CompletionRequest, ForgetRequest, WarmRequest
from .documents import Document, DocumentStore
from .query import InlineQuery
from .suggestions import Rest, Suggestion, Suggestions, around

log = logging.getLogger(__name__)

_SUPERSEDED = "superseded"


@attrs.frozen
class Item:
    """One thing to show.

    Attributes:
        id: the suggestion's.
        uri: the document.
        text: what replaces the range.
        start: offset in code points where the range begins.
        end: offset where it ends, on the same line.
        version: the document version that the offsets are of.
        cached: it was answered without the model.
    """

    id: str
    uri: str
    text: str
    start: int
    end: int
    version: int
    cached: bool = False


@attrs.frozen
class Report:
    """What one request did, for logs and statistics. It holds no code.

    Attributes:
        outcome: "cached", "shown", "empty", "stale", "cancelled", or the rule that declined.
        context_ms: time in ms until the backend was asked.
        total_ms: time in ms until the answer.
        completion: the backend's answer without its text, where there was one.
    """

    outcome: str
    context_ms: float
    total_ms: float
    completion: Completion | None = None


@attrs.define(eq=False)
class _Generation:
    """One running request to the backend. Its state is the text so far and the task."""

    snapshot: Snapshot
    offset: int
    rules: StopRules
    task: asyncio.Future[Completion] = attrs.field(factory=asyncio.Future[Completion])
    text: str = ""
    listeners: int = 0

    def add(self, text: str) -> None:
        """Take more of what the model says."""
        self.text += text

    def fits(self, text: str, offset: int) -> bool:
        """Whether what was typed since is what this generation has said so far."""
        typed = offset - self.offset
        said = self.snapshot.text
        return (
            0 <= typed <= len(self.text)
            and self.text.startswith(text[self.offset : offset])
            and len(text) - offset == len(said) - self.offset
            and text.startswith(said[: self.offset])
            and text.endswith(said[self.offset :])
        )


class InlineCompletions:
    """The requests of one editor. Its state: per document one live request, one generation, one window."""

    def __init__(
        self,
        documents: DocumentStore,
        backend: Callable[[], Awaitable[Backend]],
        settings: Callable[[], Settings],
        *,
        clock: Callable[[], float] = time.perf_counter,
        on_report: Callable[[Report], None] | None = None,
    ) -> None:
        self.documents = documents
        self.suggestions = Suggestions()
        self._backend = backend
        self._settings = settings
        self._clock = clock
        self._on_report = on_report
        self._live: dict[str, asyncio.Task[Any]] = {}
        self._generations: dict[str, _Generation] = {}
        self._windows: dict[str, Window] = {}
        self._background: set[asyncio.Task[Any]] = set()

    def request(self, query: InlineQuery) -> Coroutine[Any, Any, list[Item]]:
        """Begin one request: the text is the document's now; the coroutine makes the answer."""
        document = self.documents.get(query.uri)
        if document is None or (query.version is not None and query.version != document.version):
            return _nothing()
        offset = document.offset_at(query.line, query.character, self.documents.encoding)
        return self._answer(document, document.text, offset, query)

    def opened(self, document: Document) -> None:
        """A document was opened or came to the front: have its prompt evaluated ahead."""
        reach = self._settings().completion.prefix_characters
        self._in_background(self._warm(document, min(len(document.text), reach)))

    def focused(self, document: Document, offset: int) -> None:
        """The user looks at a place of a document."""
        self._in_background(self._warm(document, offset))

    def closed(self, uri: str) -> None:
        """A document is gone: what was running for it ends, what was kept for it goes."""
        live = self._live.pop(uri, None)
        if live is not None:
            live.cancel()
        self._stop(uri)
        self._windows.pop(uri, None)
        self.suggestions.forget(uri)
        self._in_background(self._forget(uri))

    async def aclose(self) -> None:
        """End everything that runs."""
        tasks = [*self._background, *(one.task for one in self._generations.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, document: Document, text: str, offset: int, query: InlineQuery) -> list[Item]:
        began = self._clock()
        self._supersede(document.uri)
        try:
            return await self._decide(document, text, offset, query, began)
        except asyncio.CancelledError:
            self._report("cancelled", began)
            raise
        except Exception:
            log.exception("a completion could not be made")
            self._report("failed", began)
            return []
        finally:
            if self._live.get(document.uri) is asyncio.current_task():
                del self._live[document.uri]

    def _supersede(self, uri: str) -> None:
        me = asyncio.current_task()
        older = self._live.get(uri)
        if older is not None and older is not me:
            older.cancel(_SUPERSEDED)
        if me is not None:
            self._live[uri] = me

    async def _decide(
        self, document: Document, text: str, offset: int, query: InlineQuery, began: float
    ) -> list[Item]:
        settings = self._settings().completion
        if not settings.enabled or document.language in settings.disabled_languages:
            self._report("disabled", began)
            return []
        if self._moved_on(document, text):
            self._report("stale", began)
            return []
        rest = self.suggestions.find(document.uri, text, offset)
        if rest is not None:
            self._report("cached", began)
            return [_item(rest, offset, document.version, cached=True)]
        snapshot = document.snapshot()
        decision = should_trigger(snapshot, offset, query.invoked)
        if not decision.trigger:
            self._stop(document.uri)
            self._report(decision.reason, began)
            return []
        return await self._generate(document, snapshot, offset, began)

    async def _generate(
        self, document: Document, snapshot: Snapshot, offset: int, began: float
    ) -> list[Item]:
        version = snapshot.version
        backend = await self._backend()
        generation = self._generations.get(document.uri)
        if generation is None or not generation.fits(snapshot.text, offset):
            self._stop(document.uri)
            generation = self._start(backend, snapshot, offset)
        context_ms = 1000 * (self._clock() - began)
        completion = await self._listen(generation)
        outcome, items = "empty", list[Item]()
        if self._moved_on(document, snapshot.text):
            outcome = "stale"
        elif (rest := self.suggestions.find(document.uri, snapshot.text, offset)) is not None:
            outcome, items = "shown", [_item(rest, offset, version)]
        self._report(outcome, began, context_ms, completion)
        return items

    def _start(self, backend: Backend, snapshot: Snapshot, offset: int) -> _Generation:
        settings = self._settings().completion
        rules = stop_rules(
            snapshot, offset, settings.max_tokens, settings.latency_budget_ms, settings.multiline
        )
        prompt, window = assemble(
            snapshot,
            offset,
            WindowSettings(settings.prefix_characters, settings.suffix_characters),
            self._windows.get(snapshot.uri),
        )
        self._windows[snapshot.uri] = window
        request = CompletionRequest(session_of(snapshot.uri), prompt, rules, stream=True)
        generation = _Generation(snapshot, offset, rules)
        generation.task = asyncio.ensure_future(self._run(backend, request, generation))
        self._generations[snapshot.uri] = generation
        return generation

    async def _run(self, backend: Backend, request: CompletionRequest, generation: _Generation) -> Completion:
        """One generation to its end: what it says is judged and kept, also when nobody waits any more."""
        try:
            completion = await backend.complete(request, generation.add)
        finally:
            if self._generations.get(generation.snapshot.uri) is generation:
                del self._generations[generation.snapshot.uri]
        suggestion = self._judge(generation, completion)
        if suggestion is not None and self.documents.get(suggestion.uri) is not None:
            self.suggestions.remember(suggestion)
        return completion

    async def _listen(self, generation: _Generation) -> Completion:
        """Wait for a generation. Its last listener takes it along when cancelled, unless superseded."""
        generation.listeners += 1
        try:
            return await asyncio.shield(generation.task)
        except asyncio.CancelledError as cancelled:
            if _SUPERSEDED not in cancelled.args and generation.listeners == 1:
                self._stop(generation.snapshot.uri, generation)
            raise
        finally:
            generation.listeners -= 1

    def _judge(self, generation: _Generation, completion: Completion) -> Suggestion | None:
        """Trim and check what the model said; None when nothing of it should be shown."""
        snapshot, offset = generation.snapshot, generation.offset
        trimmed = trim(completion.text, snapshot, offset, generation.rules)
        verdict = ground(trimmed.text, snapshot, offset, trimmed.replace_right)
        if not verdict.shown or not verdict.text:
            return None
        whole = verdict.text == trimmed.text
        right = trimmed.replace_right if whole else 0
        before, replaces, after = around(snapshot.text, offset, right)
        return Suggestion(
            id=self.suggestions.next_id(),
            uri=snapshot.uri,
            before=before,
            text=verdict.text,
            after=after,
            replaces=replaces,
            complete=completion.stop not in (StopReason.BUDGET, StopReason.LENGTH),
            mean_logprob=completion.mean_logprob,
        )

    def _stop(self, uri: str, only: _Generation | None = None) -> None:
        generation = self._generations.get(uri)
        if generation is not None and only in (None, generation):
            del self._generations[uri]
            generation.task.cancel()

    def _moved_on(self, document: Document, text: str) -> bool:
        return self.documents.get(document.uri) is not document or document.text is not text

    async def _warm(self, document: Document, offset: int) -> None:
        backend = await self._backend()
        settings = self._settings().completion
        if self.documents.get(document.uri) is not document or not settings.enabled:
            return
        prompt, self._windows[document.uri] = assemble(
            document.snapshot(),
            offset,
            WindowSettings(settings.prefix_characters, settings.suffix_characters),
            self._windows.get(document.uri),
        )
        await backend.warm(WarmRequest(session_of(document.uri), prompt))

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

    def _report(
        self, outcome: str, began: float, context_ms: float = 0.0, completion: Completion | None = None
    ) -> None:
        if self._on_report is not None:
            bare = None if completion is None else attrs.evolve(completion, text="")
            self._on_report(Report(outcome, context_ms, 1000 * (self._clock() - began), bare))


def session_of(uri: str) -> str:
    """The name of a document's session at the daemon: no two editors share one."""
    return f"{os.getpid()} {uri}"


async def _nothing() -> list[Item]:
    return []


def _item(rest: Rest, offset: int, version: int, *, cached: bool = False) -> Item:
    return Item(
        rest.suggestion.id,
        rest.suggestion.uri,
        rest.text,
        offset,
        offset + rest.replace_right,
        version,
        cached,
    )
