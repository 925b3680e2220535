"""The engine on this machine: one loaded model that completes, warms, prepares and forgets.

It decides for each request which part of the KV cache serves it best, has the missing tokens evaluated
and lets `loop` continue. State: the sessions. One thread owns it. Queues, priorities and sockets are
the daemon's; prompts are made in `context`; which tokens lie where is `cache`'s.

A request is served, in this order, by: the slot that sees the whole window, if it is cheap enough; the one
that is becoming that; a short one; a new anchor over the whole window; one over less, so that a first answer
comes within the latency budget. Before a short one serves again, part of the budget goes into the whole
window: somebody who goes on typing gets ahead, and somebody who stops waits no longer than the budget for an
early answer. While the user is idle, `idle` prepares what the next request would like to have.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable

import attrs

from ...context.shared.values import Completion, Prompt, Stage, StopReason, StopRules, Timings
from ..cache.kv_cache import MIN_SLICE, KVCache, NoRoomError, Synced
from ..cache.saved_states import LOAD_BYTES_PER_MS, StateStore
from ..decoding.loop import Generated, generate
from ..decoding.sampling import Sampling
from ..decoding.stops import cursor_line
from ..drafting.draft_model import DraftModel
from ..drafting.drafts import Drafts, Speculation
from ..drafting.lookup import LONGEST
from ..drafting.ngrams import NgramTables
from ..llama.cancellation import Cancellation
from ..llama.likelihood import NoNumbersError
from ..llama.llama import DecodeFailedError
from ..llama.vocabulary import GrowingText, Vocabulary, to_bytes
from ..prompts import anchor as anchors
from ..prompts.anchor import Anchor, Cut, PromptLayout
from ..prompts.cuts import Cuts
from ..prompts.healing import heal, split_unfinished
from .interface import EngineInfo
from .leaving import MIN_SAVED_TOKENS, Leaving
from .sessions import DocumentSession, SessionCandidate, Sessions, Slot

log = logging.getLogger(__name__)

BUDGET_SHARE = 0.6
"""The part of the latency budget that a first prefill may use; the rest is for decoding."""

GROWTH_SHARE = 0.15
"""The part of it that the whole window gets before a short one answers again. With more of it somebody who
types sees nothing for seconds; see ARCHITECTURE.md, "Where building proved the plan wrong"."""

MIN_SHORT_TOKENS = 64
"""However slow the machine, a first answer sees about this much."""

SLICE_MS = 80.0
"""Prefill of a waiting user's request goes on in slices of about this; faster typing than that is rare."""

GROWTH_SLICE_MS = 40.0
"""The whole window grows between two keys of somebody who types fast, and a slice that a key cuts is lost."""

IDLE_SLICE_MS = 150.0
"""Idle work goes on between two keys, so it must get somewhere in that time."""

PATIENCE = 1.25
"""A slot that is there already may cost this much more than the budget before a new one is cut."""

MAX_SESSIONS = 6

SAVE_WITHIN_S = 1.0

PREFETCH_TOKENS = 40
"""Tokens chosen ahead of an acceptance: a line or two, for a user who accepts one after the other."""

NO_NUMBERS = (
    "The model computed values that are no numbers (NaN), so there is no suggestion; its cache was emptied. "
    "If it stays so, 'foretype tune --forget' goes back to the model's own file, [model] gpu_layers = 0 "
    "computes without the GPU, and another quantisation may help."
)

Arm = Callable[[Cancellation], contextlib.AbstractContextManager[None]]


class LocalEngine:
    """A loaded model; see the module's opening. Implements `engine.EngineLike`."""

    def __init__(
        self,
        cache: KVCache,
        vocabulary: Vocabulary,
        layout: PromptLayout,
        *,
        ends: frozenset[int],
        max_prompt_tokens: int,
        arm: Arm,
        info: EngineInfo,
        latency_budget_ms: float = 400.0,
        states: StateStore | None = None,
        speculation: Speculation | None = None,
        workspaces: NgramTables | None = None,
        draft_model: DraftModel | None = None,
        on_close: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Put the parts together; `loading.load_engine` makes them from a file.

        Args:
            cache: over a llama context.
            vocabulary: of the model.
            layout: how its prompts look.
            ends: tokens that end a generation.
            max_prompt_tokens: longer prompts are shortened to this.
            arm: makes a cancellation stop a running llama_decode.
            info: what `info` answers, apart from the number of sessions.
            latency_budget_ms: a first answer takes a context that fits into `BUDGET_SHARE` of this.
            states: KV states saved by an earlier run, or None.
            speculation: where drafts come from; None decodes plainly.
            workspaces: n-grams of the code seen so far, one more place for drafts; None does without.
            draft_model: a small model that drafts, too; None does without.
            on_close: frees context and model.
            clock: seconds.
        """
        self.cache = cache
        self.vocabulary = vocabulary
        self.layout = layout
        self.sessions = Sessions(cache, MAX_SESSIONS)
        self.latency_budget_ms = latency_budget_ms
        self._ends = ends
        self._max_prompt_tokens = max_prompt_tokens
        self._grown_tokens = (max_prompt_tokens + cache.longest) // 2
        self._cuts = Cuts(vocabulary, layout, max_prompt_tokens)
        self._arm = arm
        self._info = info
        self._states = states
        self._leaving = None if states is None else Leaving(cache, states)
        self.speculation = speculation
        self._workspaces = workspaces
        self._draft_model = draft_model
        self._on_close = on_close
        self._clock = clock

    def complete(
        self,
        session: str,
        prompt: Prompt,
        rules: StopRules,
        *,
        cancellation: Cancellation,
        on_text: Callable[[str], None] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
        whole: bool = False,
    ) -> Completion:
        """See `EngineLike.complete`."""
        started = self._clock()
        try:
            with self._arm(cancellation):
                state = self.sessions.use(session, prompt)
                choose = self._choose_whole if whole else self._choose
                slot, plan = choose(state, prompt)
                if plan.slot is not None and slot is state.short:
                    self._grow(state, prompt, cancellation)
                    slot, plan = self._choose(state, prompt)
                synced = self.cache.sync(slot.sequence, plan.target, cancellation, slice_ms=SLICE_MS)
                milliseconds = (self._clock() - started) * 1000
                if not synced.complete:
                    return _cut_short(synced, milliseconds)
                if slot is state.next:
                    self.sessions.promote(state)
                sampling = Sampling(temperature, seed)
                drafts = self._begin_drafts(state, plan) if temperature <= 0 else None
                generated = self._generate(
                    slot,
                    plan,
                    rules,
                    cancellation,
                    line=cursor_line(prompt.prefix),
                    on_text=on_text,
                    sampling=sampling,
                    drafts=drafts,
                )
                if drafts is not None:
                    drafts.end()
                if temperature <= 0:
                    state.suggested = (prompt.prefix, generated.text)
        except NoRoomError:
            return _unavailable(
                "The prompt does not fit into the KV cache: set a larger [model] context_tokens."
            )
        except DecodeFailedError as error:
            log.warning("a request failed: %s", error)
            self.sessions.clear()
            return _unavailable("llama.cpp could not compute the answer; its cache was emptied.")
        except NoNumbersError:
            self._begin_anew()
            return _unavailable(NO_NUMBERS)
        return _answer(synced, milliseconds, generated, slot.context)

    def warm(self, session: str, prompt: Prompt, *, cancellation: Cancellation) -> Completion:
        """See `EngineLike.warm`."""
        started = self._clock()
        before = self.cache.evaluated
        self.sessions.use(session, prompt)
        self.idle(session, cancellation=cancellation)
        timings = Timings(
            prefill_ms=(self._clock() - started) * 1000, prefill_tokens=self.cache.evaluated - before
        )
        if cancellation.cancelled:
            return Completion("", StopReason.CANCELLED, Stage.PREFILL, timings)
        return Completion("", StopReason.END, Stage.DONE, timings)

    def idle(self, session: str, *, cancellation: Cancellation) -> bool:
        """See `EngineLike.idle`."""
        state = self.sessions.get(session)
        if state is None:
            return False
        try:
            with self._arm(cancellation):
                if not (self._prepare(state, cancellation) and self._prefetch(state, cancellation)):
                    return True
                self._learn(state)
                if self._draft_model is not None and state.drafts is not None:
                    self._draft_model.follow(state.drafts, cancellation)
                return False
        except NoRoomError:
            self.sessions.drop(state, "next")
        except DecodeFailedError as error:
            log.warning("idle work failed: %s", error)
            self.sessions.clear()
        except NoNumbersError:
            self._begin_anew()
        return False

    def _begin_anew(self) -> None:
        """Trust nothing that was computed: one cell that holds no number spoils all that look at it."""
        log.warning("%s", NO_NUMBERS)
        self.cache.reset()
        self.sessions.clear()
        if self._leaving is not None:
            self._leaving.clear()
        if self._states is not None:
            self._states.discard_all()

    def forget(self, session: str) -> None:
        """See `EngineLike.forget`."""
        state = self.sessions.get(session)
        if state is not None:
            self._leave(state)
        self.sessions.forget(session)

    def keep(self, *, cancellation: Cancellation) -> bool:
        """See `EngineLike.keep`."""
        return self._leaving is not None and self._leaving.keep(cancellation)

    def info(self) -> EngineInfo:
        """See `EngineLike.info`."""
        return attrs.evolve(self._info, sessions=len(self.sessions))

    def close(self) -> None:
        """See `EngineLike.close`. Saves the KV states of the files used last, as far as time allows."""
        deadline = self._clock() + SAVE_WITHIN_S
        if self._leaving is not None:
            for state in reversed(list(self.sessions)):
                self._leave(state)
                self._leaving.keep(Cancellation(), until=lambda: self._clock() >= deadline)
        self._on_close()

    def _leave(self, session: DocumentSession) -> None:
        """Have the session's cells kept for the next run, soon."""
        slot = session.whole
        if slot is not None and self._leaving is not None and self._leaving.worth_saving(slot.sequence):
            session.whole = None
            self._leaving.add(slot.sequence)

    def budget_tokens(self) -> int:
        """How many tokens a first answer may evaluate on this machine."""
        tokens = self.cache.speed.tokens_per_ms * self.latency_budget_ms * BUDGET_SHARE
        return max(MIN_SHORT_TOKENS, int(tokens))

    def _choose(self, session: DocumentSession, prompt: Prompt) -> tuple[Slot, SessionCandidate]:
        """The slot that answers `prompt` within the budget with the most context, and how."""
        budget = self.budget_tokens()
        for slot in session.slots():
            candidate = self.fit(slot.anchor, slot.tail, prompt, slot=slot)
            if candidate is not None and candidate.cost <= budget * PATIENCE:
                return slot, candidate
        whole = self._fresh(prompt, self._cuts.whole(prompt))
        if whole.cost > budget and self._recall(session, whole):
            whole = attrs.evolve(whole, cost=self.cache.cost(None, whole.target))
        if whole.cost <= budget:
            return self._install(session, "whole", whole), whole
        short = whole
        for cut in self._cuts.shorter(prompt, whole.cost, budget):
            short = self._fresh(prompt, cut)
            if short.cost <= budget:
                break
        slot = self._install(session, "short", short)
        slot.context = min(1.0, len(short.target) / len(whole.target))
        return slot, short

    def _choose_whole(self, session: DocumentSession, prompt: Prompt) -> tuple[Slot, SessionCandidate]:
        """The slot that sees the whole window of `prompt` just as it is now, whatever it costs."""
        whole = session.whole
        if whole is not None:
            candidate = self.fit(whole.anchor, whole.tail, prompt, slot=whole)
            if candidate is not None and candidate.exact:
                # A cursor that moved up leaves its old middle in the cache: greedy choices may lie there.
                return whole, candidate
        fresh = self._fresh(prompt, self._cuts.whole(prompt))
        self._recall(session, fresh)
        return self._install(session, "next", fresh), fresh

    def _grow(self, session: DocumentSession, prompt: Prompt, cancellation: Cancellation) -> None:
        """Evaluate as much more of the whole window as its share of the budget has time for."""
        slot, plan = self._choose_whole(session, prompt)
        affordable = int(self.cache.speed.tokens_per_ms * self.latency_budget_ms * GROWTH_SHARE)
        end = len(plan.target) - plan.cost + max(MIN_SLICE, affordable)
        self.cache.sync(slot.sequence, plan.target[:end], cancellation, slice_ms=GROWTH_SLICE_MS)

    def _prepare(self, session: DocumentSession, cancellation: Cancellation) -> bool:
        """Bring the whole window of the session's last prompt into the cache. True when it is there."""
        slot, candidate = self._choose_whole(session, session.prompt)
        if not self._sync(slot, candidate, cancellation).complete:
            return False
        if slot is session.next:
            self.sessions.promote(session)
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
        plan = self.fit(slot.anchor, slot.tail, accepted, slot=slot)
        if plan is None or plan.cost > PREFETCH_TOKENS:
            return True
        if not self._sync(slot, plan, cancellation).complete:
            return False
        rules = StopRules(multiline=True, max_tokens=PREFETCH_TOKENS)
        ended = self._generate(
            slot, plan, rules, cancellation, on_text=None, sampling=Sampling(), drafts=None
        ).stop
        return ended is not StopReason.CANCELLED

    def _learn(self, session: DocumentSession) -> None:
        """Take the file into the workspace's n-grams, once for each file; some 10 ms."""
        path = session.prompt.path
        if self._workspaces is None or session.whole is None or session.learned == path:
            return
        self._workspaces.of(session.prompt.repository).learn(session.whole.sequence.tokens)
        session.learned = path
        self._workspaces.save()

    def _sync(self, slot: Slot, candidate: SessionCandidate, cancellation: Cancellation) -> Synced:
        return self.cache.sync(slot.sequence, candidate.target, cancellation, slice_ms=IDLE_SLICE_MS)

    def _recall(self, session: DocumentSession, wanted: SessionCandidate) -> bool:
        """Load what an earlier run saved, where that is faster than evaluating. It becomes `next`."""
        if self._states is None or session.next is not None or wanted.cost < MIN_SAVED_TOKENS:
            return False
        held = len(wanted.target) - wanted.cost
        found = self._states.find(wanted.target, held + MIN_SAVED_TOKENS)
        if found is None:
            return False
        saved, shared = found
        if (shared - held) / self.cache.speed.tokens_per_ms < saved.size / LOAD_BYTES_PER_MS:
            return False
        state = self._states.read(saved)
        if state is None:
            return False
        slot = self._install(session, "next", wanted)
        return self.cache.restore(slot.sequence, saved.tokens, state)

    def _install(self, session: DocumentSession, which: str, candidate: SessionCandidate) -> Slot:
        """Put a new anchor into one of the session's slots, in the sequence that the slot had before."""
        old: Slot | None = getattr(session, which)
        sequence = old.sequence if old is not None else self.sessions.acquire(session)
        slot = Slot(candidate.anchor, sequence, candidate.tail)
        setattr(session, which, slot)
        return slot

    def _fresh(self, prompt: Prompt, cut: Cut) -> SessionCandidate:
        """A new anchor for `prompt`, cut further where the model has no room for so many tokens."""
        room = self._max_prompt_tokens
        candidate = self._placed(prompt, cut)
        while len(candidate.target) > self._max_prompt_tokens and room > MIN_SHORT_TOKENS:
            room = room * 3 // 4
            candidate = self._placed(prompt, self._cuts.tighter(prompt, room))
        if len(candidate.target) > self._max_prompt_tokens:
            # What surrounds the text is too long: what comes last matters most.
            target = candidate.target[len(candidate.target) - self._max_prompt_tokens :]
            candidate = attrs.evolve(candidate, target=target, cost=self.cache.cost(None, target))
        return candidate

    def _placed(self, prompt: Prompt, cut: Cut) -> SessionCandidate:
        anchor = anchors.place(prompt, self.layout, cut)
        tail = GrowingText(self.vocabulary, continuation=not self.layout.tail_begins(anchor.tokens))
        candidate = self.fit(anchor, tail, prompt)
        if candidate is None:
            raise AssertionError("a fresh anchor serves its own prompt")
        return candidate

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
        cost = self.cache.cost(slot.sequence if slot else None, target)
        return SessionCandidate(anchor, tail, target, required, bool(rest), cost, match.exact, slot)

    def _generate(
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
    ) -> Generated:
        length = len(plan.target)
        sequence = slot.sequence
        # Sampled tokens must not stand where the live sequence remembers its greedy choices.
        branch = self.cache.fork(sequence, length) if sampling.temperature > 0 else None
        try:
            return generate(
                self.cache,
                branch or sequence,
                prompt_length=length,
                vocabulary=self.vocabulary,
                ends=self._ends,
                required=plan.required,
                completes_character=plan.completes_character,
                rules=rules,
                cancellation=cancellation,
                line=line,
                sampling=sampling,
                drafter=drafts,
                on_text=on_text,
                clock=self._clock,
            )
        finally:
            if branch is not None:
                self.cache.release(branch)

    def _begin_drafts(self, session: DocumentSession, plan: SessionCandidate) -> Drafts | None:
        """The session's drafts, brought up to date with the prompt: what was typed is indexed, no more."""
        if self.speculation is None:
            return None
        if session.drafts is None:
            known = () if self._workspaces is None else (self._workspaces.of(session.prompt.repository),)
            session.drafts = self.speculation.session(*known)
        drafts = session.drafts
        closing = len(self.layout.after_tail())
        body = plan.target[: len(plan.target) - closing] if closing else plan.target
        context: list[int] = []
        for token in reversed(body[-LONGEST:]):
            if token in self.speculation.barriers:
                break
            context.insert(0, token)
        if len(context) < LONGEST and plan.anchor.prefix:
            # The middle has only begun: what stands left of it lies elsewhere in the prompt.
            before = to_bytes(plan.anchor.prefix[-8 * LONGEST :])
            context = self.vocabulary.encode_continuation(before)[-LONGEST:] + context
        drafts.begin(body, context, self._rest(session, plan.required))
        if self._draft_model is not None:
            self._draft_model.begin(drafts, plan.target, len(body))
        if not self.layout.sees_suffix:
            below = anchors.split_line(session.prompt.suffix)[1]
            drafts.follow_suffix(below, lambda text: self.vocabulary.encode_continuation(to_bytes(text)))
        return drafts

    def _rest(self, session: DocumentSession, required: bytes) -> list[int]:
        """What of the previous suggestion is still ahead of the cursor, from the removed bytes on."""
        if session.suggested is None:
            return []
        prefix, text = session.suggested
        typed = session.prompt.prefix[len(prefix) :]
        if not session.prompt.prefix.startswith(prefix) or not text.startswith(typed):
            return []
        return self.vocabulary.encode_continuation(required + to_bytes(text[len(typed) :]))


def _answer(synced: Synced, prefill_ms: float, generated: Generated, context: float) -> Completion:
    cancelled = generated.stop is StopReason.CANCELLED
    return Completion(
        generated.text,
        generated.stop,
        Stage.DECODE if cancelled else Stage.DONE,
        Timings(
            prefill_ms=prefill_ms,
            prefill_tokens=synced.evaluated + generated.repeated,
            cached_tokens=synced.cached - generated.repeated,
            decode_ms=generated.milliseconds,
            decode_tokens=generated.tokens,
            draft_tokens=generated.drafted,
            accepted_tokens=generated.accepted,
        ),
        sum(generated.logprobs) / max(1, len(generated.logprobs)),
        generated.logprobs,
        context=context,
    )


def _cut_short(synced: Synced, milliseconds: float) -> Completion:
    timings = Timings(prefill_ms=milliseconds, prefill_tokens=synced.evaluated, cached_tokens=synced.cached)
    return Completion("", StopReason.CANCELLED, Stage.PREFILL, timings)


def _unavailable(detail: str) -> Completion:
    return Completion("", StopReason.UNAVAILABLE, Stage.PREFILL, detail=detail)
