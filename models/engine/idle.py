"""What is prepared while the user is idle, so that the next request finds it: one thing after the other.

First the next stages of the last prompt up to its whole window, then what would follow if the last suggestion
is accepted, then what drafts are made from. Each step looks at the cancellation; what was finished before it
stays.
"""

from __future__ import annotations

import attrs

from ...context.shared.values import StopReason, StopRules
from ..cache.kv_cache import Sequence
from ..decoding.sampling import Sampling
from ..llama.cancellation import Cancellation
from .serving import GROWTH_SLICE_MS, Serving
from .sessions import DocumentSession
from .writing import Continuation

IDLE_SLICE_MS = 150.0
"""Idle work goes on between two keys, so it must get somewhere in that time."""

PREFETCH_TOKENS = 40
"""Tokens chosen ahead of an acceptance: a line or two, for a user who accepts one after the other."""


@attrs.define
class IdleWork:
    """Idle work for one engine; what it has done is in the cache and in the sessions.

    State: the sequence that the whole context of a document is read into, and how many tokens that has; None
    when an answer sees everything.
    """

    serving: Serving
    continuation: Continuation
    _reads: tuple[Sequence, int] | None = None

    @property
    def reading(self) -> float:
        """Which part of the whole context is there, 0.0 to 1.0. May be asked from any thread."""
        reads = self._reads
        if reads is None or not self.serving.cache.alive(reads[0]):
            return 1.0
        return min(1.0, len(reads[0].tokens) / max(1, reads[1]))

    def run(self, session: DocumentSession, cancellation: Cancellation) -> bool:
        """Do what is left to do for the session. True while more is left: it was cancelled."""
        if not (self._prepare(session, cancellation) and self._prefetch(session, cancellation)):
            return True
        self.continuation.learn(session)
        if self.continuation.draft_model is not None and session.drafts is not None:
            self.continuation.draft_model.follow(session.drafts, cancellation)
        return False

    def _prepare(self, session: DocumentSession, cancellation: Cancellation) -> bool:
        """Bring the whole window of the session's last prompt into the cache. True when it is there."""
        pieces = {"slice_ms": IDLE_SLICE_MS, "first_ms": GROWTH_SLICE_MS}
        if not self.serving.stages(session, session.prompt, cancellation, **pieces):
            return False
        slot, plan = self.serving.whole(session, session.prompt, cancellation)
        if session.whole is None:
            self._reads = slot.sequence, len(plan.target)
        if not self.serving.evaluate(slot, plan, cancellation, **pieces).complete:
            return False
        if slot is session.next:
            self.serving.sessions.promote(session)
        self._reads = None
        return True

    def _prefetch(self, session: DocumentSession, cancellation: Cancellation) -> bool:
        """Choose what comes if the last suggestion is accepted, the next line included. True when done.

        It continues the suggestion's own cells, so nothing else is given up for it, and the choices stay
        there as those of a request would: accepting the suggestion then finds the next one made.
        """
        slot, suggested = session.whole, session.suggested
        if slot is None or suggested is None or not suggested[1] or suggested[0] != session.prompt.prefix:
            return True
        accepted = attrs.evolve(session.prompt, prefix=suggested[0] + suggested[1])
        plan = self.serving.planner.fit(slot.anchor, slot.tail, accepted, slot=slot)
        if plan is None or plan.cost > PREFETCH_TOKENS:
            return True
        if not self.serving.evaluate(slot, plan, cancellation, slice_ms=IDLE_SLICE_MS).complete:
            return False
        rules = StopRules(multiline=True, max_tokens=PREFETCH_TOKENS)
        ended = self.continuation.generate(
            slot, plan, rules, cancellation, on_text=None, sampling=Sampling(), drafts=None
        ).stop
        return ended is not StopReason.CANCELLED
