"""Places in real files where somebody types: the document before, the keys pressed, the line meant.

Made from the holes of `tests/quality`: the rest of a line from somewhere inside it. Pure but for reading
the corpus.
"""

from __future__ import annotations

from pathlib import Path

from foretype.lsp.replay.place import LEAST_KEYS, LEAST_LEFT, MOST_KEYS, Place
from foretype.tests.quality.corpus import sources, unpacked
from foretype.tests.quality.holes import Hole, sample


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


def places(count: int, seed: int, languages: tuple[str, ...] = ()) -> list[Place]:
    """So many places, languages in turn. A larger sample of one seed holds the smaller ones.

    Raises:
        CorpusProblem: a repository could not be fetched.
    """
    roots = {source.name: source for source in sources()}
    found: dict[str, list[Place]] = {}
    for hole in sample(600 + 24 * count, seed):
        if hole.kind == "rest" and (not languages or hole.language in languages):
            place = place_of(hole, unpacked(roots[hole.source]))
            if place is not None:
                found.setdefault(hole.language, []).append(place)
    chosen: list[Place] = []
    for turn in range(count):
        chosen += [each[turn] for each in found.values() if turn < len(each)]
    return chosen[:count]
