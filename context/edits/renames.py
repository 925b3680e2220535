"""A name that was just renamed where it is declared: its other uses name nothing any more.

One edit is enough here, because the syntax tree is the second witness: the old name is declared nowhere in
its scope. Uses in functions that declare the name themselves are theirs, and stay. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

import attrs

from ..syntax.names import NamedPlace, named_place
from ..syntax.tree import SyntaxTree
from .changes import TokenChange
from .history import DocumentEdit
from .lexing import is_word, tokens_in
from .places import EditPlace, SearchedText, is_changed, occurrences

MOST_USES = 80
"""Occurrences of a name that are looked at."""

_KEPT = 0.6
"""How alike a line's tokens are at least for its declaration to be the same one under another name."""

IMPORTING = re.compile(r"import|use_declaration|include|require_clause")
"""Kinds of nodes that bring a name from elsewhere."""

_FIELD = re.compile(r"field_(?:declaration|definition)$|property_(?:signature|definition)$")
_OWN = ("self.", "this.", "this->", "cls.", "@")
_MEMBER = (".", "->", "::")


@attrs.frozen
class Renamed:
    """A declared name that became another.

    Attributes:
        old, new: the names.
        place: where it is declared, under its new name.
        member: whether it is used behind an object.
        field: whether it may be used behind the own object as well, and be called by its name alone.
    """

    old: str
    new: str
    place: NamedPlace
    member: bool
    field: bool = False

    @property
    def extent(self) -> tuple[int, int | None]:
        """From where to where it may be used: its scope, or all of the file."""
        owner = self.place.owner
        return (0, None) if owner is None or self.member else (owner.start, owner.end)

    @property
    def shared(self) -> bool:
        """Whether other files may use it: it is a whole file's, and no import."""
        return self.place.owner is None and not self.member


def renamed(change: TokenChange, tree: SyntaxTree, keywords: frozenset[str]) -> Renamed | None:
    """The declaration that an edit renamed; None where it was something else."""
    if len(change.old) != 1 or len(change.new) != 1:
        return None
    old, new = change.old[0], change.new[0]
    if not is_word(old) or not is_word(new) or {old, new} & keywords or not _is_kept(change):
        return None
    if not tree.covers(change.start, change.end) or tree.prose_at(change.start + 1):
        return None
    imported = any(IMPORTING.search(kind) for kind in tree.kinds_at(change.start))
    if imported and ("as" not in change.before[:1] or not _is_all(change, old, new)):
        return None  # another thing is imported in its place
    place, kinds = named_place(tree, change.start, change.end), tree.kinds_at(change.start)
    if place.kind == "makes" or (len(kinds) > 1 and not place.declares and _FIELD.search(kinds[-2])):
        return Renamed(old, new, place, member=True)
    if not place.declares:
        return None
    field = any(_FIELD.search(kind) for kind in kinds[-4:-1])
    return Renamed(old, new, place, member=_is_member(place), field=field)


def _is_all(change: TokenChange, old: str, new: str) -> bool:
    """Whether nothing in a line changed but a name, and that once: a module's path has its name as well."""
    lines = [[each.text for each in tokens_in(line)] for line in (change.line.old, change.line.new)]
    pairs = [pair for pair in zip(*lines, strict=False) if pair[0] != pair[1]]
    return len(lines[0]) == len(lines[1]) and pairs == [(old, new)]


def _is_kept(change: TokenChange) -> bool:
    """Whether a line is the same declaration still: most of it stayed, and its name has use."""
    if change.new[0] == f"_{change.old[0]}":
        return False  # what nobody uses any more is written so
    old, new = ([each.text for each in tokens_in(line)] for line in (change.line.old, change.line.new))
    return SequenceMatcher(None, old, new, autojunk=False).ratio() >= _KEPT


def _is_member(place: NamedPlace) -> bool:
    return place.owner is not None and place.owner.class_like


def uses_of(found: Renamed, around: SearchedText) -> Iterator[EditPlace]:
    """The uses of a renamed name that are left, in order; none where the old name is still declared."""
    tree = around.tree
    if tree is None:
        return
    left: list[EditPlace] = []
    for count, start in enumerate(occurrences(found.old, around.text, *found.extent)):
        end = start + len(found.old)
        if count >= MOST_USES or around.questions.is_spent or not tree.covers(start, end):
            return
        if is_changed(around.edits, start, end) or tree.prose_at(start + 1):
            continue
        here = around.questions.named(tree, start, end)
        kinds = tree.kinds_at(start)
        verdict = _of_member(here, kinds, around.text) if found.member else _of_name(found, here)
        if found.field and not here.kind:
            verdict = _before(around.text, here.start).endswith(_OWN)
        if verdict is None:
            return
        if verdict and not kinds[-1].startswith("shorthand_property_identifier"):
            left.append(EditPlace(start, end, found.new))
    yield from _unshadowed(found, left, around)


def uses_elsewhere(found: Renamed, around: SearchedText) -> Iterator[EditPlace]:
    """The uses of a renamed name in another file that imports it by its name."""
    tree = around.tree
    if tree is None:
        return
    left: list[EditPlace] = []
    imported = False
    for count, start in enumerate(occurrences(found.old, around.text)):
        end = start + len(found.old)
        if count >= MOST_USES or around.questions.is_spent or not tree.covers(start, end):
            return
        if is_changed(around.edits, start, end) or tree.prose_at(start + 1):
            continue
        here = around.questions.named(tree, start, end)
        if any(IMPORTING.search(kind) for kind in tree.kinds_at(start)):
            imported = True
        elif here.declares:
            return
        elif here.kind != "use":
            continue
        left.append(EditPlace(start, end, found.new))
    if imported:
        yield from left


def _of_name(found: Renamed, here: NamedPlace) -> bool | None:
    """Whether an occurrence is a use of the renamed name; None where it declares the old one again."""
    if here.declares:
        return None if here.owner == found.place.owner else False
    return here.kind == "use" and here.sees(found.place.owner, found.place.kind)


def _of_member(here: NamedPlace, kinds: tuple[str, ...], text: str) -> bool | None:
    """The same of a member: behind the own object, or wherever a grammar knows that a name is a field."""
    if here.kind == "makes" or (len(kinds) > 1 and _FIELD.search(kinds[-2])):
        return None
    return _before(text, here.start).endswith(_OWN) or kinds[-1:] == ("field_identifier",)


def _before(text: str, start: int) -> str:
    return text[max(0, start - 8) : start]


def _unshadowed(found: Renamed, places: list[EditPlace], around: SearchedText) -> Iterator[EditPlace]:
    """Those of some uses that aren't of a declaration further inside."""
    tree = around.tree
    if found.member or tree is None:
        yield from places
        return
    inner = {
        here.owner
        for start in occurrences(found.old, tree.text, *found.extent)
        if (here := around.questions.named(tree, start, start + len(found.old))).declares
    }
    for place in places:
        scopes = tree.scopes(place.start)
        if not any(scope in inner for scope in scopes):
            yield place


def touches(edits: tuple[DocumentEdit, ...], place: EditPlace) -> bool:
    """Whether the user has changed what would be changed."""
    return is_changed(edits, place.start, place.end)
