"""How many drafted tokens to verify: expected tokens per millisecond decide, down to none at all.

Verifying k drafted tokens takes one batch of k+1. What batches cost is known from `foretype tune` or from
the engine's own steps, and how often drafts of a kind come true is counted; both are running estimates
here, and the choice itself is a pure function of them. Where drafts come from is `drafts`' business.

The trade is that of Leviathan et al. 2023, section 3.3, with measured batch costs in place of a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

MAX_DRAFT = 15
"""Drafted tokens in one batch at most; with the chosen token 16, where kernels are at their best."""

MARGIN = 1.15
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
class Choice:
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
) -> Choice:
    """The number of drafted tokens that promises most tokens per ms.

    Args:
        first: probability that the first drafted token is right.
        following: probability that each further one is, given that those before it were.
        available: tokens that the draft has.
        ratios: see `CostCurve.ratios`.
        draft_cost: of making one drafted token, in units of a batch of one.
        risk: what may be lost, `CAUTION` times the loss to be expected from a first token that is
            wrong, in units of a batch of one; see `Purse`.

    Returns:
        Length 0 unless the gain is at least `MARGIN`.
    """
    best, gain = 0, MARGIN
    expected, alive = 1.0, first
    for length in range(1, min(available, len(ratios) - 1) + 1):
        expected += alive
        alive *= following
        cost = ratios[length] + length * draft_cost
        now = expected / cost
        if now > gain and CAUTION * (1 - first) * (cost - 1) <= risk:
            best, gain = length, now
    return Choice(best, gain if best else 1.0)


@attrs.define
class Purse:
    """What drafts may lose: they win it themselves, and a little with every token.

    Estimates err most where little is known yet, and expectations don't console who waits. So a session
    begins with a small stake; while its drafts come true it grows, and when they don't, what is lost over
    a few suggestions stays below `ALLOWED_LOSS`. State: the contents, in units of a batch of one.
    """

    contents: float = 1.6

    def settle(self, tokens: int, cost: float) -> None:
        """A batch of that cost, in units of a batch of one, yielded so many tokens."""
        self.contents = min(6.0, self.contents + tokens * (1 + ALLOWED_LOSS) - cost)


ALLOWED_LOSS = 0.02
"""The part of decoding time that wrong drafts may cost in the long run."""


@attrs.define
class Frequency:
    """How often something came true lately. State: weights of both outcomes, older ones faded."""

    hits: float = 0.0
    misses: float = 0.0

    def add(self, hit: bool, memory: float) -> None:
        """Count one outcome; about the last `memory` outcomes are remembered."""
        total = self.hits + self.misses
        if total >= memory:
            self.hits *= (memory - 1) / total
            self.misses *= (memory - 1) / total
        if hit:
            self.hits += 1
        else:
            self.misses += 1

    def estimate(self, prior: float, weight: float) -> float:
        """The expected frequency, where `prior` was expected before with the weight of so many outcomes."""
        return (self.hits + prior * weight) / (self.hits + self.misses + weight)


@attrs.define
class Record:
    """How drafts of one kind fared: their first tokens, and those that follow right ones."""

    first: Frequency = attrs.field(factory=Frequency)
    following: Frequency = attrs.field(factory=Frequency)


@attrs.define
class Acceptance:
    """Running acceptance by kind of draft, in two storeys: everything so far, and one session's own.

    What holds everywhere is expected of a new session until it shows otherwise. State: the records.

    Args:
        priors: for each kind of draft the probabilities (first, following) to begin with.
        parent: what a session inherits from, or None.
    """

    priors: Mapping[str, tuple[float, float]]
    parent: Acceptance | None = None
    _records: dict[str, Record] = attrs.field(factory=dict[str, Record])

    def expected(self, kind: str) -> tuple[float, float]:
        """The probabilities that the first token of such a draft is right, and each further one."""
        if self.parent is None:
            first, following = self.priors.get(kind, UNKNOWN_KIND)
            weight = PRIOR_WEIGHT
        else:
            first, following = self.parent.expected(kind)
            weight = PARENT_WEIGHT
        record = self._records.get(kind)
        if record is None:
            return first, following
        return record.first.estimate(first, weight), record.following.estimate(following, weight)

    def learn(self, kind: str, *, first: bool, hit: bool) -> None:
        """Count one drafted token that turned out right or wrong, here and in the parent."""
        record = self._records.get(kind)
        if record is None:
            record = self._records[kind] = Record()
        part = record.first if first else record.following
        part.add(hit, MEMORY if self.parent is None else SESSION_MEMORY)
        if self.parent is not None:
            self.parent.learn(kind, first=first, hit=hit)


UNKNOWN_KIND = (0.4, 0.75)
PRIOR_WEIGHT = 20.0
PARENT_WEIGHT = 6.0
MEMORY = 300.0
SESSION_MEMORY = 40.0
