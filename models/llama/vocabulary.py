"""Text to tokens and back, on bytes: what a vocabulary can spell, and what may continue a given spelling.

Text becomes bytes as UTF-8; a lone surrogate that stands for a raw byte (PEP 383) becomes that byte, so
that half a character can be completed; any other lone surrogate becomes U+FFFD. Special tokens are never
recognised in text (invariant 11). Which tokens to evaluate is not decided here.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection
from typing import Protocol

import attrs
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

_WHITE = b" \t\r\n\f\v"
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class Tokeniser(Protocol):
    """What is needed of a loaded model; `llama.Model` is one."""

    def tokenise(self, text: bytes) -> list[int]:
        """Tokens of `text`, special tokens off, nothing added."""
        ...

    def pieces(self) -> list[bytes]:
        """The bytes of every token."""
        ...


def to_bytes(text: str) -> bytes:
    """UTF-8 bytes of `text`; see the module's opening for surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        clean = "".join(
            "\ufffd" if "\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff" else char
            for char in text
        )
        return clean.encode("utf-8", "surrogateescape")


class Vocabulary:
    """The spelling side of a model: pieces in byte order, so that continuations are found by bisection.

    Attributes:
        pieces: bytes of every token; empty for tokens that are never text.
    """

    def __init__(
        self, tokeniser: Tokeniser, *, adds_space: bool = False, markers: Collection[int] = ()
    ) -> None:
        """Sort the pieces once.

        Args:
            tokeniser: the model.
            markers: tokens that are never text, whatever the file says: healing must not complete to one.
            adds_space: the tokeniser puts a space before every text (SentencePiece's dummy prefix).
        """
        self._tokeniser = tokeniser
        self.pieces = list(tokeniser.pieces())
        for marker in markers:
            self.pieces[marker] = b""
        self.adds_space = adds_space
        order = sorted((piece, token) for token, piece in enumerate(self.pieces) if piece)
        self._sorted = [piece for piece, _ in order]
        self._order: Ids = np.array([token for _, token in order], np.int64)
        self._joins_line_ends = any(_joins_line_end(piece) for piece in self.pieces)

    def encode(self, text: bytes) -> list[int]:
        """Tokens of a text that begins something."""
        return self._tokeniser.tokenise(text) if text else []

    def encode_continuation(self, text: bytes) -> list[int]:
        """Tokens of a text that goes on after other tokens: without SentencePiece's dummy prefix.

        The dummy first character is a newline, dropped again (as CodeLlama's own code does for suffixes,
        with another character): a newline is a token of its own there.
        """
        if not text or not self.adds_space:
            return self.encode(text)
        tokens = self._tokeniser.tokenise(b"\n" + text)
        for index, token in enumerate(tokens):
            if self.pieces[token].endswith(b"\n"):
                return tokens[index + 1 :]
        return self.encode(text)

    def safe_cut(self, text: bytes, newline: int) -> bool:
        """Whether no token of `text`, whatever follows, spans the place before the line end at `newline`.

        A run of white space is split only by looking at what follows it, so the cut must come before
        the whole run. What stands left of it is joined with a line end by some tokenisers when it is
        punctuation (cl100k and its kin); letters and digits never are.
        """
        if not newline:
            return False
        before = text[newline - 1]
        return before in _LETTERS if self._joins_line_ends else before not in _WHITE

    def decode(self, tokens: list[int]) -> bytes:
        """The bytes that `tokens` spell."""
        pieces = self.pieces
        return b"".join([pieces[token] for token in tokens])

    def extends(self, spelling: bytes) -> bool:
        """Whether one token spells `spelling` and then more."""
        at = bisect.bisect_right(self._sorted, spelling)
        return at < len(self._sorted) and self._sorted[at].startswith(spelling)

    def continuations(self, required: bytes) -> Ids:
        """Tokens that may come next when `required` must be spelled: longer spellings and beginnings of it.

        Returns:
            Token ids, shape (n,); empty when no token spells even the first byte.
        """
        parts = [self.beginning_with(required)]
        for length in range(1, len(required)):
            same = self.spelling(required[:length])
            if len(same):
                parts.append(same)
        return np.concatenate(parts)

    def spelling(self, piece: bytes) -> Ids:
        """Tokens that spell just that, shape (n,)."""
        start = bisect.bisect_left(self._sorted, piece)
        return self._order[start : bisect.bisect_right(self._sorted, piece, start)]

    def beginning_with(self, spelling: bytes) -> Ids:
        """Tokens that spell that, and perhaps more, shape (n,)."""
        first = bisect.bisect_left(self._sorted, spelling)
        last = bisect.bisect_left(self._sorted, _after(spelling), first) if spelling else len(self._sorted)
        return self._order[first:last]


def _joins_line_end(piece: bytes) -> bool:
    at = max(piece.find(b"\n"), piece.find(b"\r"))
    return at > 0 and bool(piece[:at].strip(_WHITE))


def _after(spelling: bytes) -> bytes:
    """The smallest byte string greater than everything that begins with `spelling`."""
    stripped = spelling.rstrip(b"\xff")
    if not stripped:
        return b"\xff" * (len(spelling) + 256)
    return stripped[:-1] + bytes([stripped[-1] + 1])


@attrs.define
class GrowingText:
    """Tokens of a text that changes mostly at its end: only what follows the last safe cut is tokenised.

    State: the text that was last encoded, its tokens, and the safe cuts within it. The result equals
    encoding the whole text each time (a property test compares them on real vocabularies).
    """

    vocabulary: Vocabulary
    continuation: bool = False
    _text: bytes = b""
    _tokens: list[int] = attrs.field(factory=list[int])
    _cuts: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]])  # (byte, token index)

    def encode(self, text: bytes) -> list[int]:
        """The tokens of `text`. The list is shared: callers don't change it."""
        common = common_length(self._text, text)
        if common == len(text) == len(self._text):
            return self._tokens
        # The line end after a cut belongs to what makes it safe, so it must be unchanged, too.
        while self._cuts and self._cuts[-1][0] >= common:
            self._cuts.pop()
        start, index = self._cuts[-1] if self._cuts else (0, 0)
        tokens = self._tokens[:index]
        while (cut := self._next_cut(text, start)) is not None:
            tokens += self._chunk(text, start, cut)
            self._cuts.append((cut, len(tokens)))
            start = cut
        tokens += self._chunk(text, start, len(text))
        self._text, self._tokens = text, tokens
        return tokens

    def _chunk(self, text: bytes, start: int, end: int) -> list[int]:
        if start or self.continuation:
            return self.vocabulary.encode_continuation(text[start:end])
        return self.vocabulary.encode(text[start:end])

    def _next_cut(self, text: bytes, start: int) -> int | None:
        at = start + _CHUNK_BYTES
        while (newline := text.find(b"\n", at)) >= 0:
            cut = newline - 1 if text[newline - 1 : newline] == b"\r" else newline
            if cut > start and self.vocabulary.safe_cut(text, cut):
                return cut
            at = newline + 1
        return None


_CHUNK_BYTES = 256


def common_length(first: bytes, second: bytes) -> int:
    """How many leading bytes two strings share, by bisection over slice comparisons."""
    low, high = 0, min(len(first), len(second))
    if first[:high] == second[:high]:
        return high
    while low < high - 1:
        middle = (low + high) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle
    return low
