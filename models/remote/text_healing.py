"""Healing without a server's help: back up to the word's start, and take only answers that say it again.

A prompt that ends inside a word confuses a model, whose training text has whole tokens there; so does one
that ends in a blank, since tokens begin with their blank. What is taken back is compared as bytes, so half a
character heals as well. Whoever has the vocabulary does better: see `prompts/healing`.
"""

from __future__ import annotations

import attrs

from ..llama.vocabulary import to_bytes
from ..prompts.healing import split_unfinished

MOST_TAKEN_BACK = 64
"""Code points that are taken back at most; a longer word is left as it is."""


@attrs.frozen
class HealedText:
    """Text before the cursor, backed up.

    Attributes:
        kept: what the server sees; always whole characters.
        required: bytes with which an answer must begin.
    """

    kept: str
    required: bytes


def heal_text(text: str) -> HealedText:
    """Take back the word at the end with the blank in front of it, or a blank at the end.

    Args:
        text: what stands before the cursor; half a character at its end is a row of surrogates (PEP 383).
    """
    whole, half = split_unfinished(to_bytes(text))
    seen = whole.decode("utf-8", "replace")
    at = end = len(seen)
    while at and _in_word(seen[at - 1]) and end - at < MOST_TAKEN_BACK:
        at -= 1
    if at and _in_word(seen[at - 1]):
        at = end  # a word that long is data
    elif at and seen[at - 1] in " \t":
        at -= 1
    return HealedText(seen[:at], seen[at:].encode() + half)


@attrs.define
class Respelling:
    """Follows the beginning of an answer. State: the bytes that are still to be said."""

    left: bytes
    contradicted: bool = False

    def take(self, said: bytes) -> bytes:
        """The part of what was said that is new; `contradicted` is set where it says something else."""
        shared = min(len(said), len(self.left))
        if said[:shared] != self.left[:shared]:
            self.contradicted = True
            return b""
        self.left = self.left[shared:]
        return said[shared:]


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"
