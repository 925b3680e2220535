"""The suggestion as an ordinary completion item, for editors without ghost text.

The list is marked incomplete, so that the editor asks again with the next key; the item sorts first, is
marked as foretype's, and says in full what it would insert. Pure.
"""

from __future__ import annotations

from lsprotocol import types

from ..completions.imports import edit_with
from ..completions.items import InlineItem
from ..documents.document import Document
from ..documents.documents import DocumentStore

LABEL_LENGTH = 60


def completion_list(
    items: list[InlineItem], documents: DocumentStore, uri: str, command: str
) -> types.CompletionList:
    """The answer to textDocument/completion."""
    document = documents.get(uri)
    if document is None:
        return types.CompletionList(is_incomplete=True, items=[])
    return types.CompletionList(
        is_incomplete=True, items=[_completion_item(item, document, documents, command) for item in items]
    )


def _completion_item(
    item: InlineItem, document: Document, documents: DocumentStore, command: str
) -> types.CompletionItem:
    encoding = documents.encoding
    word = _word_before(document.text, item.start)
    start = types.Position(*document.position_at(item.start - len(word), encoding))
    end = types.Position(*document.position_at(item.end, encoding))
    brought = edit_with(documents, item)
    first, *more = item.text.lstrip().splitlines() or [""]
    label = (word + first)[:LABEL_LENGTH] + (" …" if more or len(word + first) > LABEL_LENGTH else "")
    return types.CompletionItem(
        label=label,
        label_details=types.CompletionItemLabelDetails(description="foretype"),
        kind=types.CompletionItemKind.Text,
        detail="foretype",
        documentation=word + item.text,
        sort_text="\x01" + item.id,
        filter_text=word + item.text,
        preselect=False,
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=types.TextEdit(range=types.Range(start, end), new_text=word + item.text),
        additional_text_edits=[brought] if brought is not None else None,
        command=types.Command(title="Accepted", command=command, arguments=item.arguments),
    )


def _word_before(text: str, offset: int) -> str:
    """The beginning of a word that stands in front of the cursor: editors filter by it."""
    start = offset
    while (
        start > 0 and offset - start < LABEL_LENGTH and (text[start - 1].isalnum() or text[start - 1] == "_")
    ):
        start -= 1
    return text[start:offset]
