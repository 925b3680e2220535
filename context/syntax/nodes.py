"""Walks over tree-sitter's nodes between two places, in bytes. What the nodes mean is `tree`'s knowledge."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter

_SHALLOW = 6
"""How deep members of classes stand."""


def defective_nodes(root: tree_sitter.Node, first: int, last: int) -> Iterator[tree_sitter.Node]:
    """What doesn't parse between two places, in order, without recursion and without what stands in front."""
    cursor = root.walk()
    while True:
        node = cursor.node
        if node is None or node.start_byte > last:
            return
        reaches = node.end_byte >= first
        if reaches and (node.is_error or node.is_missing):
            yield node
        # From the byte in front, since a missing token is empty and ends where it begins.
        elif reaches and node.has_error and cursor.goto_first_child_for_byte(max(first - 1, 0)) is not None:
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def shallow_nodes(root: tree_sitter.Node, first: int, last: int, limit: int) -> Iterator[tree_sitter.Node]:
    """Nodes that begin in a range or enclose its start, down to where the members of classes stand."""
    cursor = root.walk()
    depth = 0
    for _ in range(limit):
        node = cursor.node
        if node is None:
            return
        yield node
        if (
            depth < _SHALLOW
            and node.start_byte <= last
            and cursor.goto_first_child_for_byte(first) is not None
        ):
            depth += 1
            continue
        while True:
            moved = cursor.goto_next_sibling()
            if moved and cursor.node is not None and cursor.node.start_byte <= last:
                break
            if not cursor.goto_parent():
                return
            depth -= 1
