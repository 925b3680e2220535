"""Which words the files of a workspace mention: hashes of them, and for each hash how many files.

What comes into a file unseen (C's headers, Rust's `use super::*`) can't be told from an invention by looking
at the file; but hardly a name is used in a project that none of its files has ever mentioned. No text is
kept, and a file costs four bytes a word. An answer errs on the side of "mentioned": other words may share the
hashes. What follows from silence is `ground`'s decision.
"""

from __future__ import annotations

import re
import zlib

import attrs
import numpy as np
import numpy.typing as npt

LEAST_FILES = 30
"""In a workspace of fewer files, that none of them mentions a name says little."""

_WORD = re.compile(r"[^\W\d]\w+")
_SLOTS = 1 << 22
_OTHER = 0x9E3779B1  # Knuth's multiplicative hash: a second slot that has nothing to do with the first


def words_of(text: str) -> bytes:
    """The words of a text: their 32-bit hashes, each once, in ascending order, 4 bytes each."""
    return np.array(sorted({_hash(word) for word in set(_WORD.findall(text))}), np.uint32).tobytes()


def _hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


@attrs.define(eq=False)
class Mentions:
    """Counts of files, in 8 MB however large a workspace is. State: two slots a hash, shape (`_SLOTS`,)."""

    _counts: npt.NDArray[np.uint16] = attrs.field(factory=lambda: np.zeros(_SLOTS, np.uint16), init=False)

    def add(self, words: bytes) -> None:
        """Count a file's words, as `words_of` made them."""
        np.add.at(self._counts, _slots(np.frombuffer(words, np.uint32)), np.uint16(1))

    def remove(self, words: bytes) -> None:
        """Take a file's words back."""
        np.subtract.at(self._counts, _slots(np.frombuffer(words, np.uint32)), np.uint16(1))

    def anywhere(self, word: str, but: bytes = b"") -> bool:
        """Whether any file mentions a word, one apart whose words are `but`."""
        wanted: npt.NDArray[np.uint32] = np.array([_hash(word)], np.uint32)
        count = int(self._counts[_slots(wanted)].min())
        own = np.frombuffer(but, np.uint32)
        at = int(np.searchsorted(own, wanted)[0])
        return count > int(at < len(own) and own[at] == wanted[0])


def _slots(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.intp]:
    other = (hashes * np.uint32(_OTHER)) >> np.uint32(10)
    return np.concatenate((hashes & np.uint32(_SLOTS - 1), other)).astype(np.intp)
