"""Patterns of edits: what two edits have in common, with holes for what differs, as something to look for.

Two edits agree where the same tokens went and came, apart from names and expressions that were kept: each of
these is a hole, and what fills it elsewhere is kept there, too. Where the tokens themselves say little
(nothing went, or a bracket), what stands around them in both edits belongs to the pattern.

Whether a place is code, and whether the user wants it, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import attrs

from .changes import TokenChange
from .lexing import is_balanced, is_word, tokens_in
from .matching import EDGE, Holes, Part, TokenPattern, in_pieces, names_among, numbered

MOST_CONTEXT = 5
"""Tokens on either side that may belong to a pattern."""

_LONGEST = 60
"""Tokens of a pattern."""

_TELLING = 4
"""Tokens that went from which on they say enough without a name among them."""


@attrs.frozen
class RewriteRule:
    """Something to look for, and what to write in its place.

    Attributes:
        anchors: words that stand in every place, or one sign where there are none.
        before, after: how many parts of the patterns stand in front of what is replaced, and behind.
        pattern: what it looks like where the edit is still to be made.
        done: what it looks like where the edit was made.
        template: what is written.
        gaps: the blanks in front and behind, where they are replaced as well: nothing went, or nothing came.
        old_gap: the blanks that stood there where nothing stood.
        key: the same for the same pattern.
    """

    anchors: tuple[str, ...]
    before: int
    after: int
    pattern: TokenPattern
    done: TokenPattern
    template: tuple[Part, ...]
    gaps: tuple[str, str] | None
    old_gap: str
    key: str


def is_name(token: str, keywords: frozenset[str]) -> bool:
    """Whether a token is a word that somebody chose."""
    return is_word(token) and token not in keywords and len(token) > 1


def common_rule(
    one: TokenChange, other: TokenChange, keywords: frozenset[str], *, close: bool = False
) -> RewriteRule | None:
    """What two edits have in common; None where that is nothing to go by.

    Args:
        one: an edit.
        other: another one, of another line.
        keywords: the words of the language that nobody chose.
        close: whether a name alone says too little, since it goes on being used for something else.
    """
    if not is_balanced(list(one.old)) or not is_balanced(list(one.new)):
        return None
    aligned = _aligned(one, other)
    if aligned is None:
        return None
    old, holes = aligned
    mine, theirs = [each[0] for each in holes], [each[1] for each in holes]
    new = numbered(one.new, mine)
    if new is None or new != numbered(other.new, theirs) or old == new:
        return None
    before, after = _context(one, other, old, keywords, close=close)
    literals = [each for each in (*before, *old, *after) if isinstance(each, str)]
    telling = any(is_name(each, keywords) for each in literals) or len(old) >= _TELLING
    if not telling or len(literals) > _LONGEST:
        return None
    return _made(one, old, new, (before, after), holes)


def _aligned(
    one: TokenChange, other: TokenChange
) -> tuple[list[Part], list[tuple[tuple[str, ...], tuple[str, ...]]]] | None:
    """What went in both, with holes, and what filled these in the one and in the other."""
    if one.old == other.old:
        return list(one.old), []
    if not one.old or not other.old or max(len(one.old), len(other.old)) > _LONGEST:
        return None
    parts: list[Part] = []
    holes: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    matcher = SequenceMatcher(None, one.old, other.old, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            parts += one.old[start:end]
            continue
        filled = one.old[start:end], other.old[other_start:other_end]
        if not all(filled) or not all(_may_fill(list(each)) for each in filled):
            return None
        if filled not in holes:
            holes.append(filled)
        parts.append(holes.index(filled))
    return (parts, holes) if any(isinstance(each, str) for each in parts) else None


def _may_fill(texts: list[str]) -> bool:
    return (
        is_balanced(texts)
        and not {",", ";", "=", "{", "}"} & set(texts)
        and any(each[0].isalnum() or each[0] in "_$" for each in texts)
    )


def _context(
    one: TokenChange, other: TokenChange, old: list[Part], keywords: frozenset[str], *, close: bool
) -> tuple[list[str], list[str]]:
    """The tokens in front and behind that belong to the pattern, in order of the text."""
    if any(isinstance(each, str) and is_name(each, keywords) for each in old):
        if close:
            return _shared(one.before[:1], other.before[:1]), _shared(one.after[:1], other.after[:1])
        dotted = one.before[:1] == other.before[:1] == (".",)
        return (_shared(one.before[:2], other.before[:2])[::-1] if dotted else []), []
    return _shared(one.before, other.before)[::-1], _shared(one.after, other.after)


def _shared(one: Sequence[str], other: Sequence[str]) -> list[str]:
    found: list[str] = []
    for mine, theirs in zip(one[:MOST_CONTEXT], other[:MOST_CONTEXT], strict=False):
        if mine != theirs:
            break
        found.append(mine)
    return found


def _made(
    change: TokenChange,
    old: list[Part],
    new: list[Part],
    context: tuple[list[str], list[str]],
    holes: Holes,
) -> RewriteRule:
    before, after = context
    names = names_among(holes)
    literals = [each for each in (*before, *old, *after) if isinstance(each, str) and each != EDGE]
    bare = not change.old or not change.new
    fillings = [each[0] for each in holes]
    template = in_pieces(change.new_text, tokens_in(change.new_text), new, fillings)
    return RewriteRule(
        tuple(each for each in literals if is_word(each)) or (max(literals, key=len),),
        len([each for each in before if each != EDGE]),
        len([each for each in after if each != EDGE]),
        TokenPattern((*before, *old, *after), names),
        TokenPattern((*before, *new, *after), names),
        template,
        change.new_gaps if bare else None,
        "".join(change.old_gaps) if not change.old else "",
        f"{before}{old}{after}{template}",
    )
