"""Where lines begin, as the Language Server Protocol counts lines: after LF, CR LF and a lone CR.

Form feed, U+2028 and the other breaks that `str.splitlines` knows are ordinary characters here. Offsets
are code points. A text is taken in parts: of each it is known how many lines end in it, which is counted at
the speed of memory; where exactly is looked for when somebody asks about a line in that part. So neither a
hundred thousand lines that are pasted nor a key in the midst of them hold up the next one.

It knows nothing of position encodings, documents or trees.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from itertools import accumulate

_BREAK = re.compile("\r\n|\n|\r")

_PART = 1 << 14
"""Code points of a part; one more where a CR LF would be cut."""

_MANY = 64
"""Parts beyond what the text needs at which it is divided anew."""


class LineIndex:
    """The line starts of one text, kept true through edits.

    Its state is the text and its parts. Of each part there are the length, the number of line breaks, and,
    once somebody asked, where these end, from the part's start.
    """

    __slots__ = ("_breaks", "_ends", "_lengths", "_lines", "_places", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._divide()

    def __len__(self) -> int:
        """Number of lines; a text without a line break has one, also when it is empty."""
        return 1 + (self._lines[-1] if self._lines else 0)

    def start(self, line: int) -> int:
        """Offset of the first code point of `line` (0-based, within range)."""
        if line <= 0:
            return 0
        part = bisect_left(self._lines, line)
        before = self._lines[part] - self._breaks[part]
        return self._start_of(part) + self._places_in(part)[line - before - 1]

    def line_at(self, offset: int) -> int:
        """The line that `offset` (0 to the text's length) lies in; at a line's start, that line."""
        part = min(bisect_right(self._ends, offset), len(self._ends) - 1)
        if part < 0:
            return 0
        before = self._lines[part] - self._breaks[part]
        return before + bisect_right(self._places_in(part), offset - self._start_of(part))

    def bounds(self, line: int) -> tuple[int, int]:
        """Offsets of the first code point of `line` and of its line break (or the text's end)."""
        start, text = self.start(line), self._text
        if line + 1 >= len(self):
            return start, len(text)
        end = self.start(line + 1) - 1
        if end > start and text[end] == "\n" and text[end - 1] == "\r":
            end -= 1
        return start, end

    def edit(self, new: str, start: int, old_end: int, new_end: int) -> None:
        """The text is `new` now: what stood from `start` to `old_end` is what stands to `new_end` in it."""
        self._text = new
        if not self._ends or len(self._ends) > len(new) // _PART + _MANY:
            self._divide()
            return
        # A CR in front of the edit may join or leave an LF: the character before `start` is touched as well.
        first = bisect_right(self._ends, max(0, start - 1))
        last = min(bisect_right(self._ends, old_end), len(self._ends) - 1)
        first = min(first, last)
        lengths = _parts(new, self._start_of(first), self._ends[last] + new_end - old_end)
        self._replace(first, last + 1, lengths)

    def _divide(self) -> None:
        self._lengths: list[int] = []
        self._breaks: list[int] = []
        self._places: list[array[int] | None] = []
        self._ends: list[int] = []
        self._replace(0, 0, _parts(self._text, 0, len(self._text)))

    def _replace(self, first: int, last: int, lengths: list[int]) -> None:
        """Other parts stand in the place of some."""
        end = self._start_of(first) if first else 0
        breaks: list[int] = []
        for length in lengths:
            breaks.append(_count(self._text, end, end + length))
            end += length
        self._lengths[first:last] = lengths
        self._breaks[first:last] = breaks
        self._places[first:last] = [None] * len(lengths)
        self._ends = list(accumulate(self._lengths))
        self._lines = list(accumulate(self._breaks))

    def _start_of(self, part: int) -> int:
        return self._ends[part - 1] if part else 0

    def _places_in(self, part: int) -> array[int]:
        """Where the line breaks of a part end, from its start, ascending."""
        known = self._places[part]
        if known is None:
            start = self._start_of(part)
            found = _BREAK.finditer(self._text, start, start + self._lengths[part])
            known = self._places[part] = array("q", [each.end() - start for each in found])
        return known


def _parts(text: str, start: int, end: int) -> list[int]:
    """The lengths of the parts into which `text[start:end]` is cut, never between CR and LF."""
    lengths: list[int] = []
    while start < end:
        stop = min(start + _PART, end)
        if stop < end and text[stop - 1] == "\r" and text[stop] == "\n":
            stop += 1
        lengths.append(stop - start)
        start = stop
    return lengths


def _count(text: str, start: int, end: int) -> int:
    """How many line breaks stand between two places, none of which lies inside a CR LF."""
    returns = text.count("\r", start, end)
    alone = returns - text.count("\r\n", start, end) if returns else 0
    return text.count("\n", start, end) + alone
