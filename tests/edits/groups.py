"""Groups of edits that belong together: what one release changed in one file, a stretch of it at a time.

The edits of a group are in the file's order. Neither how lines are paired here nor what counts as repeating
shares code with what is measured: a judge that did would share its mistakes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import attrs
from foretype.lsp.replay.hunks import FileRevision

MOST_UNITS = 40
"""Edits of a group: what one release changed in a large file is many commits."""

_LARGEST = 1200
"""Code points of an edit that somebody types."""

_ALIKE = 0.4
"""How alike lines are at least for each to have become the one at its place."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


@attrs.frozen
class Unit:
    """One edit: lines of the older text that became lines of the newer one.

    Attributes:
        start: where it begins in the group's older text, in code points.
        old, new: the lines, without the last line end; with it where whole lines came or went.
        repeats: whether an earlier edit of the group made the same of the same tokens.
    """

    start: int
    old: str
    new: str
    repeats: bool = False


@attrs.frozen
class Group:
    """Edits of one file, in its order.

    Attributes:
        name: release, path and number.
        project: for halves.
        path: of the file.
        language: its identifier.
        text: the file before the first of them.
        units: the edits; their places are those in `text`.
        others: what the same release changed further down, or too much to be typed: it is not typed, but
            whoever proposes it is right. Places as in `text`.
    """

    name: str
    project: str
    path: str
    language: str
    text: str
    units: tuple[Unit, ...]
    others: tuple[Unit, ...] = ()


def groups_of(project: str, name: str, revision: FileRevision) -> Iterator[Group]:
    """The groups of one file's revision, each of at least two edits."""
    units = _units(revision)
    for number, first in enumerate(range(0, len(units), MOST_UNITS)):
        chosen = [each for each in units[first : first + MOST_UNITS] if _is_typed(each)]
        if len(chosen) < 2:
            continue
        others = [each for each in units[first:] if each not in chosen]
        text = revision.old
        earlier = units[:first]
        moved = sum(len(each.new) - len(each.old) for each in earlier)
        for each in reversed(earlier):
            text = text[: each.start] + each.new + text[each.start + len(each.old) :]
        placed, beyond = (
            [attrs.evolve(each, start=each.start + moved) for each in some] for some in (chosen, others)
        )
        yield Group(
            f"{name}/{revision.path}#{number}",
            project,
            revision.path,
            revision.language,
            text,
            tuple(marked(placed)),
            tuple(beyond),
        )


def _is_typed(unit: Unit) -> bool:
    return max(len(unit.old), len(unit.new)) <= _LARGEST


def marked(units: Sequence[Unit]) -> list[Unit]:
    """The same edits, those marked that do what an earlier one did."""
    seen: set[tuple[str, str]] = set()
    found: list[Unit] = []
    for each in units:
        mine = stretches(each.old, each.new)
        found.append(attrs.evolve(each, repeats=bool(mine & seen)))
        seen |= mine
    return found


def stretches(old: str, new: str) -> set[tuple[str, str]]:
    """What an edit made of which tokens, as far as there is a word among them."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    found: set[tuple[str, str]] = set()
    for kind, start, end, new_start, new_end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        piece = " ".join(before[start:end]), " ".join(after[new_start:new_end])
        if kind != "equal" and re.search(r"\w", "".join(piece)):
            found.add(piece)
    return found


def is_nearer(text: str, offered: str, wanted: str) -> bool:
    """Whether what is offered in a text's place is on the way to what is wanted, and needs no mending."""
    if offered == wanted:
        return True
    here, there, goal = (Counter(_TOKEN.findall(each)) for each in (text, offered, wanted))
    come, gone = there - here, here - there
    if not come <= goal - here or not gone <= here - goal:
        return False
    return missing(offered, wanted) < missing(text, wanted)


def missing(text: str, wanted: str) -> int:
    """How many tokens have to go or to come until a text is what is wanted; blanks count as one."""
    before, after = _TOKEN.findall(text), _TOKEN.findall(wanted)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    found = sum(
        end - start + new_end - new_start
        for kind, start, end, new_start, new_end in matcher.get_opcodes()
        if kind != "equal"
    )
    return found or int(text != wanted)


def _is_alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one.strip(), other.strip(), autojunk=False).ratio() >= _ALIKE


def _units(revision: FileRevision) -> list[Unit]:
    old, new = revision.old.split("\n"), revision.new.split("\n")
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line) + 1)
    found: list[Unit] = []
    for hunk in revision.hunks:
        gone = old[hunk.old_start : hunk.old_start + hunk.old_count]
        come = new[hunk.new_start : hunk.new_start + hunk.new_count]
        if len(gone) == len(come) and all(map(_is_alike, gone, come)):
            found += [
                Unit(starts[hunk.old_start + at], gone[at], come[at])
                for at in range(len(gone))
                if gone[at] != come[at]
            ]
        elif gone and come:
            found.append(Unit(starts[hunk.old_start], "\n".join(gone), "\n".join(come)))
        elif hunk.old_start + hunk.old_count < len(old):
            ended = "".join(f"{line}\n" for line in gone), "".join(f"{line}\n" for line in come)
            found.append(Unit(starts[hunk.old_start], *ended))
    return found
