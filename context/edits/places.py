"""Where a pattern holds in a text and its edit has not been made. Pure, and quick in large files.

Only lines that hold the pattern's anchor are looked at, some of those around them included. What the user has
changed is never a place, nor is what lies in a comment or a string where the edits were code.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import attrs

from ..syntax.tree import SyntaxTree
from .history import DocumentEdit
from .lexing import Token, is_in_word, is_word
from .matching import TokenMatch, written
from .questions import TreeQuestions
from .rules import RewriteRule

MOST_PLACES = 120
"""Occurrences of what a pattern is found by that are looked at: what is more frequent says nothing."""

_LONGEST_LINE = 600
"""Code points of a line that is looked at: longer ones are data."""

_LINES_AROUND = 2
_WIDEST = 6
"""Tokens that one part of a pattern may stand for, when the beginning of a match is looked for."""


@attrs.frozen
class EditPlace:
    """What may be changed: code points from `start` to before `end`, and what stands there then."""

    start: int
    end: int
    text: str


@attrs.frozen
class SearchedText:
    """A text, as a search sees it.

    Attributes:
        text: all of it.
        tree: its syntax tree, where there is one.
        edits: what the user changed in it.
        start, end: the part in which places are looked for, in code points; `end` is -1 for the text's.
        questions: what the search asked the tree; its parts share them.
    """

    text: str
    tree: SyntaxTree | None
    edits: Sequence[DocumentEdit]
    start: int = 0
    end: int = -1
    questions: TreeQuestions = attrs.field(factory=TreeQuestions, eq=False, repr=False)

    def of(self, word: str) -> Iterator[int]:
        """Where a token stands in the part, at most `MOST_PLACES` times."""
        end = len(self.text) if self.end < 0 else self.end
        return itertools.islice(occurrences(word, self.text, self.start, end), MOST_PLACES)

    def holds(self, place: EditPlace) -> bool:
        """Whether a place begins in the part."""
        return self.start <= place.start and (self.end < 0 or place.start < self.end)


def places_of(rule: RewriteRule, prose: str, around: SearchedText) -> Iterator[EditPlace]:
    """Where a pattern holds, in order of the text.

    Args:
        rule: the pattern.
        prose: in what kind of prose the edits stood, as `SyntaxTree.prose_at` calls it.
        around: the text.
    """
    text, tree = around.text, around.tree
    anchor = min(rule.anchors, key=lambda word: (text.count(word), -len(word)))
    length = len(rule.pattern.parts)
    behind = -1
    for found in around.of(anchor):
        start, end = _lines_around(text, found)
        short = end - start < _LONGEST_LINE * _LINES_AROUND
        tokens = around.questions.tokens(text, start, end) if short else []
        at = next((n for n, each in enumerate(tokens) if each.start <= found < each.end), -1)
        for first in range(max(0, at - length * _WIDEST), at + 1):
            if tokens[first].start <= behind:
                continue
            match = rule.pattern.match(text, tokens, first)
            if match is None or not match.start <= at < match.end:
                continue
            place = _place(rule, text, tokens, match)
            span = tokens[match.start].start, tokens[match.end - 1].end
            if place is None or is_changed(around.edits, *span) or _is_done(rule, text, tokens, place):
                continue
            telling = tokens[match.start + (rule.before if match.start + rule.before < match.end else 0)]
            if tree is None or prose_of(tree, telling.start, telling.end) == prose:
                behind = span[0]
                yield place


def _is_done(rule: RewriteRule, text: str, tokens: list[Token], place: EditPlace) -> bool:
    """Whether a place lies in one where the edit was made."""
    for at in range(len(tokens)):
        match = rule.done.match(text, tokens, at)
        if match is None or match.end == match.start:
            continue
        begin, stop = tokens[match.start].start, tokens[match.end - 1].end
        if begin < max(place.end, place.start + 1) and place.start < stop:
            return True
    return False


def _lines_around(text: str, at: int) -> tuple[int, int]:
    """From where to where the lines around a place go."""
    start = end = at
    for _ in range(_LINES_AROUND):
        start = text.rfind("\n", 0, max(0, start - 1)) + 1
        end = text.find("\n", end) + 1 or len(text)
    return start, end


def _place(rule: RewriteRule, text: str, tokens: list[Token], match: TokenMatch) -> EditPlace | None:
    """What is replaced where a pattern was found; None where the blanks there are others."""
    first, last = match.start + rule.before, match.end - rule.after
    come = written(rule.template, text, tokens, match)
    if rule.gaps is None:
        return EditPlace(tokens[first].start, tokens[last - 1].end, come)
    start = (
        tokens[first - 1].end if first and not _breaks(text, tokens, first) else _line_start(tokens, first)
    )
    end = (
        tokens[last].start
        if last < len(tokens) and not _breaks(text, tokens, last)
        else _line_end(tokens, last)
    )
    if first == last and text[start:end] != rule.old_gap:
        return None
    return EditPlace(start, end, f"{rule.gaps[0]}{come}{rule.gaps[1]}")


def _breaks(text: str, tokens: list[Token], index: int) -> bool:
    """Whether a line ends between a token and the one in front of it."""
    return bool(index) and "\n" in text[tokens[index - 1].end : tokens[index].start]


def _line_start(tokens: list[Token], index: int) -> int:
    """Where the code of a token's line begins, which is the token itself."""
    return tokens[index].start if index < len(tokens) else tokens[-1].end


def _line_end(tokens: list[Token], index: int) -> int:
    """Where the code ends on the line of the token in front of an index."""
    return tokens[index - 1].end if index else tokens[0].start


def is_changed(edits: Sequence[DocumentEdit], start: int, end: int) -> bool:
    """Whether the user has changed anything between two places."""
    return any(
        (each.start < end and start < each.end) or start <= each.start == each.end <= end for each in edits
    )


def prose_of(tree: SyntaxTree, start: int, end: int) -> str:
    """What kind of prose stands between two places: "comment", "string", or "" for code."""
    return tree.prose_at(start + 1 if end > start else start)


def occurrences(word: str, text: str, start: int = 0, end: int | None = None) -> Iterator[int]:
    """Where a token stands in a text; a word only where it is a whole one."""
    end = len(text) if end is None else end
    whole = is_word(word)
    at = text.find(word, start, end)
    while at >= 0:
        behind = at + len(word)
        if not whole or not (
            (at and is_in_word(text[at - 1])) or (behind < len(text) and is_in_word(text[behind]))
        ):
            yield at
        at = text.find(word, behind, end)
