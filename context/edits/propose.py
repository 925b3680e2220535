"""What may be edited next, and where: from the latest edits to proposals, the likeliest first. Pure.

How edits are kept is `history`'s knowledge, which patterns they follow that of `patterns`. Here places become
proposals, in the order in which they are offered, and none that leaves broken what was whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from ..syntax.tree import SyntaxTree
from ..syntax.tree_work import parse_again
from .changes import line_changes
from .history import DocumentEdit
from .patterns import patterns_in
from .places import EditPlace, SearchedText

_BEGINNING = 2000
"""Code points at the start of a text in which a program that wrote it says so."""


@attrs.frozen
class Proposal:
    """One edit that is offered.

    Attributes:
        document: what the document is called.
        start, end: what it replaces, in code points.
        old: what stands there.
        text: what would stand there.
        kind: what sort of edit it is.
        pattern: the same for all proposals that come of one pattern.
        evidence: how many edits of the user say so; 1 stands for one, and a tree that says the rest.
    """

    document: str
    start: int
    end: int
    old: str
    text: str
    kind: str
    pattern: str
    evidence: int


@attrs.frozen
class EditedDocument:
    """A document as it stands, with what the user did to it.

    Attributes:
        name: what it is called.
        language: its identifier.
        text: all of it.
        tree: its syntax tree, where there is one.
        edits: the user's, of this document.
    """

    name: str
    language: str
    text: str
    tree: SyntaxTree | None
    edits: tuple[DocumentEdit, ...]


def proposals(
    document: EditedDocument, near: int, refused: Callable[[str], bool] | None = None
) -> Iterator[Proposal]:
    """What may be edited next, the likeliest pattern first, and of each pattern the places from `near` on.

    Args:
        document: the one that was edited last.
        near: where the user is, in code points.
        refused: whether the user wants nothing more of a pattern.
    """
    text = document.text
    if not document.edits or is_left_alone(text):
        return
    around = SearchedText(text, document.tree, document.edits, near)
    offered: set[tuple[int, int]] = set()
    for pattern in patterns_in(line_changes(text, document.edits), around, document.language):
        if refused is not None and refused(pattern.key):
            continue
        for place in in_order(pattern.places, near):
            old = text[place.start : place.end]
            if (place.start, place.end) in offered or old == place.text or not _parses(document, place):
                continue
            offered.add((place.start, place.end))
            yield Proposal(
                document.name,
                place.start,
                place.end,
                old,
                place.text,
                pattern.kind,
                pattern.key,
                pattern.evidence,
            )


def is_left_alone(text: str) -> bool:
    """Whether nothing is proposed in a text: a merge isn't finished, or a program wrote it."""
    if text.startswith("<<<<<<< ") or "\n<<<<<<< " in text:
        return True
    beginning = text[:_BEGINNING].lower()
    return "@generated" in beginning or "do not edit" in beginning


def in_order(places: Iterator[EditPlace], near: int) -> list[EditPlace]:
    """Places from `near` to the text's end, then those before it."""
    return sorted(places, key=lambda place: (place.start < near, place.start))


def _parses(document: EditedDocument, place: EditPlace) -> bool:
    """Whether a document parses no worse than before with something in a place."""
    tree, text = document.tree, document.text
    if tree is None or not tree.covers(place.start, place.end):
        return True
    new = text[: place.start] + place.text + text[place.end :]
    after = parse_again(tree, new, place.start, place.end, place.start + len(place.text))
    if after is None or not after.has_defects:
        return True
    return tree.has_defects and len(after.defects(0, len(new))) <= len(tree.defects(0, len(text)))
