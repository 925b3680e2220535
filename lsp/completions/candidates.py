"""Further candidates for somebody who asked with a key: sampled one after the other while time allows.

It asks and yields; what may be shown of the answers, and the store, are `requests`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import attrs

from ...context.shared.values import Completion
from ...daemon.client.backend import Backend
from ...daemon.wire.messages import CompletionRequest

CANDIDATES = 3
"""How many different suggestions an explicit request gets, at most."""

TEMPERATURE = 0.7
"""How freely further candidates are sampled."""


async def sampled(
    backend: Backend, request: CompletionRequest, within_s: float, clock: Callable[[], float]
) -> AsyncGenerator[Completion]:
    """Answers beside the greedy one.

    Args:
        backend: what completes.
        request: what was asked greedily.
        within_s: seconds after which no further one is waited for.
        clock: seconds.
    """
    until = clock() + within_s
    for seed in range(1, CANDIDATES):
        left = until - clock()
        if left <= 0:
            return
        try:
            another = attrs.evolve(request, temperature=TEMPERATURE, seed=seed)
            completion = await asyncio.wait_for(backend.complete(another), left)
        except TimeoutError:
            return
        yield completion
