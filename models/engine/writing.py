"""Goes on from a prompt in the cache: the engine's part of `decoding.loop`, with a session's drafts."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from ...context.shared.values import Restriction, StopRules
from ..cache.kv_cache import KVCache
from ..decoding.generated import Generated
from ..decoding.loop import generate
from ..decoding.sampling import Sampling
from ..drafting.draft_model import DraftModel
from ..drafting.drafts import Drafts, Speculation
from ..drafting.experience import DraftExperience
from ..drafting.lookup import LONGEST_MATCH
from ..drafting.ngrams import NgramTables
from ..llama.cancellation import Cancellation
from ..llama.vocabulary import to_bytes
from ..prompts import anchor as anchors
from .planner import Planner
from .sessions import DocumentSession, SessionCandidate, Slot

SAVE_EVERY_S = 600.0
"""What was learned of drafts is written that often at most, and when the model is unloaded."""


@attrs.frozen
class Drafting:
    """Where drafts come from.

    Attributes:
        speculation: the drafts of a session; None decodes plainly.
        workspaces: n-grams of the code seen so far, one more place for drafts; None does without.
        model: a small model that drafts, too; None does without.
        experience: what was learned of drafts, to be kept; None forgets it.
    """

    speculation: Speculation | None = None
    workspaces: NgramTables | None = None
    model: DraftModel | None = None
    experience: DraftExperience | None = None


@attrs.define
class Continuation:
    """State: where drafts come from.

    Attributes:
        ends: tokens that end a generation.
        clock: seconds.
    """

    cache: KVCache
    planner: Planner
    ends: frozenset[int]
    speculation: Speculation | None = None
    workspaces: NgramTables | None = None
    draft_model: DraftModel | None = None
    experience: DraftExperience | None = None
    clock: Callable[[], float] = time.perf_counter
    _saved_at: float = 0.0

    @classmethod
    def drafting(
        cls,
        cache: KVCache,
        planner: Planner,
        ends: frozenset[int],
        drafting: Drafting,
        clock: Callable[[], float],
    ) -> Continuation:
        """One with drafts from there."""
        return cls(
            cache,
            planner,
            ends,
            drafting.speculation,
            drafting.workspaces,
            drafting.model,
            drafting.experience,
            clock,
        )

    def generate(
        self,
        slot: Slot,
        plan: SessionCandidate,
        rules: StopRules,
        cancellation: Cancellation,
        *,
        line: str = "",
        on_text: Callable[[str], None] | None,
        sampling: Sampling,
        drafts: Drafts | None,
        restriction: Restriction | None = None,
    ) -> Generated:
        """Continue the plan's tokens in its slot; see `loop.generate`."""
        length = len(plan.target)
        sequence = slot.sequence
        # Sampled tokens must not stand where the live sequence remembers its greedy choices.
        branch = self.cache.fork(sequence, length) if sampling.temperature > 0 else None
        try:
            return generate(
                self.cache,
                branch or sequence,
                prompt_length=length,
                vocabulary=self.planner.vocabulary,
                ends=self.ends,
                required=plan.required,
                completes_character=plan.completes_character,
                rules=rules,
                cancellation=cancellation,
                line=line,
                sampling=sampling,
                drafter=drafts,
                restriction=restriction,
                on_text=on_text,
                clock=self.clock,
            )
        finally:
            if branch is not None:
                self.cache.release(branch)

    def begin_drafts(self, session: DocumentSession, plan: SessionCandidate) -> Drafts | None:
        """The session's drafts, brought up to date with the prompt: what was typed is indexed, no more.

        None where nothing drafts, or not at the moment.
        """
        if self.speculation is None or not self.speculation.watch.benefit().attends():
            return None
        if session.drafts is None:
            known = () if self.workspaces is None else (self.workspaces.of(session.prompt.repository),)
            session.drafts = self.speculation.session(*known)
        with session.drafts.events.looking():
            body, context, rest = self._around(session, plan, self.speculation)
        drafts = session.drafts
        drafts.begin(body, context, rest)
        if self.draft_model is not None:
            self.draft_model.begin(drafts, plan.target, len(body))
        if not self.planner.layout.sees_suffix:
            below = anchors.split_line(session.prompt.suffix)[1]
            drafts.follow_suffix(
                below, lambda text: self.planner.vocabulary.encode_continuation(to_bytes(text))
            )
        return drafts

    def _around(
        self, session: DocumentSession, plan: SessionCandidate, speculation: Speculation
    ) -> tuple[list[int], list[int], list[int]]:
        """What `Drafts.begin` takes."""
        closing = len(self.planner.layout.after_tail())
        body = plan.target[: len(plan.target) - closing] if closing else plan.target
        context: list[int] = []
        for token in reversed(body[-LONGEST_MATCH:]):
            if token in speculation.barriers:
                break
            context.insert(0, token)
        if len(context) < LONGEST_MATCH and plan.anchor.prefix:
            # The middle has only begun: what stands left of it lies elsewhere in the prompt.
            before = to_bytes(plan.anchor.prefix[-8 * LONGEST_MATCH :])
            context = self.planner.vocabulary.encode_continuation(before)[-LONGEST_MATCH:] + context
        return body, context, self._rest(session, plan.required)

    def learn(self, session: DocumentSession) -> None:
        """Take the file into the workspace's n-grams, once for each; some 10 ms. Keep what was learned."""
        if self.experience is not None and self.clock() - self._saved_at >= SAVE_EVERY_S:
            self._saved_at = self.clock()
            self.experience.save()
        path = session.prompt.path
        if self.workspaces is None or session.whole is None or session.learned == path:
            return
        self.workspaces.of(session.prompt.repository).learn(session.whole.sequence.tokens)
        session.learned = path
        self.workspaces.save()

    def written(self, within_s: float) -> None:
        """Wait until what was learned is on the disk, for some seconds at most; then it is lost."""
        for each in (self.experience, self.workspaces):
            if each is not None:
                each.wait(within_s)

    def _rest(self, session: DocumentSession, required: bytes) -> list[int]:
        """What of the previous suggestion is still ahead of the cursor, from the removed bytes on."""
        if session.suggested is None:
            return []
        prefix, text = session.suggested
        typed = session.prompt.prefix[len(prefix) :]
        if not session.prompt.prefix.startswith(prefix) or not text.startswith(typed):
            return []
        return self.planner.vocabulary.encode_continuation(required + to_bytes(text[len(typed) :]))
