"""One running request to the backend, and waiting for as much of it as time allows.

A generation may outlive the request that began it: later requests join it when what was typed since is
what it said, and its end goes into the store of suggestions also when nobody waits any more.
"""

from __future__ import annotations

import asyncio

import attrs

from ...context.shared.values import Completion, StopReason, StopRules
from ...context.syntax.snapshot import Snapshot

LONGEST_ANSWER = 20_000
"""Code points of an answer that are looked at."""


@attrs.frozen
class ShownPart:
    """As much of a suggestion as stands on the screen while the model still says more.

    Attributes:
        text: the document's.
        offset: the cursor in it, in code points.
        shown: what is suggested there.
    """

    text: str = attrs.field(repr=False)
    offset: int
    shown: str


@attrs.define(eq=False)
class Generation:
    """Its state: the text so far, who waits, and the task that ends with the backend's answer.

    Attributes:
        id: the suggestion that it makes.
        snapshot: the document when it began.
        offset: where it completes, in code points.
        rules: where it stops.
        text: what was said so far.
        listeners: how many wait.
        taken: what of it is in the store already.
        invoked: whether somebody who waits has asked with a key.
        said_all: whether the backend has answered; then what it said is being checked, or has been.
        part: what of it was shown last, before all of it was there.
    """

    id: str
    snapshot: Snapshot
    offset: int
    rules: StopRules
    text: str = ""
    listeners: int = 0
    taken: str = ""
    invoked: bool = False
    said_all: bool = False
    part: ShownPart | None = None
    task: asyncio.Future[Completion] = attrs.field(factory=asyncio.Future[Completion])
    _late: bool = False
    _worth: asyncio.Event = attrs.field(factory=asyncio.Event)

    def add(self, text: str) -> None:
        """Take more of what the model says, as far as anybody could read it."""
        self.text = (self.text + text)[:LONGEST_ANSWER]
        if not self._worth.is_set() and self.so_far().text:
            self._worth.set()

    def fits(self, text: str, offset: int) -> bool:
        """Whether what was typed since is what this generation has said so far."""
        typed = offset - self.offset
        said = self.snapshot.text
        return (
            not self.task.done()
            and 0 <= typed <= len(self.text)
            and self.text.startswith(text[self.offset : offset])
            and len(text) - offset == len(said) - self.offset
            and text.startswith(said[: self.offset])
            and text.endswith(said[self.offset :])
        )

    def so_far(self) -> Completion:
        """What was said up to now and can be shown: whole lines, or whole words when even those are late."""
        several = self.rules.multiline or self.rules.openers
        text = whole_lines(self.text) if several else ""
        return Completion(text or (whole_words(self.text) if self._late else ""), StopReason.BUDGET)

    async def wait(self, budget_s: float) -> Completion:
        """The answer, or what can be shown of it when the time is up.

        After `budget_s` seconds whole lines are enough, after twice that whole words; while there is not
        even that, it goes on waiting. A partial answer has stop BUDGET and leaves the generation running.
        So does cancelling the wait.
        """
        self.listeners += 1
        try:
            await asyncio.wait({self.task}, timeout=budget_s)
            if not self.task.done():
                await self._wait_for_something(budget_s)
            if not self.task.done():
                self._late = True
                if self.so_far().text:
                    self._worth.set()
                await self._wait_for_something(None)
            return self.task.result() if self.task.done() else self.so_far()
        finally:
            self.listeners -= 1

    async def _wait_for_something(self, timeout_s: float | None) -> None:
        worth = asyncio.ensure_future(self._worth.wait())
        try:
            await asyncio.wait({self.task, worth}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            worth.cancel()


def whole_lines(text: str) -> str:
    """The finished lines of a text, without the last line break; "" while there is no code in them."""
    end = max(text.rfind("\n"), text.rfind("\r"))
    lines = text[:end].rstrip("\r\n") if end > 0 else ""
    return lines if lines.strip() else ""


def whole_words(text: str) -> str:
    """The text without the word at its end, which may be half a word; "" while nothing is left."""
    end = len(text)
    while end > 0 and (text[end - 1].isalnum() or text[end - 1] == "_"):
        end -= 1
    words = text[:end].rstrip()
    return words if words.strip() else ""
