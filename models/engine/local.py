"""The engine on this machine: one loaded model that completes, warms, prepares and forgets.

It puts the parts together and handles what goes wrong: `planner` decides which part of the cache serves a
request best, `serving` has the missing tokens evaluated, `writing` goes on from there, and `idle` prepares
what the next request would like to have. State: the sessions. One thread owns it. Queues, priorities and
sockets are the daemon's; prompts are made in `context`; which tokens lie where is `cache`'s.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import attrs

from ...context.shared.values import (
    Completion,
    Prompt,
    Restriction,
    Stage,
    StopReason,
    StopRules,
    Timings,
)
from ..cache.kv_cache import KVCache, NoRoomError, Synced
from ..cache.saved_states import MAX_STATES_BYTES, StateStore
from ..decoding.generated import Generated
from ..decoding.sampling import Sampling
from ..decoding.stops import cursor_line
from ..drafting.drafts import Speculation
from ..llama.cancellation import Cancellation
from ..llama.likelihood import NoNumbersError
from ..llama.llama import DecodeFailedError
from ..llama.vocabulary import Vocabulary
from ..prompts.anchor import PromptLayout
from ..prompts.edit_formats import EditFormat
from . import rewriting
from .idle import IdleWork
from .interface import EngineInfo
from .leaving import Leaving
from .planner import Planner
from .serving import GROWTH_SLICE_MS, Serving
from .sessions import DocumentSession, Sessions, SlotKind
from .writing import Continuation, Drafting

log = logging.getLogger(__name__)

MAX_SESSIONS = 6

SAVE_WITHIN_S = 1.0

NO_NUMBERS = (
    "The model computed values that are no numbers (NaN), so there is no suggestion; its cache was emptied. "
    "If it stays so, 'foretype tune --forget' goes back to the model's own file, [model] gpu_layers = 0 "
    "computes without the GPU, and another quantisation may help."
)


FAILED = "llama.cpp could not compute the answer; its cache was emptied."

NO_MEMORY = (
    "There was not enough memory to compute the answer, of the machine or of its GPU; the cache was emptied. "
    "Close what takes it. 'foretype daemon stop' has the model loaded anew, with as many layers on the GPU "
    "as there is room for then."
)


class Running(Protocol):
    """The loaded model itself; `loading.Loaded` is one."""

    def abortable(self, cancellation: Cancellation) -> contextlib.AbstractContextManager[None]:
        """While inside, the cancellation stops a running llama_decode."""
        ...

    def close(self) -> None:
        """Free context and model."""
        ...


class LocalEngine:
    """A loaded model; see the module's opening. Implements `interface.EngineLike`."""

    def __init__(
        self,
        cache: KVCache,
        vocabulary: Vocabulary,
        layout: PromptLayout,
        *,
        ends: frozenset[int],
        max_prompt_tokens: int,
        running: Running,
        info: EngineInfo,
        latency_budget_ms: float = 400.0,
        states: StateStore | None = None,
        drafting: Drafting | None = None,
        edits: EditFormat | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Put the parts together; `loading.load_engine` makes them from a file.

        Args:
            cache: over a llama context.
            vocabulary: of the model.
            layout: how its prompts look.
            ends: tokens that end a generation.
            max_prompt_tokens: longer prompts are shortened to this.
            running: stops computations, and is closed at the end.
            info: what `info` answers, apart from the number of sessions.
            latency_budget_ms: a first answer takes a context that fits into `serving.BUDGET_SHARE` of this.
            states: KV states saved by an earlier run, or None.
            drafting: where drafts come from; None decodes plainly.
            edits: how the model predicts edits, where it was trained for it.
            clock: seconds.
        """
        self.cache = cache
        self.vocabulary = vocabulary
        self.layout = layout
        self.sessions = Sessions(cache, MAX_SESSIONS)
        self.planner = Planner(cache, vocabulary, layout, max_prompt_tokens)
        self.serving = Serving(cache, self.planner, self.sessions, states, latency_budget_ms)
        self.continuation = Continuation.drafting(cache, self.planner, ends, drafting or Drafting(), clock)
        self._idle_work = IdleWork(self.serving, self.continuation)
        self._running = running
        self._info = info
        self._states = states
        self._edits = edits
        self._leaving = None if states is None else Leaving(cache, states)
        self._clock = clock

    @property
    def latency_budget_ms(self) -> float:
        """Time in ms in which a first answer should appear."""
        return self.serving.latency_budget_ms

    @latency_budget_ms.setter
    def latency_budget_ms(self, milliseconds: float) -> None:
        self.serving.latency_budget_ms = milliseconds

    @property
    def speculation(self) -> Speculation | None:
        """The drafts of new sessions; None decodes plainly."""
        return self.continuation.speculation

    @speculation.setter
    def speculation(self, speculation: Speculation | None) -> None:
        self.continuation.speculation = speculation

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
        restriction: Restriction | None = None,
    ) -> Completion:
        """See `EngineLike.complete`."""
        asked = rewriting.asked(prompt, rules, self._edits)
        if asked is None:
            return Completion("", StopReason.END, Stage.DONE)
        answer = self._answer(
            session,
            *asked,
            cancellation=cancellation,
            on_text=on_text,
            sampling=Sampling(temperature, seed),
            whole=whole,
            restriction=restriction,
        )
        return rewriting.answered(answer, prompt.rewrite, self._edits)

    def _answer(
        self,
        session: str,
        prompt: Prompt,
        rules: StopRules,
        *,
        cancellation: Cancellation,
        on_text: Callable[[str], None] | None,
        sampling: Sampling,
        whole: bool,
        restriction: Restriction | None,
    ) -> Completion:
        started = self._clock()
        try:
            with self._running.abortable(cancellation):
                state = self.sessions.use(session, prompt)
                slot, plan = self.serving.slot_for(state, prompt, cancellation, whole=whole)
                synced = self.serving.evaluate(slot, plan, cancellation, first_ms=GROWTH_SLICE_MS * whole)
                milliseconds = (self._clock() - started) * 1000
                if not synced.complete:
                    return _cut_short(synced, milliseconds)
                if slot is state.next:
                    self.sessions.promote(state)
                greedy = sampling.temperature <= 0
                drafts = self.continuation.begin_drafts(state, plan) if greedy else None
                generated = self.continuation.generate(
                    slot,
                    plan,
                    rules,
                    cancellation,
                    line=cursor_line(prompt.prefix),
                    on_text=on_text,
                    sampling=sampling,
                    drafts=drafts,
                    restriction=restriction,
                )
                if drafts is not None:
                    drafts.end()
                if greedy:
                    state.suggested = (prompt.prefix, generated.text)
        except NoRoomError:
            return _unavailable(
                "The prompt does not fit into the KV cache: set a larger [model] context_tokens."
            )
        except DecodeFailedError as error:
            log.warning("a request failed: %s", error)
            self.sessions.clear()
            return _unavailable(NO_MEMORY if error.for_memory else FAILED)
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
            with self._running.abortable(cancellation):
                return self._idle_work.run(state, cancellation)
        except NoRoomError:
            self.sessions.drop(state, SlotKind.NEXT)
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

    def sees(self, session: str, prompt: Prompt) -> float:
        """Which part of the window an answer within the latency budget would be made from, 0.0 to 1.0."""
        return self.serving.sees(self.sessions.get(session), prompt)

    @property
    def reading(self) -> float:
        """See `EngineLike.reading`."""
        return self._idle_work.reading

    def read_on(self, session: str, prompt: Prompt, *, cancellation: Cancellation) -> None:
        """Evaluate as much more of the prompt as a waiting user hardly notices; `idle` does the rest."""
        state = self.sessions.use(session, prompt)
        try:
            with self._running.abortable(cancellation):
                self.serving.read_on(state, prompt, cancellation)
        except (NoRoomError, DecodeFailedError) as error:
            log.warning("a file could not be read ahead: %s", type(error).__name__)
            self.sessions.clear()
        except NoNumbersError:
            self._begin_anew()

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
        speed = round(1000 * self.cache.speed.tokens_per_ms, 1)
        return attrs.evolve(self._info, sessions=len(self.sessions), tokens_per_s=speed)

    def close(self) -> None:
        """See `EngineLike.close`. Saves the KV states of the files used last, as far as time allows."""
        deadline = self._clock() + SAVE_WITHIN_S
        if self.continuation.experience is not None:
            self.continuation.experience.save()
        if self._leaving is not None:
            for state in self._latest(self._leaving):
                self._leave(state)
                self._leaving.keep(Cancellation(), until=lambda: self._clock() >= deadline)
        self.continuation.written(max(0.0, deadline - self._clock()))
        self._running.close()

    def _latest(self, leaving: Leaving) -> Iterator[DocumentSession]:
        """The sessions used last, the latest first, as far as their states may lie on the disk together."""
        room = MAX_STATES_BYTES
        for state in reversed(list(self.sessions)):
            room -= leaving.file_bytes(state.whole.sequence) if state.whole is not None else 0
            if room < 0:
                return
            yield state

    def _leave(self, session: DocumentSession) -> None:
        """Have the session's cells kept for the next run, soon."""
        slot = session.whole
        if slot is not None and self._leaving is not None and self._leaving.worth_saving(slot.sequence):
            session.take(SlotKind.WHOLE)
            self._leaving.add(slot.sequence)


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
        generated.ends,
        context=context,
        name_logprob=generated.name_logprob,
    )


def _cut_short(synced: Synced, milliseconds: float) -> Completion:
    timings = Timings(prefill_ms=milliseconds, prefill_tokens=synced.evaluated, cached_tokens=synced.cached)
    return Completion("", StopReason.CANCELLED, Stage.PREFILL, timings)


def _unavailable(detail: str) -> Completion:
    return Completion("", StopReason.UNAVAILABLE, Stage.PREFILL, detail=detail)
