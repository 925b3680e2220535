"""Brackets and quotes in a stretch of code: which of them have no partner in it.

A scanner for completions and the lines around them, which may be cut anywhere. It knows quotes, escapes,
comments, character literals, code inside strings and, where a language has them, regular expressions; where
a syntax tree can tell, it is asked instead.
"""

from __future__ import annotations

import functools
import re

import attrs

from ..languages import Language

PAIRS = {"(": ")", "[": "]", "{": "}"}
_LINE_END = re.compile(r"[\r\n]")
CLOSER_OF = {**PAIRS, "<": ">"}
_CLOSING = frozenset(CLOSER_OF.values())
_CHARACTER = r"'(?:\\[^'\r\n]{1,10}|[^'\\\r\n])'"
_REGEX = (
    r"(?:(?<=[=(,:\[!&|?{};\n~])|(?<=return)|(?<=when)|(?<=if)|\A)[ \t]*"
    r"/(?![/*\s=])(?:\\.|\[(?:\\.|[^\]\\\r\n])*\]|[^/\\\r\n\[])+/"
)
_HASH = r"(?<![\w$\\&?{])#(?!\{)"
"""A hash that begins a comment, where one may stand in words too: `$#`, `${#name}`, `&#39;`."""


_ANGLE = r"(?<=[\w:>&\]])<(?![ \t=<])|<(?=/)|(?<![-=\s])>|(?<=\s)>(?=[,;()\[\]{}\r\n])"
"""Angle brackets that enclose types, over lines too; with blanks around, they compare."""


@attrs.frozen
class Balance:
    """What remains open or unmatched in a text.

    Attributes:
        closers: closing brackets and quotes that the text has not opened, with their offsets, in order.
        strays: the offsets of those whose opening ones are not in front of the text either.
        openers: unmatched opening brackets with their offsets, in order.
        quote: the quote of a string that is still open at the end, or "".
        quote_began_here: whether a string that is open at the end began in the text.
        comment: whether the text ends inside a comment.
    """

    closers: tuple[tuple[int, str], ...]
    strays: frozenset[int]
    openers: tuple[tuple[int, str], ...]
    quote: str
    quote_began_here: bool = False
    comment: bool = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing that began in the text is still open at its end."""
        return not self.openers and not self.quote_began_here


def balance(text: str, described: Language, before: str = "", *, angles: bool = False) -> Balance:
    """Scan a text.

    Args:
        text: what to scan; offsets in the answer count from its beginning.
        described: the language.
        before: what stands in front of it on its line: what that opens, the text may close.
        angles: whether angle brackets count, where they enclose types.
    """
    whole, start = before + text, len(before)
    found = _Scan(described, whole, start)
    position = 0
    blocks = {**dict(described.comments.block), **dict(described.layout.long_strings)}
    comment = cut_string = False
    while True:
        match = _tokens(described, in_string=bool(found.quote), angles=angles).search(whole, position)
        if match is None:
            break
        lexeme, position = match.group(), match.end()
        if found.quote:
            found.in_string(lexeme, match.start())
        elif match.start() < start < position and lexeme[0] == lexeme[-1] == "'":
            found.closers.append((position - 1 - start, "'"))  # a character's quote, opened in front
        elif lexeme in blocks:
            end = whole.find(blocks[lexeme], position)
            cut_string = end < 0 and any(lexeme == begin for begin, _ in described.layout.long_strings)
            comment = end < 0 and not cut_string
            position = len(whole) if end < 0 else end + len(blocks[lexeme])
        elif lexeme in described.comments.line:
            ended = _LINE_END.search(whole, position)
            comment = ended is None
            position = ended.start() if ended else len(whole)
        else:
            found.in_code(lexeme, match.start())
    openers = tuple(
        (at - start, symbol) for at, symbol in found.opened if at >= start and symbol in CLOSER_OF
    )
    began_here = cut_string or any(at >= start and symbol not in CLOSER_OF for at, symbol in found.opened)
    strays = frozenset(found.strays)
    return Balance(tuple(found.closers), strays, openers, found.quote, began_here, comment)


@attrs.define
class _Scan:
    """A scan so far: what is open, brackets and quotes alike, and what was closed of what began in front."""

    described: Language
    whole: str
    start: int
    opened: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    closers: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    strays: list[int] = attrs.field(factory=list[int])

    @property
    def quote(self) -> str:
        """The quote of the string that the scan stands in, or ""."""
        symbol = self.opened[-1][1] if self.opened else ""
        return "" if symbol in CLOSER_OF else symbol

    def in_string(self, lexeme: str, at: int) -> None:
        layout, quote = self.described.layout, self.quote
        if lexeme == quote:
            self._close(lexeme, at)
        elif (quote, lexeme) in layout.interpolations and self._holds_code():
            self.opened.append(_bracket_in(lexeme, at))
        elif lexeme in {"\r", "\n"} and len(quote) == 1 and quote not in layout.multiline_quotes:
            self.opened.pop()

    def _holds_code(self) -> bool:
        """Whether the string that the scan stands in may hold code: has the prefix for it, where one must."""
        prefixes = self.described.layout.interpolation_prefixes
        began = self.opened[-1][0]
        return not prefixes or any(mark in prefixes for mark in self.whole[max(0, began - 2) : began])

    def in_code(self, lexeme: str, at: int) -> None:
        if lexeme in self.described.layout.quotes or lexeme in _tripled(self.described):
            self.opened.append((at, lexeme))
        elif len(lexeme) <= 2 and not CLOSER_OF.keys().isdisjoint(lexeme):
            self.opened.append(_bracket_in(lexeme, at))
        elif lexeme in _CLOSING:
            self._close_bracket(lexeme, at)

    def _close_bracket(self, closer: str, at: int) -> None:
        inside = [symbol for _, symbol in self.opened]
        while closer != ">" and inside and inside[-1] == "<":
            inside.pop()  # it compared
        if inside and CLOSER_OF.get(inside[-1]) == closer:
            del self.opened[len(inside) :]
            self._close(closer, at)
        elif at >= self.start:
            self.closers.append((at - self.start, closer))
            self.strays.append(at - self.start)

    def _close(self, closer: str, at: int) -> None:
        began, _ = self.opened.pop()
        if began < self.start <= at:
            self.closers.append((at - self.start, closer))


def _bracket_in(lexeme: str, at: int) -> tuple[int, str]:
    """The bracket in what opens an interpolation (`${`, `#{`, PHP's `{$`), and its offset."""
    return next((at + number, letter) for number, letter in enumerate(lexeme) if letter in CLOSER_OF)


def _tripled(described: Language) -> tuple[str, ...]:
    return tuple(quote * 3 for quote in described.layout.quotes) if described.layout.indented else ()


@functools.cache
def _tokens(described: Language, *, in_string: bool, angles: bool) -> re.Pattern[str]:
    layout, comments = described.layout, described.comments
    parts = [re.escape(layout.escape) + "."]
    words = [*_tripled(described), *layout.quotes, "\n", "\r"]
    words += [opener for _, opener in layout.interpolations]
    if not in_string:
        words += [begin for begin, _ in layout.long_strings]
        words += [*(begin for begin, _ in comments.block), *(word for word in comments.line if word != "#")]
        words += [*PAIRS, *PAIRS.values()]
        parts += [layout.literals] if layout.literals else []
        parts += [_CHARACTER] if layout.characters else []
        holds_code = any(opener == "#{" for _, opener in layout.interpolations)
        parts += [_REGEX.replace(r"\[]", r"\[#]|#(?!\{)") if holds_code else _REGEX] if layout.regex else []
        attributes = "//" in comments.line  # PHP's `#[Attribute]`
        parts += [_HASH + (r"(?!\[)" if attributes else "")] if "#" in comments.line else []
        parts += [_ANGLE] if angles else []
    parts.extend(re.escape(word) for word in sorted(set(words), key=len, reverse=True))
    return re.compile("|".join(parts), re.DOTALL)
