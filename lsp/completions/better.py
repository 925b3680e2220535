"""Better answers in the place of early ones.

An answer that was made from a short context comes in time, but is worth little. As long as its place stands
as it was, the backend is asked once more for the same place, behind everything that somebody waits for, and
sees the whole prompt this time. When its answer differs, the store of suggestions holds that from then on,
and clients that asked for it are told. Any change of the document, any request for it and a dismissal end the
asking. What somebody has typed into is replaced at the next key or when they rest (by what comes from
elsewhere at a key alone); what was dismissed has no successor, and no place is asked about twice. An answer
with another name, where one was cut at a name that doesn't exist, comes the same way where it comes late; so
does the rest of an answer of which a part was shown when the time was up.

It decides what replaces what. It does not decide whether an answer is good: that is `judge`'s.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

import attrs

from ...context.shared.values import StopReason
from ...context.syntax.snapshot import Snapshot
from ...daemon.wire.messages import CompletionRequest, Priority
from ..documents.documents import DocumentStore
from ..documents.target import Target
from .generation import Generation, ShownPart
from .items import BetterSuggestion
from .judging import Judging
from .observer import CompletionHost, Observer
from .prompts import Prompts, rules_at, session_of
from .renaming import Renaming
from .suggestions import Rest, Suggestion, Suggestions

BETTER = "foretype/betterSuggestion"
"""The notification for clients that ask for it with the initialization option `betterSuggestions`."""

STANDS_S = 0.2
"""Seconds that a suggestion stays on the screen, at least, before another takes its place."""

RESTS_S = 0.4
"""Seconds since the last key before another takes the place of what somebody has typed into: they no longer
follow it."""

ANSWERED_S = 0.03
"""Seconds from an answer that is the better one until the client hears of that: by then it has the answer."""

_REMEMBERED = 256
"""Places of which it is known that they were asked about."""

_NO_ANSWER = (StopReason.CANCELLED, StopReason.SUPERSEDED, StopReason.UNAVAILABLE)


class BetterAnswers:
    """Asks again.

    Its state: per document one running question, when it was last answered and which suggestion its client
    was last told to replace; places that are done.
    """

    def __init__(  # noqa: PLR0917 - the parts that an answer passes, in order
        self,
        suggestions: Suggestions,
        documents: DocumentStore,
        host: CompletionHost,
        prompts: Prompts,
        judging: Judging,
        renaming: Renaming,
        observer: Observer,
    ) -> None:
        """Make it.

        Args:
            suggestions: the store.
            documents: the open documents.
            host: what completes, by which settings, and for whom not.
            prompts: says what the model would see.
            judging: says what of an answer may be shown.
            renaming: asks for another name where one doesn't exist.
            observer: told when the store has something better for the place of the last answer.
        """
        self._suggestions = suggestions
        self._documents = documents
        self._host = host
        self._prompts = prompts
        self._judging = judging
        self._renaming = renaming
        self._observer = observer
        self._running: dict[str, asyncio.Task[None]] = {}
        self._answered: dict[str, float] = {}
        self._told: dict[str, str] = {}
        self._done: OrderedDict[tuple[str, int, int], None] = OrderedDict()

    def answered(self, uri: str, place: Target, running: Generation | None) -> None:
        """A request was answered just now: what it brought is on the screen from here on.

        Args:
            uri: the document.
            place: that it asked about.
            running: what the model is still saying about the document.
        """
        self._answered[uri] = asyncio.get_running_loop().time()
        if running is not None and not running.task.done():
            rest = self._suggestions.find(uri, place.text, place.offset)
            if rest is not None and rest.suggestion.id == running.id:
                running.part = ShownPart(place.text, place.offset, rest.text)

    def ended(self, generation: Generation, *, early: bool) -> None:
        """The model has said all it had to say.

        An early answer that nobody waits for has a better one made; where a part of any other stands on the
        screen, the client is told of the rest.
        """
        if not early:
            self._grown(generation)
        elif generation.listeners == 0:
            self.early(generation.snapshot, generation.offset)

    def _grown(self, generation: Generation) -> None:
        part, uri = generation.part, generation.snapshot.uri
        document = self._documents.get(uri)
        if part is None or document is None or document.whole != part.text or self._host.refused(document):
            return
        rest = self._suggestions.find(uri, part.text, part.offset)
        if rest is None or rest.suggestion.dismissed or rest.suggestion.id != generation.id:
            return
        if rest.text != part.shown:
            self._begin(uri, self._tell(BetterSuggestion(uri, generation.id, generation.id), STANDS_S))

    def early(self, snapshot: Snapshot, offset: int) -> None:
        """An early answer stands at a place, or an early answer was nothing: ask for a better one."""
        uri = snapshot.uri
        if _place(snapshot, offset) in self._done or not self._stands(snapshot):
            return
        self._begin(uri, self._ask(snapshot, offset))

    async def renamed(
        self, generation: Generation, found: Coroutine[Any, Any, Suggestion | None], within_s: float
    ) -> None:
        """Have what is found in place of a cut answer in the store; cancelling it ends the asking.

        Args:
            generation: it was cut.
            found: asks for another name.
            within_s: seconds to wait for that; later it comes as any better answer does.
        """
        asking = asyncio.ensure_future(found)
        try:
            await asyncio.wait({asking}, timeout=max(0.0, within_s))
        except asyncio.CancelledError:
            asking.cancel()
            raise
        if not asking.done():
            self._begin(generation.snapshot.uri, self._late(generation, asking))
        elif (suggestion := asking.result()) is not None:
            cut = any(one.id == suggestion.id for one in self._suggestions.of(suggestion.uri))
            if not cut or self._stands(generation.snapshot):
                self._suggestions.remember(suggestion)  # by its id it replaces the one that was cut

    def taken(self, better: BetterSuggestion) -> None:
        """A key was answered with a better suggestion; the client may go on showing the early one.

        It keeps what is typed through whatever an answer says, unless it hears that this one is better.
        """
        if self._told.get(better.uri) != better.replaces:
            self._begin(better.uri, self._tell(better, ANSWERED_S))

    def _begin(self, uri: str, work: Coroutine[Any, Any, None]) -> None:
        self.stop(uri)
        task = asyncio.ensure_future(work)
        self._running[uri] = task
        task.add_done_callback(lambda ended: self._ended(uri, ended))

    def stop(self, uri: str) -> None:
        """The place is another one now, or nobody wants to know any more."""
        task = self._running.pop(uri, None)
        if task is not None:
            task.cancel()

    def dismissed(self, name: str) -> None:
        """The user sent a suggestion away; what would take its place isn't wanted either."""
        for uri in tuple(self._running):
            if any(one.id == name for one in self._suggestions.of(uri)):
                self.stop(uri)
        self._suggestions.dismiss(name)

    def closed(self, uri: str) -> None:
        """A document is gone."""
        self.stop(uri)
        self._answered.pop(uri, None)
        self._told.pop(uri, None)

    async def aclose(self) -> None:
        """End everything that runs."""
        tasks = tuple(self._running.values())
        for uri in tuple(self._running):
            self.stop(uri)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, uri: str, task: asyncio.Task[None]) -> None:
        if self._running.get(uri) is task:
            del self._running[uri]
        if not task.cancelled():
            task.result()

    def _stands(self, snapshot: Snapshot) -> bool:
        document = self._documents.get(snapshot.uri)
        return document is not None and document.whole == snapshot.text and not self._host.refused(document)

    async def _ask(self, snapshot: Snapshot, offset: int) -> None:
        settings = self._host.settings.completion
        rules, document = rules_at(snapshot, offset, settings), self._documents.get(snapshot.uri)
        request = CompletionRequest(
            session=session_of(snapshot.session),
            prompt=self._prompts.prompt(snapshot, offset, settings, keep=False),
            rules=rules,
            priority=Priority.PREFETCH,
            whole=True,
            local_only=document is None or self._host.stays_here(document),
        )
        backend = await self._host.backend()
        completion = await backend.complete(request)
        if completion.stop in _NO_ANSWER or completion.early:
            return
        self._done[_place(snapshot, offset)] = None
        while len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
        if not self._stands(snapshot):
            return
        generation = Generation(self._suggestions.next_id(), snapshot, offset, rules)
        judgement = await self._judging.judged(generation, completion)
        found = judgement.suggestion
        if judgement.restriction is not None and self._stands(snapshot):
            again = await self._renaming.renamed(backend, request, generation, judgement.restriction)
            found = again or found
        await self._take(snapshot, offset, found, remote=completion.remote)

    async def _late(self, generation: Generation, asking: asyncio.Future[Suggestion | None]) -> None:
        found = await asking
        if found is not None:
            another = attrs.evolve(found, id=self._suggestions.next_id())
            await self._take(generation.snapshot, generation.offset, another)

    async def _take(
        self, snapshot: Snapshot, offset: int, found: Suggestion | None, *, remote: bool = False
    ) -> None:
        """Have it in the store in place of what stands there, where that is still untouched.

        An engine elsewhere can be late by seconds: what somebody typed into by then they have read, and it
        goes at their next key alone.
        """
        if not self._stands(snapshot):
            return
        before = self._suggestions.find(snapshot.uri, snapshot.text, offset)
        kept = successor(before, found)
        if kept is None:
            return
        self._suggestions.remember(kept)
        if before is None:
            await self._tell(BetterSuggestion(snapshot.uri, kept.id, ""), 0.0)
        elif kept.text != before.text and not (remote and before.typed):
            better = BetterSuggestion(snapshot.uri, kept.id, before.suggestion.id)
            await self._tell(better, RESTS_S if before.typed else STANDS_S)

    async def _tell(self, better: BetterSuggestion, after_s: float) -> None:
        """Tell of it once what it replaces has stood for `after_s` seconds as it is."""
        stood = asyncio.get_running_loop().time() - self._answered.get(better.uri, 0.0)
        if stood < after_s:
            await asyncio.sleep(after_s - stood)
        self._told[better.uri] = better.replaces
        self._observer.better(better)


def successor(before: Rest | None, found: Suggestion | None) -> Suggestion | None:
    """What the store gets once there is an answer from the whole context; None changes nothing.

    Args:
        before: what stands at the place: an early suggestion, nothing, or one that was dismissed.
        found: what may be shown of the answer that saw everything.
    """
    if found is None or before is None:
        return found
    early = before.suggestion
    if early.dismissed:
        return None
    if found.text.startswith(before.text):  # the same, or more of it
        return attrs.evolve(found, id=early.id)
    return attrs.evolve(found, instead_of=early.id)


def _place(snapshot: Snapshot, offset: int) -> tuple[str, int, int]:
    return snapshot.uri, offset, hash(snapshot.text)
