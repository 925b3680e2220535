"""Edits as lines and tokens: which lines became which, and which tokens in them.

An edit says which characters were typed; what somebody did stands in whole lines: `count` became `total` in
this line. Edits that share a line are one change. Pure; what a change may mean elsewhere is decided by
others.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import attrs

from .history import DocumentEdit, original
from .lexing import Token, is_balanced, tokens_in
from .matching import EDGE

_MOST_TOKENS = 400
_LONGEST = 4000
"""Code points of a change whose tokens are looked at: longer lines are data."""

_MOST_COMPARED = 120
"""Pairs of lines in a rewritten stretch that are compared; a larger one is one change."""

_ALIKE = 0.5
"""How alike two lines are at least for one to have become the other."""


@attrs.frozen
class LineChange:
    """Lines that became others.

    Attributes:
        document: what their document is called.
        start, end: the new lines, without the last line end, in code points of the text of now.
        old, new: the lines before and after; "" with `inserted` or `deleted`.
        inserted: whether whole lines are new.
        deleted: whether whole lines are gone; `start` and `end` are then where they stood.
        number: of the newest edit in it.
        alone: whether as many lines came as went, or only one of both happened: otherwise more was rewritten
            around it, and which line became which is a guess.
    """

    document: str
    start: int
    end: int
    old: str
    new: str
    number: int
    inserted: bool = False
    deleted: bool = False
    alone: bool = True


@attrs.frozen
class TokenChange:
    """Tokens that became others, within a change of lines.

    Attributes:
        line: the change of lines.
        old, new: the texts of the tokens that went and came; one of them may be empty.
        before, after: the texts of the tokens in front and behind that stayed, nearest first; where the line
            begins and ends stands `EDGE`.
        old_text, new_text: the same as they stood there, blanks between them included.
        old_gaps, new_gaps: the blanks in front and behind; where nothing stood, all of them are in front.
        old_index, new_index: which token of the old line, and of the new one, is the first of them.
        start, end: what came, in code points of the document's text of now.
    """

    line: LineChange
    old: tuple[str, ...]
    new: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    old_text: str
    new_text: str
    old_gaps: tuple[str, str]
    new_gaps: tuple[str, str]
    old_index: int
    new_index: int
    start: int
    end: int


def line_changes(text: str, edits: Sequence[DocumentEdit], most: int) -> list[LineChange]:
    """The changes of lines that some edits of one document made, the newest first, about `most` of them.

    Args:
        text: the document's text of now, with LF or CRLF.
        edits: all of that document's edits.
        most: so many are enough.
    """
    found: list[LineChange] = []
    for number, start, end, group in _newest_first(_groups(text, edits)):
        if len(found) >= most:
            break
        found += _trimmed(
            group[0].document, start, original(text, group, start, end), text[start:end], number
        )
    return found


def _newest_first(
    groups: Sequence[tuple[int, int, list[DocumentEdit]]],
) -> list[tuple[int, int, int, list[DocumentEdit]]]:
    found = [(max(each.number for each in group), start, end, group) for start, end, group in groups]
    return sorted(found, key=lambda one: -one[0])


def _groups(text: str, edits: Sequence[DocumentEdit]) -> list[tuple[int, int, list[DocumentEdit]]]:
    """Edits that share lines, with the places where these begin and end."""
    groups: list[tuple[int, int, list[DocumentEdit]]] = []
    for each in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        start = text.rfind("\n", 0, each.start) + 1
        end = text.find("\n", each.end)
        end = len(text) if end < 0 else end
        if groups and start <= groups[-1][1]:
            groups[-1] = groups[-1][0], max(end, groups[-1][1]), [*groups[-1][2], each]
        else:
            groups.append((start, end, [each]))
    return groups


def _trimmed(document: str, start: int, old: str, new: str, number: int) -> list[LineChange]:
    """The lines of a block that really changed, each pair for itself."""
    before, after = old.split("\n"), new.split("\n")
    starts = [start]
    for line in after:
        starts.append(starts[-1] + len(line) + 1)
    found: list[LineChange] = []
    for kind, old_start, old_end, new_start, new_end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if kind == "equal" or _is_blank(before[old_start:old_end], after[new_start:new_end]):
            continue
        gone, come = before[old_start:old_end], after[new_start:new_end]
        for first, last, from_line, to_line in _paired(gone, come):
            at = new_start + to_line[0]
            block = "\n".join(come[to_line[0] : to_line[1]])
            found.append(
                LineChange(
                    document,
                    min(starts[at], start + len(new)),
                    min(starts[at], start + len(new)) + len(block),
                    "\n".join(gone[first:last]),
                    block,
                    number,
                    inserted=from_line,
                    deleted=to_line[0] == to_line[1],
                    alone=not gone or not come or len(gone) == len(come),
                )
            )
    return found


def _is_blank(gone: list[str], come: list[str]) -> bool:
    """Whether nothing but blanks differs: lines were indented or parted in another way."""
    return " ".join(gone).split() == " ".join(come).split()


def _paired(gone: list[str], come: list[str]) -> list[tuple[int, int, bool, tuple[int, int]]]:
    """Which of some old lines became which of the new ones: (first, last, inserted, new lines)."""
    pairs: list[tuple[int, int, bool, tuple[int, int]]] = []
    if not gone:
        return [(0, 0, True, (0, len(come)))]
    if not come:
        return [(0, len(gone), False, (0, 0))]
    if len(gone) == len(come):
        return [(at, at + 1, False, (at, at + 1)) for at in range(len(gone))]
    if len(gone) * len(come) > _MOST_COMPARED:
        return [(0, len(gone), False, (0, len(come)))]
    at = 0
    for number, line in enumerate(gone):
        match = next((n for n in range(at, len(come)) if _is_alike(line, come[n])), None)
        if match is None:
            pairs.append((number, number + 1, False, (at, at)))
            continue
        if match > at:
            pairs.append((number, number, True, (at, match)))
        pairs.append((number, number + 1, False, (match, match + 1)))
        at = match + 1
    if at < len(come):
        pairs.append((len(gone), len(gone), True, (at, len(come))))
    return pairs


def _is_alike(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one.strip(), other.strip(), autojunk=False)
    return matcher.real_quick_ratio() > _ALIKE and matcher.quick_ratio() > _ALIKE and matcher.ratio() > _ALIKE


def token_changes(change: LineChange) -> list[TokenChange]:
    """What a change of lines did to their tokens: each stretch for itself, in order; and all of them as one.

    The one that covers all comes last, and only where there are several.
    """
    if change.inserted or change.deleted or max(len(change.old), len(change.new)) > _LONGEST:
        return []
    old, new = tokens_in(change.old), tokens_in(change.new)
    if max(len(old), len(new)) > _MOST_TOKENS:
        return []
    matcher = SequenceMatcher(None, [each.text for each in old], [each.text for each in new], autojunk=False)
    spans = [
        (old_start, old_end, new_start, new_end)
        for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes()
        if kind != "equal"
    ]
    found = [_token_change(change, old, new, span) for span in spans]
    if len(spans) > 1:
        whole = spans[0][0], spans[-1][1], spans[0][2], spans[-1][3]
        found.append(_token_change(change, old, new, _balanced(old, new, whole)))
    return found


def _balanced(
    old: list[Token], new: list[Token], span: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    """A stretch with so many more tokens behind it, which stayed, that its brackets are closed in it."""
    old_start, old_end, new_start, new_end = span
    while old_end < len(old) and new_end < len(new):
        pieces = (old[old_start:old_end], new[new_start:new_end])
        if all(is_balanced([each.text for each in piece]) for piece in pieces):
            break
        old_end, new_end = old_end + 1, new_end + 1
    return old_start, old_end, new_start, new_end


def _token_change(
    change: LineChange, old: list[Token], new: list[Token], span: tuple[int, int, int, int]
) -> TokenChange:
    old_start, old_end, new_start, new_end = span
    old_text, old_gaps, _ = _piece(change.old, old, old_start, old_end)
    new_text, new_gaps, start = _piece(change.new, new, new_start, new_end)
    return TokenChange(
        change,
        tuple(each.text for each in old[old_start:old_end]),
        tuple(each.text for each in new[new_start:new_end]),
        (*(each.text for each in reversed(new[:new_start])), EDGE),
        (*(each.text for each in new[new_end:]), EDGE),
        old_text,
        new_text,
        old_gaps,
        new_gaps,
        old_start,
        new_start,
        change.start + start,
        change.start + start + len(new_text),
    )


def _piece(line: str, tokens: list[Token], first: int, last: int) -> tuple[str, tuple[str, str], int]:
    """Some tokens of a line as they stand there, the blanks around them, and where they begin."""
    left = tokens[first - 1].end if first else len(line) - len(line.lstrip())
    right = tokens[last].start if last < len(tokens) else len(line.rstrip())
    if first == last:
        return "", (line[left : max(left, right)], ""), left
    start, end = tokens[first].start, tokens[last - 1].end
    return line[start:end], (line[left:start], line[end : max(end, right)]), start
