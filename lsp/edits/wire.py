"""Next edits as Copilot's language server spells them: `textDocument/copilotInlineEdit` and its notification.

Clients that know it send the document, its version and the cursor, and get `edits`: alternatives, each with
the document and version it is about (null for a file that isn't open), a range, the text that replaces it,
and the command to run once it was taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..documents.documents import DocumentStore
from ..documents.line_index import LineIndex
from ..documents.positions import Encoding, position_at
from .next_edits import NextEdit

INLINE_EDIT = "textDocument/copilotInlineEdit"
DID_SHOW = "textDocument/didShowInlineEdit"


def as_edits(found: Sequence[NextEdit], documents: DocumentStore, command: str) -> dict[str, Any]:
    """The answer to a request: those of the edits whose document still has the text that they are about.

    Args:
        found: the proposals.
        documents: the open documents.
        command: the one that says that an edit was taken; its argument is the edit's id.
    """
    edits: list[dict[str, Any]] = []
    for each in found:
        uri, text = each.proposal.document, each.document_text
        document = documents.get(uri)
        if document is not None and document.text != text:
            continue
        lines = LineIndex(text) if document is None else document.lines
        start, end = (
            _position(text, lines, at, documents.encoding) for at in (each.proposal.start, each.proposal.end)
        )
        version = None if document is None else document.version
        edits.append(
            {
                "text": each.proposal.text,
                "range": {"start": start, "end": end},
                "textDocument": {"uri": uri, "version": version},
                "command": {"title": "Accept the next edit", "command": command, "arguments": [each.id]},
            }
        )
    return {"edits": edits}


def _position(text: str, lines: LineIndex, offset: int, encoding: Encoding) -> dict[str, int]:
    line, character = position_at(text, lines, offset, encoding)
    return {"line": line, "character": character}
