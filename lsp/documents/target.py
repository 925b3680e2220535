"""The place that a request asks about, and the range that its answer replaces.

Mostly the cursor. When the editor's popup menu has an entry selected, the place is behind that entry's
text as if it had been inserted, and the answer must contain it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .document import Document
from .positions import Encoding
from .query import InlineQuery

if TYPE_CHECKING:
    from ...context.syntax.snapshot import Snapshot
    from ...context.text.indentation import IndentOptions


@attrs.frozen
class Target:
    """Where to complete. Offsets are code points.

    Attributes:
        text: the text that is completed: the document's `whole`, with the popup menu's entry inserted.
        offset: the cursor in `text`.
        start: where the answer's range begins, in the document.
        end: where it ends before closers are added, in the document.
        said: what the answer begins with: the entry's text, or "".
        typed: the document's text from `start` to the cursor.
        indentation: what the editor says about the document's indentation, if anything.
    """

    text: str
    offset: int
    start: int
    end: int
    said: str = ""
    typed: str = ""
    indentation: IndentOptions | None = None


def target_of(document: Document, query: InlineQuery, encoding: Encoding) -> Target:
    """The place that a query asks about in the document as it is now."""
    return attrs.evolve(_asked_about(document, query, encoding), indentation=query.indentation)


def _asked_about(document: Document, query: InlineQuery, encoding: Encoding) -> Target:
    offset = document.offset_at(query.line, query.character, encoding)
    whole, before = document.whole, document.before
    selected = query.selected
    if selected is None:
        return Target(whole, before + offset, offset, offset)
    start = document.offset_at(*selected.start, encoding)
    end = document.offset_at(*selected.end, encoding)
    text = document.text
    if not start <= offset <= end or "\n" in text[start:end] or "\r" in text[start:end]:
        return Target(whole, before + offset, offset, offset)
    return Target(
        whole[: before + start] + selected.text + whole[before + end :],
        before + start + len(selected.text),
        start,
        end,
        selected.text,
        text[start:offset],
    )


def indented(snapshot: Snapshot, document: Document, place: Target) -> Snapshot:
    """A document's snapshot with what the editor and the project say about its indentation."""
    said = place.indentation or snapshot.editor_indent
    project = document.project_indent or snapshot.project_indent
    if (said, project) == (snapshot.editor_indent, snapshot.project_indent):
        return snapshot
    tab_width = said.tab_width or project.tab_width or snapshot.tab_width
    return attrs.evolve(snapshot, editor_indent=said, project_indent=project, tab_width=tab_width)
