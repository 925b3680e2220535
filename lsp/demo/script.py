"""What the demo types: a sample file with the parts to be typed marked in it. Pure."""

from __future__ import annotations

import re

import attrs

_MARKED = re.compile("«([^»]*)»")

WORTH_ACCEPTING = 4
"""Suggestions shorter than this many code points are typed rather than accepted."""


@attrs.frozen
class Passage:
    """A part that is typed.

    Attributes:
        offset: where it goes, in code points of the text at that time (with the earlier passages in place).
        text: what is typed there.
    """

    offset: int
    text: str


@attrs.frozen
class Script:
    """A file to open and the passages to type into it, in order."""

    text: str
    passages: tuple[Passage, ...]


def read_script(marked: str) -> Script:
    """Take the passages marked «so» out of a sample."""
    passages = tuple(
        Passage(found.start() - 2 * number, found[1]) for number, found in enumerate(_MARKED.finditer(marked))
    )
    return Script(_MARKED.sub("", marked), passages)


def wanted(ghost: str, remaining: str) -> int:
    """How many code points of a suggestion the typist wants: all of it or nothing.

    A suggestion is wanted when it is a beginning of what is going to be typed anyway.
    """
    long_enough = len(ghost) >= min(WORTH_ACCEPTING, len(remaining))
    return len(ghost) if ghost and long_enough and remaining.startswith(ghost) else 0


def next_key(remaining: str) -> str:
    """What the next key types: one character, or a line break with the indentation that editors add."""
    if not remaining.startswith("\n"):
        return remaining[:1]
    return remaining[: len(remaining) - len(remaining.lstrip("\n "))]


def position(text: str, offset: int) -> dict[str, int]:
    """The protocol's position of an offset; the sample is plain ASCII, so every encoding agrees."""
    before = text[:offset]
    return {"line": before.count("\n"), "character": offset - (before.rfind("\n") + 1)}
