"""Next edits as Copilot's language server spells them: `textDocument/copilotInlineEdit` and its notification.

Clients that know it send the document, its version and the cursor, and get `edits`: alternatives, each with
the document and version it is about, a range, the text that replaces it, and the command to run once it was
taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..documents.documents import DocumentStore
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
        document = documents.get(each.proposal.document)
        if document is None or document.text != each.document_text:
            continue
        places = (
            document.position_at(at, documents.encoding) for at in (each.proposal.start, each.proposal.end)
        )
        start, end = ({"line": line, "character": character} for line, character in places)
        edits.append(
            {
                "text": each.proposal.text,
                "range": {"start": start, "end": end},
                "textDocument": {"uri": document.uri, "version": document.version},
                "command": {"title": "Accept the next edit", "command": command, "arguments": [each.id]},
            }
        )
    return {"edits": edits}
