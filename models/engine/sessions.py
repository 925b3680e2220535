"""What the KV cache holds for each open document: slots, and ways to serve a request from them.

A session has at most four slots: `whole` sees the entire window, `short` answered first with less of it,
`wider` is being prepared to take its place, `next` to take that of `whole`. This module keeps them and gives
their sequences back; which one serves a request is decided in `planner`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

from ...context.shared.values import Prompt
from ..cache.kv_cache import KVCache, Sequence
from ..drafting.drafts import Drafts
from ..llama.vocabulary import GrowingText
from ..prompts.anchor import Anchor


class SlotKind(enum.Enum):
    """The slots of a session, the best first."""

    WHOLE = "whole"
    NEXT = "next"
    WIDER = "wider"
    SHORT = "short"


@attrs.define(eq=False)
class Slot:
    """An anchored prompt in a sequence of its own.

    Attributes:
        anchor: the fixed part.
        sequence: where its cells are.
        tail: remembers how its growing text was tokenised.
        context: which part of the prompt's tokens it saw when it was made; 1.0 where nothing was cut.
    """

    anchor: Anchor
    sequence: Sequence
    tail: GrowingText
    context: float = 1.0


@attrs.define(eq=False)
class DocumentSession:
    """One document in one editor.

    Attributes:
        name: as the daemon calls it.
        prompt: what was last asked for.
        drafts: what it drafts from, or None before the first generation.
        suggested: the prefix of the last greedy answer and its text, or None.
        learned: the path whose text the workspace's n-grams know already, or None.
        put_by_ms: what its keys have saved for reading on, in ms; below zero where a slice cost more.
    """

    name: str
    prompt: Prompt
    drafts: Drafts | None = None
    suggested: tuple[str, str] | None = None
    learned: str | None = None
    put_by_ms: float = 0.0

    _slots: dict[SlotKind, Slot] = attrs.field(factory=dict[SlotKind, Slot])

    @property
    def whole(self) -> Slot | None:
        """Sees the entire window, or None."""
        return self.at(SlotKind.WHOLE)

    @property
    def next(self) -> Slot | None:
        """Will be `whole` when it is ready, or None."""
        return self.at(SlotKind.NEXT)

    @property
    def short(self) -> Slot | None:
        """Answered first with less, or None."""
        return self.at(SlotKind.SHORT)

    @property
    def wider(self) -> Slot | None:
        """Will be `short` when it is ready, or None."""
        return self.at(SlotKind.WIDER)

    def at(self, kind: SlotKind) -> Slot | None:
        """The slot of this kind, or None."""
        return self._slots.get(kind)

    def put(self, kind: SlotKind, slot: Slot) -> None:
        """Let `slot` be the one of this kind; what was there is the caller's to release."""
        self._slots[kind] = slot

    def take(self, kind: SlotKind) -> Slot | None:
        """The slot of this kind, which the session holds no longer; or None."""
        return self._slots.pop(kind, None)

    def slots(self) -> tuple[Slot, ...]:
        """Those that exist, the best first."""
        return tuple(slot for kind in SlotKind if (slot := self.at(kind)) is not None)


@attrs.frozen
class SessionCandidate:
    """One way to serve a request.

    Attributes:
        anchor: the fixed part.
        tail: tokeniser of the growing part.
        target: the tokens of the prompt, at least one.
        required: bytes that the generated tokens must spell first.
        completes_character: `required` ends within a UTF-8 character.
        cost: tokens that would have to be evaluated.
        exact: the anchor says just what stands in the document now.
        slot: where it lives already, or None.
    """

    anchor: Anchor
    tail: GrowingText
    target: list[int]
    required: bytes
    completes_character: bool
    cost: int
    exact: bool
    slot: Slot | None = None


class Sessions:
    """All sessions, least recently used first. State: the sessions and their slots, nothing else."""

    def __init__(self, cache: KVCache, limit: int) -> None:
        """Start empty; beyond `limit` sessions the one used longest ago is forgotten."""
        self._cache = cache
        self._limit = limit
        self._sessions: dict[str, DocumentSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[DocumentSession]:
        return iter(self._sessions.values())

    def get(self, name: str) -> DocumentSession | None:
        """The session, or None; does not count as use."""
        return self._sessions.get(name)

    def use(self, name: str, prompt: Prompt) -> DocumentSession:
        """The session, made if need be; it becomes the most recently used one and remembers `prompt`."""
        session = self._sessions.pop(name, None) or DocumentSession(name, prompt)
        session.prompt = prompt
        self._sessions[name] = session
        while len(self._sessions) > self._limit:
            self.forget(next(iter(self._sessions)))
        return session

    def forget(self, name: str) -> None:
        """Give back all that the session holds. Unknown names are fine."""
        session = self._sessions.pop(name, None)
        for slot in session.slots() if session else ():
            self._cache.release(slot.sequence)

    def clear(self) -> None:
        """Forget everything."""
        for name in list(self._sessions):
            self.forget(name)

    def acquire(self, wanted_by: DocumentSession) -> Sequence:
        """An empty sequence; sessions used longest ago give theirs up when all are taken."""
        while (sequence := self._cache.acquire()) is None:
            other = next(
                (one for one in self._sessions.values() if one is not wanted_by and one.slots()), None
            )
            if other is None:
                self.drop(wanted_by, SlotKind.NEXT)
                self.drop(wanted_by, SlotKind.WIDER)
                self.drop(wanted_by, SlotKind.SHORT)
            else:
                self.forget(other.name)
        return sequence

    def drop(self, session: DocumentSession, kind: SlotKind) -> None:
        """Give one slot back."""
        slot = session.take(kind)
        if slot is not None:
            self._cache.release(slot.sequence)

    def promote(self, session: DocumentSession) -> None:
        """`next` is ready: it takes the place of `whole`, and a short answer is no longer needed."""
        self.drop(session, SlotKind.WHOLE)
        ready = session.take(SlotKind.NEXT)
        if ready is not None:
            session.put(SlotKind.WHOLE, ready)
        self.drop(session, SlotKind.WIDER)
        self.drop(session, SlotKind.SHORT)

    def widen(self, session: DocumentSession) -> None:
        """`wider` is ready: it takes the place of `short`."""
        ready = session.take(SlotKind.WIDER)
        if ready is not None:
            self.drop(session, SlotKind.SHORT)
            session.put(SlotKind.SHORT, ready)
