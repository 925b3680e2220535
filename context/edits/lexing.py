"""Words, numbers and signs of a line of code, in whatever language: what patterns of edits are made of.

Strings are no tokens of their own: what changes inside them (a path, a key) is a word there as well. Blanks
count for nothing when tokens are compared. Whether a place is code, a comment or a string says the syntax
tree.
"""

from __future__ import annotations

import re

import attrs

_TOKEN = re.compile(
    r"[^\W\d][\w$]*|\d[\w.]*|=>|->|::|==|!=|<=|>=|&&|\|\||\?\.|\*\*|//|/\*|\*/|\.\.\.|[^\w\s]", re.UNICODE
)
_WORD = re.compile(r"[^\W\d][\w$]*\Z")
OPENING, CLOSING = "([{", ")]}"


@attrs.frozen
class Token:
    """One word, number or sign: what it is, and its code points from `start` to before `end`."""

    text: str
    start: int
    end: int


def tokens_in(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens between two places of a text, in order."""
    found = _TOKEN.finditer(text, start, len(text) if end is None else end)
    return [Token(each.group(), each.start(), each.end()) for each in found]


def is_word(text: str) -> bool:
    """Whether a token is a name or a keyword."""
    return _WORD.match(text) is not None


def is_in_word(character: str) -> bool:
    """Whether a character goes on with a word."""
    return character.isalnum() or character in "_$"


def closing_of(tokens: list[Token], opening: int) -> int:
    """The index of the token that closes the bracket at the index `opening`; -1 where none does."""
    depth = 0
    for index in range(opening, len(tokens)):
        text = tokens[index].text
        if text in OPENING:
            depth += 1
        elif text in CLOSING:
            depth -= 1
            if depth == 0:
                return index
    return -1


def opening_before(tokens: list[Token], index: int) -> int:
    """The index of the bracket that is open in front of the token at `index`; -1 where none is."""
    depth = 0
    for at in range(index - 1, -1, -1):
        text = tokens[at].text
        if text in CLOSING:
            depth += 1
        elif text in OPENING:
            if depth == 0:
                return at
            depth -= 1
    return -1


def is_balanced(texts: list[str]) -> bool:
    """Whether every bracket among some tokens is closed by one of them, in order."""
    depth = 0
    for text in texts:
        if text in OPENING:
            depth += 1
        elif text in CLOSING:
            depth -= 1
            if depth < 0:
                return False
    return depth == 0
