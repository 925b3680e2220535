"""Source with a marked cursor: how the tests of `context/` write down a place in a file."""

from __future__ import annotations

from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse

CURSOR = "‸"


def at_cursor(marked: str) -> tuple[str, int]:
    """The text without its one marker, and the marker's offset."""
    assert marked.count(CURSOR) == 1, f"exactly one {CURSOR} is expected"
    offset = marked.index(CURSOR)
    return marked.replace(CURSOR, ""), offset


def snapshot_at(marked: str, language: str, path: str = "example") -> tuple[Snapshot, int]:
    """A parsed snapshot, and the cursor's offset."""
    text, offset = at_cursor(marked)
    return Snapshot("", path, language, text, 1, parse(text, language)), offset
