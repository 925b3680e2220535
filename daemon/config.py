"""The user's settings: classes with a sound default for every value, and where they come from.

Settings come from the user's own TOML file, and for a language server also from its client. Nothing in
a workspace is ever read here (invariant 9). Invalid values are named and ignored one by one; the rest
is honoured.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class ModelSettings:
    """Which model, and how it is run.

    Attributes:
        name: a catalogue name; see `foretype models list`.
        path: a GGUF file; wins over `name` when set.
        context_tokens: size of the KV cache in tokens, shared by all documents; 0 lets the engine choose.
        threads: threads for decoding; 0 uses the physical cores.
        gpu_layers: layers to put on a GPU where llama.cpp was built for one; -1 all, 0 none.
    """

    name: str = "smollm2-135m"
    path: str = ""
    context_tokens: int = 0
    threads: int = 0
    gpu_layers: int = -1


@attrs.frozen
class DaemonSettings:
    """The daemon's life.

    Attributes:
        idle_exit_minutes: minutes without a request after which the daemon ends; 0 never.
    """

    idle_exit_minutes: float = 30.0


@attrs.frozen
class CompletionSettings:
    """What is suggested, and when.

    Attributes:
        enabled: suggestions at all.
        disabled_languages: language identifiers without suggestions.
        max_tokens: upper bound of generated tokens of one suggestion.
        latency_budget_ms: time in ms in which a first answer should appear.
        prefix_characters: code points of the file before the cursor that the model sees, at most.
        suffix_characters: code points after the cursor, at most.
        multiline: "auto", "never" or "always".
    """

    enabled: bool = True
    disabled_languages: tuple[str, ...] = ()
    max_tokens: int = 64
    latency_budget_ms: float = 400.0
    prefix_characters: int = 6000
    suffix_characters: int = 2000
    multiline: str = "auto"


@attrs.frozen
class LogSettings:
    """The log files.

    Attributes:
        level: "debug", "info", "warning" or "error".
        include_code: write prompts and suggestions into the log. Off: logs never hold source code.
    """

    level: str = "warning"
    include_code: bool = False


@attrs.frozen
class Settings:
    """All of it."""

    model: ModelSettings = attrs.field(factory=ModelSettings)
    daemon: DaemonSettings = attrs.field(factory=DaemonSettings)
    completion: CompletionSettings = attrs.field(factory=CompletionSettings)
    log: LogSettings = attrs.field(factory=LogSettings)
