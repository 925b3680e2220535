"""The rule of `trim` about the blank between the cursor and an answer, which tokenisers make or swallow."""

from __future__ import annotations

import re

import attrs

from ..shared.values import StopRules
from ..syntax.cursor_lines import CursorLines
from .draft import DraftText

_OPERATOR = re.compile(
    r"(?P<blank>[ \t]?)(?P<operator>[=!<>+\-*/%|&^?:~]*=>?|->|&&|\|\||<<|,|(?<=[\w)\]}\"']):)$"
)
"""What stands between two operands and nowhere else: no sign, no pointer, no symbol's colon."""
_OPERATOR_FIRST = re.compile(r"[=+\-*/%<>!&|?^~:;,.)\]}]")
_AT_LEAST = 2
_LONGEST_OPERATOR = 16


def separate_from_what_is_typed(draft: DraftText, place: CursorLines, rules: StopRules) -> DraftText:
    """Put the blank that an answer begins without where the code around has one.

    Behind an operator or a comma, where the lines nearby always have one, at least twice. Behind a word
    nothing is put: who types `for` may be on the way to `format`.
    """
    del rules
    text = draft.text
    directive = place.before.lstrip().startswith(place.language.layout.unindented or ("\n",))
    if place.prose or place.blank or directive or not text or text[0].isspace():
        return draft
    entry = place.before.lstrip() == "-" and not place.after.strip() and text[0].isalnum()
    if entry and place.language.layout.dashed_lists:
        return attrs.evolve(draft, text=" " + text)
    found = _OPERATOR.search(place.before[-_LONGEST_OPERATOR:])
    if found is None or _OPERATOR_FIRST.match(text):
        return draft
    operator = found["operator"]
    if operator not in {",", ":"} and not found["blank"]:
        return draft
    return attrs.evolve(draft, text=" " + text) if _is_followed_by_blanks(operator, place) else draft


def _is_followed_by_blanks(operator: str, place: CursorLines) -> bool:
    before = r"(?<=[ \t])" if operator not in {",", ":"} else r"(?<![:,])"
    use = re.compile(before + re.escape(operator) + r"(?P<blank>[ \t]?)(?=[\w\"'(\[{])")
    found = [
        bool(each["blank"])
        for line in (*place.above, place.before[:-1], *place.below)
        for each in use.finditer(line)
    ]
    return len(found) >= _AT_LEAST and all(found)
