"""The messages about next edits: the request, the news that one was shown, and one that begins at the cursor.

What is proposed decides `edits`; how it is spelt says `edits.wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from ..edits.wire import DID_SHOW, INLINE_EDIT, as_edits
from ..protocol.fields import as_list, as_map
from .capabilities import COMMAND_NAMES

if TYPE_CHECKING:
    from ..completions.items import InlineItem
    from ..documents.document import Document
    from ..documents.query import InlineQuery
    from ..edits.next_edits import NextEdit
    from ..session.session import Session

Items = Callable[[], Coroutine[Any, Any, "list[InlineItem]"]]
FindEdits = Callable[[], Coroutine[Any, Any, "list[NextEdit]"]]

__all__ = ["DID_SHOW", "INLINE_EDIT", "answer_request", "before", "hear_shown"]


def answer_request(
    session: Session, params: dict[str, Any]
) -> Coroutine[Any, Any, Callable[[], dict[str, Any]]]:
    """`textDocument/copilotInlineEdit`: the edit that is likeliest to be next."""
    from ..documents.query import read_query

    query, documents = read_query(params), session.documents
    document = documents.get(query.uri)
    if document is None or (query.version is not None and query.version != document.version):
        return _answered(session, None)
    offset = document.offset_at(query.line, query.character, documents.encoding)
    return _answered(session, session.edits.request(document, offset))


async def _answered(session: Session, find: FindEdits | None) -> Callable[[], dict[str, Any]]:
    found = [] if find is None else await find()
    return lambda: as_edits(found, session.documents, COMMAND_NAMES[0])


def hear_shown(session: Session, params: dict[str, Any]) -> None:
    """`textDocument/didShowInlineEdit`: the editor has drawn one."""
    arguments = as_list(as_map(as_map(params.get("item")).get("command")).get("arguments"))
    if arguments and isinstance(arguments[0], str):
        session.edits.shown(arguments[0])


def before(session: Session, query: InlineQuery, make: Items) -> Items:
    """What makes a request's items: the next edit where it begins at the cursor, or else what `make` does."""
    document = session.documents.get(query.uri)
    if document is None or query.selected is not None:
        return make
    offset = document.offset_at(query.line, query.character, session.documents.encoding)
    find = session.edits.request_at_cursor(document, offset)
    return make if find is None else partial(_first_of, find, make, document)


async def _first_of(find: FindEdits, make: Items, document: Document) -> list[InlineItem]:
    found = await find()
    return [_item(found[0], document)] if found and document.text == found[0].document_text else await make()


def _item(found: NextEdit, document: Document) -> InlineItem:
    from ..completions.items import InlineItem, characters
    from ..statistics.ledger import Offer

    proposal = found.proposal
    return InlineItem(
        id=found.id,
        uri=document.uri,
        text=proposal.text,
        start=proposal.start,
        end=proposal.end,
        filter_text=proposal.text,
        document_text=document.whole,
        offer=Offer(found.id, characters(proposal.text)),
    )
