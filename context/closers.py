"""What stands right of the cursor and closes something: how an answer meets it.

Editors close brackets and quotes as they are opened. An answer may end before them, as those of
fill-in-the-middle models do, or say them again; then it replaces them. Pure functions over the text of a line
and an answer. They don't parse: whether the result is sound is `ground`'s question.
"""

from __future__ import annotations

import re

import attrs

from .brackets import PAIRS, Balance, balance
from .languages import Language
from .lines import indent_of, split_lines, without_end

PUNCTUATION = ";,:"
_WORD_END = re.compile(r"(?:[\w)\]}\"'`;])$")
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_ANGLE = re.compile(r"[-=]>|(?<=[\w:])<(?![\s=<])|(?<![\s])>")
_MOST_CLOSED = 3
"""Brackets that are closed for a model in one line: more mean that it was cut off."""


@attrs.frozen
class Line:
    """The cursor's line.

    Attributes:
        before: its text up to the cursor.
        after: its text from the cursor, without its line end.
        language: what is known about the language.
        newline: the document's line end.
    """

    before: str
    after: str
    language: Language
    newline: str = "\n"

    @property
    def quote(self) -> str:
        """The quote of the string that the cursor stands in, as far as the line tells; "" in code."""
        return balance(self.before, self.language).quote


def meet_closers(text: str, line: Line, *, ended: bool) -> tuple[str, int]:
    """(text, code points of `line.after` that it replaces), where nothing but closers follows the cursor.

    Args:
        text: the answer.
        line: the cursor's line.
        ended: whether the model itself ended there: then a closer on the right follows directly, unless the
            answer has begun a line for it.
    """
    after = line.after
    taken, last = _said_again(text, line)
    rest = text[last + 1 :].strip()
    left = after[_skip_blanks(after, taken) :].rstrip()
    if left and rest == left and last >= 0 and set(left) <= set(PUNCTUATION):
        return text, len(after.rstrip())  # `);` comes again as a whole
    if left and set(left) <= set(PUNCTUATION) and text.rstrip().endswith(left):
        return text.rstrip().removesuffix(left), taken
    if left and last < 0:
        text = _before_closer(text, line, left[0], ended=ended)
    return text, taken


def _said_again(text: str, line: Line) -> tuple[int, int]:
    """(code points of the right side that the text says again, where in the text the last of them is)."""
    after, opened = line.after, line.quote
    unmatched = unmatched_closers(text, line)
    if opened and unmatched and unmatched[0][1] == opened and not after.lstrip(" \t").startswith(opened):
        unmatched = unmatched[1:]  # it ends a string that nothing right of the cursor ends
    taken, last = 0, -1
    for at, closer in unmatched:
        there = _skip_blanks(after, taken)
        if not after.startswith(closer, there):
            break
        taken = there + len(closer)
        last = at + len(closer) - 1
    return taken, last


def unmatched_closers(text: str, line: Line) -> tuple[tuple[int, str], ...]:
    """Brackets and quotes that a text closes without having opened them, with their offsets.

    Angle brackets count where one stands right of the cursor.
    """
    return balance(text, line.language, line.quote).closers or _angle_closer(text, line.after)


def _angle_closer(text: str, after: str) -> tuple[tuple[int, str], ...]:
    """The `>` that ends a list of type arguments, where one stands right of the cursor."""
    if not after.startswith(">"):
        return ()
    depth = 0
    for found in _ANGLE.finditer(text):
        depth += {"<": 1, ">": -1}.get(found.group(), 0)
        if depth < 0:
            return ((found.start(), ">"),)
    return ()


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t":
        position += 1
    return position


def _before_closer(text: str, line: Line, closer: str, *, ended: bool) -> str:
    """The text with a line of its own for the closer that follows, where the text has begun one for it."""
    lines = split_lines(text)
    if len(lines) < 2 and not text.endswith(("\n", "\r")):
        return text
    last = "" if text.endswith(("\n", "\r")) else lines[-1]
    opens_here = line.before.rstrip()[-1:] in PAIRS and PAIRS[line.before.rstrip()[-1]] == closer
    opened_in_line = bool(balance(line.before, line.language).openers)
    if not last.strip():
        indent = indent_of(line.before) if opened_in_line else last
        return text.rstrip() + line.newline + indent
    if not ended and opens_here and not lines[0].strip():
        return text.rstrip() + line.newline + indent_of(line.before)
    return text


def closed(text: str, line: Line) -> str | None:
    """`text` with what it leaves open closed, since something else follows it in its line.

    A block that was cut off in the middle of several lines gets its closing lines. None where that would
    close an empty block, or where too much is open: then less of the text is the better answer.
    """
    found = balance(text, line.language, line.quote)
    if found.is_closed:
        return text
    lines = split_lines(text)
    if found.quote_began_here:
        return None
    if len(lines) < 2:
        brackets = [PAIRS[bracket] for _, bracket in reversed(found.openers)]
        ends_open = text.rstrip()[-1:] in PAIRS
        return None if ends_open or len(brackets) > _MOST_CLOSED else text.rstrip() + "".join(brackets)
    return _with_closing_lines(text.rstrip(), line, found)


def _with_closing_lines(text: str, line: Line, found: Balance) -> str | None:
    if text[-1:] in PAIRS:
        return None
    closing = ""
    for at, bracket in reversed(found.openers):
        start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
        end = min((end for mark in "\r\n" if (end := text.find(mark, at)) >= 0), default=len(text))
        own_line = not text[at + 1 : end].strip() and end < len(text)
        indent = indent_of(text[start:]) if start else indent_of(line.before + text)
        closing += (line.newline + indent if own_line else "") + PAIRS[bracket]
    return text + closing


def closed_beginning(text: str, line: Line) -> str:
    """The longest beginning of a text's first line that leaves nothing open and ends with a whole token."""
    first = without_end(split_lines(text)[0]) if text else ""
    for end in reversed([found.end() for found in _TOKEN.finditer(first)]):
        shorter = first[:end].rstrip()
        whole = _WORD_END.search(shorter) and shorter.strip() not in line.language.keywords
        if whole and balance(shorter, line.language, line.quote).is_closed:
            return shorter
    return ""


def is_level(text: str, line: Line) -> bool:
    """Whether nothing that a text opens is open at its end: where what follows the cursor may go on."""
    if not balance(text, line.language, line.quote).is_closed:
        return False
    if not line.after.startswith(">"):
        return True
    return sum({"<": 1, ">": -1}.get(found.group(), 0) for found in _ANGLE.finditer(text)) <= 0
