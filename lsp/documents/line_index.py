"""Where lines begin, as the Language Server Protocol counts lines: after LF, CR LF and a lone CR.

Form feed, U+2028 and the other breaks that `str.splitlines` knows are ordinary characters here. Offsets
are code points. The index follows edits without being rebuilt: what lies behind the last edit is kept
with one pending shift, so typing costs the distance to the previous edit and not the size of the file.

It knows nothing of position encodings, documents or trees.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right

_BREAK = re.compile("\r\n|\n|\r")
_LINE_FEED = re.compile("\n")
_HAS_BREAK = re.compile("[\r\n]")


def line_starts(text: str, start: int = 0, end: int | None = None) -> array[int]:
    """Offsets behind every line break of `text[start:end]`, ascending.

    A CR LF that straddles `end` counts as a lone CR: callers cut at line starts or at the text's end.
    """
    stop = len(text) if end is None else end
    lone = text.count("\r", start, stop) - text.count("\r\n", start, stop)
    breaks = _BREAK if lone else _LINE_FEED  # half the time: a megabyte must not hold up the next key
    return array("q", [found.end() for found in breaks.finditer(text, start, stop)])


class LineIndex:
    """The line starts of one text, kept true through edits.

    Its state is one array of line starts, of which those at or behind `_pivot` are still short of
    `_shift` code points.
    """

    __slots__ = ("_length", "_pivot", "_shift", "_starts")

    def __init__(self, text: str) -> None:
        self._starts = array("q", (0,))
        self._starts.extend(line_starts(text))
        self._length = len(text)
        self._pivot = len(self._starts)
        self._shift = 0

    def __len__(self) -> int:
        """Number of lines; a text without a line break has one, also when it is empty."""
        return len(self._starts)

    def start(self, line: int) -> int:
        """Offset of the first code point of `line` (0-based, within range)."""
        value = self._starts[line]
        return value + self._shift if line >= self._pivot else value

    def line_at(self, offset: int) -> int:
        """The line that `offset` (0 to the text's length) lies in; at a line's start, that line."""
        pivot = self._pivot
        if pivot < len(self._starts) and offset >= self._starts[pivot] + self._shift:
            return bisect_right(self._starts, offset - self._shift, lo=pivot) - 1
        return bisect_right(self._starts, offset, hi=pivot) - 1

    def bounds(self, line: int, text: str) -> tuple[int, int]:
        """Offsets of the first code point of `line` and of its line break (or the text's end)."""
        start = self.start(line)
        if line + 1 >= len(self._starts):
            return start, self._length
        end = self.start(line + 1) - 1
        if end > start and text[end] == "\n" and text[end - 1] == "\r":
            end -= 1
        return start, end

    def edit(self, old: str, new: str, start: int, old_end: int, new_end: int) -> None:
        """Follow the replacement of `old[start:old_end]` by `new[start:new_end]`."""
        delta = new_end - old_end
        touches_break = (
            _HAS_BREAK.search(old, start, old_end) is not None
            or _HAS_BREAK.search(new, start, new_end) is not None
            or (start > 0 and old[start - 1] == "\r")
        )
        first = self.line_at(start)
        if not touches_break:
            self._move_pivot(first + 1)
            self._shift += delta
            self._length += delta
            return
        if first > 0 and start == self.start(first) and old[start - 1] == "\r":
            first -= 1  # a CR in front of the edit may join or leave an LF
        last = self.line_at(old_end)
        at_end = last + 1 >= len(self._starts)
        self._move_pivot(last + 1)
        rescan_end = len(new) if at_end else self.start(last + 1) + delta
        fresh = line_starts(new, self.start(first), rescan_end)
        self._shift += delta
        self._length += delta
        if not at_end:
            # the break that ends the rescanned region belongs to the line start behind it
            fresh.pop()
        self._starts[first + 1 : last + 1] = fresh
        self._pivot = first + 1 + len(fresh)

    def _move_pivot(self, line: int) -> None:
        """Settle the shift so that it applies from `line` on, and to nothing before."""
        starts, shift = self._starts, self._shift
        line = min(len(starts), line)
        if shift:
            first, last, change = (
                (self._pivot, line, shift) if line > self._pivot else (line, self._pivot, -shift)
            )
            starts[first:last] = array("q", map(change.__add__, starts[first:last]))
        self._pivot = line
        if line == len(starts):
            self._shift = 0
