"""Every place in every variant in turn, until all are typed, time is up, or something changed meanwhile.

So a machine that is busy for a while is equally unfair to all. What was measured stays, however it ends. Who
types and where results are kept is behind `Contestant`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import attrs

from ...context.shared.problem import Problem
from .history import HistoryPlace
from .outcome import ReplayOutcome

INTERRUPTED = "Interrupted. The same command goes on where this one ended."
ASLEEP_S = 5.0
"""How much further the wall clock may move than the other one before the machine must have slept."""

TOO_LONG_S = 60.0
"""How much longer a place may take than it should before it tells nothing."""

TRIES = 3
"""How often a place is tried at which the machine slept or the server ended."""


class PlaceLostError(Exception):
    """A place tells nothing: the machine slept, or the server ended."""


class Contestant(Protocol):
    """One variant that runs."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def known(self, place: str) -> ReplayOutcome | None:
        """What was measured at a place by an earlier run."""
        ...

    def type(self, found: HistoryPlace) -> ReplayOutcome:
        """Type a place.

        Raises:
            PlaceLostError: the server ended.
        """
        ...

    def keep(self, outcome: ReplayOutcome) -> None:
        """Write an outcome down."""
        ...

    def swapped(self) -> str:
        """A sentence when what runs is not any more what it was; "" while it is."""
        ...


@attrs.frozen
class ReplayClocks:
    """What time it is for people, and how much has passed; in seconds."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic


@attrs.define
class Standings:
    """What a replay has so far.

    Attributes:
        outcomes: of each variant, for the same places in the same order.
        repeated: how often a place was typed again because the machine slept or a server ended.
        given_up: places that never told anything.
        ended: why not all places were typed, a sentence; "" when they were.
    """

    outcomes: dict[str, list[ReplayOutcome]]
    repeated: int = 0
    given_up: int = 0
    ended: str = ""


@attrs.frozen
class _StoppedError(Exception):
    sentence: str


def slept(wall_s: float, steady_s: float, expected_s: float) -> bool:
    """Whether a place that took so long tells nothing: the clocks disagree, or it took absurdly long."""
    return abs(wall_s - steady_s) > ASLEEP_S or steady_s > expected_s + TOO_LONG_S


def run_places(
    places: Iterable[HistoryPlace],
    contestants: Sequence[Contestant],
    *,
    expected_s: float,
    limit_s: float | None = None,
    clocks: ReplayClocks | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Standings:
    """Type the places; `advance` hears how many variants have been through one more.

    Args:
        places: in their order.
        contestants: the variants.
        expected_s: how long a place takes in one variant where nothing gets in the way.
        limit_s: no place is begun that would end later; None for as long as it takes.
        clocks: the machine's.
        advance: called after each.
    """
    clocks = clocks or ReplayClocks()
    standings = Standings({each.name: [] for each in contestants})
    began = clocks.steady()

    def left(found: HistoryPlace) -> bool:
        new = sum(each.known(found.place.name) is None for each in contestants)
        needed = clocks.steady() - began + new * expected_s
        return limit_s is None or not new or needed <= limit_s

    try:
        for found in places:
            if not left(found):
                standings.ended = "The time is up. The same command goes on where this one ended."
                break
            outcomes = [_outcome(found, each, standings, expected_s, clocks) for each in contestants]
            if None in outcomes:
                standings.given_up += 1
            else:
                for each, outcome in zip(contestants, outcomes, strict=True):
                    standings.outcomes[each.name].append(outcome)  # pyright: ignore[reportArgumentType]
            advance(len(contestants))
    except KeyboardInterrupt:
        standings.ended = INTERRUPTED
    except _StoppedError as stopped:
        standings.ended = stopped.sentence
    except Problem as problem:
        if not any(standings.outcomes.values()):
            raise
        standings.ended = str(problem)
    return standings


def _outcome(
    found: HistoryPlace, contestant: Contestant, standings: Standings, expected_s: float, clocks: ReplayClocks
) -> ReplayOutcome | None:
    """What came of a place, known or typed now; None where it tells nothing however often it is tried."""
    known = contestant.known(found.place.name)
    if known is not None:
        return known
    for _ in range(TRIES):
        if sentence := contestant.swapped():
            raise _StoppedError(sentence)
        wall, steady = clocks.wall(), clocks.steady()
        try:
            outcome = contestant.type(found)
        except PlaceLostError:
            outcome = None
        if sentence := contestant.swapped():  # while it was typed
            raise _StoppedError(sentence)
        if outcome is not None and not slept(clocks.wall() - wall, clocks.steady() - steady, expected_s):
            contestant.keep(outcome)
            return outcome
        standings.repeated += 1
    return None
