"""Rules of `trim` about the rest of the cursor's line and about closing brackets."""

from __future__ import annotations

import re

import attrs

from .brackets import PAIRS, balance
from .draft import Draft
from .lines import indent_of, split_lines, without_end
from .place import Place, closers_only
from .values import StopRules

_PUNCTUATION = ";,:"


def meet_the_rest_of_the_line(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """Let the text end where the rest of the line takes over.

    Closing brackets and quotes right of the cursor, as editors put them there, may come again in the text:
    then the text replaces them. Anything else right of the cursor stays, and is not repeated.
    """
    del rules
    if not place.after.strip():
        return draft
    if place.prose == "comment":
        return attrs.evolve(draft, text=draft.text.partition(place.after.strip())[0].rstrip(" \t"))
    if closers_only(place.after):
        return _replace_closers(draft, place)
    return _stop_before(draft, place)


def _replace_closers(draft: Draft, place: Place) -> Draft:
    text, after = draft.text, place.after
    opened = balance(place.before, place.language).quote
    unmatched = balance(text, place.language, opened).closers or _angle_closer(text, after)
    if opened and unmatched and unmatched[0][1] == opened and not after.lstrip(" \t").startswith(opened):
        unmatched = unmatched[1:]  # it ends a string that nothing right of the cursor ends
    taken = 0
    last = -1
    for at, closer in unmatched:
        there = _skip_blanks(after, taken)
        if not after.startswith(closer, there):
            break
        taken = there + len(closer)
        last = at + len(closer) - 1
    rest = text[last + 1 :].strip()
    there = _skip_blanks(after, taken)
    left = after[there:].rstrip()
    if left and rest == left and last >= 0 and set(left) <= set(_PUNCTUATION):
        taken = len(after.rstrip())  # `);` comes again as a whole
    elif left and text.rstrip().endswith(left) and set(left) <= set(_PUNCTUATION):
        text = text.rstrip().removesuffix(left)
    elif left and last < 0 and _opens_before(place, left[0]) and len(split_lines(text)) > 1:
        text = text.rstrip() + place.newline + indent_of(place.before)  # the closer gets a line of its own
    return attrs.evolve(draft, text=text, replace_right=taken)


def _angle_closer(text: str, after: str) -> tuple[tuple[int, str], ...]:
    """The `>` that ends a list of type arguments, where one stands right of the cursor."""
    depth = 0
    for found in re.finditer(r"[-=]>|[<>]", text if after.startswith(">") else ""):
        depth += {"<": 1, ">": -1}.get(found.group(), 0)
        if depth < 0:
            return ((found.start(), ">"),)
    return ()


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t":
        position += 1
    return position


def _opens_before(place: Place, closer: str) -> bool:
    before = place.before.rstrip()
    return bool(before) and PAIRS.get(before[-1]) == closer


def _stop_before(draft: Draft, place: Place) -> Draft:
    lines = split_lines(draft.text)
    line = without_end(lines[0]) if lines else ""
    after = place.after.strip()
    at = line.find(after) if len(after) > 1 else -1
    if at < 0:
        at = len(line) - _overlap(line.rstrip(), after) if _overlap(line.rstrip(), after) else -1
        at = at - (len(line) - len(line.rstrip())) if at >= 0 else at
    if at >= 0:
        line = line[:at]
    closing = balance(after, place.language).closers
    if closing:
        opened = balance(place.before, place.language).quote
        line = next(
            (
                line[:cut]
                for cut, closer in balance(line, place.language, opened).closers
                if closer == closing[0][1]
            ),
            line,
        )
    if place.after[:1].isspace():
        line = line.rstrip()
    return attrs.evolve(draft, text=line)


def _overlap(line: str, after: str) -> int:
    """How many characters at the end of `line` are the beginning of `after`, whole words only."""
    for size in range(min(len(line), len(after)), 0, -1):
        if not line.endswith(after[:size]):
            continue
        begins_word = after[0].isalnum() and line[: len(line) - size][-1:].isalnum()
        ends_word = after[size - 1].isalnum() and after[size : size + 1].isalnum()
        if not begins_word and not ends_word:
            return size
    return 0


def cut_unbalanced_closers(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """Stop before a `)` or `]` that closes nothing, or what the following line closes.

    Braces are left to the syntax check: what they close may stand far above.
    """
    del rules
    if place.prose:
        return draft
    context = "\n".join((*reversed(place.above), place.before))
    scanned = balance(context, place.language)
    opened = [bracket for _, bracket in scanned.openers]
    closes_below = place.below[0].lstrip()[:1] if place.below and not place.after.strip() else ""
    skipped = 0
    for at, closer in balance(draft.text, place.language, scanned.quote).closers:
        if skipped < draft.replace_right or closer not in ")]}":
            skipped += 1
            if opened and closer == PAIRS[opened[-1]]:
                opened.pop()
            continue
        if opened and PAIRS[opened[-1]] == closer and not (closer == closes_below and len(opened) == 1):
            opened.pop()
        elif closer in ")]":
            return attrs.evolve(draft, text=draft.text[:at].rstrip())
        else:
            break
    return draft
