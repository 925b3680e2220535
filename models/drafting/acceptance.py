"""How likely drafted tokens are right: judged by what a look-up found at first, then by what happened since.

A looked-up token is the likelier the longer the match before it is (drafted tokens count as matched: they are
asked for only where those before them came true), and the first one tells the places where several
occurrences or sources agree from those where they don't. That is a logistic model with few weights; a running
count of what came true against what it expected shifts its log-odds. What follows from the chances is
`draft_length`'s business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

MATCH = 0.84
"""Log-odds for each unit of the natural logarithm of the matched length, in tokens.

This weight and those below were fitted by logistic regression to the look-ups of 120 places in 40 files of
Python's standard library, continued greedily by the default model as a Q8_0 file (`tests/bench`).
"""

FAR = -0.13
"""Log-odds for each unit of the logarithm of the distance to the occurrence, in units of 128 tokens."""

FIRST = -0.33
"""Of a draft's first token, against those that follow right ones."""

AGREEING = 0.89
"""Of the first token, for each unit of the logarithm of how many occurrences were followed by it."""

SPLIT, DIFFERING = -1.11, -0.6
"""Of the first token, where occurrences as good were followed by another, and where only worse ones were."""

WITH, AGAINST = 1.48, -0.99
"""Of the first token, where another source drafts it too, and where all others draft something else."""

ELSEWHERE = -0.83
"""Of occurrences that are not in the text left of the cursor."""

_NEAREST, _FARTHEST, _LONG, _MANY = 4, 2048, 64, 4
_LOGARITHMS = [0.0, *(math.log(number) for number in range(1, _LONG + 1))]


@attrs.frozen
class DraftEvidence:
    """What speaks for a draft that was looked up.

    Attributes:
        length: tokens of context that agree, at least 1.
        distance: tokens from the occurrence to the place to be continued.
        agreeing: occurrences that were followed by the same token, this one included.
        split: some occurrences with a match as long were followed by another one.
        differing: only some with a shorter match were.
        elsewhere: the occurrence isn't in the text left of the cursor.
    """

    length: int
    distance: int
    agreeing: int = 1
    split: bool = False
    differing: bool = False
    elsewhere: bool = False

    def log_odds(self, tokens: int, company: int) -> list[float]:
        """For each of so many drafted tokens the log-odds that it is right where those before it are.

        Args:
            tokens: how many.
            company: 1 where another source drafts the same first token, -1 where others draft others only.
        """
        base = FAR * math.log(min(max(self.distance, _NEAREST), _FARTHEST) / 128)
        if self.elsewhere:
            base += ELSEWHERE
        last = len(_LOGARITHMS) - 1
        found = [base + MATCH * _LOGARITHMS[min(self.length + at, last)] for at in range(tokens)]
        if found:
            found[0] += FIRST + AGREEING * _LOGARITHMS[min(self.agreeing, _MANY)]
            found[0] += SPLIT if self.split else DIFFERING if self.differing else 0.0
            found[0] += WITH if company > 0 else AGAINST if company < 0 else 0.0
        return found


def chance(log_odds: float) -> float:
    """The probability that has these log-odds (natural)."""
    return 1 / (1 + math.exp(-log_odds))


def odds(probability: float) -> float:
    """The log-odds (natural) of a probability between 0 and 1, neither of them included."""
    return math.log(probability / (1 - probability))


@attrs.define
class Tally:
    """How often something came true lately, and how often that was expected. State: faded counts."""

    hits: float = 0.0
    misses: float = 0.0
    expected_hits: float = 0.0
    expected_misses: float = 0.0

    def add(self, *, hit: bool, expected: float, memory: float) -> None:
        """Count an outcome that had this probability; about the last `memory` outcomes are remembered."""
        total = self.hits + self.misses
        if total >= memory:
            fade = (memory - 1) / total
            self.hits *= fade
            self.misses *= fade
            self.expected_hits *= fade
            self.expected_misses *= fade
        if hit:
            self.hits += 1
        else:
            self.misses += 1
        self.expected_hits += expected
        self.expected_misses += 1 - expected

    def shift(self, weight: float) -> float:
        """What to add to the expected log-odds, which count as much as so many outcomes of either kind."""
        return math.log((self.hits + weight) / (self.expected_hits + weight)) - math.log(
            (self.misses + weight) / (self.expected_misses + weight)
        )


@attrs.define
class Acceptance:
    """Running correction of what is expected of each source, on two levels: all sessions, and one.

    What holds everywhere is expected of a new session until it shows otherwise. First tokens and those that
    follow right ones are counted apart. State: the tallies, by source.

    Attributes:
        parent: what a session inherits from, or None.
        tallies: by source, for first tokens (True) and those that follow.
    """

    parent: Acceptance | None = None
    tallies: dict[tuple[str, bool], Tally] = attrs.field(factory=dict[tuple[str, bool], Tally])

    def chances(self, source: str, log_odds: Sequence[float]) -> list[float]:
        """Corrected probabilities of a draft's tokens, each given that those before it are right.

        Args:
            source: where the draft comes from.
            log_odds: of its tokens, before any correction.
        """
        first, following = self.shift(source, first=True), self.shift(source, first=False)
        return [chance(value + (following if at else first)) for at, value in enumerate(log_odds)]

    def learn(self, source: str, log_odds: float, *, first: bool, hit: bool) -> None:
        """Count one drafted token that turned out right or wrong, here and in the parent."""
        inherited = 0.0 if self.parent is None else self.parent.shift(source, first=first)
        tally = self.tallies.get((source, first))
        if tally is None:
            tally = self.tallies[source, first] = Tally()
        memory = MEMORY if self.parent is None else SESSION_MEMORY
        tally.add(hit=hit, expected=chance(log_odds + inherited), memory=memory)
        if self.parent is not None:
            self.parent.learn(source, log_odds, first=first, hit=hit)

    def shift(self, source: str, *, first: bool) -> float:
        """What experience adds to the log-odds of a source's first tokens, or of those that follow them."""
        inherited = 0.0 if self.parent is None else self.parent.shift(source, first=first)
        tally = self.tallies.get((source, first))
        if tally is None:
            return inherited
        return inherited + tally.shift(WEIGHT if self.parent is None else SESSION_WEIGHT)


WEIGHT = 20.0
SESSION_WEIGHT = 6.0
MEMORY = 300.0
SESSION_MEMORY = 40.0
