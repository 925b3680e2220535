"""The place that a request asks about, and the range that its answer replaces.

Mostly the cursor. When the editor's popup menu has an entry selected, the place is behind that entry's
text as if it had been inserted, and the answer must contain it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .documents import Document
from .positions import Encoding
from .query import InlineQuery

if TYPE_CHECKING:
    from ..context.snapshot import Snapshot


@attrs.frozen
class Place:
    """Where to complete. Offsets are code points.

    Attributes:
        text: the text that is completed: the document's, with the popup menu's entry inserted.
        offset: the cursor in `text`.
        start: where the answer's range begins, in the document.
        end: where it ends before closers are added, in the document.
        said: what the answer begins with: the entry's text, or "".
        typed: the document's text from `start` to the cursor.
    """

    text: str
    offset: int
    start: int
    end: int
    said: str = ""
    typed: str = ""


def place_of(document: Document, query: InlineQuery, encoding: Encoding) -> Place:
    """The place that a query asks about in the document as it is now."""
    offset = document.offset_at(query.line, query.character, encoding)
    selected = query.selected
    if selected is None:
        return Place(document.text, offset, offset, offset)
    start = document.offset_at(*selected.start, encoding)
    end = document.offset_at(*selected.end, encoding)
    text = document.text
    if not start <= offset <= end or "\n" in text[start:end] or "\r" in text[start:end]:
        return Place(text, offset, offset, offset)
    return Place(
        text[:start] + selected.text + text[end:],
        start + len(selected.text),
        start,
        end,
        selected.text,
        text[start:offset],
    )


def snapshot_at(document: Document, place: Place) -> Snapshot:
    """The snapshot of `place.text`; the document's own unless the popup menu changed it."""
    snapshot = document.snapshot()
    if not place.said:
        return snapshot
    tree = snapshot.tree
    if tree is not None:
        tree = tree.edited(place.text, place.start, place.end, place.start + len(place.said))
    return attrs.evolve(snapshot, text=place.text, tree=tree)
