"""What came of a place in one variant, as a value that can be kept, and the figures of many. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import attrs

from ...context.shared.figures import percentile
from .typist import Replayed


@attrs.frozen
class TypedCode:
    """What was typed and shown; kept only where the user asked for it."""

    line: str
    keys: str
    shown: str


@attrs.frozen
class ReplayOutcome:
    """One place in one variant. No code, unless `code` is there.

    Attributes:
        place: its name: commit, path and line.
        language: its identifier.
        exact: the last suggestion on the screen completes the line as it was written.
        shown: there was a suggestion then.
        right: code points of what was left to write with which that suggestion begins.
        left: code points that were left to write.
        answer_ms: from each key to its answer, for those that came before the next key.
        first_shown_s: from the first key to the first suggestion; None: never one.
        processor_s: processor time of server and daemon, in seconds.
        code: what was typed and shown.
    """

    place: str
    language: str
    exact: bool
    shown: bool
    right: int
    left: int
    answer_ms: tuple[float, ...] = ()
    first_shown_s: float | None = None
    processor_s: float = 0.0
    code: TypedCode | None = None


def right_characters(ghost: str, left: str) -> int:
    """How many code points of what was left to write a suggestion begins with."""
    first = ghost.split("\n", 1)[0]
    pairs = zip(first, left, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(first), len(left)))


def outcome_of(done: Replayed, *, with_code: bool = False) -> ReplayOutcome:
    """What counts of a place, at the last look at the screen."""
    place, look = done.place, done.looks[-1]
    return ReplayOutcome(
        place.name,
        place.language,
        exact=look.line == place.line,
        shown=look.line is not None,
        right=right_characters(look.ghost, place.left),
        left=len(place.left),
        answer_ms=tuple(round(each, 1) for each in done.answer_ms),
        first_shown_s=None if done.first_shown_s is None else round(done.first_shown_s, 3),
        processor_s=round(done.processor_s, 2),
        code=TypedCode(place.line, place.keys, look.ghost) if with_code else None,
    )


def summary_of(outcomes: Sequence[ReplayOutcome]) -> dict[str, float]:
    """The figures of one variant: counts, shares (0 to 1), ms and s. Empty for no places."""
    if not outcomes:
        return {}
    count = len(outcomes)
    exact = sum(each.exact for each in outcomes)
    shown = sum(each.shown for each in outcomes)
    times = [time for each in outcomes for time in each.answer_ms]
    first = [each.first_shown_s for each in outcomes if each.first_shown_s is not None]
    found = {
        "places": float(count),
        "exact": float(exact),
        "exact_share": exact / count,
        "characters_saved": sum(each.right for each in outcomes)
        / max(1, sum(each.left for each in outcomes)),
        "shown": shown / count,
        "exact_of_shown": exact / max(1, shown),
        "processor_s": sum(each.processor_s for each in outcomes) / count,
    }
    if times:
        found["answer_p50_ms"] = statistics.median(times)
        found["answer_p95_ms"] = percentile(times, 0.95)
    if first:
        found["first_shown_s"] = statistics.median(first)
    return found
