"""Which patterns the latest edits follow, the surest first: what is evidence enough, and for what.

Two edits that say the same are enough; one is, where the syntax tree is the other witness, or where a line is
the very same as one that was changed. What a pattern looks like and where it holds is decided in the modules
for each kind.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import attrs

from ..languages import language
from ..syntax.tree import SyntaxTree
from .arguments import argument_of, calls_of
from .changes import LineChange, TokenChange, token_changes
from .lexing import is_word
from .orphans import goes_on_existing, gone_words, orphans, uses_without_declaration
from .places import EditPlace, SearchedText, places_of, prose_of
from .renames import IMPORTING, renamed, uses_elsewhere, uses_of
from .rules import common_rule
from .siblings import Sibling, sibling_argument, sibling_line, siblings_of
from .twins import (
    calls_that_went,
    lines_that_call,
    neighbour_rule,
    neighbours_of,
    same_deletions,
    twins_of,
)

LATEST = 3
"""Changes of lines from which a pattern may begin, the newest first."""

WITNESSES = 12
"""Earlier changes that may say the same."""


FindPlaces = Callable[[SearchedText], Iterator[EditPlace]]


_MOST_PASSED = 3
"""Places passed by that are counted."""

_LONG = 8
"""Tokens of a line that stayed, from which on its twins are no chance."""


@attrs.frozen
class EditPattern:
    """What the edits have in common.

    Attributes:
        kind: what sort of edit it is, for statistics.
        key: the same for the same pattern.
        evidence: how many edits of the user say so.
        places: where it holds in a text; found as they are asked for.
        elsewhere: the same in another document; None where a pattern says nothing about others.
        words: what stands in every file in which a pattern means something that nobody has open; none where
            it means nothing there.
        upwards: whether places above the user are meant as well: whoever goes down a file has seen those.
    """

    kind: str
    key: str
    evidence: int
    places: FindPlaces = attrs.field(eq=False, repr=False)
    elsewhere: FindPlaces | None = attrs.field(default=None, eq=False, repr=False)
    upwards: bool = True
    words: tuple[str, ...] = ()


@attrs.frozen
class _Change:
    """A change of lines with its tokens."""

    line: LineChange
    tokens: list[TokenChange]


def patterns_in(
    changes: Sequence[LineChange], around: SearchedText, language_id: str
) -> Iterator[EditPattern]:
    """The patterns that some changes of lines follow, each once.

    Args:
        changes: of one document, the newest first.
        around: the document.
        language_id: its language.
    """
    keywords = language(language_id).keywords
    known = [_Change(each, token_changes(each)) for each in changes[: LATEST + WITNESSES]]
    seen: set[str] = set()
    for number, mine in enumerate(known[:LATEST]):
        for pattern in _of_change(mine, known[number + 1 :], around, keywords):
            if pattern.key not in seen:
                seen.add(pattern.key)
                yield pattern


def _of_change(
    mine: _Change, earlier: Sequence[_Change], around: SearchedText, keywords: frozenset[str]
) -> Iterator[EditPattern]:
    yield from _renames(mine, around, keywords)
    yield from _orphans(mine, earlier, around)
    if not mine.line.alone:
        return
    swept: set[str] = set()
    for number, theirs in enumerate(earlier):
        if not theirs.line.alone:
            continue
        yield from _neighbours(mine, theirs, around)
        yield from _arguments(mine, theirs)
        yield from _sweeps(mine, theirs, earlier[number + 1 :], around, keywords=keywords, swept=swept)
        yield from _deletions(mine, theirs)
    yield from _siblings(mine, around)
    if mine.tokens and not _prose(around.tree, mine.tokens[0]) and _is_telling(mine):
        key = f"twin\0{mine.line.old.strip()}\0{mine.line.new.strip()}"
        yield EditPattern("twin", key, 1, partial(twins_of, mine.line), upwards=False)


def _is_telling(mine: _Change) -> bool:
    """Whether what one line became may be said of its twins: one thing changed in it, or it is a long one."""
    things = {(each.old, each.new) for each in mine.tokens}
    return len(things) == 1 or len(mine.tokens[0].before) + len(mine.tokens[0].after) > _LONG


def _renames(mine: _Change, around: SearchedText, keywords: frozenset[str]) -> Iterator[EditPattern]:
    if around.tree is None:
        return
    for change in mine.tokens:
        found = renamed(change, around.tree, keywords)
        if found is not None:
            key = _key(change)
            find, elsewhere = partial(uses_of, found), partial(uses_elsewhere, found)
            shared = found.shared
            words = (found.old,) if shared else ()
            yield EditPattern("rename", key, 1, find, elsewhere if shared else None, words=words)


def _orphans(mine: _Change, earlier: Sequence[_Change], around: SearchedText) -> Iterator[EditPattern]:
    if around.tree is None or not mine.tokens:
        return
    gone = gone_words([each.line for each in earlier], around.tree.language.known_words)
    for change in mine.tokens if gone else ():
        found = orphans(change, gone, around)
        if found is not None:
            key = _key(change) if change.old else f"orphan\0{found.before}"
            yield EditPattern("orphan", key, 2, partial(uses_without_declaration, found))


def _neighbours(mine: _Change, theirs: _Change, around: SearchedText) -> Iterator[EditPattern]:
    rule = neighbour_rule(mine.line, theirs.line, around.text)
    if rule is not None:
        key = f"neighbour\0{rule.pattern.parts}\0{rule.template}"
        yield EditPattern("neighbour", key, 2, partial(neighbours_of, rule))


def _arguments(mine: _Change, theirs: _Change) -> Iterator[EditPattern]:
    others = [found for each in theirs.tokens if (found := argument_of(each)) is not None]
    for change in mine.tokens:
        found = argument_of(change)
        if found is None:
            continue
        if any(found.agrees(other) for other in others):
            said = next((each for each in (found, *others) if not each.declared), None)
            if said is not None:
                key = f"argument\0{said.head}\0{said.text}\0{said.removed}{said.last}"
                find = partial(calls_of, said)
                yield EditPattern("argument", key, 2, find, find, words=(said.head,))


def _sweeps(
    mine: _Change,
    theirs: _Change,
    others: Sequence[_Change],
    around: SearchedText,
    *,
    keywords: frozenset[str],
    swept: set[str],
) -> Iterator[EditPattern]:
    for one, other in _comparable(mine.tokens, theirs.tokens):
        known = len(one.old) == 1 and is_word(one.old[0]) and goes_on_existing(one.old[0], around, one.start)
        rule = common_rule(one, other, keywords, close=known)
        prose = _prose(around.tree, one)
        if prose == "string" and not _is_whole_string(one) and not _same(one, others):
            continue  # what is said in strings is said for many reasons: two of the same are chance
        if rule is not None and rule.key not in swept and prose == _prose(around.tree, other):
            swept.add(rule.key)
            find = partial(places_of, rule, prose)
            if known and around.tree is not None:
                find = partial(_within, _common_function(around.tree, one.start, other.start), find)
            if _passed_by(find, around, one.line, other.line) > len(_same(one, others)):
                continue
            key = _key(one) if one.old == other.old and one.old else f"sweep\0{rule.key}"
            yield EditPattern("sweep", key, 2, find, find, _goes_up(mine, theirs))


def _same(one: TokenChange, others: Sequence[_Change]) -> list[TokenChange]:
    """Those of other changes that did the very same."""
    pair = one.old, one.new
    return [each for change in others for each in change.tokens if (each.old, each.new) == pair]


def _passed_by(find: FindPlaces, around: SearchedText, one: LineChange, other: LineChange) -> int:
    """Places between two changes where the user could have done the same and didn't, as far as they count."""
    first, last = (one, other) if one.start < other.start else (other, one)
    between = attrs.evolve(around, start=first.end, end=last.start)
    return sum(1 for _ in itertools.islice(filter(between.holds, find(between)), _MOST_PASSED))


def _goes_up(mine: _Change, theirs: _Change) -> bool:
    """Whether the newer of two changes stands above the older one."""
    return mine.line.start < theirs.line.start


def _is_whole_string(change: TokenChange) -> bool:
    """Whether what changed is all that stands between two quotes, as a key does."""
    return change.before[0] == change.after[0] and change.before[0] in {'"', "'", "`"}


def _comparable(mine: list[TokenChange], theirs: list[TokenChange]) -> list[tuple[TokenChange, TokenChange]]:
    """Which stretches of two changes of lines are worth comparing.

    What happened together in both lines is one thing: then only the whole of it is compared.
    """
    if not mine or not theirs:
        return []
    whole = [(mine[-1], theirs[-1])]
    if len(mine) == 1 and len(theirs) == 1:
        return whole
    ours, others = [(each.old, each.new) for each in mine], [(each.old, each.new) for each in theirs]
    if len({each for each in ours if each in others}) > 1:
        return whole
    same = [(one, other) for one in mine for other in theirs if (one.old, one.new) == (other.old, other.new)]
    return whole + same


def _deletions(mine: _Change, theirs: _Change) -> Iterator[EditPattern]:
    if same_deletions(mine.line, theirs.line):
        key = f"deletion\0{mine.line.old.strip()}"
        yield EditPattern("deletion", key, 2, partial(twins_of, mine.line), upwards=_goes_up(mine, theirs))
    head = calls_that_went(mine.line, theirs.line)
    if head:
        key, find = f"deletion\0{''.join(head)}", partial(lines_that_call, head)
        yield EditPattern("deletion", key, 2, find, upwards=_goes_up(mine, theirs))


def _siblings(mine: _Change, around: SearchedText) -> Iterator[EditPattern]:
    found: list[Sibling | None] = [sibling_line(mine.line, around.text)]
    found += [sibling_argument(each) for each in mine.tokens]
    imported = around.tree is not None and any(
        IMPORTING.search(kind) for kind in around.tree.kinds_at(mine.line.start + len(_indent(mine.line)))
    )
    for each in () if imported else found:
        if each is not None:
            key = f"sibling\0{each.first}\0{each.second}\0{each.new}"
            yield EditPattern("sibling", key, 2, partial(siblings_of, each), upwards=False)


def _indent(line: LineChange) -> str:
    return line.new[: len(line.new) - len(line.new.lstrip())]


def _common_function(tree: SyntaxTree, one: int, other: int) -> tuple[int, int] | None:
    """The innermost function that two places share, from where to where; None where they share none."""
    mine, theirs = tree.scopes(one), set(tree.scopes(other))
    shared = [each for each in mine if each in theirs and each.function]
    return (shared[-1].start, shared[-1].end) if shared else None


def _within(span: tuple[int, int] | None, find: FindPlaces, around: SearchedText) -> Iterator[EditPlace]:
    return (each for each in find(around) if span is None or (span[0] <= each.start and each.end <= span[1]))


def _key(change: TokenChange) -> str:
    """The same for the same tokens that became the same others, whatever says so."""
    return f"{change.old}\0{change.new}"


def _prose(tree: SyntaxTree | None, change: TokenChange) -> str:
    return "" if tree is None else prose_of(tree, change.start, change.end)
