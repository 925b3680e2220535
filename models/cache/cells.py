"""What the KV cache needs of a llama context, and how fast that evaluates."""

from __future__ import annotations

from collections.abc import Sequence as Tokens
from typing import Protocol

import attrs

from ..llama.likelihood import Logits
from ..llama.llama import DecodeResult

MIN_SLICE = 16
"""The fewest tokens evaluated at once: fewer are hardly cheaper."""

TILE_PAYS_FROM = 256
"""Tokens in front from which on a whole tile (`llama.attention`) costs less a token than a part of one."""


class Cells(Protocol):
    """What is needed of a llama context; `llama.Context` is one."""

    size: int
    longest: int
    goes_back: bool
    sequences: int
    batch_size: int
    tile: int

    @property
    def threads(self) -> int:
        """Threads that the last batch was computed with."""
        ...

    def decode(self, tokens: Tokens[int], sequence: int, position: int, *, logits: int = 1) -> DecodeResult:
        """Evaluate tokens."""
        ...

    def logits(self, index: int = -1) -> Logits:
        """Logits of the last batch, index from the end."""
        ...

    def last_position(self, sequence: int) -> int:
        """Highest position held, -1 for none."""
        ...

    def remove(self, sequence: int, start: int) -> bool:
        """Drop cells from a position on."""
        ...

    def share(self, source: int, target: int, end: int, *, start: int = 0) -> None:
        """Share the cells between two positions."""
        ...

    def clear(self) -> None:
        """Drop everything."""
        ...

    def recurrent_state(self, sequence: int) -> bytes:
        """A copy of what recurrent layers remember."""
        ...

    def restore_recurrent(self, sequence: int, state: bytes) -> bool:
        """Put such a copy in place of what they remember now."""
        ...

    def state_size(self, sequence: int) -> int:
        """Bytes of what `save` gives."""
        ...

    def save(self, sequence: int) -> bytes:
        """The state of a sequence."""
        ...

    def restore(self, sequence: int, state: bytes) -> bool:
        """Put a saved state into an empty sequence."""
        ...


@attrs.define
class EvaluationSpeed:
    """A running estimate of prefill speed in tokens per ms, from batches large enough to say something."""

    tokens_per_ms: float = 0.3
    _known: bool = False

    def learn(self, tokens: int, milliseconds: float) -> None:
        """Take one measurement in."""
        if tokens < MIN_SLICE or milliseconds <= 0:  # small batches pay a fixed cost
            return
        now = tokens / milliseconds
        self.tokens_per_ms = now if not self._known else 0.7 * self.tokens_per_ms + 0.3 * now
        self._known = True


def common_prefix(first: Tokens[int], second: Tokens[int]) -> int:
    """How many leading tokens two lists share."""
    limit = min(len(first), len(second))
    if first[:limit] == second[:limit]:
        return limit
    low, high = 0, limit
    while low < high - 1:
        middle = (low + high) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle
    return low
