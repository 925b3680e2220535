"""How long answers took, as a histogram that goes over the wire. A value; nothing is counted here."""

from __future__ import annotations

import attrs


@attrs.frozen
class LatencyHistogram:
    """How long answers took in one stage since the daemon's start.

    Attributes:
        stage: "queue", "prefill", "decode", or "total" for all of it.
        bounds_ms: upper bounds of the buckets in ms.
        counts: answers in each bucket, and at the end those beyond the last bound.
        sum_ms: all of them together in ms.
    """

    stage: str
    bounds_ms: tuple[float, ...]
    counts: tuple[int, ...]
    sum_ms: float
