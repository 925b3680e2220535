"""Where more than one line is worth suggesting, and where it then ends: decided from the tree at a cursor.

A block that was just opened, one that holds nothing but its documentation, the next paragraph of a function,
the next definition, an element's children, an entry of a list, a table. Without a tree, only the first.
Not: single lines that turn into a block because they open one; that is `rules`' and the stop rules' work.
"""

from __future__ import annotations

import enum

import attrs

from ..syntax.cursor_lines import CursorLines, closes_only
from ..syntax.tree import Scope, SyntaxTree
from ..text.brackets import PAIRS, balance
from ..text.lines import columns, indent_of, line_end, line_start, next_line_start

_QUOTES = ('"', "'")
_LONGEST_FUNCTION = 20_000
"""Code points above the cursor in which brackets are counted."""


class BlockKind(enum.StrEnum):
    """Why several lines are suggested, in a word."""

    OPENED = "opened"
    DOCUMENTED = "documented"
    PARAGRAPH = "paragraph"
    DEFINITION = "definition"
    CHILDREN = "children"
    ENTRY = "entry"
    TABLE = "table"


@attrs.frozen
class Block:
    """Lines that are to be suggested together.

    Attributes:
        kind: why.
        indent: columns; a line that is shallower, from the second on, belongs to it no longer.
        ends_at_blank: whether a blank line ends it wherever it stands.
        ends_at_gap: whether a blank line ends it behind a line that is no deeper than `indent`.
    """

    kind: BlockKind
    indent: int
    ends_at_blank: bool = False
    ends_at_gap: bool = False


def block_at(place: CursorLines, header: int) -> Block | None:
    """The block that is worth suggesting at a place; None where it is a line.

    Args:
        place: the cursor, with nothing but closers right of it.
        header: columns of the line whose block is being written; -1 at the top of a file.
    """
    if is_opened(place, header):
        return Block(BlockKind.OPENED, header + 1, ends_at_blank=place.language.layout.indented)
    tree = place.snapshot.tree if place.snapshot is not None else None
    last = _end_above(place)
    if tree is None or place.prose or place.after.strip() or not tree.covers(max(last - 1, 0), place.offset):
        return None
    if place.before.strip():
        return _table(place, tree, place.offset) or _entry(place, tree, last)
    if not last or _goes_on_below(place):
        return None
    found = (
        _documented(place, tree, last, header)
        or _children(place, tree, last)
        or _table(place, tree, last)
        or _entry(place, tree, last)
    )
    if found is not None:
        return found
    return _paragraph(place, tree, last) or _definition(place, tree, last)


def is_opened(place: CursorLines, header: int) -> bool:
    """Whether a block was opened right here or right above and nothing stands in it yet."""
    closer = PAIRS.get(place.before.rstrip()[-1:])
    if closer is not None and not place.prose and place.after.lstrip().startswith(closer):
        return True
    opened = place.opened_above() if place.blank else place.opened_here()
    deeper = bool(place.below) and place.columns_of(place.below[0]) > header
    return opened and not deeper and place.prose != "comment"


def _text(place: CursorLines) -> str:
    return "" if place.snapshot is None else place.snapshot.text


def _end_above(place: CursorLines) -> int:
    """Where the nearest code above the cursor's line ends, in code points."""
    text = _text(place)
    at = line_start(text, place.offset)
    while at > 0 and text[at - 1].isspace():
        at -= 1
    return at


def _goes_on_below(place: CursorLines) -> bool:
    """Whether code stands right below that is as deep as the cursor: a line is missing there, no block."""
    text = _text(place)
    start = next_line_start(text, line_end(text, place.offset))
    line = text[start : line_end(text, start)]
    deep = columns(indent_of(line), place.style.tab_width) >= place.indent
    return bool(line.strip()) and deep and not closes_only(line, place.language)


def _depth_of(place: CursorLines, tree: SyntaxTree, offset: int) -> int:
    """Columns of the line in which a place lies."""
    start = line_start(tree.text, offset)
    return columns(indent_of(tree.text[start:offset]), place.style.tab_width)


def _around(place: CursorLines, tree: SyntaxTree, last: int) -> Scope | None:
    """The innermost definition that the cursor's line belongs to, by its depth: its node may end above."""
    scopes = [each for each in tree.scopes(last - 1) if each.definition or each.function]
    inside = (each for each in reversed(scopes) if _depth_of(place, tree, each.start) < place.indent)
    return next(inside, None)


def _documented(place: CursorLines, tree: SyntaxTree, last: int, header: int) -> Block | None:
    """Below a docstring that is all there is of a function or class."""
    scope = _around(place, tree, last) if place.language.layout.indented else None
    if scope is None or scope.body_start >= last or tree.text[last - 1] not in _QUOTES:
        return None
    said = tree.statements(last - 1, frozenset({scope.kind}))
    if len(said) != 1 or said[0].end != last or not tree.prose_at(last - 1):
        return None
    if not tree.text[said[0].start : said[0].start + 2].lstrip("rRuU").startswith(_QUOTES):
        return None
    return Block(BlockKind.DOCUMENTED, header + 1, ends_at_blank=True)


def _children(place: CursorLines, tree: SyntaxTree, last: int) -> Block | None:
    """Below a tag that opens an element, deeper than the tag."""
    opening = _ending_at(tree, last, place.language.nodes.opening_tags)
    if opening < 0:
        return None
    depth = _depth_of(place, tree, opening)
    return Block(BlockKind.CHILDREN, depth + 1) if place.indent > depth else None


def _table(place: CursorLines, tree: SyntaxTree, last: int) -> Block | None:
    """Below the head of a table, or right behind it, where nothing stands in it yet."""
    start = _ending_at(tree, last, place.language.nodes.tables)
    if start < 0 or "\n" in tree.text[start:last].strip():
        return None
    return Block(BlockKind.TABLE, _depth_of(place, tree, start), ends_at_blank=True)


def _entry(place: CursorLines, tree: SyntaxTree, last: int) -> Block | None:
    """An entry of a list, below one that takes several lines."""
    if place.before.strip() not in {"", "-"}:
        return None
    wanted = place.language.nodes.entries
    for entry in reversed(tree.spans_at(last - 1, wanted)):
        if _depth_of(place, tree, entry.start) == place.indent:
            several = "\n" in tree.text[entry.start : last]
            return Block(BlockKind.ENTRY, place.indent + 1, ends_at_blank=True) if several else None
    return None


def _paragraph(place: CursorLines, tree: SyntaxTree, last: int) -> Block | None:
    """In a function, behind a blank line or a comment: the statements up to the next blank line."""
    scope = _around(place, tree, last)
    if scope is None or not scope.function or not place.language.nodes.functions:
        return None
    commented = tree.prose_at(last) == "comment" or tree.prose_at(last - 1) == "comment"
    deep = place.columns_of(place.above[0])
    if place.touching and not (commented and deep == place.indent):
        return None
    if deep < place.indent or _is_in_a_list(place, tree, scope.start):
        return None
    return Block(BlockKind.PARAGRAPH, place.indent, place.language.layout.indented, ends_at_gap=True)


def _is_in_a_list(place: CursorLines, tree: SyntaxTree, start: int) -> bool:
    """Whether parentheses or brackets that were opened behind `start` are still open at the cursor."""
    if place.offset - start > _LONGEST_FUNCTION:
        return True
    opened = balance(tree.text[start : place.offset], place.language).openers
    return any(bracket in "([" for _, bracket in opened)


def _definition(place: CursorLines, tree: SyntaxTree, last: int) -> Block | None:
    """Behind a blank line below a definition of several lines: the next one."""
    if place.touching:
        return None
    indented = place.language.layout.indented
    for above in reversed(tree.spans_at(last - 1, place.language.nodes.definitions)):
        if _depth_of(place, tree, above.start) == place.indent and "\n" in tree.text[above.start : last]:
            return Block(BlockKind.DEFINITION, place.indent, indented, ends_at_gap=True)
    return None


def _ending_at(tree: SyntaxTree, end: int, kinds: tuple[str, ...]) -> int:
    """Where the node of such a type begins that ends with its text right before `end`; -1 for none."""
    for span in reversed(tree.spans_at(end - 1, kinds)):
        if tree.text[span.start : span.end].rstrip() == tree.text[span.start : end]:
            return span.start
    return -1
