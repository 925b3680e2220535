"""Brackets and quotes in a stretch of code: which of them have no partner in it.

A scanner for completions and the lines around them, which may be cut anywhere. It knows quotes, escapes,
comments, character literals, code inside strings and, where a language has them, regular expressions; where
a syntax tree can tell, it is asked instead.
"""

from __future__ import annotations

import functools
import re

import attrs

from .languages import Language

PAIRS = {"(": ")", "[": "]", "{": "}"}
_LINE_END = re.compile(r"[\r\n]")
_CLOSING = frozenset(PAIRS.values())
_CHARACTER = r"'(?:\\[^'\r\n]{1,10}|[^'\\\r\n])'"
_REGEX = (
    r"(?:(?<=[=(,:\[!&|?{};\n])|(?<=return)|(?<=when)|(?<=if)|\A)[ \t]*"
    r"/(?![/*\s=])(?:\\.|\[(?:\\.|[^\]\\\r\n])*\]|[^/\\\r\n\[])+/"
)
_HASH = r"(?<![\w$\\&?{])#(?!\{)"
"""A hash that begins a comment, where one may stand in words too: `$#`, `${#name}`, `&#39;`."""


@attrs.frozen
class Balance:
    """What remains open or unmatched in a text.

    Attributes:
        closers: unmatched closing brackets and quotes with their offsets, in order.
        openers: unmatched opening brackets with their offsets, in order.
        quote: the quote of a string that is still open at the end, or "".
        quote_began_here: whether that string began in the text.
        comment: whether the text ends inside a comment.
    """

    closers: tuple[tuple[int, str], ...]
    openers: tuple[tuple[int, str], ...]
    quote: str
    quote_began_here: bool = False
    comment: bool = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing that began in the text is still open at its end."""
        return not self.openers and not self.quote_began_here


def balance(text: str, described: Language, quote: str = "") -> Balance:
    """Scan a text that begins inside a string ended by `quote`, or in code when that is ""."""
    found = _Scan(described, quote=quote, outer=quote)
    position = 0
    blocks = dict(described.comments.block)
    comment = False
    while (match := _tokens(described, in_string=bool(found.quote)).search(text, position)) is not None:
        lexeme, position = match.group(), match.end()
        if found.quote:
            found.in_string(lexeme, match.start())
        elif lexeme in blocks:
            end = text.find(blocks[lexeme], position)
            comment = end < 0
            position = len(text) if comment else end + len(blocks[lexeme])
        elif lexeme in described.comments.line:
            end = _LINE_END.search(text, position)
            comment = end is None
            position = end.start() if end else len(text)
        else:
            found.in_code(lexeme, match.start())
    began_here = bool(found.quote) and not found.outer
    return Balance(tuple(found.closers), tuple(found.openers), found.quote, began_here, comment)


@attrs.define
class _Scan:
    """A scan so far: what is unmatched, and in which string it stands; `outer` until that one has ended."""

    described: Language
    quote: str
    outer: str
    closers: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    openers: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    _around: list[tuple[int, str, str]] = attrs.field(factory=list[tuple[int, str, str]])

    def in_string(self, lexeme: str, at: int) -> None:
        layout = self.described.layout
        if lexeme == self.quote:
            if self.outer:
                self.closers.append((at, lexeme))
            self.quote = self.outer = ""
        elif (self.quote, lexeme) in layout.interpolations:
            self._around.append((len(self.openers), self.quote, self.outer))
            self.openers.append((at, lexeme[-1]))
            self.quote = self.outer = ""
        elif lexeme in {"\r", "\n"} and len(self.quote) == 1 and self.quote not in layout.multiline_quotes:
            self.quote = self.outer = ""

    def in_code(self, lexeme: str, at: int) -> None:
        if lexeme in self.described.layout.quotes or lexeme in _tripled(self.described):
            self.quote = lexeme
        elif lexeme in PAIRS:
            self.openers.append((at, lexeme))
        elif len(lexeme) == 2 and lexeme[-1] in PAIRS:
            self.openers.append((at + 1, lexeme[-1]))  # `${` outside of a string
        elif lexeme in _CLOSING:
            if self.openers and PAIRS[self.openers[-1][1]] == lexeme:
                self.openers.pop()
                if self._around and self._around[-1][0] == len(self.openers):
                    _, self.quote, self.outer = self._around.pop()
            else:
                self.closers.append((at, lexeme))


def _tripled(described: Language) -> tuple[str, ...]:
    return tuple(quote * 3 for quote in described.layout.quotes) if described.layout.indented else ()


@functools.cache
def _tokens(described: Language, *, in_string: bool) -> re.Pattern[str]:
    layout, comments = described.layout, described.comments
    parts = [r"\\."]
    words = [*_tripled(described), *layout.quotes, "\n", "\r"]
    words += [opener for _, opener in layout.interpolations]
    if not in_string:
        words += [*(begin for begin, _ in comments.block), *(word for word in comments.line if word != "#")]
        words += [*PAIRS, *PAIRS.values()]
        parts += [_CHARACTER] if layout.characters else []
        parts += [_REGEX] if layout.regex else []
        attributes = "//" in comments.line  # PHP's `#[Attribute]`
        parts += [_HASH + (r"(?!\[)" if attributes else "")] if "#" in comments.line else []
    parts.extend(re.escape(word) for word in sorted(set(words), key=len, reverse=True))
    return re.compile("|".join(parts), re.DOTALL)
