"""A document while its authors type: what stands in it, and what the editor closes on the way.

The state of one hole. Text is written to the left of the cursor as the authors have it; right of it stand
closers that the editor put there, each being one certain character of the authors' text. Typing an opening
bracket may bring its closing one; typing a closing one that stands there steps over it.
"""

from __future__ import annotations

import attrs
from foretype.tests.truth.holes import Hole, is_opener


@attrs.frozen
class State:
    """What stands in the document.

    Attributes:
        hole: the place.
        typed: how much of the authors' text, in code points from the hole's start.
        pending: where in the finished file the closers stand that are right of the cursor, in order.
    """

    hole: Hole
    typed: int
    pending: tuple[int, ...]

    @property
    def offset(self) -> int:
        """The cursor in the document."""
        return self.hole.start + self.typed

    @property
    def text(self) -> str:
        """The document, with LF."""
        finished = self.hole.code.text
        return finished[: self.offset] + self.standing(self.offset) + finished[self.hole.end :]

    @property
    def rest(self) -> str:
        """What stands right of the cursor on its line."""
        return (self.standing(self.offset) + self.hole.code.text[self.hole.end :]).split("\n", 1)[0]

    def standing(self, behind: int) -> str:
        """The closers that still stand once the authors' text is there up to `behind`."""
        return "".join(self.hole.code.text[at] for at in self.pending if at >= behind)


def begun(hole: Hole) -> State:
    """Before anything was typed."""
    return State(hole, 0, hole.closers)


def typed(state: State, count: int, *, closes: bool) -> State:
    """After `count` more characters of the authors' text; `closes`: the editor closes brackets."""
    hole = state.hole
    pending = list(state.pending)
    for at in range(state.offset, state.offset + count):
        character = hole.code.text[at]
        if at in pending:
            pending.remove(at)
        closer = hole.code.closer_of.get(at, hole.end)
        if closes and is_opener(character) and closer < hole.end:
            pending = sorted({*pending, closer})
    return State(hole, state.typed + count, tuple(pending))


def first_opener(hole: Hole, within: int) -> int:
    """How much to type until the editor closes a bracket for the first time; 0 where it never does."""
    for at in range(hole.start, min(hole.start + within, hole.end)):
        if is_opener(hole.code.text[at]) and at < hole.code.closer_of.get(at, hole.end) < hole.end:
            return at + 1 - hole.start
    return 0
