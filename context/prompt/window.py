"""The window: which part of the file the model sees, with edges that stay put while somebody types.

The model's cache lives as long as the text in front of the cursor and behind it keeps its beginning and its
end. So the window's start is kept as a distance from the text's start and its end as a distance from the
text's end: typing in between moves neither. An edge moves only when its side has outgrown the budget or
shrunk below half of it, and then in one large step, to where a declaration or at least a line begins.

When the window begins inside a class or a function, the header lines of what encloses its first line stay,
with a comment for what was left out. What else the model sees is the business of `choose` and `assemble`.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ..languages import Language
from ..syntax.snapshot import Snapshot
from ..syntax.tree import Scope, SyntaxTree
from ..text.lines import indent_of, line_start, newline_of, next_line_start

_KEEP_ABOVE = 0.5
_AIM_AT = 0.75
_LATEST = 0.6
_EARLIEST = 0.95
_MAX_HEADER = 300
_MAX_FOLDS = 6
_SAMPLE = 80
_OPENING = "{(["


@attrs.frozen
class Fold:
    """A header line that stands in for what was left out above the window.

    Attributes:
        start: where the header stands in the text, in code points.
        text: the header, with its line ends.
        gap: the indentation of what is left out between it and what follows; None where nothing is.
    """

    start: int
    text: str
    gap: str | None = None


@attrs.frozen
class Window:
    """What the model sees of the file.

    Attributes:
        prefix: the folded headers, then the text from `start` to the cursor.
        suffix: the text from the cursor to the window's end.
        start: where the window begins, in code points from the text's start.
        end_distance: where it ends, in code points from the text's end.
        folds: the headers that `prefix` begins with.
        folded: how many code points of `prefix` they take.
    """

    prefix: str
    suffix: str
    start: int
    end_distance: int
    folds: tuple[Fold, ...] = ()
    folded: int = 0

    def seen(self, *, suffix: bool = True) -> tuple[int, int]:
        """From where to where a model sees the document, in code points; one without suffix to the cursor."""
        cursor = self.start + len(self.prefix) - self.folded
        return self.start, cursor + (len(self.suffix) if suffix else 0)


def window_around(
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
    if start > 0 and tree is not None:
        folds = _folds(text, tree, start, previous)
    head = "" if isinstance(document, str) else _folded(folds, document.described, newline_of(text))
    return Window(head + text[start:offset], text[offset:end], start, len(text) - end, folds, len(head))


def _start(text: str, tree: SyntaxTree | None, offset: int, budget: int, previous: Window | None) -> int:
    if previous is not None and _start_serves(text, offset, budget, previous):
        return previous.start
    if offset <= budget:
        return 0
    earliest, aim, latest = (offset - int(budget * share) for share in (_EARLIEST, _AIM_AT, _LATEST))
    return _good_edge(text, tree, earliest, aim, latest)


def _start_serves(text: str, offset: int, budget: int, previous: Window) -> bool:
    size = offset - previous.start
    if not 0 <= size <= budget:
        return False
    if previous.start == 0:
        return True
    known = previous.prefix[previous.folded : previous.folded + _SAMPLE]
    return size >= budget * _KEEP_ABOVE and text.startswith(known, previous.start)


def _end(text: str, tree: SyntaxTree | None, offset: int, budget: int, previous: Window | None) -> int:
    if previous is not None and _end_serves(text, offset, budget, previous):
        return len(text) - previous.end_distance
    if len(text) - offset <= budget:
        return len(text)
    latest, aim, earliest = (offset + int(budget * share) for share in (_EARLIEST, _AIM_AT, _LATEST))
    return _good_edge(text, tree, earliest, aim, latest)


def _end_serves(text: str, offset: int, budget: int, previous: Window) -> bool:
    end = len(text) - previous.end_distance
    size = end - offset
    if not 0 <= size <= budget:
        return False
    if previous.end_distance == 0:
        return True
    return size >= budget * _KEEP_ABOVE and text.endswith(previous.suffix[-_SAMPLE:], 0, end)


def _good_edge(text: str, tree: SyntaxTree | None, first: int, aim: int, last: int) -> int:
    """The best place to cut between `first` and `last`: a declaration, a line start, or just `aim`."""
    if tree is not None:
        starts = {line_start(text, place) for place in tree.declaration_starts(first, last)}
        inside = [place for place in starts if first <= place <= last]
        if inside:
            return min(inside, key=lambda place: (abs(place - aim), place))
    before = max(text.rfind("\n", first, aim), text.rfind("\r", first, aim))
    if before >= 0:
        return before + 1
    feed = text.find("\n", aim, last)
    if feed < 0:
        feed = text.find("\r", aim, last)
    return feed + 1 if feed >= 0 else aim


def _folds(text: str, tree: SyntaxTree, start: int, previous: Window | None) -> tuple[Fold, ...]:
    """The headers above `start` of what encloses it.

    They stay as they were while the window's start stays and the headers still stand there, whatever
    half-typed code below makes of the tree: none stay none, since the tree of a large file grows while
    somebody types, and a header more would have everything evaluated anew.
    """
    if previous is not None and previous.start == start:
        known = previous.folds
        if all(text.startswith(fold.text, fold.start) for fold in known):
            return known
    folds: list[Fold] = []
    for scope in tree.scopes(start):
        first = line_start(text, scope.start)
        if not scope.definition or first >= start or scope.end <= start:
            continue
        last = next_line_start(text, _header_end(text, first, scope))
        if last <= start and last - first <= _MAX_HEADER and (not folds or folds[-1].start < first):
            folds.append(Fold(first, text[first:last]))
    return tuple(_with_gaps(text, start, folds[-_MAX_FOLDS:]))


def _header_end(text: str, first: int, scope: Scope) -> int:
    """The last place of a definition's header: where its body's bracket is, or the line before its body."""
    if scope.body_start >= scope.end:
        return first
    if text[scope.body_start] in _OPENING:
        return scope.body_start
    return max(first, line_start(text, scope.body_start) - 1)


def _with_gaps(text: str, start: int, folds: list[Fold]) -> Iterator[Fold]:
    """The folds, each with the indentation of what is left out below it, or None where that is nothing."""
    for number, fold in enumerate(folds):
        below = fold.start + len(fold.text)
        until = folds[number + 1].start if number + 1 < len(folds) else start
        omitted = text[below : min(until, below + _MAX_HEADER)].strip("\r\n")
        yield attrs.evolve(fold, gap=indent_of(omitted) if omitted.strip() else None)


def _folded(folds: tuple[Fold, ...], described: Language, newline: str) -> str:
    comments = described.comments
    if comments.line:
        mark = comments.line[0] + " …"
    elif comments.block:
        mark = f"{comments.block[0][0]} … {comments.block[0][1]}"
    else:
        mark = "…"
    return "".join(fold.text + ("" if fold.gap is None else fold.gap + mark + newline) for fold in folds)
