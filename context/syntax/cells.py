"""Cells of a notebook as code: what their language can't read, a kernel's own commands, is hidden.

`%matplotlib inline`, `!pip install x` or `df?` are no Python, and one of them would make everything around it
unreadable to a parser. In what is parsed, blanks or a harmless value of the same length stand in their place:
offsets stay what they are, and the model sees the text as it is. What a command looks like is data of the
language. Cells whose first line hands them to another program (`%%bash`) are that program's language.

Pure. What a notebook is and in which order its cells stand is `lsp`'s knowledge.
"""

from __future__ import annotations

import functools
import re
from itertools import pairwise

from ..languages import Language, language_of
from ..languages.notebooks import Magic

_FIRST_LINE = re.compile(r"%%(\S+)[ \t]*([^\r\n]*)")
_NOT_A_LINE_END = re.compile(r"[^\r\n]")
_GOES_ON = ("(", "[", "{", ",", "\\")


def code_of(text: str, of: Language) -> str:
    """The text as code, of the same length: commands of the kernel are hidden.

    Args:
        text: cells of one language, one below the other.
        of: their language.
    """
    for magic in of.cells.magics:
        text = _without(text, magic)
    if not of.cells.magics and (found := _FIRST_LINE.match(text)) is not None:
        text = _blank(found[0]) + text[found.end() :]
    return text


def language_of_cell(text: str, of: Language) -> str:
    """The language that a cell's first line hands it to (`%%bash`); "" where it stays what it is."""
    found = _FIRST_LINE.match(text) if of.cells.foreign else None
    if found is None:
        return ""
    name = dict(of.cells.foreign).get(found[1], "")
    if name != "file":
        return name
    return language_of(found[2].rsplit(" ", 1)[-1]) or "plaintext"


def changed(old: str, new: str) -> tuple[int, int, int]:
    """(start, old end, new end) of the one stretch in which two texts differ."""
    start = _shared(old, new, min(len(old), len(new)), ends=False)
    end = _shared(old, new, min(len(old), len(new)) - start, ends=True)
    return start, len(old) - end, len(new) - end


def _shared(old: str, new: str, most: int, *, ends: bool) -> int:
    """The length of what two texts have in common at their beginnings or ends, at most `most`."""
    low, high = 0, most
    while low < high:  # texts are compared far sooner than letters
        middle = (low + high + 1) // 2
        if ends:
            same = old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]
        else:
            same = old[low:middle] == new[low:middle]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def _without(text: str, magic: Magic) -> str:
    pieces = [0]
    for found in _compiled(magic.pattern).finditer(text):
        goes_on = _line_above(text, found.start()).endswith(_GOES_ON)
        closes = found[1].count(")") > found[1].count("(")  # `% b)` goes on with code above
        if not (goes_on or closes):
            pieces += found.span(1)
    if len(pieces) == 1:
        return text
    pieces.append(len(text))
    return "".join(
        _hidden(text[start:end], magic) if number % 2 else text[start:end]
        for number, (start, end) in enumerate(pairwise(pieces))
    )


def _line_above(text: str, start: int) -> str:
    """The end of the nearest line with code above a line that begins at `start`."""
    reach = 200
    while not (above := text[max(0, start - reach) : start].rstrip(" \t\r\n")) and reach < start:
        reach *= 8
    return above


def _hidden(command: str, magic: Magic) -> str:
    blank = _blank(command)
    if len(magic.value) + len(magic.end) > len(command):
        return blank
    return magic.value + blank[len(magic.value) : len(blank) - len(magic.end)] + magic.end


def _blank(text: str) -> str:
    return _NOT_A_LINE_END.sub(" ", text)


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)
