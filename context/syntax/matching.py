"""Answers a language's queries from a tree: tree-sitter finds types of nodes, this compares what they hold.

See `languages.patterns` for why. Every step is short, so that other threads come between; a stretch is
looked through in parts small enough for one call of tree-sitter. A token that is missing, which is empty,
is never found. It knows no text and no code points, and no language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import tree_sitter

from ..languages.grammars import WITHIN, TypeQuery
from ..languages.patterns import NodePattern, Predicate

Match = dict[str, list[tree_sitter.Node]]
"""The nodes that a pattern captured, by the captures' names without `@`."""

_BITE = 16_384
"""Bytes of a text that one call looks through."""

_CROWDED = 200
"""Of a node with more children only those in the stretch that is asked about are compared."""

_MATCH_LIMIT = 10_000


def matches(
    query: TypeQuery, root: tree_sitter.Node, data: bytes, within: tuple[int, int], depth: int | None = None
) -> Iterator[Match]:
    """What the patterns find in nodes that reach into a stretch, in no order, perhaps more than once.

    Args:
        query: what is asked.
        root: the tree's outermost node.
        data: the bytes that the tree is of.
        within: where the stretch begins and ends, in bytes.
        depth: only nodes at most so deep; None is any.
    """
    cursor = tree_sitter.QueryCursor(query.compiled, match_limit=_MATCH_LIMIT)
    if depth is not None:
        cursor.set_max_start_depth(depth)
    for start, end in _bites(root, *within):
        cursor.set_byte_range(start, end)
        for name, nodes in cursor.captures(root).items():
            if not name.startswith(WITHIN):
                yield from ({name: [node]} for node in nodes if node.end_byte > node.start_byte)
                continue
            patterns = query.within[name[len(WITHIN) :]]
            for node in nodes:
                for pattern, match in _within(node, patterns, start, end):
                    if all(_holds(each, match, data) for each in pattern.predicates):
                        yield match


def _bites(root: tree_sitter.Node, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The bytes from one place to another that the tree knows, in parts."""
    first, last = max(start, root.start_byte), min(end, root.end_byte)
    if last - first <= _BITE:
        yield start, end
        return
    for bite in range(first, last, _BITE):
        yield bite, min(bite + _BITE, last)


def _within(
    node: tree_sitter.Node, patterns: Sequence[NodePattern], first: int, last: int
) -> Iterator[tuple[NodePattern, Match]]:
    """The ways in which a node of the right type is what patterns describe; its children are listed once."""
    among = _children(node, first, last) if any(pattern.children for pattern in patterns) else []
    for pattern in patterns:
        if any(node.child_by_field_name(field) is not None for field in pattern.absent):
            continue
        own: Match = {name: [node] for name in pattern.captures}
        if not pattern.children:
            yield pattern, own
            continue
        for match in _in_order(among, pattern.children, 0, first, last):
            for name, nodes in own.items():
                match[name] = nodes + match.get(name, [])
            yield pattern, match


def _in_order(
    among: list[tuple[str | None, tree_sitter.Node]],
    wanted: Sequence[NodePattern],
    begin: int,
    first: int,
    last: int,
) -> Iterator[Match]:
    """The ways in which some children are what the patterns describe, one behind the other."""
    pattern = wanted[0]
    for at in range(begin, len(among)):
        field, child = among[at]
        if not _is(child, field, pattern) or (pattern.last and _named_between(among, at + 1, len(among))):
            if pattern.first and child.is_named:
                return
            continue
        for _, match in _within(child, (pattern,), first, last):
            if len(wanted) == 1:
                yield match
                continue
            for rest in _in_order(among, wanted[1:], at + 1, first, last):
                yield {name: match.get(name, []) + rest.get(name, []) for name in {**match, **rest}}
        if pattern.first and child.is_named:
            return


def _is(child: tree_sitter.Node, field: str | None, pattern: NodePattern) -> bool:
    if pattern.field and field != pattern.field:
        return False
    if child.is_named is not pattern.named or child.end_byte == child.start_byte:
        return False
    return pattern.kinds is None or child.type in pattern.kinds


def _named_between(among: list[tuple[str | None, tree_sitter.Node]], first: int, last: int) -> bool:
    return any(among[at][1].is_named for at in range(first, last))


def _children(node: tree_sitter.Node, first: int, last: int) -> list[tuple[str | None, tree_sitter.Node]]:
    """A node's children with their fields; of very many those between two places, and around."""
    cursor = node.walk()
    crowded = node.child_count > _CROWDED
    if not (cursor.goto_first_child_for_byte(first) is not None if crowded else cursor.goto_first_child()):
        return []
    found: list[tuple[str | None, tree_sitter.Node]] = []
    going = True
    while going:
        child = cursor.node
        if child is None or (crowded and child.start_byte > last):
            break
        found.append((cursor.field_name, child))
        going = cursor.goto_next_sibling()
    return found


def _holds(predicate: Predicate, match: Match, data: bytes) -> bool:
    texts = (data[node.start_byte : node.end_byte] for node in match.get(predicate.capture, ()))
    return all(
        (predicate.pattern.search(text.decode("utf-8", "replace")) is not None) is predicate.wanted
        for text in texts
    )
