"""Carries out what `planner` decides: puts anchors into slots, loads saved states, has tokens evaluated.

What the model sees grows in stages, sized by the speed that was measured: what fits into the latency budget
answers first; then, while somebody types on that, what a second evaluates; then the whole window. Before a
short slot serves again, part of the budget goes into the next stage: it makes progress while somebody types,
and somebody who stops waits no longer than the budget for an early answer.
"""

from __future__ import annotations

import attrs

from ...context.shared.values import Prompt
from ..cache.kv_cache import KVCache, Synced
from ..cache.saved_states import LOAD_BYTES_PER_MS, StateStore
from ..llama.cancellation import Cancellation
from .leaving import MIN_SAVED_TOKENS
from .planner import MIN_SHORT_TOKENS, Planner, SlotChoice
from .sessions import DocumentSession, SessionCandidate, Sessions, Slot, SlotKind

BUDGET_SHARE = 0.6
"""The part of the latency budget that a first prefill may use; the rest is for decoding."""

GROWTH_SHARE = 0.15
"""The part of it that the next stage gets before a short one answers again, on an average of some keys: a
slice is no smaller than what is worth evaluating at once, and the keys after a long one pay for it. With more
somebody who types sees nothing for seconds; see ARCHITECTURE.md, "Where building proved the plan wrong"."""

SLICE_MS = 80.0
"""Prefill of a waiting user's request goes on in slices of about this; faster typing than that is rare."""

WIDER_MS = 1000.0
"""The second stage is what this time evaluates; keys that come meanwhile are answered from the first."""

WORTH_WIDENING = 2.0
"""The second stage sees at least so many times what the first one saw, and the whole window costs so many
times what it costs: else it is skipped."""

GROWTH_SLICE_MS = 40.0
"""The next stage grows between two keys of somebody who types fast, and a slice that a key cuts is lost. The
longer nobody has typed, the longer that is likely to last: each further slice is twice as long."""


@attrs.define
class Serving:
    """State: the latency budget, in ms. What lies where is the sessions' and the cache's."""

    cache: KVCache
    planner: Planner
    sessions: Sessions
    states: StateStore | None
    latency_budget_ms: float

    def budget_tokens(self) -> int:
        """How many tokens a first answer may evaluate on this machine."""
        tokens = self.cache.speed.tokens_per_ms * self.latency_budget_ms * BUDGET_SHARE
        return max(MIN_SHORT_TOKENS, int(tokens))

    def slot_for(
        self, session: DocumentSession, prompt: Prompt, cancellation: Cancellation, *, whole: bool
    ) -> tuple[Slot, SessionCandidate]:
        """The slot that answers: with `whole` the one that sees everything, else one within the budget."""
        if not whole:
            return self.first(session, prompt, cancellation)
        self.stages(session, prompt, cancellation, slice_ms=SLICE_MS, first_ms=GROWTH_SLICE_MS)
        return self.whole(session, prompt, cancellation)

    def first(
        self, session: DocumentSession, prompt: Prompt, cancellation: Cancellation
    ) -> tuple[Slot, SessionCandidate]:
        """The slot for an answer within the budget; before a short one serves again, the whole one grows."""
        slot, plan = self._within_budget(session, prompt, cancellation)
        if plan.slot is not None and slot is session.short and self._has_put_by(session):
            self._grow(session, prompt, cancellation)
            slot, plan = self._within_budget(session, prompt, cancellation)
        return slot, plan

    def sees(self, session: DocumentSession | None, prompt: Prompt) -> float:
        """Which part of the whole window an answer within the budget would see."""
        budget = self.budget_tokens()
        standing = None if session is None else self.planner.standing(session, prompt, budget)
        if standing is not None:
            slot = standing.candidate.slot
            return 1.0 if slot is None else slot.context
        whole = self.planner.whole(prompt)
        return min(1.0, (len(whole.target) - whole.cost + budget) / max(1, len(whole.target)))

    def read_on(self, session: DocumentSession, prompt: Prompt, cancellation: Cancellation) -> None:
        """Evaluate as much more of the whole window as its share of the budget has time for."""
        if self._has_put_by(session):
            self._read_on(session, *self.whole(session, prompt, cancellation), cancellation)

    def whole(
        self, session: DocumentSession, prompt: Prompt, cancellation: Cancellation
    ) -> tuple[Slot, SessionCandidate]:
        """The slot that sees the whole window of `prompt` just as it is now, whatever it costs."""
        return self._placed(session, self._whole_choice(session, prompt), cancellation)

    def stages(
        self,
        session: DocumentSession,
        prompt: Prompt,
        cancellation: Cancellation,
        *,
        slice_ms: float,
        first_ms: float = 0.0,
    ) -> bool:
        """Evaluate a wider context for somebody who is answered from a short one; False: it was cancelled.

        True where it is ready, or where nobody needs it.
        """
        room = self._room_for_wider(session)
        found = None
        if room:
            whole = self._whole_choice(session, prompt)
            found = self._wider(session, prompt, whole, room, cancellation)
        if found is None:
            return True
        if not self.evaluate(*found, cancellation, slice_ms=slice_ms, first_ms=first_ms).complete:
            return False
        self.sessions.widen(session)
        return True

    def evaluate(
        self,
        slot: Slot,
        plan: SessionCandidate,
        cancellation: Cancellation,
        *,
        slice_ms: float = SLICE_MS,
        first_ms: float = 0.0,
    ) -> Synced:
        """Bring the plan's tokens into the slot's sequence; see `KVCache.sync`."""
        anchor = len(plan.anchor.tokens)
        return self.cache.sync(
            slot.sequence, plan.target, cancellation, slice_ms=slice_ms, first_ms=first_ms, anchor=anchor
        )

    def _within_budget(
        self, session: DocumentSession, prompt: Prompt, cancellation: Cancellation
    ) -> tuple[Slot, SessionCandidate]:
        budget = self.budget_tokens()
        choice = self.planner.standing(session, prompt, budget)
        if choice is None:
            whole = self.planner.whole(prompt)
            if whole.cost > budget and self._recall(session, whole, cancellation):
                whole = attrs.evolve(whole, cost=self.cache.cost(None, whole.target))
            choice = self.planner.anew(prompt, whole, budget)
        return self._slot_of(session, choice), choice.candidate

    def _grow(self, session: DocumentSession, prompt: Prompt, cancellation: Cancellation) -> None:
        """Evaluate as much more of the next stage as its share of the budget has time for."""
        whole, room = self._whole_choice(session, prompt), self._room_for_wider(session)
        wider = self._wider(session, prompt, whole, room, cancellation) if room else None
        self._read_on(session, *(wider or self._placed(session, whole, cancellation)), cancellation)

    def _read_on(
        self, session: DocumentSession, slot: Slot, plan: SessionCandidate, cancellation: Cancellation
    ) -> None:
        speed, held = self.cache.speed.tokens_per_ms, len(plan.target) - plan.cost
        tokens = min(plan.cost, max(self.cache.least_slice(held), int(speed * self._share_ms)))
        self.cache.sync(slot.sequence, plan.target[: held + tokens], cancellation, slice_ms=GROWTH_SLICE_MS)
        session.put_by_ms -= tokens / speed

    @property
    def _share_ms(self) -> float:
        return self.latency_budget_ms * GROWTH_SHARE

    def _has_put_by(self, session: DocumentSession) -> bool:
        """Put a key's share by; whether the keys before have left something of theirs."""
        session.put_by_ms = min(self._share_ms, session.put_by_ms + self._share_ms)
        return session.put_by_ms > 0

    def _room_for_wider(self, session: DocumentSession) -> int:
        """Tokens of the second stage; 0 where it would see hardly more than the first one does.

        Where the memory can't go back each slot holds copies of its state: there the whole window is next.
        """
        room = int(self.cache.speed.tokens_per_ms * WIDER_MS)
        short = session.short
        useful = short is not None and len(short.sequence.tokens) * WORTH_WIDENING <= room
        return room if useful and self.cache.goes_back else 0

    def _wider(
        self,
        session: DocumentSession,
        prompt: Prompt,
        whole: SlotChoice,
        room: int,
        cancellation: Cancellation,
    ) -> tuple[Slot, SessionCandidate] | None:
        """The second stage and where it grows; None where the whole window costs hardly more."""
        if whole.candidate.cost < room * WORTH_WIDENING:
            return None
        wider = session.wider
        if wider is not None:
            candidate = self.planner.fit(wider.anchor, wider.tail, prompt, slot=wider)
            if candidate is not None:
                return wider, candidate
        choice = self.planner.anew(prompt, whole.candidate, room)
        return self._placed(session, attrs.evolve(choice, kind=SlotKind.WIDER), cancellation)

    def _whole_choice(self, session: DocumentSession, prompt: Prompt) -> SlotChoice:
        """How the whole window is served: by the slot that sees it, or by a new one."""
        exact = self.planner.exact(session, prompt)
        return SlotChoice(SlotKind.NEXT, self.planner.whole(prompt)) if exact is None else exact

    def _placed(
        self, session: DocumentSession, choice: SlotChoice, cancellation: Cancellation
    ) -> tuple[Slot, SessionCandidate]:
        """A choice in its slot; for a new slot of the whole window what an earlier run saved is loaded."""
        if choice.kind is SlotKind.NEXT and choice.candidate.slot is None:
            self._recall(session, choice.candidate, cancellation)
        return self._slot_of(session, choice), choice.candidate

    def _recall(self, session: DocumentSession, wanted: SessionCandidate, cancellation: Cancellation) -> bool:
        """Load what an earlier run saved, where that is faster than evaluating. It becomes `next`.

        Somebody else's key stops it after a part of some milliseconds; what is loaded by then stays.
        """
        if self.states is None or session.next is not None or wanted.cost < MIN_SAVED_TOKENS:
            return False
        held = len(wanted.target) - wanted.cost
        found = self.states.find(wanted.target, held + MIN_SAVED_TOKENS)
        if found is None:
            return False
        saved, shared = found
        if not self.cache.goes_back and shared < len(saved.tokens):
            return False
        if (shared - held) / self.cache.speed.tokens_per_ms < saved.size / LOAD_BYTES_PER_MS:
            return False
        state = self.states.read(saved, cancellation)
        if state is None:
            return False
        slot = self._slot_of(session, SlotChoice(SlotKind.NEXT, wanted))
        return self.cache.restore(slot.sequence, saved.tokens, state, cancellation)

    def _slot_of(self, session: DocumentSession, choice: SlotChoice) -> Slot:
        """The chosen slot; a new anchor takes over the sequence of what its slot held before."""
        if choice.candidate.slot is not None:
            return choice.candidate.slot
        old = session.at(choice.kind)
        sequence = old.sequence if old is not None else self.sessions.acquire(session)
        slot = Slot(choice.candidate.anchor, sequence, choice.candidate.tail, choice.context)
        session.put(choice.kind, slot)
        return slot
