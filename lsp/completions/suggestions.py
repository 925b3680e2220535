"""What was suggested lately, and what of it still fits where the cursor is now.

A suggestion is remembered with the text around the place it was made for. When the user types what it
says, goes back, accepts part of it or returns later, the rest is the answer, and no model is asked.
Pure functions over values, and one bounded store; no clock, no editor.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

import attrs

from ...context.checking.closers import Line, closed, is_level, meet_closers, opens_word_blocks
from ...context.imports import Import, ImportEdit
from ...context.languages import language
from ...context.syntax.cursor_lines import closers_only
from ...context.text.lines import columns, indent_of, line_end, line_start, newline_of, next_code_line
from .reindent import leading_blanks, moved_in

BEFORE = 400
"""Code points in front of the suggestion that must be unchanged for it to fit."""

AFTER = 120
"""Code points behind it that must be unchanged."""

_MOST_PLACES = 100
"""Places tried for one suggestion, at most: in a repetitive text many places have the same in front."""

_TAB = 8
"""Columns of a tab where the depths of two neighbouring lines are compared."""

_CLOSERS = frozenset(")]}>\"'`;,: \t")


@attrs.frozen
class Suggestion:
    """Text that was found good for one place in one document.

    Attributes:
        id: names it in commands and notifications.
        uri: the document.
        before: the text in front of the place, at most `BEFORE` code points.
        text: what is inserted.
        after: the text behind what it replaces, at most `AFTER` code points.
        replaces: the code points right of the place that it replaces (closers).
        complete: the model had said all it wanted to; False when the budget cut it short.
        mean_logprob: how sure the model was.
        dismissed: the user sent it away.
        language: the document's language, as editors spell it.
        early: it was made from a short context, and something better may take its place.
        instead_of: the id of the early suggestion whose place it takes, or "".
        imports: what the text uses and its document has to import.
    """

    id: str
    uri: str
    before: str
    text: str
    after: str
    replaces: str = ""
    complete: bool = True
    mean_logprob: float = 0.0
    dismissed: bool = False
    language: str = ""
    early: bool = False
    instead_of: str = ""
    imports: tuple[Import, ...] = ()


@attrs.frozen
class Rest:
    """What is left of a suggestion at a cursor.

    Attributes:
        suggestion: where it comes from.
        typed: code points of the suggestion that stand in the document already.
        text: what to insert at the cursor.
        replace_right: code points right of the cursor that it replaces.
    """

    suggestion: Suggestion
    typed: int
    text: str
    replace_right: int


def around(text: str, offset: int, replace_right: int = 0) -> tuple[str, str, str]:
    """(before, replaced, after) of a place in a text, as a `Suggestion` remembers them."""
    end = offset + replace_right
    return text[max(0, offset - BEFORE) : offset], text[offset:end], text[end : end + AFTER]


def rest_at(suggestion: Suggestion, text: str, offset: int) -> Rest | None:
    """What is left of `suggestion` at `offset` of `text`; None when it does not fit there.

    It fits when the text in front of the cursor is the remembered text plus a beginning of the
    suggestion, and the text behind it is what was behind, save for closers that an editor adds by itself.
    """
    right = _right_of(suggestion, text, offset)
    if right is None:
        return None
    rest = (
        _typed_through(suggestion, suggestion.text, text, offset, right)
        or _typed_with_crlf(suggestion, text, offset, right)
        or _after_new_indent(suggestion, text, offset, right)
    )
    return None if rest is None else _meet_what_was_closed(rest, text, offset)


def _meet_what_was_closed(rest: Rest, text: str, offset: int) -> Rest | None:
    """The rest in front of closers that the editor has added: it replaces those that it says itself."""
    if not rest.replace_right or not rest.typed:
        return rest
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    added = text[offset : offset + rest.replace_right]
    right = text[offset : line_end(text, offset)]
    added = right.rstrip() if closers_only(right) else added
    described = language(rest.suggestion.language)
    line = Line(
        text[start:offset],
        added,
        described,
        newline_of(text),
        types=not rest.suggestion.complete,
        below=_deeper_below(text, offset),
    )
    met, taken = meet_closers(rest.text, line, ended=False)
    if not added[taken:].strip():
        return attrs.evolve(rest, replace_right=taken)
    if not added.startswith(line.quote) or line.is_comment:
        return None  # which of the closers belongs to what can't be told
    unfinished = not rest.suggestion.complete and "\n" not in met
    if unfinished and not is_level(met, line):
        return None
    if opens_word_blocks(met, line):
        return None
    whole = closed(met, attrs.evolve(line, after=added[taken:]))
    return None if not whole else attrs.evolve(rest, text=whole, replace_right=taken)


def _deeper_below(text: str, offset: int) -> str:
    """The next code line where it stands deeper than the one of `offset`; else ""."""
    below = next_code_line(text, offset)
    own = indent_of(text[line_start(text, offset) : offset])
    return below if columns(indent_of(below), _TAB) > columns(own, _TAB) else ""


def _typed_through(suggestion: Suggestion, said: str, text: str, offset: int, right: int) -> Rest | None:
    for start in _places(suggestion.before, text, offset - min(len(said) - 1, offset), offset):
        typed = offset - start
        if (not typed or said[typed - 1] == text[offset - 1]) and text.startswith(said[:typed], start):
            return Rest(suggestion, typed, said[typed:], right)
    return None


def _places(before: str, text: str, first: int, last: int) -> Iterator[int]:
    """Where, from `first` to `last`, a remembered text stands in front; in order, and soon found."""
    if len(before) < BEFORE:
        if first <= len(before) <= last and text.startswith(before):
            yield len(before)
        return
    at = text.find(before, max(0, first - len(before)), last)
    for _ in range(_MOST_PLACES):
        if at < 0:
            return
        yield at + len(before)
        at = text.find(before, at + 1, last)


def _typed_with_crlf(suggestion: Suggestion, text: str, offset: int, right: int) -> Rest | None:
    """Models say LF; in a document with CRLF what was typed or accepted has become CRLF."""
    if (
        "\n" not in suggestion.text
        or "\r" in suggestion.text
        or "\r\n" not in text[max(0, offset - BEFORE) : offset]
    ):
        return None
    rest = _typed_through(suggestion, suggestion.text.replace("\n", "\r\n"), text, offset, right)
    return None if rest is None else attrs.evolve(rest, text=rest.text.replace("\r\n", "\n"))


def _right_of(suggestion: Suggestion, text: str, offset: int) -> int | None:
    """How many code points right of the cursor the rest replaces; None when the right side is another."""
    line = _line_right(text, offset)
    for replaced in range(len(line) + 1):
        if replaced and line[replaced - 1] not in _CLOSERS:
            return None
        after = text[offset + replaced : offset + replaced + AFTER]
        if after == suggestion.after:
            return replaced
    return None


def _line_right(text: str, offset: int) -> str:
    line = text[offset : offset + 64]
    for position, character in enumerate(line):
        if character in "\r\n":
            return line[:position]
    return line


def _after_new_indent(suggestion: Suggestion, text: str, offset: int, right: int) -> Rest | None:
    """The suggestion for a line whose indentation, and nothing else, has changed since."""
    line_start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    now = leading_blanks(text[line_start:offset])
    old_line = suggestion.before[max(suggestion.before.rfind("\n"), suggestion.before.rfind("\r")) + 1 :]
    if old_line.strip() or len(suggestion.before) - len(old_line) > line_start:
        return None
    if not _same_before_line(suggestion.before[: len(suggestion.before) - len(old_line)], text, line_start):
        return None
    then = old_line + leading_blanks(suggestion.text)
    said = suggestion.text.lstrip(" \t")
    typed = text[line_start + len(now) : offset]
    if not said.startswith(typed) or said == typed or said[:1] in "\r\n":
        return None
    whole = moved_in(said, then, now)
    return None if whole is None else Rest(suggestion, len(typed), whole[len(typed) :], right)


def _same_before_line(before: str, text: str, start: int) -> bool:
    return text.endswith(before, 0, start) if before else start == 0


def _same(one: Suggestion, other: Suggestion) -> bool:
    return (one.before, one.after, one.text) == (other.before, other.after, other.text)


def _with_edit(suggestion: Suggestion, text: str, edit: ImportEdit) -> Suggestion:
    """A suggestion for the text after an edit in front of its place."""
    before = suggestion.before
    at = text.find(before) if len(before) >= BEFORE else 0 if text.startswith(before) else -1
    place = at + len(before)
    if at < 0 or edit.end > place:
        return suggestion
    return attrs.evolve(suggestion, before=edit.apply(text[:place])[-BEFORE:])


class Suggestions:
    """The suggestions of the recent past, a bounded number per document, newest first."""

    def __init__(self, per_document: int = 32, documents: int = 64) -> None:
        self._per_document = per_document
        self._documents = documents
        self._known: OrderedDict[str, list[Suggestion]] = OrderedDict()
        self._numbers = 0

    def next_id(self) -> str:
        """A name that no other suggestion of this process has."""
        self._numbers += 1
        return f"foretype-{self._numbers}"

    def remember(self, suggestion: Suggestion) -> None:
        """Add one. It replaces an older state of itself, and one of the same text at the same place.

        What was dismissed stays so, however much more of it is known now.
        """
        known = self._known.setdefault(suggestion.uri, [])
        if any(old.id == suggestion.id and old.dismissed for old in known):
            suggestion = attrs.evolve(suggestion, dismissed=True)
        known[:] = [old for old in known if old.id != suggestion.id and not _same(old, suggestion)]
        known.insert(0, suggestion)
        del known[self._per_document :]
        self._known.move_to_end(suggestion.uri)
        while len(self._known) > self._documents:
            self._known.popitem(last=False)

    def of(self, uri: str) -> Iterable[Suggestion]:
        """Newest first."""
        return tuple(self._known.get(uri, ()))

    def find(self, uri: str, text: str, offset: int) -> Rest | None:
        """The newest suggestion that still fits at a cursor; it may be a dismissed one."""
        for suggestion in self._known.get(uri, ()):
            rest = rest_at(suggestion, text, offset)
            if rest is not None:
                return rest
        return None

    def all_at(self, uri: str, text: str, offset: int) -> list[Rest]:
        """Every suggestion that fits at a cursor, newest first, each text once; no dismissed text."""
        found: dict[str, Rest] = {}
        unwanted: set[str] = set()
        for suggestion in self._known.get(uri, ()):
            rest = rest_at(suggestion, text, offset)
            if rest is not None and suggestion.dismissed:
                unwanted.add(rest.text)
            elif rest is not None:
                found.setdefault(rest.text, rest)
        return [rest for said, rest in found.items() if said not in unwanted]

    def moved(self, uri: str, text: str, edit: ImportEdit) -> None:
        """An import is added in front of suggestions: they go on fitting where they did.

        Args:
            uri: the document.
            text: its text before.
            edit: what is done to it.
        """
        known = self._known.get(uri, [])
        known[:] = [_with_edit(one, text, edit) for one in known]

    def dismiss(self, name: str) -> None:
        """The user does not want a suggestion at its place, nor what took its place meanwhile."""
        for known in self._known.values():
            known[:] = [
                attrs.evolve(one, dismissed=True) if name in (one.id, one.instead_of) else one
                for one in known
            ]

    def drop(self, name: str) -> None:
        """Forget one suggestion: another has taken its place on the screen."""
        for known in self._known.values():
            known[:] = [one for one in known if one.id != name]

    def forget(self, uri: str) -> None:
        """Drop what belongs to a closed document."""
        self._known.pop(uri, None)
