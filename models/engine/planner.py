"""Which sequence answers a prompt, and how: decisions on what is in the cache, nothing is evaluated here.

A request is served, in this order, by: the slot that sees the whole window, if it is cheap enough; the one
that is becoming that; a short one; a new anchor over the whole window; one over less, so that a first answer
comes within the latency budget. What a candidate costs is what no live sequence holds of it (`KVCache.cost`);
whatever its sequence holds beyond the shared tokens is thrown away when it is carried out, which is
`serving`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence as Tokens
from typing import Protocol

import attrs

from ...context.shared.values import Prompt
from ..cache.kv_cache import Sequence
from ..llama.vocabulary import GrowingText, Vocabulary, to_bytes
from ..prompts import anchor as anchors
from ..prompts.anchor import Anchor, Cut, PromptLayout
from ..prompts.cuts import Cuts
from ..prompts.healing import heal, split_unfinished
from .sessions import DocumentSession, SessionCandidate, Slot, SlotKind

MIN_SHORT_TOKENS = 64
"""However slow the machine, a first answer sees about this much."""

PATIENCE = 1.25
"""A slot that is there already may cost this much more than the budget before a new one is cut."""


class Held(Protocol):
    """What the planner asks of the cache; `KVCache` is one."""

    @property
    def longest(self) -> int:
        """Tokens that one sequence may hold."""
        ...

    def cost(self, sequence: Sequence | None, target: Tokens[int]) -> int:
        """Tokens to evaluate until `sequence` holds `target`."""
        ...


@attrs.frozen
class SlotChoice:
    """What to do for a prompt.

    Attributes:
        kind: the slot that answers.
        candidate: how; a candidate without a slot is a new anchor, to be put there in place of what it held.
        context: which part of the whole window's tokens it sees.
    """

    kind: SlotKind
    candidate: SessionCandidate
    context: float = 1.0


@attrs.frozen
class Planner:
    """Decides for one model. It keeps nothing of a request.

    Attributes:
        held: says what a target would cost.
        vocabulary: of the model.
        layout: how its prompts look.
        max_prompt_tokens: longer prompts are shortened to this.
    """

    held: Held
    vocabulary: Vocabulary
    layout: PromptLayout
    max_prompt_tokens: int

    @property
    def _cuts(self) -> Cuts:
        return Cuts(self.vocabulary, self.layout, self.max_prompt_tokens)

    @property
    def _grown_tokens(self) -> int:
        """Tokens to which a prompt may grow in its slot: half of what was left free for it."""
        return (self.max_prompt_tokens + self.held.longest) // 2

    def standing(self, session: DocumentSession, prompt: Prompt, budget: int) -> SlotChoice | None:
        """The best slot that is there already and answers within about `budget` tokens; None without one."""
        for kind in SlotKind:
            slot = session.at(kind)
            candidate = None if slot is None else self.fit(slot.anchor, slot.tail, prompt, slot=slot)
            if candidate is not None and candidate.cost <= budget * PATIENCE:
                return SlotChoice(kind, candidate)
        return None

    def exact(self, session: DocumentSession, prompt: Prompt) -> SlotChoice | None:
        """The slot that sees the whole window of `prompt` just as it is now, whatever it costs; or None."""
        whole = session.whole
        if whole is None:
            return None
        candidate = self.fit(whole.anchor, whole.tail, prompt, slot=whole)
        # A cursor that moved up leaves its old middle in the cache: greedy choices may lie there.
        return SlotChoice(SlotKind.WHOLE, candidate) if candidate is not None and candidate.exact else None

    def whole(self, prompt: Prompt) -> SessionCandidate:
        """A new anchor over the whole window."""
        return self._fresh(prompt, self._cuts.whole(prompt))

    def anew(self, prompt: Prompt, whole: SessionCandidate, budget: int) -> SlotChoice:
        """A new anchor: `whole` where it fits into `budget` tokens, else one over as much as does."""
        if whole.cost <= budget:
            return SlotChoice(SlotKind.WHOLE, whole)
        short = whole
        for cut in self._cuts.shorter(prompt, whole.cost, budget):
            short = self._fresh(prompt, cut)
            if short.cost <= budget:
                break
        return SlotChoice(SlotKind.SHORT, short, min(1.0, len(short.target) / len(whole.target)))

    def fit(
        self, anchor: Anchor, tail: GrowingText, prompt: Prompt, *, slot: Slot | None = None
    ) -> SessionCandidate | None:
        """The tokens that `prompt` has on `anchor`, or None where it no longer serves.

        A slot that has grown until little room is left for what is generated serves no longer either.
        """
        match = anchors.match(anchor, prompt, self.layout)
        if match is None:
            return None
        text, rest = split_unfinished(to_bytes(match.tail))
        tokens = tail.encode(text)
        closing = self.layout.after_tail()
        required = rest
        healed = heal(tokens, self.vocabulary, rest)
        if anchor.tokens or healed.kept or closing:
            tokens, required = healed.kept, healed.required
        target = [*anchor.tokens, *tokens, *closing]
        if not target:
            target = self.vocabulary.encode(b"\n")  # an empty file: something must be evaluated
        if slot is not None and len(target) > self._grown_tokens:
            return None
        cost = self.held.cost(slot.sequence if slot else None, target)
        return SessionCandidate(anchor, tail, target, required, bool(rest), cost, match.exact, slot)

    def _fresh(self, prompt: Prompt, cut: Cut) -> SessionCandidate:
        """A new anchor for `prompt`, cut further where the model has no room for so many tokens."""
        room = self.max_prompt_tokens
        candidate = self._placed(prompt, cut)
        while len(candidate.target) > self.max_prompt_tokens and room > MIN_SHORT_TOKENS:
            room = room * 3 // 4
            candidate = self._placed(prompt, self._cuts.tighter(prompt, room))
        if len(candidate.target) > self.max_prompt_tokens:
            # What surrounds the text is too long: what comes last matters most.
            target = candidate.target[len(candidate.target) - self.max_prompt_tokens :]
            candidate = attrs.evolve(candidate, target=target, cost=self.held.cost(None, target))
        return candidate

    def _placed(self, prompt: Prompt, cut: Cut) -> SessionCandidate:
        anchor = anchors.place(prompt, self.layout, cut)
        tail = GrowingText(self.vocabulary, continuation=not self.layout.tail_begins(anchor.tokens))
        candidate = self.fit(anchor, tail, prompt)
        if candidate is None:
            raise AssertionError("a fresh anchor serves its own prompt")
        return candidate
