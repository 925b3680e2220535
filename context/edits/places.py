"""Where a pattern holds in a text and its edit has not been made. Pure, and quick in large files.

Only lines that hold the pattern's anchor are looked at, some of those around them included. What the user has
changed is never a place, nor is what lies in a comment or a string where the edits were code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from ..syntax.tree import SyntaxTree
from .history import DocumentEdit
from .lexing import Token, is_in_word, is_word, tokens_in
from .matching import TokenMatch, written
from .rules import RewriteRule

MOST_PLACES = 400
"""Occurrences of a pattern's anchor that are looked at: what is more frequent says nothing."""

_LONGEST_LINE = 600
"""Code points of a line that is looked at: longer ones are data."""

_LINES_AROUND = 3


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
        near: where the user is, in code points.
    """

    text: str
    tree: SyntaxTree | None
    edits: Sequence[DocumentEdit]
    near: int


def places_of(rule: RewriteRule, prose: str, around: SearchedText) -> Iterator[EditPlace]:
    """Where a pattern holds, in order of the text.

    Args:
        rule: the pattern.
        prose: in what kind of prose the edits stood, as `SyntaxTree.prose_at` calls it.
        around: the text.
    """
    text, tree = around.text, around.tree
    for start, end in _stretches(rule.anchor, text):
        tokens = tokens_in(text, start, end)
        made = [
            match for at in range(len(tokens)) if (match := rule.done.match(text, tokens, at)) is not None
        ]
        done = [
            (tokens[each.start].start, tokens[each.end - 1].end) for each in made if each.end > each.start
        ]
        for at in range(len(tokens)):
            match = rule.pattern.match(text, tokens, at)
            if match is None:
                continue
            first, last = tokens[match.start].start, tokens[match.end - 1].end
            place = _place(rule, text, tokens, match)
            if place is None or is_changed(around.edits, first, last):
                continue
            if any(begin < max(place.end, place.start + 1) and place.start < stop for begin, stop in done):
                continue
            at_prose = tokens[match.start + (rule.before if match.start + rule.before < match.end else 0)]
            if tree is None or prose_of(tree, at_prose.start, at_prose.end) == prose:
                yield place


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


def _stretches(anchor: str, text: str) -> Iterator[tuple[int, int]]:
    """The lines around occurrences of an anchor, each once, in order."""
    begun, stop, count = -1, -1, 0
    for at in occurrences(anchor, text):
        count += 1
        if count > MOST_PLACES:
            return
        start = end = at
        for _ in range(_LINES_AROUND):
            start = text.rfind("\n", 0, max(0, start - 1)) + 1
            end = text.find("\n", end) + 1 or len(text)
        if text.find("\n", at) - text.rfind("\n", 0, at) > _LONGEST_LINE:
            continue
        if begun >= 0 and start <= stop:
            stop = max(stop, end)
            continue
        if begun >= 0:
            yield begun, stop
        begun, stop = start, end
    if begun >= 0:
        yield begun, stop


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
