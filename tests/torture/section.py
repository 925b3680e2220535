"""What a section of the campaign is: rounds that a seed decides, and what came of each.

A round is complete in itself, so a campaign that ended early goes on with the next seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs


@attrs.frozen
class Found:
    """What a round did.

    Attributes:
        counts: by the names that build/torture.json has, how much was tried; counts add up over rounds.
        worst: measures of which the largest counts.
        wrong: a sentence for each promise that was broken.
        notes: what people want to read beside the figures.
    """

    counts: Mapping[str, int] = attrs.field(factory=dict[str, int])
    worst: Mapping[str, float] = attrs.field(factory=dict[str, float])
    wrong: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def plus(self, other: Found) -> Found:
        """Both together."""
        names = {*self.counts, *other.counts}
        measures = {*self.worst, *other.worst}
        return Found(
            {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in sorted(names)},
            {
                name: max(each.worst[name] for each in (self, other) if name in each.worst)
                for name in sorted(measures)
            },
            (*self.wrong, *other.wrong),
            (*self.notes, *other.notes),
        )


@attrs.frozen
class Section:
    """One promise and how it is attacked.

    Attributes:
        name: for the command line.
        unit: the count by which it is done.
        goal: how much of that the long form wants.
        violations: the name of the figure that says how often the promise was broken.
        play: a round, decided by its seed.
        rounds: how many rounds there are at most; 0 for no limit.
        minutes: how long a round takes at least: none is begun where less is left.
        usual: whether it is played unless others are named.
    """

    name: str
    unit: str
    goal: int
    violations: str
    play: Callable[[int], Found]
    rounds: int = 0
    minutes: float = 0
    usual: bool = True

    @property
    def module(self) -> str:
        """Where its rounds are played."""
        return self.play.__module__

    def done(self, found: Found, played: int) -> bool:
        """Whether the long form wants no more of it."""
        return found.counts.get(self.unit, 0) >= self.goal or 0 < self.rounds <= played

    def figures(self, found: Found) -> dict[str, float]:
        """The section's part of build/torture.json."""
        return {**found.counts, **found.worst, self.violations: len(found.wrong)}
