"""Making trees: in parts, within a time limit, and of a large text only what is around a place.

A program with an event loop cannot wait until a megabyte is parsed, and handing work to a thread helps only
if the work lets go of the interpreter. So parsing can be done for a few milliseconds, again and again, in one
thread after another, and while it runs it calls back into Python every few hundred bytes, where other threads
get their turn. What tree-sitter does in one go, such as balancing a finished tree and freeing an old one,
takes 20 ms for a megabyte: texts larger than `WHOLE` therefore get the tree of the region around a place.

Bytes and tree-sitter stay in here and in `tree`; which questions a tree answers is that module's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import cast

import attrs
import tree_sitter

MAX_CHARACTERS = 2_000_000
"""Texts with more code points than this get no tree."""

FIRST_PARSE_MS = 1000.0
"""Time for parsing a text from nothing; a pathological file that needs more gets no tree."""

EDIT_MS = 250.0
"""Time for parsing again after an edit."""

PARSED_WHOLE = 100_000
"""Code points up to which a text that has a place to look at is parsed whole."""

_REACH = 50_000
"""Code points on either side of the place that a region has."""

_MARGIN = 15_000
"""A region serves another place that has this much of it around, or where the text itself ends."""

FRESH_BELOW = 48_000
"""Bytes below which a text with defects is parsed afresh after an edit; see `SyntaxTree.edited`."""

_SEEK = 6_000
_AT_MARGIN = re.compile(r"(?:(?<=\n)|(?<=\r)(?!\n))(?=[^\W\d]|[@#<])")
_BETWEEN = re.compile(r"(?<=[;{}\n])")

_CHUNK = 512
"""Bytes given to tree-sitter at once. A query that compares texts reads a chunk for every node it looks at,
so large ones cost more than all the rest of the query; parsing is no slower with small ones."""

_Clock = Callable[[], float]


class _Chunks:
    """What tree-sitter reads from while it parses, one set for each parse that runs. State: buffers by size.

    py-tree-sitter (0.26) never lets go of what a callback returns while it parses: a copy of every text in
    pieces, for good. Buffers that are written anew cost nothing when they are kept. Of two of a size one is
    left alone until the other was read.
    """

    def __init__(self) -> None:
        self._buffers: dict[int, tuple[bytearray, bytearray]] = {}
        self._turn = 0

    def chunk(self, data: memoryview, offset: int) -> bytearray:
        """The bytes from an offset on, `_CHUNK` at most, until the next but one is asked for."""
        piece = data[offset : offset + _CHUNK]
        size = len(piece)
        pair = self._buffers.get(size)
        if pair is None:
            pair = self._buffers[size] = bytearray(size), bytearray(size)
        self._turn = 1 - self._turn
        pair[self._turn][:] = piece
        return pair[self._turn]


_idle: list[_Chunks] = []
"""Sets that no parse uses now; there are as many as ever ran at once."""


class _Reading:
    """What tree-sitter reads a text with. State: the chunks while it parses; later queries compare texts."""

    def __init__(self, data: bytes) -> None:
        self.chunks: _Chunks | None = None
        self._data = data
        self._view = memoryview(data)

    def __call__(self, offset: int, _point: tree_sitter.Point) -> bytes:
        if self.chunks is not None:
            # Any buffer will do here, whatever the binding's declarations say; a query has to get bytes.
            return cast("bytes", self.chunks.chunk(self._view, offset))
        return self._data[offset : offset + _CHUNK]


@attrs.frozen
class Region:
    """The part of a text that a tree knows: code points from `start` to before `end`."""

    start: int
    end: int

    def serves(self, place: int, length: int) -> bool:
        """Whether enough of a text of that length is known around a place, and not far too much."""
        return (
            (self.start == 0 or self.start + _MARGIN <= place)
            and (self.end >= length or place + _MARGIN <= self.end)
            and self.end - self.start <= 2 * PARSED_WHOLE
        )

    def moved(self, edit: TreeEdit) -> Region | None:
        """Where it lies after an edit; None when the edit crosses one of its ends."""
        if edit.old_end < self.start:
            return Region(self.start + edit.longer, self.end + edit.longer)
        if edit.start > self.end:
            return self
        if self.start <= edit.start and edit.old_end <= self.end:
            return Region(self.start, self.end + edit.longer)
        return None


@attrs.frozen
class TreeEdit:
    """Edits of a text, as one: `old[start:old_end]` became `new[start:new_end]`. Code points."""

    start: int
    old_end: int
    new_end: int

    @property
    def longer(self) -> int:
        """By how much the text became longer."""
        return self.new_end - self.old_end

    def then(self, start: int, old_end: int, new_end: int) -> TreeEdit:
        """One edit that covers this one and a later one, whose offsets are in the text between them."""
        reach = max(self.new_end, old_end)
        return TreeEdit(
            min(self.start, start), self.old_end + reach - self.new_end, reach + new_end - old_end
        )


def region_around(text: str, place: int) -> Region:
    """The part of a large text around a place: from the beginning of a line at the margin to such another."""
    start, end = max(0, place - _REACH), min(len(text), place + _REACH)
    if start:
        starts = _cuts(text, start, start + _SEEK)
        start = starts[0] if starts else start
    if end < len(text):
        ends = _cuts(text, end - _SEEK, end)
        end = ends[-1] if ends else end
    return Region(start, end)


def _cuts(text: str, start: int, end: int) -> list[int]:
    """Where a text may be cut: where lines begin at the margin, or at least statements."""
    for cut in (_AT_MARGIN, _BETWEEN):
        if found := [each.end() for each in cut.finditer(text, start, end)]:
            return found
    return []


class ByteParse:
    """tree-sitter at work on one text. State: the parser, which knows how far it has come, and the tree."""

    def __init__(
        self,
        grammar: tree_sitter.Language,
        data: bytes,
        old: tree_sitter.Tree | None = None,
        within: tuple[int, int] | None = None,
    ) -> None:
        """Begin.

        Args:
            grammar: the language's.
            data: the whole text.
            old: the tree of an earlier text, told of the edit.
            within: the bytes that are parsed; None is all.
        """
        self.tree: tree_sitter.Tree | None = None
        self._read = _Reading(data)
        self._old = old
        self._parser = tree_sitter.Parser(grammar)
        if within is not None:
            first, last = within
            self._parser.included_ranges = [
                tree_sitter.Range(point(data, first), point(data, last), first, last)
            ]

    def run(self, limit_ms: float, clock: _Clock = time.thread_time) -> bool:
        """Parse for at most `limit_ms` milliseconds of `clock`. Returns whether the tree is finished."""
        read, deadline = self._read, clock() + limit_ms / 1000

        def too_late(_offset: int, _has_error: bool) -> bool:
            return clock() > deadline

        try:
            read.chunks = _idle.pop()
        except IndexError:
            read.chunks = _Chunks()
        try:
            if self._old is None:
                self.tree = self._parser.parse(read, encoding="utf8", progress_callback=too_late)
            else:
                self.tree = self._parser.parse(
                    read, old_tree=self._old, encoding="utf8", progress_callback=too_late
                )
        except ValueError:
            return False  # the binding's way to say that it was stopped; the parser goes on from there
        finally:
            _idle.append(read.chunks)
            read.chunks = None
        return True


def point(data: bytes, byte: int) -> tuple[int, int]:
    """tree-sitter's (row, column in bytes) of a byte offset."""
    return data.count(b"\n", 0, byte), byte - data.rfind(b"\n", 0, byte) - 1


def encoded(text: str) -> bytes:
    """A text as tree-sitter gets it; lone surrogates have three bytes."""
    return text.encode("utf-8", "surrogatepass")


def byte_at(text: str, offset: int) -> int:
    """The byte offset of a code point offset."""
    return offset if text.isascii() else len(encoded(text[:offset]))
