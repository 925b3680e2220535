"""What one run of the decoding loop brought: the text, why it ended, and what it took. A value."""

from __future__ import annotations

import attrs

from ...context.shared.values import StopReason


@attrs.frozen
class Generated:
    """The outcome of one run.

    Attributes:
        text: what was generated after `required`; raw bytes that complete a character are surrogates.
        stop: why it ended.
        tokens: how many tokens were chosen, those taken over from the cache included.
        repeated: prompt tokens evaluated once more, because their logits were gone.
        evaluated: tokens evaluated on the way, drafts included.
        drafted: tokens proposed by drafts.
        accepted: of these, confirmed.
        logprobs: natural-log probability of each chosen token among those that were allowed.
        ends: code points of the text up to the end of each of them; see `Completion.ends`.
        milliseconds: duration.
        name_logprob: see `Completion`.
    """

    text: str
    stop: StopReason
    tokens: int = 0
    repeated: int = 0
    evaluated: int = 0
    drafted: int = 0
    accepted: int = 0
    logprobs: tuple[float, ...] = ()
    ends: tuple[int, ...] = ()
    milliseconds: float = 0.0
    name_logprob: float | None = None
