"""What each stage is worth: a hole's outcome as numbers, and their means.

Exactness and shares are of all holes unless they say otherwise, so that silence counts as a miss.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs
import numpy as np
from foretype.tests.quality.holes import Hole
from foretype.tests.quality.judge import undefined_names
from foretype.tests.quality.stages import STAGES, Passage, Shown


@attrs.frozen
class Outcome:
    """One stage's suggestion in one hole.

    Attributes:
        shown: whether there was one.
        exact: the cursor's line is now as its authors wrote it; of a block, its first line.
        whole: everything up to where the document goes on is.
        similarity: to what they wrote: 1 less the edit distance by the longer length; 0 when not shown.
        undefined: the names it uses that don't exist.
        milliseconds, tokens: the stage's cost.
    """

    shown: bool
    exact: bool
    whole: bool
    similarity: float
    undefined: tuple[str, ...]
    milliseconds: float
    tokens: int


def outcome(hole: Hole, shown: Shown, root: Path) -> Outcome:
    """Compare what a stage would show with what the authors wrote."""
    end = hole.offset + len(shown.text)
    got = completed_by(hole, shown.text, shown.replace_right)
    completed = hole.text[: hole.offset] + got + hole.text[len(hole.text) - hole.tail :]
    wanted = hole.expected
    seen = bool(shown.text.strip())
    return Outcome(
        seen,
        seen and got.split("\n")[0].rstrip() == wanted.split("\n")[0].rstrip(),
        seen and _settled(got) == _settled(wanted),
        similarity(_settled(got), _settled(wanted)) if seen else 0.0,
        tuple(undefined_names(hole.language, hole.original, completed, (hole.offset, end), root))
        if seen
        else (),
        shown.milliseconds,
        shown.tokens,
    )


def completed_by(hole: Hole, text: str, replace_right: int) -> str:
    """What stands from the cursor to where the document goes on, once a text is inserted."""
    return text + hole.text[hole.offset + replace_right : len(hole.text) - hole.tail]


def _settled(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def similarity(one: str, other: str) -> float:
    """1 less the Levenshtein distance by the longer length (Wagner and Fischer, 1974, row by row)."""
    if not one or not other:
        return float(one == other)
    columns = np.arange(len(other) + 1)
    letters = np.array([ord(letter) for letter in other])
    row = columns.copy()
    for number, letter in enumerate(one, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (letters != ord(letter)))
        row = np.concatenate(([number], best))
        row = np.minimum.accumulate(row - columns) + columns
    return 1 - int(row[-1]) / max(len(one), len(other))


def means(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """One stage over some holes."""
    shown = [each for each in outcomes if each.shown]

    def share(values: Iterable[bool | float], of: int) -> float:
        return round(sum(values) / of, 4) if of else 0.0

    return {
        "exact": share((each.exact for each in outcomes), len(outcomes)),
        "whole": share((each.whole for each in outcomes), len(outcomes)),
        "similarity": share((each.similarity for each in shown), len(shown)),
        "undefined": share((bool(each.undefined) for each in shown), len(shown)),
        "shown": share((each.shown for each in outcomes), len(outcomes)),
        "exact_of_shown": share((each.exact for each in shown), len(shown)),
        "ms": round(statistics.fmean(each.milliseconds for each in outcomes), 2) if outcomes else 0.0,
        "tokens": round(statistics.fmean(each.tokens for each in outcomes), 1) if outcomes else 0.0,
    }


@attrs.frozen
class Scored:
    """A passage and its outcomes, by stage."""

    passage: Passage
    outcomes: dict[str, Outcome]


def scored(passage: Passage, root: Path) -> Scored:
    """Judge every stage of one passage."""
    return Scored(passage, {stage: outcome(passage.hole, passage.shown[stage], root) for stage in STAGES})


def figures(results: Sequence[Scored], wanted: Callable[[Hole], bool] = lambda _: True) -> dict[str, float]:
    """All figures over the holes that are wanted, by "STAGE.figure", and what grounding took away."""
    chosen = [each for each in results if wanted(each.passage.hole)]
    found: dict[str, float] = {"holes": float(len(chosen))}
    for stage in STAGES:
        for name, value in means([each.outcomes[stage] for each in chosen]).items():
            found[f"{stage}.{name}"] = value
    for stage in ("ground", "sure"):
        found.update(_taken_away(chosen, stage))
    if chosen:
        found["choose.ms"] = round(statistics.fmean(each.passage.choose_ms for each in chosen), 2)
    return found


def _taken_away(chosen: Sequence[Scored], stage: str) -> dict[str, float]:
    """Of what trimming left, what a later stage removed: good by the judge's word, and bad."""
    bad = [each for each in chosen if each.outcomes["trim"].undefined]
    good = [each for each in chosen if each.outcomes["trim"].exact]
    removed = sum(not each.outcomes[stage].undefined for each in bad)
    lost = sum(not each.outcomes[stage].exact for each in good)
    return {
        f"{stage}.removed_undefined": round(removed / len(bad), 4) if bad else 0.0,
        f"{stage}.lost_exact": round(lost / len(good), 4) if good else 0.0,
    }
