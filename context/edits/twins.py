"""Whole lines: what one line became its twins may become, and what two neighbours became those beside them.

A twin is a line of the very same tokens. Lines that went need two witnesses, since one alone may go for any
reason. Neighbours are lines of a list, a table, an enumeration: two of them changed in the same way say what
is to be done with the lines that follow them directly. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import attrs

from .changes import LineChange
from .history import DocumentEdit
from .lexing import closing_of, is_word, tokens_in
from .matching import EDGE, Part, TokenPattern, in_pieces, names_among, numbered, written
from .places import EditPlace, SearchedText, is_changed

_LEAST_TOKENS = 3
_MOST_NEIGHBOURS = 40


@attrs.frozen
class NeighbourRule:
    """What two neighbouring lines became.

    Attributes:
        indent: how such a line is indented.
        pattern: a line that may become the same.
        done: a line that has become it.
        template: what stands there then.
        start, end: the two lines, in code points.
    """

    indent: str
    pattern: TokenPattern
    done: TokenPattern
    template: tuple[Part, ...]
    start: int
    end: int


def twins_of(change: LineChange, around: SearchedText) -> Iterator[EditPlace]:
    """The lines that are what a changed line was, each with what would stand there, in order."""
    old, new = change.old.strip(), change.new.strip()
    words = [each.text for each in tokens_in(old) if is_word(each.text)]
    if not words or len(tokens_in(old)) < _LEAST_TOKENS or "\n" in old:
        return
    text = around.text
    for at in around.of(min(words, key=text.count)):
        start = text.rfind("\n", 0, at) + 1
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        line = text[start:stop]
        if line.strip() != old or is_changed(around.edits, start, stop):
            continue
        indent = len(line) - len(line.lstrip())
        if change.deleted:
            yield EditPlace(start, min(stop + 1, len(text)), "")
        elif "\n" not in new:
            yield EditPlace(start + indent, start + len(line.rstrip()), new)


def same_deletions(one: LineChange, other: LineChange) -> bool:
    """Whether two lines that went were the same."""
    return one.deleted and other.deleted and one.old.strip() == other.old.strip() and "\n" not in one.old


def calls_that_went(one: LineChange, other: LineChange) -> tuple[str, ...]:
    """The tokens that two deleted calls begin with, the bracket included; none where they aren't the same."""
    if not one.deleted or not other.deleted or "\n" in one.old or "\n" in other.old:
        return ()
    first, second = _head(one.old), _head(other.old)
    return first if first == second else ()


def lines_that_call(head: tuple[str, ...], around: SearchedText) -> Iterator[EditPlace]:
    """The lines that are nothing but such a call, to be taken away."""
    text = around.text
    for at in around.of(max(head, key=len)):
        start = text.rfind("\n", 0, at) + 1
        stop = text.find("\n", at) + 1 or len(text)
        if _head(text[start:stop]) == head and not is_changed(around.edits, start, stop):
            yield EditPlace(start, stop, "")


def _head(line: str) -> tuple[str, ...]:
    """What a line begins with that is one call and nothing else: its tokens up to the bracket."""
    tokens = tokens_in(line)
    opening = next((n for n, each in enumerate(tokens) if each.text == "("), 0)
    names = [each.text for each in tokens[:opening]]
    closing = closing_of(tokens, opening) if names else -1
    if closing < 0 or {each.text for each in tokens[closing + 1 :]} - {";"}:
        return ()
    return (*names, "(") if all(is_word(each) or each in ".!::" for each in names) else ()


def neighbour_rule(one: LineChange, other: LineChange, text: str) -> NeighbourRule | None:
    """What two lines next to each other became in the same way; None where they didn't."""
    first, second = (one, other) if one.start < other.start else (other, one)
    if text[first.end : second.start].strip() or text.count("\n", first.end, second.start) != 1:
        return None
    if any("\n" in each.old or each.inserted or each.deleted for each in (one, other)):
        return None
    if _indent(one.old) != _indent(other.old) or _indent(one.old) != _indent(one.new):
        return None
    lines = [[each.text for each in tokens_in(line)] for line in (one.old, one.new, other.old, other.new)]
    old, new, other_old, other_new = lines
    parts, holes = _parts(old, other_old)
    if not all(lines) or not parts or not holes:
        return None
    mine, theirs = [each[0] for each in holes], [each[1] for each in holes]
    template = numbered(new, mine)
    if template is None or template != numbered(other_new, theirs) or template == parts:
        return None
    names = names_among(holes)
    come = in_pieces(one.new, tokens_in(one.new), template, mine)
    return NeighbourRule(
        _indent(one.old),
        TokenPattern((*parts, EDGE), names, wide=True),
        TokenPattern((*template, EDGE), names, wide=True),
        come,
        first.start,
        second.end,
    )


def neighbours_of(rule: NeighbourRule, around: SearchedText) -> Iterator[EditPlace]:
    """The lines directly below and above two that changed, as far as they look like them."""
    text = around.text
    yield from _run(rule, text, around.edits, rule.end + 1, 1)
    yield from _run(rule, text, around.edits, text.rfind("\n", 0, max(0, rule.start - 1)) + 1, -1)


def _run(
    rule: NeighbourRule, text: str, edits: Sequence[DocumentEdit], start: int, step: int
) -> Iterator[EditPlace]:
    for _ in range(_MOST_NEIGHBOURS):
        stop = text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        line = text[start:stop].rstrip()
        if not 0 <= start < len(text) or _indent(line) != rule.indent or is_changed(edits, start, stop):
            return
        tokens = tokens_in(line)
        match = rule.pattern.match(line, tokens, 0)
        if match is None or match.end < len(tokens):
            return
        made = rule.done.match(line, tokens, 0)
        if made is not None and made.end == len(tokens):
            return
        yield EditPlace(start, start + len(line), written(rule.template, line, tokens, match))
        if step < 0 and start == 0:
            return
        start = stop + 1 if step > 0 else text.rfind("\n", 0, start - 1) + 1


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _parts(
    one: list[str], other: list[str]
) -> tuple[list[Part], list[tuple[tuple[str, ...], tuple[str, ...]]]]:
    """The tokens of two lines, with numbers of holes where they differ; nothing where one has more."""
    parts: list[Part] = []
    holes: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        filled = tuple(one[start:end]), tuple(other[other_start:other_end])
        if kind == "equal":
            parts += one[start:end]
            continue
        if not all(filled):
            return [], []
        if filled not in holes:
            holes.append(filled)
        parts.append(holes.index(filled))
    return parts, holes
