"""Which files define a name: hashes and numbers of files, eight bytes for each pair, no text.

A workspace of ten thousand files has a hundred thousand of them; as strings in dictionaries they would be
the largest thing in a language server's memory. What the numbers stand for is `index`'s business, and so is
looking whether a file really has the name: two names may share a hash, though hardly ever.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

import attrs

MOST = 40
"""Files that are remembered for one name."""

LARGEST_NUMBER = (1 << 24) - 1
_SHELVES = 1 << 10
_KEY_BITS = 40


def _hashed(name: str) -> tuple[int, int]:
    """(which row, the smallest pair in it) of a name; Python hashes strings anew in each process."""
    mixed = hash(name) & 0xFFFF_FFFF_FFFF_FFFF
    return mixed % _SHELVES, (mixed >> 64 - _KEY_BITS) << 24


@attrs.define(eq=False)
class Definers:
    """Names and the files that define them. State: sorted rows of pairs, each a hash and a file's number."""

    _rows: list[array[int]] = attrs.field(factory=lambda: [array("Q") for _ in range(_SHELVES)], init=False)

    def add(self, name: str, file: int) -> None:
        """A file defines a name; beyond `MOST` files that is not remembered.

        Args:
            name: what is defined.
            file: its number, at most `LARGEST_NUMBER`.
        """
        which, pair = _hashed(name)
        row = self._rows[which]
        at = bisect_left(row, pair + file)
        if at < len(row) and row[at] == pair + file:
            return
        if bisect_left(row, pair + LARGEST_NUMBER + 1) - bisect_left(row, pair) < MOST:
            row.insert(at, pair + file)

    def remove(self, name: str, file: int) -> None:
        """A file doesn't define a name any more."""
        which, pair = _hashed(name)
        row = self._rows[which]
        at = bisect_left(row, pair + file)
        if at < len(row) and row[at] == pair + file:
            row.pop(at)

    def __contains__(self, name: str) -> bool:
        """Whether any file defines a name."""
        which, pair = _hashed(name)
        row = self._rows[which]
        at = bisect_left(row, pair)
        return bool(row[at : at + 1]) and row[at : at + 1][0] <= pair + LARGEST_NUMBER

    def of(self, name: str) -> list[int]:
        """The numbers of the files that define a name."""
        which, pair = _hashed(name)
        row = self._rows[which]
        found = row[bisect_left(row, pair) : bisect_left(row, pair + LARGEST_NUMBER + 1)]
        return [each - pair for each in found if pair <= each <= pair + LARGEST_NUMBER]
