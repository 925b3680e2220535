"""Sequences of tokens with holes, found among a text's tokens. Pure, and bounded however odd the code is.

A hole stands for a name with what it belongs to (`a.b`), or for an expression: tokens whose brackets are
closed among them, without a comma or a semicolon outside of brackets. What fills a hole twice must be the
same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from .lexing import CLOSING, OPENING, Token, is_word

EDGE = "\n"
"""Stands among tokens for where a line begins or ends."""

Part = str | int
"""Of a pattern: a token's text, or the number of a hole."""

Holes = Sequence[tuple[tuple[str, ...], ...]]
"""For each number, what filled the hole in the edits that a pattern was made from."""

_MOST_FILLING = 24
_MOST_STEPS = 1500
"""Comparisons of one match: what takes more is no match."""


@attrs.frozen
class TokenMatch:
    """Where a pattern was found.

    Attributes:
        start, end: the indexes of its first token, and of the one behind its last.
        filled: for each hole, those of the tokens in it.
    """

    start: int
    end: int
    filled: Mapping[int, tuple[int, int]]


@attrs.frozen
class TokenPattern:
    """Parts to be found one after the other.

    Attributes:
        parts: texts of tokens, numbers of holes, and `EDGE` at an end.
        names: the holes that a name fills, and nothing else.
        wide: whether commas may stand in the other holes, as in a line of a table.
    """

    parts: tuple[Part, ...]
    names: frozenset[int] = frozenset()
    wide: bool = False

    def match(self, text: str, tokens: Sequence[Token], start: int) -> TokenMatch | None:
        """The match whose first token is that at the index `start`, with fillings as short as may be."""
        search = _Search(self, text, tokens)
        end = search.go(0, start)
        return None if end < 0 else TokenMatch(start, end, dict(search.filled))


class _Search:
    """One match in the making. State: the fillings so far, and the steps that are left."""

    def __init__(self, pattern: TokenPattern, text: str, tokens: Sequence[Token]) -> None:
        self.filled: dict[int, tuple[int, int]] = {}
        self._pattern = pattern
        self._text = text
        self._tokens = tokens
        self._left = _MOST_STEPS

    def go(self, part: int, at: int) -> int:
        """Match from a part on at the token `at`; the index behind the match, or -1."""
        parts, tokens = self._pattern.parts, self._tokens
        while part < len(parts):
            self._left -= 1
            if self._left < 0:
                return -1
            wanted = parts[part]
            if isinstance(wanted, int):
                return self._fill(part, wanted, at)
            if wanted == EDGE:
                if not self._at_edge(part, at):
                    return -1
            elif at >= len(tokens) or tokens[at].text != wanted:
                return -1
            else:
                at += 1
            part += 1
        return at

    def _at_edge(self, part: int, at: int) -> bool:
        tokens = self._tokens
        if part == 0:
            before = tokens[at - 1].end if at else 0
            return at < len(tokens) and (not at or "\n" in self._text[before : tokens[at].start])
        if not at or at >= len(tokens):
            return True
        return "\n" in self._text[tokens[at - 1].end : tokens[at].start]

    def _fill(self, part: int, hole: int, at: int) -> int:
        if hole in self.filled:
            first, last = self.filled[hole]
            same = [each.text for each in self._tokens[first:last]]
            length = last - first
            if [each.text for each in self._tokens[at : at + length]] != same:
                return -1
            return self.go(part + 1, at + length)
        for end in self._ends(hole, at):
            self.filled[hole] = at, end
            found = self.go(part + 1, end)
            if found >= 0:
                return found
            del self.filled[hole]
        return -1

    def _ends(self, hole: int, at: int) -> list[int]:
        """Where a filling that begins at a token may end, the nearest first."""
        tokens, depth = self._tokens, 0
        found: list[int] = []
        for index in range(at, min(len(tokens), at + _MOST_FILLING)):
            word = tokens[index].text
            if hole in self._pattern.names:
                if is_word(word) == ((index - at) % 2 == 1) or not (is_word(word) or word == "."):
                    break
                if is_word(word):
                    found.append(index + 1)
                continue
            if index > at and "\n" in self._text[tokens[index - 1].end : tokens[index].start]:
                break
            if depth == 0 and (word in CLOSING or word in ";{}" or (word == "," and not self._pattern.wide)):
                break
            depth += (word in OPENING) - (word in CLOSING)
            if depth == 0:
                found.append(index + 1)
        return found


def names_among(holes: Holes) -> frozenset[int]:
    """The numbers of those holes that nothing but a word filled."""
    return frozenset(
        number
        for number, fillings in enumerate(holes)
        if all(len(each) == 1 and is_word(each[0]) for each in fillings)
    )


def numbered(tokens: Sequence[str], fillings: Sequence[tuple[str, ...]]) -> list[Part] | None:
    """Tokens with the numbers of holes where their fillings stand; None where one of them is missing."""
    found: list[Part] = []
    at = 0
    while at < len(tokens):
        number = next(
            (n for n, each in enumerate(fillings) if tuple(tokens[at : at + len(each)]) == each), None
        )
        found.append(tokens[at] if number is None else number)
        at += 1 if number is None else len(fillings[number])
    return found if set(range(len(fillings))) <= set(found) else None


def in_pieces(
    text: str, tokens: Sequence[Token], template: Sequence[Part], fillings: Sequence[tuple[str, ...]]
) -> tuple[Part, ...]:
    """A text as pieces of it and numbers of holes, blanks as they are.

    Args:
        text: the text.
        tokens: all of its tokens.
        template: the same with holes, as `numbered` gives it.
        fillings: of the holes in this text.
    """
    pieces: list[Part] = []
    at, done = 0, 0
    for each in template:
        count = 1 if isinstance(each, str) else len(fillings[each])
        if isinstance(each, int):
            pieces += [text[done : tokens[at].start], each]
            done = tokens[at + count - 1].end
        at += count
    return tuple(each for each in (*pieces, text[done:]) if each != "")


def written(template: Sequence[Part], text: str, tokens: Sequence[Token], match: TokenMatch) -> str:
    """What a template says where a pattern was found."""
    pieces: list[str] = []
    for each in template:
        if isinstance(each, str):
            pieces.append(each)
        else:
            first, last = match.filled[each]
            pieces.append(text[tokens[first].start : tokens[last - 1].end])
    return "".join(pieces)
