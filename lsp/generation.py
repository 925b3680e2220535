"""One running request to the backend, and waiting for as much of it as time allows.

A generation may outlive the request that began it: later requests join it when what was typed since is
what it said, and its end goes into the store of suggestions also when nobody waits any more.
"""

from __future__ import annotations

import asyncio

import attrs

from ..context.snapshot import Snapshot
from ..context.values import Completion, StopReason, StopRules


@attrs.define(eq=False)
class Generation:
    """Its state: the text so far, who waits, and the task that ends with the backend's answer.

    Attributes:
        id: the suggestion that it makes.
        snapshot: the document when it began.
        offset: where it completes, in code points.
        rules: where it stops.
    """

    id: str
    snapshot: Snapshot
    offset: int
    rules: StopRules
    text: str = ""
    listeners: int = 0
    task: asyncio.Future[Completion] = attrs.field(factory=asyncio.Future[Completion])
    _line: asyncio.Event = attrs.field(factory=asyncio.Event)

    def add(self, text: str) -> None:
        """Take more of what the model says."""
        self.text += text
        if not self._line.is_set() and whole_lines(self.text):
            self._line.set()

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
        """The whole lines that were said up to now, as a partial answer."""
        return Completion(whole_lines(self.text) if self.rules.multiline else "", StopReason.BUDGET)

    async def wait(self, budget_s: float) -> Completion:
        """The answer; after `budget_s` seconds the whole lines so far, as soon as there are any.

        A partial answer has stop BUDGET and leaves the generation running. Cancelling the wait leaves it
        running, too.
        """
        self.listeners += 1
        try:
            await asyncio.wait({self.task}, timeout=budget_s)
            if self.task.done():
                return self.task.result()
            if self.rules.multiline:
                line = asyncio.ensure_future(self._line.wait())
                try:
                    await asyncio.wait({self.task, line}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    line.cancel()
                if not self.task.done():
                    return self.so_far()
            return await asyncio.shield(self.task)
        finally:
            self.listeners -= 1


def whole_lines(text: str) -> str:
    """The finished lines of a text, without the last line break; "" while there is no code in them."""
    end = max(text.rfind("\n"), text.rfind("\r"))
    lines = text[:end].rstrip("\r\n") if end > 0 else ""
    return lines if lines.strip() else ""
