"""What a batch of tokens costs on this machine, learned from the engine's own steps or from `foretype tune`.

State: measured milliseconds, as ratios to a batch of one token. Whether a batch is worth it is decided
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

MAX_DRAFT = 15
"""Drafted tokens in one batch at most; with the chosen token 16, where kernels are at their best."""

DEFAULT_COSTS: Mapping[int, float] = {1: 1.0, 2: 1.75, 3: 2.3, 4: 2.2, 6: 3.2, 8: 3.0, 12: 3.9, 16: 4.3}
"""Cost of a batch in units of a batch of one, on a CPU: cautious, until something was measured."""

_SIZES = range(1, MAX_DRAFT + 2)
_DEFAULT_RATIOS = [
    float(cost) for cost in np.interp(_SIZES, list(DEFAULT_COSTS), list(DEFAULT_COSTS.values()))
]


@attrs.define
class CostCurve:
    """What batches of 1 to `MAX_DRAFT` + 1 tokens cost. State: ms of a batch of one, and ratios to it.

    Ratios, because a growing context makes every batch slower. Samples that a busy machine made slow
    weigh less than fast ones. Sizes never measured are expected to differ from `DEFAULT_COSTS` as their
    measured neighbours do.
    """

    step_ms: float = 0.0
    _known: dict[int, float] = attrs.field(factory=dict[int, float])
    _ratios: list[float] = attrs.field(init=False, factory=list[float])

    def __attrs_post_init__(self) -> None:
        self._ratios = self._spread()

    @classmethod
    def from_measured(cls, milliseconds: Mapping[int, float]) -> CostCurve:
        """A curve from measured batch sizes, a batch of 1 among them, in ms."""
        curve = cls()
        for size, value in sorted(milliseconds.items()):
            curve.learn(size, value)
        return curve

    def learn(self, batch: int, milliseconds: float) -> None:
        """Take one measured batch in; sizes other than 1 to `MAX_DRAFT` + 1 tokens are ignored."""
        if batch not in _SIZES or milliseconds <= 0:
            return
        if batch == 1:
            self.step_ms = _towards(self.step_ms, milliseconds) if self.step_ms else milliseconds
        elif self.step_ms:
            ratio = min(max(1.0, milliseconds / self.step_ms), 1.5 * batch)
            known = self._known.get(batch)
            self._known[batch] = ratio if known is None else _towards(known, ratio)
            self._ratios = self._spread()

    def ratios(self) -> Sequence[float]:
        """Cost of a batch of n in units of a batch of one, at index n - 1, shape (`MAX_DRAFT` + 1,)."""
        return self._ratios

    def with_threads(self, share: float) -> CostCurve:
        """What is to be expected with this share of the threads: a larger batch is mostly arithmetic."""
        dearer = max(1.0, 1 / share)
        return CostCurve(0.0, {size: 1 + (self._ratios[size - 1] - 1) * dearer for size in _SIZES[1:]})

    def _spread(self) -> list[float]:
        known = {1: 1.0, **dict(sorted(self._known.items()))}
        factors = [ratio / _DEFAULT_RATIOS[size - 1] for size, ratio in known.items()]
        expected = np.interp(_SIZES, list(known), factors) * _DEFAULT_RATIOS
        return [known.get(size, max(1.0, float(expected[size - 1]))) for size in _SIZES]


def _towards(estimate: float, sample: float) -> float:
    weight = 0.3 if sample < estimate else 0.1
    return estimate + weight * (min(sample, 3 * estimate) - estimate)


@attrs.define
class StepCosts:
    """A cost curve for each number of threads that was in use. State: the curves."""

    _curves: dict[int, CostCurve] = attrs.field(factory=dict[int, CostCurve])

    def learn(self, threads: int, batch: int, milliseconds: float) -> None:
        """Take one measured batch in."""
        self.curve(threads).learn(batch, milliseconds)

    def curve(self, threads: int) -> CostCurve:
        """The curve for that number of threads, estimated from the nearest known one if need be."""
        found = self._curves.get(threads)
        if found is None:
            nearest = min(self._curves, key=lambda known: abs(known - threads), default=None)
            found = CostCurve() if nearest is None else self._curves[nearest].with_threads(threads / nearest)
            self._curves[threads] = found
        return found

    def put(self, threads: int, curve: CostCurve) -> None:
        """Begin with a curve that was measured earlier."""
        self._curves[threads] = curve
