"""Rules of `trim` about the rest of the cursor's line and about closing brackets."""

from __future__ import annotations

import re

import attrs

from ..shared.values import StopRules
from ..syntax.cursor_lines import CursorLines, closers_only
from ..text.brackets import PAIRS, balance
from ..text.lines import split_lines, without_end
from .closers import (
    PUNCTUATION,
    Line,
    before_an_open_word,
    before_closer,
    closed,
    closed_beginning,
    is_even,
    is_level,
    meet_closers,
    without_comma,
)
from .draft import DraftText

_OPENER_OF = {closer: bracket for bracket, closer in PAIRS.items()}
_TELLING = 6
"""Code points from which the rest of a line is too long to appear in an answer by chance."""
_MOST_DROPPED = 20
"""Lines at the end of a cut-off answer that are given up for a sound one."""
_MOST_PLACES = 20
"""Places in an answer that are tried for where it says the rest of the line again."""
_TYPES_OVER_LINES = re.compile(r"\w<[ \t]*[\r\n]")
_ARM = re.compile(r"^[ \t]*\(?[^()\n]*$", re.MULTILINE)


def meet_the_rest_of_the_line(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Let the text end where the rest of the line takes over.

    Closing brackets and quotes right of the cursor, as editors put them there, may come again in the text:
    then the text replaces them. Anything else right of the cursor stays, and is not repeated.
    """
    del rules
    if not place.after.strip():
        return draft
    if place.prose == "comment":
        text, found, _ = draft.text.partition(place.after.strip())
        return draft.cut(text.rstrip(" \t")) if found else draft
    if closers_only(place.after) and not _is_a_string(place):
        text, replaced = meet_closers(draft.text, _line(place), ended=draft.ended)
        return attrs.evolve(draft, text=text, replace_right=replaced)
    return _stop_before(draft, place)


def _is_a_string(place: CursorLines) -> bool:
    """Whether a whole string of nothing but such marks stands right of the cursor, as in `= '>';`."""
    if _line(place).quote:
        return False
    marks = [mark for mark in place.after if mark in place.language.layout.quotes]
    return len(marks) > 1 and marks[0] == marks[-1] and len(marks) % 2 == 0


def _closed_lines(draft: DraftText, line: Line) -> str:
    """As many lines of a draft as make sense with what they leave open closed; "" for none."""
    lines = split_lines(draft.text)
    if len(lines) < 2:
        return "" if draft.cut_off else closed(draft.text, line) or ""
    for count in range(len(lines), max(1, len(lines) - _MOST_DROPPED), -1):
        finished = closed("".join(lines[:count]), line)
        if finished is not None:
            return finished
    return ""


def _line(place: CursorLines, replaced: int = 0) -> Line:
    below = place.below[0] if place.below else ""
    return Line(
        place.before,
        place.after[replaced:],
        place.language,
        place.newline,
        below=below if place.columns_of(below) > place.indent else "",
        above=place.above,
    )


def _stop_before(draft: DraftText, place: CursorLines) -> DraftText:
    """End before the code that follows in the line, also where the text says some of it again."""
    lines = split_lines(draft.text)
    line = without_end(lines[0]) if lines else ""
    after = place.after.strip()
    at = _said_again(line, after, place, ended=draft.ended)
    kept = line if at is None else line[:at]
    closing = balance(after, place.language, angles=after.startswith(">")).closers
    if closing:
        kept = kept[: _first_closer(kept, closing[0][1], place)]
    if place.after[:1].isspace():
        kept = kept.rstrip()
    return draft if kept == draft.text else draft.cut(kept)


def _first_closer(line: str, closer: str, place: CursorLines) -> int:
    """Where a text first closes what the rest of the line closes; its length where it doesn't."""
    found = _line(place).balance(line).closers
    return next((at for at, each in found if each == closer), len(line))


def _said_again(line: str, after: str, place: CursorLines, *, ended: bool) -> int | None:
    """Where a text begins to say what follows the cursor, as a whole or, cut off, its beginning.

    What the text itself has opened must be closed there: a closer that belongs to the text is no repetition.
    """
    at = line.find(after) if len(after) > 1 else -1
    if at == 0 and line.find(after, 1) > 0:
        at = line.find(after, 1)
    for _ in range(_MOST_PLACES):
        if at < 0:
            break
        telling = len(after) >= _TELLING or not ended
        to_the_end = telling and line[at:].rstrip() == after
        even = place.language.layout.prose or to_the_end or is_even(line[:at], _line(place))
        if even and _is_apart(line, at, after) and (not ended or line[at:].rstrip() == after):
            return at
        at = line.find(after, at + 1)
    code = line.rstrip()
    for size in range(min(len(code), len(after)), 0, -1):
        if ended and not (size == 1 and after[0] in PUNCTUATION and not place.prose):
            continue
        if not code.endswith(after[:size]) or not _line(place).balance(code[: len(code) - size]).is_closed:
            continue
        begins_word = after[0].isalnum() and code[: len(code) - size][-1:].isalnum()
        ends_word = after[size - 1].isalnum() and after[size : size + 1].isalnum()
        if not begins_word and not ends_word:
            return len(code) - size
    return None


def _is_apart(line: str, at: int, after: str) -> bool:
    """Whether what a line says at an offset is no part of a longer word."""
    before, behind = line[:at][-1:], line[at + len(after) :][:1]
    return not (_in_word(before) and _in_word(after[0])) and not (_in_word(after[-1]) and _in_word(behind))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def cut_unbalanced_closers(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Stop before a `)` or `]` that closes nothing, or what the following line closes.

    What may close something far above is left to the syntax check: braces, and what is behind others that do.
    """
    del rules
    if place.prose or place.language.layout.prose:
        return draft
    context = "\n".join((*reversed(place.above), place.before))
    scanned = balance(context, place.language)
    if scanned.quote or scanned.quote_began_here or scanned.comment:
        return draft  # the lines above begin inside a string or a comment: what they open isn't known
    opened = [bracket for _, bracket in scanned.openers]
    begins_inside = bool(
        scanned.strays
    )  # what those lines close was opened above them: there may be more of it
    closes_below = place.below[0].lstrip()[:1] if place.below and not place.after.strip() else ""
    replaced = place.after[: draft.replace_right]
    for at, closer in balance(draft.text, place.language).closers:
        if closer in replaced or closer not in ")]}":
            replaced = replaced.partition(closer)[2]
            if opened and closer == PAIRS[opened[-1]]:
                opened.pop()
            continue
        if opened and PAIRS[opened[-1]] == closer and not (closer == closes_below and len(opened) == 1):
            opened.pop()
        elif (closer == ")" and _ends_a_pattern(draft.text[:at], place)) or (begins_inside and not opened):
            continue
        elif closer in ")]":
            return draft.cut(draft.text[:at].rstrip())
        else:
            break
    return draft


def _ends_a_pattern(before: str, place: CursorLines) -> bool:
    """Whether a `)` behind `before` ends the pattern of an arm, as in the shell's `case`."""
    if "esac" not in place.language.layout.closers:
        return False
    line = place.before + before if not split_lines(before)[1:] else split_lines(before)[-1]
    return _ARM.fullmatch(line) is not None


def close_what_is_open(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Leave nothing open in front of what stands right of the cursor and stays there."""
    del rules
    if not place.after[draft.replace_right :].strip() or place.prose == "comment":
        return draft
    if closers_only(place.after) or draft.cut_off:
        draft = attrs.evolve(draft, text=before_an_open_word(draft.text, _line(place)))
    if draft.cut_off:
        bracket = _OPENER_OF.get(place.after[draft.replace_right :].lstrip()[:1], "")
        if bracket and is_level(draft.text, _line(place)):
            draft = attrs.evolve(draft, text=without_comma(draft.text, bracket, place.language))
    types = draft.cut_off or (not draft.ended and _TYPES_OVER_LINES.search(draft.text) is not None)
    if is_level(draft.text, attrs.evolve(_line(place), types=types)):
        return draft
    line = attrs.evolve(_line(place, draft.replace_right), types=types)
    finished = _closed_lines(draft, line)
    if finished:
        return draft.cut(before_closer(finished, line, ended=False))
    beginning = closed_beginning(draft.text, line)
    if not closers_only(place.after):
        # Which of the quotes on the right closes what can't be told once the text has closed the line's.
        ends_string = any(closer == line.quote for _, closer in line.balance(beginning).closers)
        return draft.cut("" if line.quote and ends_string else beginning)
    text, replaced = meet_closers(beginning, _line(place), ended=True)
    return attrs.evolve(draft.cut(text), replace_right=replaced)
