"""What a commit made of one file, and how the document stood while each of its new lines was typed. Pure.

A commit is taken as if it had been written from top to bottom: above the cursor everything is done, below it
nothing is, and what a hunk takes away is gone before its first line is typed.
"""

from __future__ import annotations

import random
import re
from difflib import SequenceMatcher
from pathlib import Path

import attrs

from ...context.languages import language
from .place import LEAST_KEYS, LEAST_LEFT, MOST_KEYS, Place

LONGEST_LINE = 200
"""Code points of a line that somebody types; longer ones are data."""

_EDITED = 0.6
"""How alike a new line and one that it replaces are when it was changed rather than written."""

_HEADER = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@attrs.frozen
class Hunk:
    """Lines that take the place of others; numbers count from 0.

    Attributes:
        old_start: the first line that goes; where there is none, the line before which new ones come.
        old_count: how many go.
        new_start: where the new ones stand in the new text.
        new_count: how many there are.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int


@attrs.frozen
class FileChange:
    """One file before and after a commit, with line ends as "\\n".

    Attributes:
        path: from the repository's top.
        language: its identifier.
        old: the text before; "" for a new file.
        new: the text after.
        hunks: in their order, without lines around.
    """

    path: str
    language: str
    old: str
    new: str
    hunks: tuple[Hunk, ...]


@attrs.frozen
class TypedLine:
    """A line that a commit wrote: which of the new text's, and by which hunk."""

    number: int
    hunk: Hunk


def hunks_in(patch: bytes) -> tuple[Hunk, ...]:
    """The hunks of a unified diff without lines around them, of one file."""
    found: list[Hunk] = []
    for match in _HEADER.finditer(patch):
        old, old_count, new, new_count = (1 if each is None else int(each) for each in match.groups())
        found.append(Hunk(old - (old_count > 0), old_count, new - (new_count > 0), new_count))
    return tuple(found)


def written_anew(new: str) -> tuple[Hunk, ...]:
    """The one hunk of a file that was not there before."""
    return (Hunk(0, 0, 0, len(_lines(new))),)


def typed_lines(change: FileChange) -> list[TypedLine]:
    """The lines that somebody wrote, from the first to the last.

    Not those that are too short or too long to be typed, that close brackets and no more, and not those that
    stood elsewhere in the file or were only changed a little.
    """
    old, new = _lines(change.old), _lines(change.new)
    closers = frozenset(language(change.language).layout.closers)
    gone = {line.strip() for each in change.hunks for line in _removed(each, old)}
    return [
        TypedLine(number, hunk)
        for hunk in change.hunks
        for number in range(hunk.new_start, min(hunk.new_start + hunk.new_count, len(new)))
        if _worth_typing(new[number], closers)
        and new[number].strip() not in gone
        and not _edited(new[number], _removed(hunk, old))
    ]


def place_in(change: FileChange, line: TypedLine, root: Path, name: str, chance: random.Random) -> Place:
    """The document while a line is typed, with the cursor somewhere inside it.

    Args:
        change: of the file.
        line: one of its `typed_lines`.
        root: the folder in which the repository stands.
        name: for the results.
        chance: decides where in the line the cursor stands after the last key.
    """
    old, new = _lines(change.old), _lines(change.new)
    whole = new[line.number].rstrip("\n")
    indent = len(whole) - len(whole.lstrip())
    cursor = chance.randint(indent + LEAST_KEYS, len(whole.rstrip()) - LEAST_LEFT)
    keys = whole[max(indent, cursor - MOST_KEYS) : cursor]
    before = "".join(new[: line.number]) + whole[: cursor - len(keys)]
    after = new[line.number][len(whole) :] + "".join(old[line.hunk.old_start + line.hunk.old_count :])
    return Place(
        name,
        root,
        root / change.path,
        change.language,
        before + after,
        len(before),
        keys,
        whole,
        whole[cursor:],
        held_out=False,
    )


def _lines(text: str) -> list[str]:
    """Lines with their ends, which are "\\n" alone."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _removed(hunk: Hunk, old: list[str]) -> list[str]:
    return old[hunk.old_start : hunk.old_start + hunk.old_count]


def _worth_typing(line: str, closers: frozenset[str]) -> bool:
    text = line.strip()
    if not len(text) >= LEAST_KEYS + LEAST_LEFT or len(line) > LONGEST_LINE:
        return False
    words = set(re.findall(r"\w+", text))
    return bool(words - closers)


def _edited(line: str, removed: list[str]) -> bool:
    """Whether a line is one of those that it replaces, changed a little."""
    text = line.strip()
    for each in removed:
        matcher = SequenceMatcher(None, each.strip(), text, autojunk=False)
        if matcher.quick_ratio() > _EDITED and matcher.ratio() > _EDITED:
            return True
    return False
