"""Brackets and quotes in a stretch of code: which of them have no partner in it.

A scanner for completions and the lines around them, which may be cut anywhere. It knows quotes, escapes and
line comments, nothing else; where a syntax tree can tell, it is asked instead.
"""

from __future__ import annotations

import functools
import re

import attrs

from .languages import Language

PAIRS = {"(": ")", "[": "]", "{": "}"}
_LINE_END = re.compile(r"[\r\n]")
_CLOSING = frozenset(PAIRS.values())


@attrs.frozen
class Balance:
    """What remains open or unmatched in a text.

    Attributes:
        closers: unmatched closing brackets and quotes with their offsets, in order.
        openers: unmatched opening brackets with their offsets, in order.
        quote: the quote of a string that is still open at the end, or "".
    """

    closers: tuple[tuple[int, str], ...]
    openers: tuple[tuple[int, str], ...]
    quote: str


def balance(text: str, described: Language, quote: str = "") -> Balance:
    """Scan a text that begins inside a string ended by `quote`, or in code when that is ""."""
    found = _Scan(quote=quote, outer=quote)
    position = 0
    tokens = _tokens(described)
    while (match := tokens.search(text, position)) is not None:
        position = match.end()
        if found.quote:
            found.in_string(match.group(), match.start())
        elif match.group() in described.comments.line:
            end = _LINE_END.search(text, position)
            position = end.start() if end else len(text)
        else:
            found.in_code(match.group(), match.start(), described)
    return Balance(tuple(found.closers), tuple(found.openers), found.quote)


@attrs.define
class _Scan:
    """A scan so far: what is unmatched, and in which string it stands; `outer` until that one has ended."""

    quote: str
    outer: str
    closers: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    openers: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])

    def in_string(self, lexeme: str, at: int) -> None:
        if lexeme == self.quote:
            if self.outer:
                self.closers.append((at, lexeme))
            self.quote = self.outer = ""
        elif lexeme in {"\r", "\n"} and len(self.quote) == 1 and self.quote != "`":
            self.quote = self.outer = ""

    def in_code(self, lexeme: str, at: int, described: Language) -> None:
        if lexeme in described.layout.quotes or len(lexeme) == 3:
            self.quote = lexeme
        elif lexeme in PAIRS:
            self.openers.append((at, lexeme))
        elif lexeme in _CLOSING:
            if self.openers and PAIRS[self.openers[-1][1]] == lexeme:
                self.openers.pop()
            else:
                self.closers.append((at, lexeme))


@functools.cache
def _tokens(described: Language) -> re.Pattern[str]:
    quotes = described.layout.quotes
    tripled = [quote * 3 for quote in quotes if described.layout.indented]
    words = [*tripled, *quotes, *described.comments.line, *PAIRS, *PAIRS.values(), "\n", "\r"]
    return re.compile(r"\\.|" + "|".join(re.escape(word) for word in words))
