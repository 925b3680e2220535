"""Places in real files where somebody types, with the file as its authors wrote it.

Here they are made from the holes of `tests/quality`: the rest of a line from somewhere inside it. `pairs`
makes them from commits. Pure but for reading the corpus.
"""

from __future__ import annotations

from pathlib import Path

import attrs
from foretype.lsp.replay.place import LEAST_KEYS, LEAST_LEFT, MOST_KEYS, Place
from foretype.tests.quality.corpus import sources, unpacked
from foretype.tests.quality.holes import Hole, sample


@attrs.frozen
class Written:
    """A place, and what its authors made of the file: what the judge of names looks at.

    Attributes:
        place: where somebody types.
        original: the file once everything is written.
    """

    place: Place
    original: str


def place_of(hole: Hole, root: Path) -> Place | None:
    """The last keys before a hole, or None where the line has too few of them."""
    start = hole.text.rfind("\n", 0, hole.offset) + 1
    typed = hole.text[start : hole.offset].lstrip()
    keys = typed[-MOST_KEYS:]
    end = hole.original.find("\n", start)
    line = hole.original[start : end if end >= 0 else None]
    left = line[hole.offset - start :]
    if len(keys) < LEAST_KEYS or len(left.strip()) < LEAST_LEFT:
        return None
    offset = hole.offset - len(keys)
    return Place(
        hole.name,
        root,
        root / hole.path,
        hole.language,
        hole.text[:offset] + hole.text[hole.offset :],
        offset,
        keys,
        line,
        left,
        hole.held_out,
    )


def places_from_holes(count: int, seed: int, languages: tuple[str, ...], *, held_out: bool) -> list[Written]:
    """So many places, languages in turn. A larger sample of one seed holds the smaller ones.

    Args:
        count: how many.
        seed: decides which.
        languages: only these; all where none is named.
        held_out: only in files that rules were not made on.

    Raises:
        CorpusProblem: a repository could not be fetched.
    """
    roots = {source.name: source for source in sources()}
    found: dict[str, list[Written]] = {}
    for hole in sample(600 + 24 * count, seed):
        if hole.kind == "rest" and (not languages or hole.language in languages):
            place = place_of(hole, unpacked(roots[hole.source]))
            if place is not None and (place.held_out or not held_out):
                found.setdefault(hole.language, []).append(Written(place, hole.original))
    return in_turn(list(found.values()), count)


def in_turn(streams: list[list[Written]], count: int) -> list[Written]:
    """The first of every list, then the second of every list, and so on: so many of them."""
    longest = max(map(len, streams), default=0)
    return [each[turn] for turn in range(longest) for each in streams if turn < len(each)][:count]
