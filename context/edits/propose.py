"""What may be edited next, and where: from the latest edits to proposals, the likeliest first. Pure.

How edits are kept is `history`'s knowledge, which patterns they follow that of `patterns`. Here places become
proposals, in the order in which they are offered, and none that leaves broken what was whole.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

import attrs

from ..syntax.cells import changed
from ..syntax.names import BINDING_NAMES, is_visible, mentioned, uses
from ..syntax.tree import SyntaxTree
from ..syntax.tree_work import parse_again
from .changes import line_changes
from .history import DocumentEdit
from .lexing import is_in_word, is_word
from .patterns import LATEST, WITNESSES, EditPattern, FindPlaces, patterns_in
from .places import EditPlace, SearchedText

MOST_TRIED = 40
"""Places of a pattern that are looked at: each may have to be parsed."""

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
    around = SearchedText(document.text, document.tree, document.edits)
    for pattern in _patterns(document, around, refused):
        places = in_order(pattern.places, around, near, upwards=pattern.upwards)
        yield from _offered(pattern, places, document, around)


def proposals_elsewhere(
    source: EditedDocument,
    targets: Iterable[EditedDocument],
    refused: Callable[[str], bool] | None = None,
) -> Iterator[Proposal]:
    """What the edits of one document mean for others, which are looked at in their order.

    Args:
        source: the one that was edited.
        targets: others of the same language.
        refused: whether the user wants nothing more of a pattern.
    """
    around = SearchedText(source.text, source.tree, source.edits)
    found = [each for each in _patterns(source, around, refused) if each.elsewhere is not None]
    for target in targets if found else ():
        if is_left_alone(target.text):
            continue
        there = SearchedText(target.text, target.tree, target.edits)
        for pattern in found:
            if pattern.elsewhere is not None:
                yield from _offered(pattern, pattern.elsewhere(there), target, there)


def words_elsewhere(
    source: EditedDocument, refused: Callable[[str], bool] | None = None
) -> list[tuple[str, ...]]:
    """What stands in the files, open or not, for which the edits of one document mean something.

    Args:
        source: the one that was edited.
        refused: whether the user wants nothing more of a pattern.

    Returns:
        for each pattern the words that all stand in such a file, the likeliest pattern first.
    """
    around = SearchedText(source.text, source.tree, source.edits)
    found = (each.words for each in _patterns(source, around, refused))
    return list(dict.fromkeys(words for words in found if words))


def _patterns(
    document: EditedDocument, around: SearchedText, refused: Callable[[str], bool] | None
) -> Iterator[EditPattern]:
    if not document.edits or is_left_alone(document.text):
        return
    changes = line_changes(document.text, document.edits, LATEST + WITNESSES)
    for pattern in patterns_in(changes, around, document.language):
        if refused is None or not refused(pattern.key):
            yield pattern


def _offered(
    pattern: EditPattern, places: Iterator[EditPlace], document: EditedDocument, around: SearchedText
) -> Iterator[Proposal]:
    for place in itertools.islice(places, MOST_TRIED):
        old = document.text[place.start : place.end]
        if old == place.text or around.questions.has_failed:
            continue
        if not is_sound(document, place, declared=pattern.kind == "rename"):
            around.questions.refused += 1
            continue
        least = trimmed(place, old)
        yield Proposal(
            document.name,
            least.start,
            least.end,
            document.text[least.start : least.end],
            least.text,
            pattern.kind,
            pattern.key,
            pattern.evidence,
        )


def trimmed(place: EditPlace, old: str) -> EditPlace:
    """A place without the whole words and signs at its ends that stay what they are."""
    new = place.text
    first, old_end, new_end = changed(old, new)
    while first and _joins(old, first) | _joins(new, first):
        first -= 1
    while old_end < len(old) and _joins(old, old_end) | _joins(new, new_end):
        old_end, new_end = old_end + 1, new_end + 1
    return EditPlace(place.start + first, place.start + old_end, new[first:new_end])


def _joins(text: str, at: int) -> bool:
    """Whether a word goes on across a place."""
    return 0 < at < len(text) and is_in_word(text[at - 1]) and is_in_word(text[at])


def is_left_alone(text: str) -> bool:
    """Whether nothing is proposed in a text: a merge isn't finished, or a program wrote it."""
    if text.startswith("<<<<<<< ") or "\n<<<<<<< " in text:
        return True
    beginning = text[:_BEGINNING].lower()
    return "@generated" in beginning or "do not edit" in beginning


def in_order(
    find: FindPlaces, around: SearchedText, near: int, *, upwards: bool = True
) -> Iterator[EditPlace]:
    """Where a pattern holds from `near` to the text's end, then before it; found as they are asked for."""
    line = around.text.rfind("\n", 0, near) + 1
    below = attrs.evolve(around, start=line)
    for part in (below, attrs.evolve(around, end=line)) if upwards else (below,):
        yield from (place for place in find(part) if part.holds(place))


def is_sound(document: EditedDocument, place: EditPlace, *, declared: bool) -> bool:
    """Whether a document with something in a place parses no worse than before, and the names there exist."""
    tree, text = document.tree, document.text
    if tree is None or not tree.covers(place.start, place.end):
        return True
    if is_word(place.text) and is_word(text[place.start : place.end]):
        known = (
            declared or place.text in tree.language.known_words or mentioned(text[: place.start], place.text)
        )
        return known or is_visible(tree, place.text, place.start)
    new = text[: place.start] + place.text + text[place.end :]
    end = place.start + len(place.text)
    after = parse_again(tree, new, place.start, place.end, end)
    if after is None:
        return True
    if after.has_defects and not tree.has_defects:
        return False
    if after.has_defects and len(after.defects(0, len(new))) > len(tree.defects(0, len(text))):
        return False
    known = text[place.start : place.end]
    return all(
        mentioned(known, use.name) or is_visible(after, use.name, use.start, place.start, end)
        for use in uses(after, place.start, end)
        if use.kind in BINDING_NAMES and use.name not in tree.language.known_words
    )
