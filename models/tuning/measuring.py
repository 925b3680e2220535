"""Measures one llama context: how fast it is, and how well its model knows a sample of source code.

Which contexts are measured and what follows from it is `tune`'s business; whether the machine is quiet
enough is `quiet`'s.
"""

from __future__ import annotations

import attrs
import numpy as np

from ..llama.likelihood import log_probability
from ..llama.llama import Context, DecodeFailedError, DecodeResult, Model
from .quiet import Quiet, TimedTurn, settled
from .sample import tuning_sample

DEPTH = 1000
"""Tokens of context that everything is measured behind, as a user's file is: attention costs what lies there,
and forms that are alike behind a few tokens need not be alike there."""

OTHER_SEQUENCES = 3
"""Sequences beside it that hold as much: other files that were open. Some kinds of attention compute all
that lies in the cache, whosever it is, and seem fast where nothing else does."""

_OTHERS_BYTES = 256 << 20
"""Where a sequence is larger none lies beside it: measuring must not need more memory than serving."""

_PREFILL = 256
_BRIEF_PREFILL = 128
"""Tokens whose evaluation is timed, the last ones before that depth."""

BATCHES = (1, 2, 3, 4, 6, 8, 12, 16)
MOST_TURNS = 12
QUALITY_TOKENS = 2048
BRIEF_BATCHES = (1, 4, 16)
"""Tokens of the batches that are timed while somebody waits, each for `BRIEF_TURNS` turns at most."""

BRIEF_TURNS = 3
BRIEF_TOKENS = 512
"""Tokens of the sample that quality is measured on while somebody waits."""

PASSAGE = 512
"""Tokens that are read at once when quality is measured: each passage begins without the one before."""


def sample_tokens(model: Model) -> list[int]:
    """Tokens of source code in several languages, as many as quality is measured on."""
    return model.tokenise(tuning_sample())[: max(QUALITY_TOKENS, DEPTH + max(BATCHES))]


def cells_needed() -> int:
    """Cells of a context that is measured, for `OTHER_SEQUENCES` sequences and one."""
    return (1 + OTHER_SEQUENCES) * DEPTH + max(BATCHES)


@attrs.frozen
class FormSpeed:
    """How fast a context is.

    Attributes:
        prefill: tokens per ms, those before `DEPTH`.
        steps: ms of batches behind that, by their numbers of tokens.
        share: of the processor that the prefill measured got; see `quiet.TimedTurn`.
    """

    prefill: float
    steps: dict[int, float]
    share: float


def measure(
    context: Context, tokens: list[int], quiet: Quiet, threads: int, *, brief: bool = False
) -> FormSpeed:
    """Time the end of a prefill, and batches behind it; with `brief` fewer of them, and less often.

    Args:
        context: with `cells_needed` cells and `OTHER_SEQUENCES` sequences and one, all empty; one whose
            model knows fewer positions is measured where they end.
        tokens: of source code, enough for that depth and the largest batch.
        quiet: times, and says what others took.
        threads: that compute.
        brief: somebody waits.

    Raises:
        DecodeFailedError: llama.cpp failed.
    """
    batches = BRIEF_BATCHES if brief else BATCHES
    most, agreeing = (BRIEF_TURNS, 2) if brief else (MOST_TURNS, 4)

    def best(part: list[int], position: int, logits: int) -> TimedTurn:
        def once() -> TimedTurn:
            at = _room(context, position)
            return quiet.timed(lambda: _decode(context, part, at, logits), threads)

        return settled(once, most=most, agreeing=agreeing)

    depth = max(1, min(DEPTH, context.longest - max(batches), len(tokens) - max(batches)))
    begin = max(0, depth - (_BRIEF_PREFILL if brief else _PREFILL))
    context.remove(0, 0)
    if begin:
        _decode(context, tokens[:begin], 0, 1)
        _put_others_beside(context)
    prefill = best(tokens[begin:depth], begin, 1)
    times = {size: best(tokens[depth : depth + size], depth, size).milliseconds for size in batches}
    return FormSpeed((depth - begin) / prefill.milliseconds, times, prefill.share)


def _put_others_beside(context: Context) -> None:
    """Have other sequences hold copies of the measured one's beginning; what lies in cells costs no less."""
    if context.state_size(0) <= _OTHERS_BYTES:
        state = context.save(0)
        for other in range(1, context.sequences):
            context.remove(other, 0)
            context.restore(other, state)


def _room(context: Context, position: int) -> int:
    """Drop what lies from `position` on; where the measurement goes then."""
    if context.remove(0, position):
        return position
    # Kinds of memory that cannot go back: all of it, or nothing would be measured.
    context.remove(0, 0)
    return 0


def _decode(context: Context, tokens: list[int], position: int, logits: int) -> None:
    if context.decode(tokens, 0, position, logits=logits) is not DecodeResult.DONE:
        raise DecodeFailedError("a measurement found no room")


def mean_log_probability(context: Context, tokens: list[int], passage: int) -> float:
    """Mean natural-log probability of each of `tokens` after those before it in its passage of so many."""
    total, count, size = 0.0, 0, 128
    for start in range(0, len(tokens) - 1, passage):
        context.remove(0, 0)
        text = tokens[start : start + passage]
        for begin in range(0, len(text) - 1, size):
            part = text[begin : begin + size]
            context.decode(part, 0, begin, logits=len(part))
            following = text[begin + 1 : begin + 1 + len(part)]
            for index, token in enumerate(following):
                total += log_probability(np.array(context.logits(index - len(part))), token)
            count += len(following)
    return total / max(1, count)
