"""What an answer to an earlier request says about a later one: somebody typed what it says. Pure functions.

Nothing is asked here; what follows from it is `flights`' decision.
"""

from __future__ import annotations

import attrs

from ...context.shared.values import Completion, StopReason
from ..wire.messages import CompletionRequest


def typed_since(earlier: CompletionRequest, later: CompletionRequest) -> str | None:
    """What was typed between two requests, however urgent they are, and whatever else is shown.

    Returns:
        "" where both ask for the same; None where more than typing lies between them, or the later one wants
        another kind of answer.
    """
    before, after = earlier.prompt, later.prompt
    same = (
        before.suffix == after.suffix
        and before.path == after.path
        and after.prefix.startswith(before.prefix)
        and (earlier.temperature, earlier.seed) == (later.temperature, later.seed)
        and earlier.rules.max_tokens >= later.rules.max_tokens
        and earlier.rules.multiline == later.rules.multiline
    )
    return after.prefix[len(before.prefix) :] if same else None


def rest_of(completion: Completion, typed: str) -> Completion | None:
    """What of an answer is left once its beginning was typed; None without one that fits."""
    text = completion.text
    if completion.stop is StopReason.UNAVAILABLE or len(text) <= len(typed) or not text.startswith(typed):
        return None
    cut = len(typed)
    left = tuple(
        (logprob, end - cut)
        for logprob, end in zip(completion.logprobs, completion.ends, strict=False)
        if end > cut
    )
    logprobs = tuple(logprob for logprob, _ in left)
    return attrs.evolve(
        completion,
        text=text[cut:],
        logprobs=logprobs,
        ends=tuple(end for _, end in left),
        mean_logprob=sum(logprobs) / len(logprobs) if logprobs else completion.mean_logprob,
    )
