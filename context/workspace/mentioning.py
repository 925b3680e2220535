"""Which files of a workspace may mention some words: answered without looking at any of them.

Superimposed coding (Roberts, 1979): every word of a file sets two bits of the file's signature. Of the files
that have all bits of a question, one in thirty or so doesn't have its words: whoever asks looks at them. Not:
which words.
"""

from __future__ import annotations

import struct

import attrs

_LENGTH = 4096
"""Bits of a signature, a power of two: 10,000 files take 5 MB."""

_SHIFT = 12
_HASH = struct.Struct("<I")
_ZERO, _ONE = b"0", ord("1")


@attrs.define(eq=False)
class FileSignatures:
    """The signatures. State: one for each file's number, 0 where there is no file."""

    _kept: list[int] = attrs.field(factory=list[int], init=False)

    def add(self, number: int, words: bytes) -> None:
        """Know a file's words, as `mentions.words_of` made them."""
        if number >= len(self._kept):
            self._kept.extend([0] * (number + 1 - len(self._kept)))
        self._kept[number] = signature(words)

    def remove(self, number: int) -> None:
        """Forget a file: its number may become another one's."""
        self._kept[number] = 0

    def having(self, words: bytes) -> list[int]:
        """The numbers of the files that may have all of some words, in order; of no words, none."""
        wanted = signature(words)
        return [number for number, bits in enumerate(self._kept) if bits & wanted == wanted] if wanted else []


def signature(words: bytes) -> int:
    """The bits that some words set."""
    bits = bytearray(_ZERO * _LENGTH)
    for (word,) in _HASH.iter_unpack(words):
        bits[word % _LENGTH] = bits[(word >> _SHIFT) % _LENGTH] = _ONE
    return int(bits, 2)
