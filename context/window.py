"""The window: which part of the file the model sees, with edges that stay put while somebody types.

The model's cache lives as long as the text in front of the cursor and behind it keeps its beginning and its
end. So the window's start is kept as a distance from the text's start and its end as a distance from the
text's end: typing in between moves neither. An edge moves only when its side has outgrown the budget or
shrunk below half of it, and then in one large step, to where a declaration or at least a line begins.

When the window begins inside a class or a function, the header lines of what encloses its first line stay,
with a comment for what was left out. What else the model sees is the business of `related` and `assemble`.
"""

from __future__ import annotations

import attrs

from .languages import Language
from .lines import indent_of, line_end, line_start, without_end
from .snapshot import Snapshot
from .syntax import SyntaxTree

_KEEP_ABOVE = 0.5
_AIM_AT = 0.75
_LATEST = 0.6
_EARLIEST = 0.95
_MAX_HEADER = 300
_MAX_FOLDS = 6


@attrs.frozen
class Fold:
    """A header line that stands in for what was left out above the window.

    Attributes:
        start: where the header stands in the text, in code points.
        text: the header, with its line ends.
        indent: the indentation of what is left out below it.
    """

    start: int
    text: str
    indent: str


@attrs.frozen
class Window:
    """What the model sees of the file.

    Attributes:
        prefix: the folded headers, then the text from `start` to the cursor.
        suffix: the text from the cursor to the window's end.
        start: where the window begins, in code points from the text's start.
        end_distance: where it ends, in code points from the text's end.
        folds: the headers that `prefix` begins with.
    """

    prefix: str
    suffix: str
    start: int
    end_distance: int
    folds: tuple[Fold, ...] = ()


def window(
    document: Snapshot | str,
    offset: int,
    prefix_budget: int,
    suffix_budget: int,
    previous: Window | None = None,
) -> Window:
    """The window around `offset`.

    Args:
        document: the document; a bare text has no tree and no language.
        offset: the cursor, in code points; clamped to the text.
        prefix_budget: code points before the cursor, at most; folded headers come on top.
        suffix_budget: code points after the cursor, at most.
        previous: the document's window of a moment ago: its edges stay where they still serve.
    """
    text = document if isinstance(document, str) else document.text
    tree = None if isinstance(document, str) else document.tree
    offset = min(max(offset, 0), len(text))
    start = _start(text, tree, offset, max(prefix_budget, 0), previous)
    end = _end(text, tree, offset, max(suffix_budget, 0), previous)
    folds: tuple[Fold, ...] = ()
    if start > 0 and not isinstance(document, str):
        folds = _folds(text, tree, start, previous)
    head = "" if isinstance(document, str) else _folded(folds, document.described, text)
    return Window(head + text[start:offset], text[offset:end], start, len(text) - end, folds)


def _start(text: str, tree: SyntaxTree | None, offset: int, budget: int, previous: Window | None) -> int:
    if previous is not None and _still_serves(text, offset, previous.start, budget):
        return previous.start
    if offset <= budget:
        return 0
    earliest, aim, latest = (offset - int(budget * share) for share in (_EARLIEST, _AIM_AT, _LATEST))
    return _good_edge(text, tree, earliest, aim, latest)


def _still_serves(text: str, offset: int, start: int, budget: int) -> bool:
    size = offset - start
    if not 0 <= size <= budget:
        return False
    if start == 0:
        return True
    return size >= budget * _KEEP_ABOVE and (line_start(text, start) == start or size <= budget)


def _end(text: str, tree: SyntaxTree | None, offset: int, budget: int, previous: Window | None) -> int:
    rest = len(text) - offset
    if previous is not None:
        size = rest - previous.end_distance
        if 0 <= size <= budget and (previous.end_distance == 0 or size >= budget * _KEEP_ABOVE):
            return offset + size
    if rest <= budget:
        return len(text)
    latest, aim, earliest = (offset + int(budget * share) for share in (_EARLIEST, _AIM_AT, _LATEST))
    return _good_edge(text, tree, earliest, aim, latest)


def _good_edge(text: str, tree: SyntaxTree | None, first: int, aim: int, last: int) -> int:
    """The best place to cut between `first` and `last`: a declaration, a line start, or just `aim`."""
    if tree is not None:
        starts = [line_start(text, place) for place in tree.declaration_starts(first, last)]
        starts = [place for place in starts if first <= place <= last]
        if starts:
            return min(starts, key=lambda place: abs(place - aim))
    before = line_start(text, aim)
    if first <= before:
        return before
    after = text.find("\n", aim, last)
    return after + 1 if after >= 0 else aim


def _folds(text: str, tree: SyntaxTree | None, start: int, previous: Window | None) -> tuple[Fold, ...]:
    if previous is not None and previous.start == start:
        known = previous.folds
        if all(text.startswith(fold.text, fold.start) for fold in known):
            return known
    if tree is None:
        return ()
    folds: list[Fold] = []
    for scope in tree.scopes(start):
        first = line_start(text, scope.start)
        if not scope.definition or first >= start or scope.end <= start:
            continue
        last = max(line_end(text, first), min(line_end(text, scope.body_start), first + _MAX_HEADER))
        if last >= start or last - first > _MAX_HEADER:
            continue
        inner = indent_of(text[line_start(text, start) : line_end(text, start)][:_MAX_HEADER])
        folds.append(Fold(first, text[first:last], inner))
    return tuple(folds[-_MAX_FOLDS:])


def _folded(folds: tuple[Fold, ...], described: Language, text: str) -> str:
    if not folds:
        return ""
    newline = "\r\n" if "\r\n" in text[:_MAX_HEADER] else "\n"
    comments = described.comments
    opening, closing = (
        (comments.line[0], "") if comments.line else comments.block[0] if comments.block else ("", "")
    )
    parts = [without_end(fold.text) + newline for fold in folds]
    mark = f"{opening} … {closing}".strip() if opening else "…"
    return "".join(parts) + folds[-1].indent + mark + newline
