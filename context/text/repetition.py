"""Whether a model repeats itself: what is a loop in a growing text, and what only looks like one.

One definition for who stops the decoding and who trims what was decoded. Numbers, colours, format strings and
rows of data repeat themselves honestly; sentences and statements don't. Nothing is ever cut inside a word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_DATA = re.compile(r"0[xX][0-9a-fA-F_]+|#[0-9a-fA-F]{3,8}\b|\\x[0-9a-fA-F]{2}|%[a-zA-Z]\b|\b\d\w*")
_LETTER = re.compile(r"[^\W\d]")
_WORD = re.compile(r"[^\W\d_]{3}")
_UNBROKEN = re.compile(r"[\w.:/\\-]{8,}")
_CLOSING_TAG = re.compile(r"(?:</[\w.:-]*>\s*)+")
_REPEATED_LINES = 3
_MAX_BLOCK_LINES = 8
_REPEATED_UNITS = 6
_REPEATED_IN_A_WORD = 4
_REPEATED_DATA = 40
_REPEATED_CHARACTERS = 120
MOST_LINES = _MAX_BLOCK_LINES * _REPEATED_LINES
"""Lines at the end of a text that tell whether it goes round in circles."""

_MAX_UNIT = 40
_LOOKED_AT = 2_000


def says_something(code: str) -> bool:
    """Whether a piece of code holds a word, rather than numbers, colours and punctuation alone."""
    return _LETTER.search(_DATA.sub("", code)) is not None and not _CLOSING_TAG.fullmatch(code.strip())


def lines_before_a_loop(lines: Sequence[str]) -> int | None:
    """How many of the lines are worth keeping when the last ones only repeat what is above; else None.

    The same line three times in a row is a loop, and so are two blocks of the same two to eight lines.
    """
    codes = [line.strip() for line in lines[-MOST_LINES:]]
    for size in range(1, min(_MAX_BLOCK_LINES, len(codes) // 2) + 1):
        times = _REPEATED_LINES if size == 1 else 2
        block = codes[-size:]
        if len(codes) < size * times or not any(says_something(code) for code in block):
            continue
        if all(codes[-size * (turn + 1) : len(codes) - size * turn] == block for turn in range(1, times)):
            return len(lines) - size * (times - 1)
    return None


def end_of_first_unit(line: str) -> int | None:
    """Where a unit that is repeated over and over at the end of `line` has been said once; else None.

    Six times are a loop, four inside what stands there as one word (`x86_64-amd64-x86_64-amd64-`), many more
    for what says nothing. Rulers such as `-----` are honest repetitions.
    """
    skipped = max(0, len(line) - _LOOKED_AT)
    line = line[skipped:]
    for size in range(1, min(_MAX_UNIT, len(line) // _REPEATED_IN_A_WORD) + 1):
        unit = line[-size:]
        if not line.endswith(unit * _REPEATED_IN_A_WORD) or not unit.strip():
            continue
        if size > 1 and len(set(unit.strip())) == 1 and not says_something(unit):
            continue
        start = len(line) - size
        while start >= size and line[start - size : start] == unit:
            start -= size
        times = (len(line) - start) // size
        if times < _enough(unit):
            continue
        end = start + size
        if not (_in_word(line[end - 1]) and _in_word(line[end])):
            return skipped + end
    return None


def _enough(unit: str) -> int:
    if len(unit) == 1:
        return _REPEATED_CHARACTERS
    # Said twice, since the unit may begin in the middle of a word.
    if not _WORD.search(_DATA.sub("", unit * 2)):
        return _REPEATED_DATA
    return _REPEATED_IN_A_WORD if _UNBROKEN.fullmatch(unit) else _REPEATED_UNITS


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
