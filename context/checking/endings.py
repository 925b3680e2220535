"""Where an answer may end before its end, so that nobody would take it for cut in two.

Behind a whole name or number, a closed call or string, a whole line: nowhere inside one of them, and inside a
line not where something that the answer itself has opened would stand open. Pure functions on text; whether
what is left parses is `ground`'s question, and which of the ends is the best one `confidence`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from ..text.lines import split_lines, without_end
from .closers import Line

_LONGEST = 400
"""Code points of an answer's first line in which ends are looked for: more nobody reads."""
_MOST_LINES = 40
_PLACE = re.compile(r"(?<=[\w)\]}\"'`;])(?!\w)")
_COMPLETE = re.compile(r"[\w)\]}\"'`;]$")
_LAST_WORD = re.compile(r"[\w$]+$")
_GLUED = re.compile(r"[$\"'`]|\.\d|[-!?]\w|![(\[{]|##")
"""What right behind a word belongs to it: a string with a prefix, a decimal point, a macro's mark."""
_EXPONENT = re.compile(r"\d[eEpP]$")


def possible_ends(text: str, limit: int) -> Iterator[int]:
    """Where in the first line a word or something closed ends, and where lines end; below `limit`."""
    lines = split_lines(text)
    if not lines:
        return
    first = without_end(lines[0])
    for found in _PLACE.finditer(first[:_LONGEST]):
        if found.start() < min(limit, len(first)):
            yield found.start()
    at = 0
    for line in lines[:_MOST_LINES]:
        end = at + len(without_end(line).rstrip())
        at += len(line)
        if 0 < end < limit and line.strip() and at <= limit:
            yield end


def may_end(text: str, end: int, line: Line) -> bool:
    """Whether a person would take the first `end` code points of an answer for whole.

    Args:
        text: the answer.
        end: one of `possible_ends`.
        line: the cursor's line.
    """
    kept = text[:end]
    behind = text[end:]
    whole_line = behind.lstrip(" \t")[:1] in {"\r", "\n"}
    if not kept.strip() or not (_COMPLETE.search(kept) or whole_line):
        return False
    if not whole_line and _is_cut_in_two(line.before + kept, behind, line):
        return False
    found = line.balance(kept)
    return (found.is_closed or whole_line) and not (found.quote or found.quote_began_here or found.comment)


def _is_cut_in_two(before: str, behind: str, line: Line) -> bool:
    """Whether what stands in front of an end and what stood behind it are one word, or one sign."""
    if behind[:1] and unicodedata.category(behind[0]).startswith(("M", "Cs", "Cf")):
        return True
    word = _LAST_WORD.search(before)
    if word is None:
        return False
    glued = _GLUED.match(behind) is not None or (
        _EXPONENT.search(before) is not None and behind[:1] in set("+-")
    )
    return glued or word.group() in line.language.keywords


def reach_of(raw: str, shown: str) -> int:
    """Code points of an answer that are left in what is shown, which may have other blanks and closers."""
    at = 0
    for letter in shown:
        if letter.isspace():
            continue
        following = at
        while following < len(raw) and raw[following].isspace():
            following += 1
        if raw[following : following + 1] != letter:
            break
        at = following + 1
    return at
