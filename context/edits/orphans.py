"""Names that are declared no more: an edit took their declaration, another replaced one of their uses.

`from a import Old` is gone and `Old()` became `New()`, or `a.Old()`: the other uses of what the first edit
took have to become the same. The tree is the second witness here, where the language says that a name must be
declared in its file. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import attrs

from ..syntax.names import NamedPlace
from ..syntax.tree import SyntaxTree
from .changes import LineChange, TokenChange
from .lexing import is_balanced, is_word, tokens_in
from .places import EditPlace, SearchedText, is_changed, occurrences

_MOST_USES = 60
_IMPORTING = re.compile(r"\b(?:import|use|require|include)\b")
_QUALIFYING = (".", "::")


@attrs.frozen
class Orphans:
    """Names without a declaration, and what becomes of each: texts around it, or another in its place.

    Attributes:
        names: the names.
        before: what is written in front of a name that stays.
        instead: what is written instead of it; "" where it stays.
    """

    names: tuple[str, ...]
    before: str
    instead: str


def gone_words(changes: Sequence[LineChange], usual: Collection[str]) -> frozenset[str]:
    """The words that some changes of lines took away, each from its lines.

    Args:
        changes: the changes.
        usual: words that the language brings: they are gone only with a line that imported them.
    """
    found: set[str] = set()
    for change in changes:
        new = {each.text for each in tokens_in(change.new)}
        gone = {each.text for each in tokens_in(change.old) if is_word(each.text)} - new
        found |= gone if _IMPORTING.search(change.old) else gone - set(usual)
    return frozenset(found)


def orphans(change: TokenChange, gone: Collection[str], around: SearchedText) -> Orphans | None:
    """What an edit did to the use of a name whose declaration another edit took; None for anything else.

    Args:
        change: the edit.
        gone: the words that other edits took away.
        around: the document.
    """
    tree = around.tree
    if (
        tree is None
        or tree.prose_at(change.start + 1)
        or not _must_declare(tree)
        or not is_balanced(list(change.new))
    ):
        return None
    if len(change.old) == 1 and is_word(change.old[0]) and change.before[0] not in _QUALIFYING:
        name = change.old[0]
        found = Orphans((name,), "", change.new_text)
    elif not change.old and change.new and change.new[-1] in _QUALIFYING and is_word(change.after[0]):
        name = change.after[0]
        found = Orphans((name, *sorted(set(gone) - {name})), change.new_text, "")
    else:
        return None
    if name not in gone or goes_on_existing(name, around, change.start, gone):
        return None
    return found


def uses_without_declaration(found: Orphans, around: SearchedText) -> Iterator[EditPlace]:
    """The uses of those of the names that are declared nowhere in a text, with what has to become of them."""
    tree = around.tree
    if tree is None:
        return
    for name in found.names:
        declared = declarations(name, around)
        for count, start in enumerate(occurrences(name, around.text)):
            end = start + len(name)
            if declared is None or count >= _MOST_USES or around.questions.is_spent:
                break
            if is_changed(around.edits, start, end) or tree.prose_at(start + 1):
                continue
            if around.text[:start].rstrip().endswith(_QUALIFYING):
                continue
            here = around.questions.named(tree, start, end)
            if here.kind == "use" and not any(here.sees(each.owner, each.kind) for each in declared):
                yield EditPlace(start, end, found.instead or f"{found.before}{name}")


def declarations(name: str, around: SearchedText) -> list[NamedPlace] | None:
    """Where a text declares a name; None where that can't be told."""
    return around.questions.once("declared", name, lambda: _declarations(name, around))


def _declarations(name: str, around: SearchedText) -> list[NamedPlace] | None:
    tree = around.tree
    if tree is None:
        return None
    found: list[NamedPlace] = []
    for count, start in enumerate(occurrences(name, around.text)):
        end = start + len(name)
        if count >= _MOST_USES or around.questions.is_spent or not tree.covers(start, end):
            return None
        if not tree.prose_at(start + 1):
            place = around.questions.named(tree, start, end)
            found += [place] if place.declares else []
    return found


def goes_on_existing(name: str, around: SearchedText, at: int, gone: Collection[str] = ()) -> bool:
    """Whether a name goes on meaning something at a place: it is declared, or the language brings it.

    Args:
        name: the name.
        around: the document.
        at: the place.
        gone: the words that edits took away: what the language brings was the document's own, if it is one.
    """
    tree = around.tree
    if tree is None:
        return True
    if name not in gone and (name in tree.language.known_words or tree.language.names.has_type(name)):
        return True
    declared = declarations(name, around)
    if declared is None:
        return True
    here = around.questions.named(tree, at, at)
    return any(here.sees(each.owner, each.kind) for each in declared)


def _must_declare(tree: SyntaxTree) -> bool:
    """Whether a name that is used must be declared in its file."""
    language = tree.language
    if not language.names_queries or language.names.visibility != "file":
        return False
    return not any(text in tree.text for text in language.names.opaque)
