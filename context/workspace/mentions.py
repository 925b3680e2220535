"""Which words the files of a workspace mention: hashes of them, and for each hash how many files.

What comes into a file unseen (C's headers, Rust's `use super::*`) can't be told from an invention by looking
at the file; but hardly a name is used in a project that none of its files has ever mentioned. An answer errs
on the side of "mentioned": other words may share a hash. No text is kept. What follows from silence is
`ground`'s decision.
"""

from __future__ import annotations

import struct
import zlib

import attrs

LEAST_FILES = 30
"""In a workspace of fewer files, that none of them mentions a name says little."""

_SLOTS = 1 << 21
_MANY = 255
_HASH = struct.Struct("<I")
_APART = bytes(
    code if code >= 128 or chr(code).isalnum() or code == ord("_") else ord(" ") for code in range(256)
)


def words_of(text: str) -> bytes:
    """The words of a text: the 32-bit hash of each, once, 4 bytes each.

    What isn't ASCII counts as letters: splitting bytes is sooner done than matching an expression.
    """
    words = set(text.encode("utf-8", "surrogatepass").translate(_APART).split())
    return struct.pack(f"<{len(words)}I", *map(zlib.crc32, words))


def has_words(words: bytes, wanted: bytes) -> bool:
    """Whether a file's words, as `words_of` made them, have all of some others."""
    return {word for (word,) in _HASH.iter_unpack(wanted)} <= {word for (word,) in _HASH.iter_unpack(words)}


@attrs.define(eq=False)
class Mentions:
    """How many files mention a word. State: a count for each slot of hashes, 2 MB whatever the workspace.

    A count that has reached `_MANY` stays there: such a word counts as mentioned for good.
    """

    _counts: bytearray = attrs.field(factory=lambda: bytearray(_SLOTS), init=False)

    def add(self, words: bytes) -> None:
        """Count a file's words, as `words_of` made them."""
        counts = self._counts
        for (word,) in _HASH.iter_unpack(words):
            slot = int(word) % _SLOTS
            if counts[slot] < _MANY:
                counts[slot] += 1

    def remove(self, words: bytes) -> None:
        """Take a file's words back."""
        counts = self._counts
        for (word,) in _HASH.iter_unpack(words):
            slot = int(word) % _SLOTS
            if 0 < counts[slot] < _MANY:
                counts[slot] -= 1

    def anywhere(self, word: str, but: bytes = b"") -> bool:
        """Whether any file mentions a word, one apart whose words are `but`; of `$a`, its part `a`."""
        parts = word.encode("utf-8", "surrogatepass").translate(_APART).split()
        return all(self._has(part, but) for part in parts)

    def _has(self, word: bytes, but: bytes) -> bool:
        slot = zlib.crc32(word) % _SLOTS
        own = sum(other % _SLOTS == slot for (other,) in _HASH.iter_unpack(but))
        return self._counts[slot] > own
