"""Whether verifying drafts saves time with this model on this machine: measured in ms, never assumed.

Every look for a draft is an event that saved some ms, or cost some: what plain steps would have taken for the
same tokens, less what the batch took and the Python that proposed it. Drafts begin in the shadow, where
nothing is verified and a batch is charged what batches of its size cost here; they are verified only while
the mean of the events is above zero for certain. About one step in `BASELINE_EVERY` stays plain, so that what
plain decoding costs is known at any time. Where nothing can be gained, fewer and fewer generations are looked
at. Nothing here reads a clock or a file, and no draft is made or chosen.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import attrs

from ..cache.step_costs import MAX_DRAFT
from .draft_length import best_length

MEMORY_EVENTS = 400.0
"""About so many events are remembered."""

LEAST_EVENTS = 32
"""Before so many nothing is concluded: two or three completions."""

MOST_EVENTS = 1536
"""So many at most, where what was concluded turned out wrong again and again."""

CERTAINTY = 1.64
"""Standard errors that the mean must be above zero: 95 of 100 means that look so are."""

BASELINE_EVERY = 16
"""Of this many steps one is plain while drafts are verified."""

RECENT_STEPS = 9
"""Plain steps whose median is what one costs: a context grows, and other programs come and go."""

WORTH = 0.03
"""Where less than this part of a step can be saved with each, drafts are hardly worth their Python."""

MOST_REST = 31
"""Generations at most that are not looked at after one that was."""

TYPICAL_FIRST, TYPICAL_FOLLOWING = 0.6, 0.85
"""How often looked-up tokens come true where they are worth verifying: see `tests/bench/drafting`."""

LEAST_GAIN = 1.15
"""Tokens per ms that such a draft must promise, in units of plain decoding: between such drafts lie tokens
for which nothing is found, and what they gain must pay for all looking."""


def worth_building(ratios: Sequence[float]) -> bool:
    """Whether drafts could pay where batches cost so much; see `CostCurve.ratios`."""
    return best_length(TYPICAL_FIRST, TYPICAL_FOLLOWING, MAX_DRAFT, ratios).gain >= LEAST_GAIN


@attrs.define
class Saving:
    """The mean of what events saved, and how certain it is. State: faded count, mean and squares.

    Attributes:
        count: events, those long ago counted less.
        mean: ms saved by one.
        squares: sum of squared distances from the mean, in ms².
    """

    count: float = 0.0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, milliseconds: float) -> None:
        """Take one event in; negative where it cost time."""
        if self.count >= MEMORY_EVENTS:
            fade = (MEMORY_EVENTS - 1) / self.count
            self.count *= fade
            self.squares *= fade
        self.count += 1
        distance = milliseconds - self.mean
        self.mean += distance / self.count
        self.squares += distance * (milliseconds - self.mean)

    @property
    def error(self) -> float:
        """The standard error of the mean, in ms; infinite where nothing is known."""
        return math.sqrt(self.squares) / self.count if self.count > 1 else math.inf

    @property
    def at_least(self) -> float:
        """The mean saves so many ms for certain."""
        return self.mean - CERTAINTY * self.error

    @property
    def at_most(self) -> float:
        """The mean saves no more ms than this, for certain."""
        return self.mean + CERTAINTY * self.error


@attrs.define
class Benefit:
    """What is known of drafts with one number of threads, and what follows from it. State: all fields.

    Attributes:
        always: they are verified whatever is known.
        saving: of all events since the last change of mind.
        wanted: events before anything is concluded.
        verifying: drafts are verified; else they stay in the shadow.
        rest: generations that are left out after one that was looked at.
    """

    always: bool = False
    saving: Saving = attrs.field(factory=Saving)
    wanted: int = LEAST_EVENTS
    verifying: bool = False
    rest: int = 0
    _resting: int = 0
    _drafted_since: int = 0
    _steps: list[float] = attrs.field(factory=list[float])

    @property
    def verifies(self) -> bool:
        """Whether drafts are verified now."""
        return self.always or self.verifying

    @property
    def step_ms(self) -> float:
        """What a plain step took lately, in ms; 0.0 before one was measured."""
        return statistics.median(self._steps) if self._steps else 0.0

    @property
    def wants_plain_step(self) -> bool:
        """Whether the next step is to stay plain, so that it can be compared with."""
        return self.verifies and self._drafted_since >= BASELINE_EVERY - 1

    def attends(self) -> bool:
        """A generation begins: whether to look for drafts in it at all."""
        if self.verifies:
            return True
        if self._resting:
            self._resting -= 1
            return False
        hopeless = self.saving.count >= self.wanted and self.saving.at_most < WORTH * self.step_ms
        self.rest = min(MOST_REST, 2 * self.rest + 1) if hopeless else 0
        self._resting = self.rest
        return True

    def plain_step(self, milliseconds: float) -> None:
        """A step without a draft took so long, less what looking for one took."""
        self._steps = [*self._steps[1 - RECENT_STEPS :], max(milliseconds, 0.0)]
        self._drafted_since = 0

    def event(self, milliseconds: float, *, drafted: bool) -> None:
        """A look for a draft saved so many ms.

        Args:
            milliseconds: negative where it cost time.
            drafted: a batch was verified.
        """
        self._drafted_since += drafted
        self.saving.add(milliseconds)
        if self.always or self.saving.count < self.wanted:
            return
        if self.verifying and self.saving.at_least <= 0:
            self.verifying, self.saving = False, Saving()
            self.wanted = min(MOST_EVENTS, 2 * self.wanted)
        elif not self.verifying and self.saving.at_least > 0:
            self.verifying, self.rest = True, 0
