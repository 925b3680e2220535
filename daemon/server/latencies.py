"""How long answers took since the start, as histograms: of each stage and in all.

Pure; it knows no socket.
"""

from __future__ import annotations

from bisect import bisect_left

from ...context.shared.values import Completion, StopReason
from ..wire.latency_histogram import LatencyHistogram
from ..wire.messages import DaemonStatus

BOUNDS_MS = (5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 5000.0, 20000.0)
"""Upper bounds of the buckets in ms; one more holds what took longer."""

_UNANSWERED = frozenset({StopReason.CANCELLED, StopReason.SUPERSEDED, StopReason.UNAVAILABLE})


class Latencies:
    """Its state: for each stage how many answers fell into each bucket, and their sum in ms."""

    def __init__(self) -> None:
        self._counts = {
            stage: [0] * (len(BOUNDS_MS) + 1) for stage in ("queue", "prefill", "decode", "total")
        }
        self._sums = dict.fromkeys(self._counts, 0.0)

    def add(self, completion: Completion, total_s: float) -> None:
        """One more request has ended; one that got no answer counts nowhere."""
        if completion.stop in _UNANSWERED:
            return
        timings = completion.timings
        for stage, spent_ms in (
            ("queue", timings.queue_ms),
            ("prefill", timings.prefill_ms),
            ("decode", timings.decode_ms),
            ("total", total_s * 1000),
        ):
            self._counts[stage][bisect_left(BOUNDS_MS, spent_ms)] += 1
            self._sums[stage] += spent_ms

    def histograms(self) -> tuple[LatencyHistogram, ...]:
        """As "status" tells them."""
        return tuple(
            LatencyHistogram(stage, BOUNDS_MS, tuple(counts), round(self._sums[stage], 3))
            for stage, counts in self._counts.items()
        )


def quantile_ms(histogram: LatencyHistogram, share: float) -> float | None:
    """The bound in ms that `share` (0 to 1) of the answers did not exceed; None where none or beyond all."""
    total, seen = sum(histogram.counts), 0
    if not total:
        return None
    for bound, count in zip(histogram.bounds_ms, histogram.counts, strict=False):
        seen += count
        if seen >= share * total:
            return bound
    return None


def took_in_words(status: DaemonStatus) -> str:
    """Half and nineteen of twenty of the answers in one phrase; "" while there was none."""
    total = next((each for each in status.latencies if each.stage == "total"), None)
    if total is None or not sum(total.counts):
        return ""
    half, most = (quantile_ms(total, share) for share in (0.5, 0.95))
    return ", ".join(
        f"{name} " + ("longer than 20 s" if bound is None else f"at most {bound:g} ms")
        for name, bound in (("half of them", half), ("95 %", most))
    )
