"""Text as a stream of tokens, the way byte-pair tokenisers cut it.

The pattern is that of GPT-2's pre-tokeniser (words and marks with one blank in front, runs of blanks, digits
in threes); long words come in pieces, so that a token limit also cuts inside words. No vocabulary is needed:
the stop rules see text, and where it is cut matters, not which number a piece has.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r" ?[^\W\d_]+|\d{1,3}| ?[^\s\w]+|_+|\s+(?!\S)|\s+")
_LONGEST_WORD = 6


def pieces(text: str) -> list[str]:
    """The tokens of a text, in order; together they are the text."""
    found: list[str] = []
    for match in _PIECE.finditer(text):
        piece = match.group()
        if len(piece) > _LONGEST_WORD and piece[-1].isalpha():
            found += [piece[at : at + _LONGEST_WORD] for at in range(0, len(piece), _LONGEST_WORD)]
        else:
            found.append(piece)
    return found
