"""The rule of `trim` about the blank between the cursor and an answer, which tokenisers make or swallow."""

from __future__ import annotations

import re

import attrs

from .draft import Draft
from .place import Place
from .values import StopRules

_LAST_WORD = re.compile(r"(?<![\w.$@])[^\W\d]\w*$")
_FIRST_WORD = re.compile(r"\w+")
_OPERATOR = re.compile(r"(?P<blank>[ \t]?)(?P<operator>[=+\-*/%<>!&|?^~]{1,3}|,|(?<!:):)$")
_OPERATOR_FIRST = re.compile(r"[=+\-*/%<>!&|?^~:;,.)\]}]")
_AS_OFTEN = 3


def separate_from_what_is_typed(draft: Draft, place: Place, rules: StopRules) -> Draft:
    """Put the blank that an answer begins without where the code around has one.

    Behind a keyword, unless the two make a word that the code knows; behind an operator or a comma, where the
    lines nearby have one at least three times as often as not.
    """
    del rules
    text = draft.text
    directive = place.before.lstrip().startswith(place.language.layout.unindented or ("\n",))
    if place.prose or place.blank or directive or not text or text[0].isspace():
        return draft
    word = _LAST_WORD.search(place.before)
    first = _FIRST_WORD.match(text)
    if word is not None and first is not None:
        joined = word.group() + first.group()
        known = joined in place.language.known_words or joined in _words_nearby(place)
        missing = word.group() in place.language.keywords and not known
        return attrs.evolve(draft, text=" " + text) if missing else draft
    found = _OPERATOR.search(place.before)
    if found is None or _OPERATOR_FIRST.match(text):
        return draft
    operator = found["operator"]
    if operator not in {",", ":"} and not found["blank"]:
        return draft
    return attrs.evolve(draft, text=" " + text) if _is_followed_by_blanks(operator, place) else draft


def _words_nearby(place: Place) -> set[str]:
    return set(_FIRST_WORD.findall("\n".join((*place.above, place.before, place.after, *place.below))))


def _is_followed_by_blanks(operator: str, place: Place) -> bool:
    before = r"(?<=[ \t])" if operator not in {",", ":"} else r"(?<![:,])"
    use = re.compile(before + re.escape(operator) + r"(?P<blank>[ \t]?)(?=[\w\"'(\[{])")
    found = [
        bool(each["blank"])
        for line in (*place.above, place.before[:-1], *place.below)
        for each in use.finditer(line)
    ]
    return sum(found) >= max(1, _AS_OFTEN * (len(found) - sum(found)))
