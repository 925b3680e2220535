"""An engine for tests: it says what it is told to, when it is told to, and remembers what it was asked.

It runs freely unless `hold` was called; then every token waits for one `release`. Like the real engine it
looks at the cancellation between tokens and answers with the stage it had reached. Nothing in it decides
by time: a held token waits for a permit or for its cancellation.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
from foretype.context.shared.values import (
    Completion,
    Prompt,
    Restriction,
    Stage,
    StopReason,
    StopRules,
    Timings,
)
from foretype.models.engine.interface import EngineInfo
from foretype.models.llama.cancellation import Cancellation

Script = Callable[[Prompt], Sequence[str]]


def by_default(_prompt: Prompt) -> Sequence[str]:
    """The tokens that a fake engine generates unless it was given a script."""
    return ("return", " ", "42", "\n")


@attrs.define
class Call:
    """One call of the engine, in the order of beginning; `stop` is None while it runs."""

    kind: str  # "complete", "warm", "idle" or "forget"
    session: str
    prompt: Prompt | None = None
    stop: StopReason | None = None
    text: str = ""
    restriction: Restriction | None = None


class FakeEngine:
    """A scripted `EngineLike`. Its state: the calls so far, and the permits of tokens to come."""

    def __init__(
        self,
        script: Script = by_default,
        *,
        warm_steps: int = 1,
        idle_steps: int = 0,
        name: str = "fake",
    ) -> None:
        """Make an engine.

        Args:
            script: the tokens for a prompt.
            warm_steps: how many permits a warm-up needs; what it had when preempted is kept.
            idle_steps: how often `idle` says that more is left after a completion.
            name: what `info` says.
        """
        self.script = script
        self.warm_steps = warm_steps
        self.idle_steps = idle_steps
        self.name = name
        self.calls: list[Call] = []
        self.forgotten: list[str] = []
        self.reading = 1.0
        self.unsaved = 0  # parts of states that `keep` has to save
        self.closed = False
        self.fail_with: Exception | None = None
        self.note = ""
        self.context = 1.0  # which part of the prompt answers see
        self.refuse_with = ""  # the sentence of an answer that is none
        self._held = False
        self._permits = threading.Semaphore(0)
        self._idle_left: dict[str, int] = {}
        self._warmed: dict[str, int] = {}

    # What tests do to it.

    def hold(self) -> None:
        """From now on every token waits for `release`."""
        self._held = True

    def release(self, tokens: int = 1) -> None:
        """Let some tokens come."""
        self._permits.release(tokens)

    def run_freely(self) -> None:
        """Undo `hold`."""
        self._held = False
        self._permits.release(10_000)

    @property
    def running(self) -> Call | None:
        """The call that has begun and not ended."""
        return next((call for call in reversed(self.calls) if call.stop is None), None)

    def of(self, kind: str) -> list[Call]:
        """The calls of one kind."""
        return [call for call in list(self.calls) if call.kind == kind]

    def sessions(self, kind: str = "complete") -> list[str]:
        """The sessions of the calls of one kind, as their clients named them."""
        return [call.session.rpartition(":")[2] for call in self.of(kind)]

    # EngineLike.

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
        del temperature, seed, whole
        call = self._begin("complete", session, prompt)
        call.restriction = restriction
        if self.fail_with is not None:
            call.stop = StopReason.UNAVAILABLE
            raise self.fail_with
        if self.refuse_with:
            call.stop = StopReason.UNAVAILABLE
            return Completion("", StopReason.UNAVAILABLE, detail=self.refuse_with)
        self._idle_left[session] = self.idle_steps
        stop = StopReason.END
        count = 0
        for token in self.script(prompt):
            if not self._permit(cancellation):
                stop = StopReason.CANCELLED
                break
            if count >= rules.max_tokens:
                stop = StopReason.LENGTH
                break
            count += 1
            call.text += token
            if on_text is not None:
                on_text(token)
        call.stop = stop
        done = Stage.DONE if stop is not StopReason.CANCELLED else Stage.DECODE if count else Stage.PREFILL
        timings = Timings(prefill_tokens=len(prompt.prefix), decode_tokens=count)
        return Completion(call.text, stop, done, timings, context=self.context)

    def warm(self, session: str, prompt: Prompt, *, cancellation: Cancellation) -> Completion:
        call = self._begin("warm", session, prompt)
        while self._warmed.get(session, 0) < self.warm_steps:
            if not self._permit(cancellation):
                call.stop = StopReason.CANCELLED
                return Completion("", StopReason.CANCELLED, Stage.PREFILL)
            self._warmed[session] = self._warmed.get(session, 0) + 1
        call.stop = StopReason.END
        return Completion("", StopReason.END)

    def idle(self, session: str, *, cancellation: Cancellation) -> bool:
        call = self._begin("idle", session)
        left = self._idle_left.get(session, 0)
        if left and self._permit(cancellation):
            left = self._idle_left[session] = left - 1
        call.stop = StopReason.CANCELLED if cancellation.cancelled else StopReason.END
        return left > 0

    def keep(self, *, cancellation: Cancellation) -> bool:
        call = self._begin("keep", "")
        while self.unsaved and self._permit(cancellation):
            self.unsaved -= 1
        call.stop = StopReason.CANCELLED if cancellation.cancelled else StopReason.END
        return self.unsaved > 0

    def forget(self, session: str) -> None:
        self.forgotten.append(session)
        self._begin("forget", session).stop = StopReason.END

    def info(self) -> EngineInfo:
        return EngineInfo(self.name, f"/models/{self.name}.gguf", 1000, 2048, "none", 0, note=self.note)

    def close(self) -> None:
        self.closed = True

    def _begin(self, kind: str, session: str, prompt: Prompt | None = None) -> Call:
        assert not self.closed, "a closed engine was used"
        call = Call(kind, session, prompt)
        self.calls.append(call)
        return call

    def _permit(self, cancellation: Cancellation) -> bool:
        """Wait for a token's permit; False when the cancellation came first."""
        while not cancellation.cancelled:
            if not self._held or self._permits.acquire(timeout=0.001):
                break
        return not cancellation.cancelled


class FakeSource:
    """A `ModelSource` that hands out one fake engine after another, or fails, as told."""

    def __init__(self, engine: FakeEngine | None = None) -> None:
        self.engine = engine or FakeEngine()
        self.problem: Exception | None = None
        self.version: object = 1
        self.progress: tuple[float, ...] = (0.5, 1.0)
        self.loads = 0
        self.gate = threading.Event()
        self.gate.set()

    def name(self) -> str:
        return self.engine.name

    def fingerprint(self) -> object:
        return self.version

    def load(self, on_progress: Callable[[float], None]) -> FakeEngine:
        self.loads += 1
        for part in self.progress:
            on_progress(part)
        self.gate.wait(30)
        if self.problem is not None:
            raise self.problem
        self.engine.closed = False
        return self.engine


def fake_loader(engine: FakeEngine) -> Callable[[Path, object, Callable[[float], None]], FakeEngine]:
    """A `models.engine.Loader` that returns `engine`."""

    def load(_path: Path, _settings: object, on_progress: Callable[[float], None]) -> FakeEngine:
        on_progress(1.0)
        return engine

    return load


async def until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait for something that another thread or process does; fails loudly when it never happens.

    The condition may be an async function.
    """
    deadline = time.monotonic() + within_s
    while not (await found if inspect.isawaitable(found := condition()) else found):
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.002)
