"""How much each column of a model's matrices matters: the mean square of what flows into it.

A requantised weight may be wrong where little flows in. Given these numbers, llama.cpp chooses the scales
that keep what matters (its "importance matrix"): the default model as Q4_0 loses 0.11 nats a token instead of
0.28, on code that wasn't read for it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..llama.governor import Governor, ProcessorLoad
from ..llama.llama import Context, Model
from ..machine.cores import cores
from .measuring import PASSAGE
from .sample import other_code

MOST_TOKENS = 6144
LEAST_TOKENS = 1024
_WITHIN_MS = 30_000.0
"""Milliseconds that reading the code may take, roughly: large models read less of it."""

Importance = dict[str, npt.NDArray[np.float32]]
"""By matrix, one number for each column: shape (width,)."""


def tokens_to_read(speed: float) -> int:
    """How many tokens to read at `speed` tokens per ms."""
    wanted = min(MOST_TOKENS, max(LEAST_TOKENS, int(_WITHIN_MS * speed)))
    return wanted // PASSAGE * PASSAGE


def importance(model: Model, count: int, threads: int) -> Importance:
    """Read `count` tokens of source code and note what flows into each matrix.

    Raises:
        ModelProblem: there is not enough memory.
        DecodeFailedError: llama.cpp failed.
    """
    sums: dict[str, npt.NDArray[np.float64]] = {}
    counts: dict[str, int] = {}

    def told(name: str, inputs: npt.NDArray[np.float32]) -> None:
        sums[name] = sums.get(name, 0.0) + np.square(inputs, dtype=np.float64).sum(axis=0)
        counts[name] = counts.get(name, 0) + len(inputs)

    context = Context(
        model,
        size=PASSAGE,
        sequences=1,
        governor=Governor(threads, load=ProcessorLoad.in_group(cores())),
        listens=told,
    )
    try:
        for passage in passages(model.tokenise(other_code()), count):
            context.clear()
            context.decode(passage, 0, 0, logits=len(passage))
    finally:
        context.close()
    found = {name: (total / counts[name]).astype(np.float32) for name, total in sums.items()}
    return {name: values for name, values in found.items() if np.isfinite(values).all()}


def passages(tokens: list[int], count: int) -> list[list[int]]:
    """About `count` of the tokens in passages that lie evenly over all of them."""
    pieces = max(1, min(count, len(tokens)) // PASSAGE)
    step = len(tokens) // pieces
    return [tokens[start : start + PASSAGE] for start in range(0, step * pieces, max(1, step))]
