"""A small model answers until the large one has read the file.

A model that is slow here sees some thirty tokens of a file that was just opened within the time in which an
answer should appear; a small one sees all of it. So while the large one has not read what it should see, the
small one answers, its answers count as made from less (`Completion.context`), and the large one reads on in
the time that is left. Everything else is asked of the large one. Both are `LocalEngine`s of the one engine
thread. Whether there is a small model, and room for it, is decided here; which one is the user's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import attrs

from ...context.shared.problem import Problem
from ...context.shared.values import Completion, Prompt, Restriction, StopRules
from ..gguf.file import read_gguf
from ..gguf.sizes import memory_needed
from ..llama.cancellation import Cancellation
from ..machine import memory
from .around import EngineAround
from .interface import EngineLike, EngineSettings
from .loading import load_engine
from .local import LocalEngine

log = logging.getLogger(__name__)

SLOW_TOKENS_PER_S = 300.0
"""A model that evaluates more answers from enough of a file at once."""

SEES_ENOUGH = 0.6
"""A context that is this part of the whole is worth more than a smaller model's answer."""

CONTEXT = 0.5
"""What the small model's answers say of their context at most: a better one is asked for."""

SPARE_BYTES = 1 << 30
"""Memory that stays free beside both models."""

FASTER = 3.0
"""The small model evaluates at least so many times what the large one does, or there is no use for it."""


def beside(large: LocalEngine, path: Path | None, settings: EngineSettings) -> EngineLike:
    """The engine with a small model beside it, where that is of use and there is room for both.

    Args:
        large: the loaded model.
        path: the small model's file; None for none.
        settings: how the large one runs.
    """
    if path is None or large.info().tokens_per_s >= SLOW_TOKENS_PER_S or str(path) == large.info().path:
        return large
    try:
        needed = memory_needed(read_gguf(path))
        if needed + SPARE_BYTES > memory.available_bytes():
            log.info("no model answers meanwhile: memory is short")
            return large
        small = load_engine(path, attrs.evolve(settings, states=None, draft=None), _unheard)
    except (OSError, Problem) as problem:
        log.warning("no model answers meanwhile: %s", problem)
        return large
    if small.info().tokens_per_s < FASTER * large.info().tokens_per_s:
        small.close()
        return large
    return MeanwhileEngine(large, small)


def _unheard(_part: float) -> None:
    """Loading the small model takes a moment, and the large one is there already."""


class MeanwhileEngine(EngineAround):
    """Two models as one engine; see the module's opening. Implements `interface.EngineLike`."""

    def __init__(self, large: LocalEngine, small: LocalEngine) -> None:
        """Take both over; the caller lets go of them."""
        super().__init__(large)
        self.large = large
        self.small = small

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
        ready = whole or self.large.sees(session, prompt) >= SEES_ENOUGH
        engine = self.large if ready else self.small
        if not ready:
            self.large.read_on(session, prompt, cancellation=cancellation)
        answer = engine.complete(
            session,
            prompt,
            rules,
            cancellation=cancellation,
            on_text=on_text,
            temperature=temperature,
            seed=seed,
            whole=whole,
            restriction=restriction,
        )
        return answer if ready else attrs.evolve(answer, context=min(answer.context, CONTEXT))

    def warm(self, session: str, prompt: Prompt, *, cancellation: Cancellation) -> Completion:
        """See `EngineLike.warm`. The small model first: it is ready soon."""
        self.small.warm(session, prompt, cancellation=cancellation)
        return super().warm(session, prompt, cancellation=cancellation)

    def idle(self, session: str, *, cancellation: Cancellation) -> bool:
        """See `EngineLike.idle`. What only the large one still needs comes last."""
        if self.small.idle(session, cancellation=cancellation):
            return True
        return super().idle(session, cancellation=cancellation)

    def forget(self, session: str) -> None:
        """See `EngineLike.forget`."""
        self.small.forget(session)
        super().forget(session)

    def close(self) -> None:
        """See `EngineLike.close`."""
        self.small.close()
        super().close()
