"""Commits whose lines are typed again: two releases of a project that follow each other, older and newer.

The older one's folder is the workspace. A file stands as the changes above the place leave it, and as the
older release has it below; see `lsp.replay.hunks`, which knows no releases. The cursor is in code, not in a
comment or a string; whether foretype would be asked there is not looked at.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import attrs
from foretype.lsp.replay.hunks import FileChange, Hunk, TypedLine, place_in, typed_lines
from foretype.lsp.replay.place import Place
from foretype.tests.live.places import Written, in_turn
from foretype.tests.quality.corpus import CorpusProblem, Source, files, unpacked
from foretype.tests.quality.holes import is_held_out
from foretype.tests.quality.lexing import masked

BUILD = Path(__file__).resolve().parents[2] / "build" / "live"
TABLE = Path(__file__).with_name("corpus.toml")
PER_FILE = 4
"""Places in one file, at most."""

_ALIKE = 0.1
"""A file of which less is alike was written anew, and is no commit that somebody typed."""


@attrs.frozen
class Pair:
    """Two releases of one project that follow each other."""

    older: Source
    newer: Source

    @property
    def language(self) -> str:
        """Whose files are typed."""
        return self.newer.language


def pairs(pinned: Path = TABLE) -> list[Pair]:
    """The pinned pairs, in the order of their table."""
    table = tomllib.loads(pinned.read_text("utf-8"))
    return [Pair(_source(each, 0), _source(each, 1)) for each in table["pair"]]


def _source(each: dict[str, Any], which: int) -> Source:
    return Source(
        each["name"],
        each["versions"][which],
        each["licence"],
        each["from"],
        each["language"],
        each["sha256"][which],
        tuple(each.get("keep", ())),
    )


def hunks_between(old: str, new: str) -> tuple[Hunk, ...]:
    """What makes one text of the other, in whole lines. Empty where next to nothing is alike."""
    before, after = old.split("\n"), new.split("\n")
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return ()
    return tuple(
        Hunk(old_start, old_end - old_start, new_start, new_end - new_start)
        for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes()
        if kind != "equal"
    )


def changes(pair: Pair, build: Path = BUILD) -> Iterator[FileChange]:
    """The files that the newer release changed, in order of their paths. Files that are new are left out.

    Raises:
        CorpusProblem: a release could not be fetched.
    """
    older, newer = unpacked(pair.older, build), unpacked(pair.newer, build)
    for path, new in files(newer, pair.language):
        try:
            old = (older / path).read_text("utf-8").replace("\r\n", "\n")
        except (OSError, ValueError):
            continue
        if old != new:
            hunks = hunks_between(old, new)
            if hunks:
                yield FileChange(path, pair.language, old, new, hunks)


def written_lines(pair: Pair, seed: int, build: Path = BUILD) -> Iterator[Written]:
    """The places of one pair: one in every file, then a second one in those that have it, and so on."""
    root = unpacked(pair.older, build)
    name = f"{pair.newer.name}-{pair.newer.version}"
    waiting: list[tuple[FileChange, list[TypedLine], random.Random]] = []
    for change in changes(pair, build):
        chance = random.Random(f"{seed} {name}/{change.path}")
        lines = typed_lines(change)
        chance.shuffle(lines)
        waiting.append((change, lines, chance))
    random.Random(f"{seed} {name}").shuffle(waiting)
    for _ in range(PER_FILE):
        for change, lines, chance in waiting:
            found = _next_in_code(change, lines, chance, root, name)
            if found is not None:
                held_out = is_held_out(pair.newer.name, change.path)
                yield Written(attrs.evolve(found, held_out=held_out), change.new)


def _next_in_code(
    change: FileChange, lines: list[TypedLine], chance: random.Random, root: Path, name: str
) -> Place | None:
    """The place in the next of the lines where the cursor stands in code; what was looked at is taken out."""
    code = masked(change.new, change.language)
    starts = [0]
    for line in change.new.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    while lines:
        line = lines.pop()
        place = place_in(change, line, root, f"{name}/{change.path}:{line.number + 1}", chance)
        if is_in_code(change.new, code, starts[line.number] + len(place.line) - len(place.left)):
            return place
    return None


def is_in_code(text: str, code: str, at: int) -> bool:
    """Whether both characters around a place are neither a comment's nor a string's.

    Args:
        text: the file.
        code: it, without strings and comments.
        at: in code points.
    """
    around = slice(max(0, at - 1), at + 1)
    return code[around] == text[around]


def places_from_commits(
    count: int, seed: int, languages: tuple[str, ...], *, held_out: bool
) -> tuple[list[Written], list[str]]:
    """So many places, languages in turn and in each its projects; a sentence for each pair that is missing.

    A larger sample of one seed holds the smaller ones.

    Args:
        count: how many.
        seed: decides which.
        languages: only these; all where none is named.
        held_out: only in files that rules were not made on.
    """
    found: dict[str, list[list[Written]]] = {}
    missing: list[str] = []
    for pair in pairs():
        if languages and pair.language not in languages:
            continue
        try:
            of_pair = [each for each in written_lines(pair, seed) if each.place.held_out or not held_out]
        except CorpusProblem as problem:
            missing.append(str(problem))
            continue
        found.setdefault(pair.language, []).append(of_pair)
    return in_turn([in_turn(streams, count) for streams in found.values()], count), missing
