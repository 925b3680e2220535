"""Looking for the first proposal, in a thread: given up as soon as nobody waits for it.

It knows no session: which documents there are and what was dismissed it is told, and what a pattern is
decides `context/edits`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ...context.edits.propose import EditedDocument, Proposal
    from .unopened import UnopenedFiles


READABLE_LINE = 4000
"""Code points of a line beyond which what is edited in it counts for nothing: a program wrote it."""


@attrs.frozen
class SearchedDocuments:
    """What is looked through.

    Attributes:
        mine: the user's document.
        others: other open ones, those first in which the newest edit may be.
        unopened: files that nobody has open; None where none is looked at.
    """

    mine: EditedDocument
    others: Sequence[EditedDocument]
    unopened: UnopenedFiles | None


class _SupersededError(Exception):
    """The text is another one by now: nobody waits for the search any more."""


def first_proposal(
    searched: SearchedDocuments,
    offset: int,
    newest: str,
    dismissed: Collection[str],
    is_wanted: Callable[[], bool],
) -> tuple[Proposal, str] | None:
    """The first proposal, and the text that it is about.

    In the user's document; for what was edited elsewhere there; then in the other open documents, and in
    files that nobody has open.

    Args:
        searched: where.
        offset: of the cursor, in code points.
        newest: the name of the document that was edited last.
        dismissed: patterns that are proposed no more.
        is_wanted: whether somebody still waits; asked between patterns.
    """

    def is_refused(pattern: str) -> bool:
        if not is_wanted():
            raise _SupersededError
        return pattern in dismissed

    try:
        return _first(searched, offset, newest, is_refused) if is_wanted() else None
    except _SupersededError:
        return None


def _first(
    searched: SearchedDocuments, offset: int, newest: str, is_refused: Callable[[str], bool]
) -> tuple[Proposal, str] | None:
    from ...context.edits.propose import proposals, proposals_elsewhere, words_elsewhere

    mine, others = by_hand(searched.mine), [by_hand(each) for each in searched.others]
    found = next(proposals(mine, offset, is_refused), None)
    source = next((each for each in others if each.name == newest), None)
    if found is None and source is not None:
        found = next(proposals_elsewhere(source, [mine], is_refused), None)
    if found is None and newest == mine.name:
        found = next(proposals_elsewhere(mine, others, is_refused), None)
    if found is not None:
        return found, next(each.text for each in (mine, *others) if each.name == found.document)
    if newest == mine.name and searched.unopened is not None:
        for target in searched.unopened.mentioning(words_elsewhere(mine, is_refused)):
            found = next(proposals_elsewhere(mine, [target], is_refused), None)
            if found is not None:
                return found, target.text
    return None


def by_hand(document: EditedDocument) -> EditedDocument:
    """The same without edits in lines that are too long: taking one apart takes longer than anybody waits."""
    text = document.text
    kept = tuple(each for each in document.edits if _line_length(text, each.start, each.end) <= READABLE_LINE)
    return document if len(kept) == len(document.edits) else attrs.evolve(document, edits=kept)


def _line_length(text: str, start: int, end: int) -> int:
    """Code points of the lines that a stretch of a text lies in, counted no further than is asked for."""
    before = text.rfind("\n", max(0, start - READABLE_LINE), start)
    behind = text.find("\n", end, end + READABLE_LINE)
    first = max(0, start - READABLE_LINE) if before < 0 else before + 1
    last = min(len(text), end + READABLE_LINE) if behind < 0 else behind
    return last - first
