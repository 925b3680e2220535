"""How many drafted tokens to verify: expected tokens per millisecond decide, down to none at all.

Verifying k drafted tokens takes one batch of k+1. What batches cost is known from `foretype tune` or from
the engine's own steps; how likely each drafted token is comes from `chances`. The choice is a pure function
of both. Where drafts come from is `drafts`' business.

The trade is that of Leviathan et al. 2023, section 3.3, with measured batch costs in place of a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

MAX_DRAFT = 15
"""Drafted tokens in one batch at most; with the chosen token 16, where kernels are at their best."""

MARGIN = 1.1
"""Gain in tokens per ms that a draft must promise: estimates err, and plain decoding never does."""

CAUTION = 6.0
"""How much more a loss weighs than its probability says: what is believed of a new session may be wrong."""

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
        """Take one measured batch in; others than 1 to `MAX_DRAFT` + 1 tokens say nothing here."""
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
        """The curve for so many threads; expected from the nearest known one if need be."""
        found = self._curves.get(threads)
        if found is None:
            nearest = min(self._curves, key=lambda known: abs(known - threads), default=None)
            found = CostCurve() if nearest is None else self._curves[nearest].with_threads(threads / nearest)
            self._curves[threads] = found
        return found

    def put(self, threads: int, curve: CostCurve) -> None:
        """Begin with a curve that was measured earlier."""
        self._curves[threads] = curve


@attrs.frozen
class DraftChoice:
    """A draft length.

    Attributes:
        length: drafted tokens to verify; 0 for plain decoding.
        gain: expected tokens per ms, in units of plain decoding.
    """

    length: int
    gain: float


def best_length(
    first: float,
    following: float,
    available: int,
    ratios: Sequence[float],
    *,
    draft_cost: float = 0.0,
    risk: float = float("inf"),
) -> DraftChoice:
    """`draft_length`, where all tokens but the first are equally likely.

    Args:
        first: probability that the first drafted token is right.
        following: probability that each further one is, given that those before it were.
        available: tokens that the draft has.
        ratios: see `draft_length`.
        draft_cost: see `draft_length`.
        risk: see `draft_length`.
    """
    chances = [first, *[following] * (available - 1)] if available > 0 else []
    return draft_length(chances, ratios, draft_cost=draft_cost, risk=risk)


def draft_length(
    chances: Sequence[float],
    ratios: Sequence[float],
    *,
    draft_cost: float = 0.0,
    risk: float = float("inf"),
) -> DraftChoice:
    """The number of drafted tokens that promises most tokens per ms.

    Args:
        chances: for each token of the draft the probability that it is right, given that those before it are.
        ratios: see `CostCurve.ratios`.
        draft_cost: of making one drafted token, in units of a batch of one.
        risk: what may be lost, in units of a batch of one: at most the cost of a batch of which nothing comes
            true, and `CAUTION` times the loss to be expected from a wrong first token; see `Purse`.

    Returns:
        Length 0 unless the gain is at least `MARGIN`.
    """
    best, gain = 0, MARGIN
    expected, alive = 1.0, 1.0
    for length, likely in enumerate(chances[: len(ratios) - 1], 1):
        alive *= likely
        expected += alive
        cost = ratios[length] + length * draft_cost
        now = expected / cost
        loss = cost - 1
        if now > gain and loss <= risk and CAUTION * (1 - chances[0]) * loss <= risk:
            best, gain = length, now
    return DraftChoice(best, gain if best else 1.0)


ALLOWED_LOSS = 0.008
"""The part of decoding time that wrong drafts may cost in the long run."""

STAKE = 2.0
"""What a new session may lose, in units of a batch of one: with `ALLOWED_LOSS` 3 % of 91 tokens."""

FULL = 6.0
"""What a session can save up, in units of a batch of one."""


@attrs.define
class Purse:
    """What drafts may lose: they win it themselves, and a little with every token.

    Estimates err most where little is known yet, and expectations don't console who waits. So a session
    begins with a small stake; while its drafts come true the purse fills, and no batch is tried that would
    cost more than it holds. So however wrong the estimates are, a session never loses more than its stake
    and `ALLOWED_LOSS` of what it decodes. State: the contents, in units of a batch of one.
    """

    contents: float = STAKE

    def settle(self, tokens: int, cost: float) -> None:
        """A batch of that cost, in units of a batch of one, yielded so many tokens."""
        self.contents = min(FULL, self.contents + tokens * (1 + ALLOWED_LOSS) - cost)
