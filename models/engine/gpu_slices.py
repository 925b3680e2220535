"""How many tokens a GPU evaluates at once: measured at load, since cards differ a hundredfold.

Few tokens leave most of a card idle. But not every backend looks at llama.cpp's abort callback, so what is
evaluated at once may be all that a key has to wait for. The slice is the smallest that is nearly as fast, for
each token, as the best of those that end soon enough. Nothing is tuned in the background there: what is
measured here is what runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ..cache.cells import EvaluationSpeed
from ..cache.kv_cache import KVCache

MICRO_BATCH_ON_GPU = 512
"""Tokens that a context on a GPU makes room for at once: where there is memory for it, and the most tried."""

SLICES = (64, 128, 256, MICRO_BATCH_ON_GPU)

ENDS_WITHIN_MS = 40.0
"""A slice that takes longer makes a key wait; the smallest is taken however long it takes."""

NEARLY = 0.9
"""Of two sizes that evaluate about as many tokens in a millisecond the smaller one is better: this part."""


def fastest_slice(milliseconds: Mapping[int, float]) -> int:
    """The number of tokens to evaluate at once.

    Args:
        milliseconds: that each number of tokens took; not empty.
    """
    soon = {size: taken for size, taken in milliseconds.items() if taken <= ENDS_WITHIN_MS}
    if not soon:
        return min(milliseconds)
    best = max(size / max(taken, 1e-6) for size, taken in soon.items())
    return min(size for size, taken in soon.items() if size / max(taken, 1e-6) >= NEARLY * best)


def measure_slices(
    cache: KVCache, tokens: list[int], clock: Callable[[], float] = time.perf_counter
) -> dict[int, float]:
    """Milliseconds of each size, from the smallest on until one takes too long: a fraction of a second.

    The first turn of a size builds its graph and kernels and is not counted.

    Args:
        cache: empty, over a context on a GPU.
        tokens: at least `SLICES[-1]`, or as many as the model knows positions.
        clock: seconds.
    """
    found: dict[int, float] = {}
    sequence = cache.acquire()
    if sequence is None:
        return found
    try:
        for size in SLICES:
            if size > min(len(tokens), cache.longest):
                break
            for _ in range(2):
                cache.truncate(sequence, 0)
                started = clock()
                cache.extend(sequence, tokens[:size])
                found[size] = (clock() - started) * 1000
            if found[size] > ENDS_WITHIN_MS:
                break
    finally:
        cache.release(sequence)
    return found


def choose_slices(cache: KVCache, tokens: list[int], clock: Callable[[], float] = time.perf_counter) -> None:
    """Measure, and let the cache evaluate in slices of the best size from now on, at the speed they have."""
    found = measure_slices(cache, tokens, clock)
    if found:
        size = cache.slice_tokens = fastest_slice(found)
        cache.speed = EvaluationSpeed()
        cache.speed.learn(size, found[size])
