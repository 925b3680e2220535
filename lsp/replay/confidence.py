"""With what confidence one variant is better than another, from places that both were typed at. Pure.

Which of two is better at a place is all that counts: an exact line over one that isn't, then more right
characters. Were both equally good, either would be better as often as the other; the exact sign test says how
improbable what was seen then is, in either direction. With several pairs each has to be as much clearer. The
interval of the characters saved comes from drawing the places again with a fixed seed.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence

import attrs

from .outcome import ReplayOutcome

CONFIDENT = 0.95
"""From here on one is called better."""

DRAWS = 2000
_SEED = 7


@attrs.frozen
class PairVerdict:
    """Two variants at the same places.

    Attributes:
        better, worse: their names: `better` is better at more of the places, or at as many.
        wins: places at which `better` is better.
        losses: places at which `worse` is.
        places: all of them, where both are the same included.
        confidence: 0 to 1, in the difference being more than chance.
        saved: how much larger the share of characters saved is with `better`; negative where it is smaller.
        interval: in which that lies in 95 % of the draws.
    """

    better: str
    worse: str
    wins: int
    losses: int
    places: int
    confidence: float
    saved: float
    interval: tuple[float, float]

    def __str__(self) -> str:
        more = (
            f"it saves {100 * self.saved:+.1f} of 100 characters "
            f"(95 %: {100 * self.interval[0]:+.1f} to {100 * self.interval[1]:+.1f})"
        )
        if self.confidence >= CONFIDENT:
            return (
                f"{self.better} is better than {self.worse} with {_percent(self.confidence)} confidence "
                f"({_places(self.wins)} better, {self.losses} worse); {more}."
            )
        if not self.wins:
            return f"{self.better} and {self.worse} did the same at all {_places(self.places)}."
        return (
            f"These places can't tell {self.better} and {self.worse} apart ({self.better} is better at "
            f"{_places(self.wins)}, worse at {self.losses}: {_percent(self.confidence)} confidence)."
        )


def sign_test(wins: int, losses: int) -> float:
    """How probable it is that a fair coin falls at least as unevenly, in either direction (two-sided p)."""
    tosses, fewer = wins + losses, min(wins, losses)
    tail = sum(math.comb(tosses, heads) for heads in range(fewer + 1))
    return min(1.0, 2 * tail / 2**tosses)


def compare_pairs(results: Mapping[str, Sequence[ReplayOutcome]]) -> list[PairVerdict]:
    """Every pair of variants; each has an outcome for the same places in the same order."""
    pairs = list(itertools.combinations(results.items(), 2)) if all(results.values()) else []
    return [_compare(one, other, len(pairs)) for one, other in pairs]


def _compare(
    one: tuple[str, Sequence[ReplayOutcome]], other: tuple[str, Sequence[ReplayOutcome]], pairs: int
) -> PairVerdict:
    both = list(zip(one[1], other[1], strict=True))
    wins = sum(_worth(mine) > _worth(theirs) for mine, theirs in both)
    losses = sum(_worth(mine) < _worth(theirs) for mine, theirs in both)
    if losses > wins:
        return _compare(other, one, pairs)
    confidence = max(0.0, 1 - pairs * sign_test(wins, losses))
    saved, interval = _saved(both)
    return PairVerdict(one[0], other[0], wins, losses, len(both), confidence, saved, interval)


def _worth(outcome: ReplayOutcome) -> tuple[bool, int]:
    return outcome.exact, outcome.right


def _saved(both: Sequence[tuple[ReplayOutcome, ReplayOutcome]]) -> tuple[float, tuple[float, float]]:
    """The difference in the share of characters saved, and its interval."""
    gains = [(mine.right - theirs.right, mine.left) for mine, theirs in both]
    if not gains:
        return 0.0, (0.0, 0.0)
    chance = random.Random(_SEED)  # noqa: S311 - drawn, not secret
    drawn = sorted(_share(chance.choices(gains, k=len(gains))) for _ in range(DRAWS))
    edge = round(DRAWS * (1 - CONFIDENT) / 2)
    return _share(gains), (drawn[edge], drawn[-1 - edge])


def _share(gains: Sequence[tuple[int, int]]) -> float:
    return sum(gain for gain, _ in gains) / max(1, sum(left for _, left in gains))


def _percent(confidence: float) -> str:
    """Rounded down, so that it never says 100."""
    return f"{math.floor(1000 * confidence) / 10:.1f} %" if confidence > 0.99 else f"{100 * confidence:.0f} %"  # noqa: PLR2004 - where tenths begin to matter


def _places(count: int) -> str:
    return f"{count} place" + "s" * (count != 1)
