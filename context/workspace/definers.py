"""Which files define a name: hashes and numbers of files, eight bytes for each pair, no text.

A workspace of ten thousand files has a hundred thousand of them; as strings in dictionaries they would be
the largest thing in a language server's memory. What the numbers stand for is `index`'s business, and so is
looking whether a file really has the name: two names may share a hash, though hardly ever.
"""

from __future__ import annotations

import contextlib
from array import array
from bisect import bisect_left, bisect_right

import attrs

MOST_FILES_A_NAME = 40
"""Files that are remembered for one name."""

_NUMBER_BITS = 24
_LARGEST_NUMBER = (1 << _NUMBER_BITS) - 1
_ROWS = 1 << 10


def _hashed(name: str) -> tuple[int, int]:
    """(which row, the smallest pair in it) of a name; Python hashes strings anew in each process."""
    mixed = hash(name) & 0xFFFF_FFFF_FFFF_FFFF
    return mixed % _ROWS, mixed >> _NUMBER_BITS << _NUMBER_BITS


@attrs.define(eq=False)
class Definers:
    """Names and the files that define them. State: sorted rows of pairs, each a hash and a file's number.

    One thread at a time may change it; what others are told meanwhile may be a moment old.
    """

    _rows: list[array[int]] = attrs.field(factory=lambda: [array("Q") for _ in range(_ROWS)], init=False)

    def add(self, name: str, file: int) -> None:
        """A file defines a name; beyond `MOST` files that is not remembered.

        Args:
            name: what is defined.
            file: its number, below 2 to the power of 24.
        """
        which, pair = _hashed(name)
        row = self._rows[which]
        first, end = bisect_left(row, pair), bisect_right(row, pair + _LARGEST_NUMBER)
        at = bisect_left(row, pair + file, first, end)
        if end - first < MOST_FILES_A_NAME and (at == end or row[at] != pair + file):
            row.insert(at, pair + file)

    def remove(self, name: str, file: int) -> None:
        """A file doesn't define a name any more."""
        which, pair = _hashed(name)
        with contextlib.suppress(ValueError):
            self._rows[which].remove(pair + file)

    def of(self, name: str) -> list[int]:
        """The numbers of the files that define a name, in order."""
        which, pair = _hashed(name)
        row = self._rows[which]
        found = row[bisect_left(row, pair) : bisect_right(row, pair + _LARGEST_NUMBER)]
        return [each - pair for each in found if pair <= each <= pair + _LARGEST_NUMBER]

    def __contains__(self, name: str) -> bool:
        """Whether any file defines a name."""
        return bool(self.of(name))
