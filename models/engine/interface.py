"""The facade that the daemon calls: one loaded model that completes, warms and forgets."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import attrs

from ...context.shared.values import Completion, Prompt, Restriction, StopRules
from ..llama.cancellation import Cancellation


class SpeculationMode(enum.StrEnum):
    """When drafted tokens are verified: where that was measured to save time, never, or without asking."""

    AUTO = "auto"
    NEVER = "never"
    ALWAYS = "always"


@attrs.frozen
class EngineSettings:
    """How a model is loaded and run; 0 lets the engine choose. See `daemon.settings.ModelSettings`.

    Attributes:
        context_tokens: cells of the KV cache.
        threads: for decoding and prefill.
        gpu_layers: layers to put on a GPU; -1 all.
        latency_budget_ms: time in ms in which a first answer should appear.
        fim: the user's `[fim]` table; see `user_formats.from_overrides`.
        states: where KV states of recent files are kept between runs; None keeps none.
        tuned: honour what `foretype tune` found out for this model on this machine.
        speculation: when drafted tokens are verified in batches.
        draft: a small model with the same vocabulary that drafts as well; None does without. It needs
            `SpeculationMode.ALWAYS`.
    """

    context_tokens: int = 0
    threads: int = 0
    gpu_layers: int = -1
    latency_budget_ms: float = 400.0
    fim: Mapping[str, object] = attrs.field(factory=dict[str, object])
    states: Path | None = None
    tuned: bool = True
    speculation: SpeculationMode = SpeculationMode.NEVER
    draft: Path | None = None


@attrs.frozen
class EngineInfo:
    """What was loaded.

    Attributes:
        name: for people.
        path: the file.
        parameters: number of weights.
        context_tokens: what the KV cache holds.
        fim: the format of its prompts.
        sessions: how many are known.
        sees_suffix: the format shows what stands behind the cursor.
        tokens_per_s: what of a prompt is evaluated, as measured.
        note: what the user should know of how it runs, as a sentence; "" when all is as wanted.
    """

    name: str
    path: str
    parameters: int
    context_tokens: int
    fim: str
    sessions: int
    sees_suffix: bool = True
    note: str = ""
    tokens_per_s: float = 0.0


class EngineLike(Protocol):
    """What the scheduler needs of an engine. Every method is called from the one engine thread."""

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
        """Generate. Never raises for a request: a cancelled one answers with stop CANCELLED and its stage.

        With `whole` all of the prompt is evaluated first; else a first answer may come from a part of it.
        With a `restriction` the answer begins as that says.
        """
        ...

    def warm(self, session: str, prompt: Prompt, *, cancellation: Cancellation) -> Completion:
        """Evaluate the prompt, generate nothing. What was finished before a cancellation is kept."""
        ...

    def idle(self, session: str, *, cancellation: Cancellation) -> bool:
        """Make the session's next request cheaper (re-anchor, grow). True while more is left."""
        ...

    @property
    def reading(self) -> float:
        """Which part of a document's whole context is evaluated while idle work reads it; 1.0 when it has.

        May be asked from any thread.
        """
        ...

    def forget(self, session: str) -> None:
        """The session is over. What is worth keeping of it is saved by `keep`, the rest is given back."""
        ...

    def keep(self, *, cancellation: Cancellation) -> bool:
        """Save what closed documents leave behind for the next run, in parts. True while more is left."""
        ...

    def info(self) -> EngineInfo:
        """What is loaded."""
        ...

    def close(self) -> None:
        """Free the model. The engine is not used afterwards."""
        ...


Loader = Callable[[Path, EngineSettings, Callable[[float], None]], EngineLike]
"""Loads a model: file, settings, progress callback (0.0 to 1.0). Raises ModelProblem."""
