"""Token healing: back up to a token boundary that is safe, and spell the removed bytes again.

A cursor inside a token confuses every model: after "json.lo" none has seen "lo" followed by "ads", because
training text has the token "loads" there. So the last tokens are taken back until no single token of the
vocabulary could span the boundary, and the first generated tokens are constrained to those that spell the
removed bytes (and then may go on). It works on bytes, so half a UTF-8 character heals as well.

The idea is known as token healing (Guidance, 2023). Sampling is not done here.
"""

from __future__ import annotations

import attrs

from ..llama.vocabulary import Vocabulary

MAX_REMOVED_TOKENS = 8
MAX_REMOVED_BYTES = 64


@attrs.frozen
class Healed:
    """A tail of text, backed up.

    Attributes:
        kept: tokens that stay.
        required: bytes that the generated tokens must spell first.
    """

    kept: list[int]
    required: bytes


def heal(tokens: list[int], vocabulary: Vocabulary, rest: bytes = b"") -> Healed:
    """Take back the last token, and more while one token of the vocabulary could span the boundary.

    A boundary is safe when no token spells the last kept piece, the removed bytes, and more. Runs of
    blanks are taken back whole, because indentation is spelled by few long tokens. Bounded by
    `MAX_REMOVED_TOKENS` and `MAX_REMOVED_BYTES`.

    Args:
        tokens: of the text before the cursor, without `rest`.
        vocabulary: of the model.
        rest: an unfinished character at the very end; see `split_unfinished`.
    """
    pieces = vocabulary.pieces
    keep = len(tokens)
    required = rest
    while keep and len(tokens) - keep < MAX_REMOVED_TOKENS:
        piece = pieces[tokens[keep - 1]]
        spelling = piece + required
        if not piece or len(spelling) > MAX_REMOVED_BYTES:
            break
        blank = not spelling.strip(b" \t")
        if required and not blank and not vocabulary.extends(spelling):
            break
        keep -= 1
        required = spelling
    return Healed(tokens[:keep], required)


def split_unfinished(text: bytes) -> tuple[bytes, bytes]:
    """Cut the beginning of a UTF-8 character off the end: tokenisers would replace it by U+FFFD.

    Returns:
        The whole characters, and up to 3 bytes that begin one more (RFC 3629, section 3).
    """
    for length in range(1, min(4, len(text) + 1)):
        byte = text[-length]
        if byte & 0xC0 == 0x80:  # a continuation byte: its beginning lies further left
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC2 else 1
        if byte < 0xF5 and needed > length:
            return text[:-length], text[-length:]
        break
    return text, b""
