"""What stands right of the cursor and closes something: how an answer meets it.

Editors close brackets and quotes as they are opened. An answer may end before them, as those of
fill-in-the-middle models do, or say them again; then it replaces them. Pure functions over the text of a line
and an answer. They don't parse: whether the result is sound is `ground`'s question.
"""

from __future__ import annotations

import re

import attrs

from ..languages import Language
from ..syntax.cursor_lines import closers_only, first_word, opens_word_block
from ..text.brackets import CLOSER_OF, PAIRS, Balance, balance
from ..text.lines import indent_of, split_lines, without_end

PUNCTUATION = ";,:"
_LITERAL = re.compile(r"[\w\])]\{\s*$")
"""A brace that opens no block: Go wants no line break before the one that closes it, without a comma."""

_FUNCTION, _END = re.compile(r"\b(?:function|fn)\b"), re.compile(r"\bend\b")
_WORD_END = re.compile(r"(?:[\w)\]}\"'`;])$")
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_PROSE_QUOTES = frozenset("\"'`")
_TYPES_BEGIN = re.compile(r"\w<$")
_LAST_TAG = re.compile(r"</[\w.:-]*>$")
_LONGEST = 400
"""Code points of an answer's first line in which a closed beginning is looked for: more nobody reads."""

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
        types: whether angle brackets count as brackets in any case.
        below: the next code line where it stands deeper than this one, as what goes on with it does; else "".
        above: the code lines above, nearest first.
    """

    before: str
    after: str
    language: Language
    newline: str = "\n"
    types: bool = False
    below: str = ""
    above: tuple[str, ...] = ()

    @property
    def quote(self) -> str:
        """The quote of the string that the cursor stands in, as far as the line tells; "" in code."""
        return balance(self.before, self.language).quote

    @property
    def is_comment(self) -> bool:
        """Whether the cursor stands in a comment, as far as the line tells."""
        return balance(self.before, self.language).comment

    def balance(self, text: str) -> Balance:
        """What a text at the cursor leaves open, and what it closes of what the line has opened.

        Angle brackets count where one stands right of the cursor, too.
        """
        return balance(text, self.language, self.before, angles=self.types or ">" in self.after)


def meet_closers(text: str, line: Line, *, ended: bool) -> tuple[str, int]:
    """(text, code points of `line.after` that it replaces), where nothing but closers follows the cursor.

    Args:
        text: the answer.
        line: the cursor's line.
        ended: whether the model itself ended there: then a closer on the right follows directly, unless the
            answer has begun a line for it.
    """
    after = line.after
    met = _meeting(text, line)
    taken, last = met.taken, met.last
    if last >= 0:
        text = _up_to_line_end(text, last, line)
    rest = text[last + 1 :].strip()
    left = after[_skip_blanks(after, taken) :].rstrip()
    if left and rest == left and last >= 0:
        return text, len(after.rstrip())  # `);` comes again as a whole
    alone = last < 0 or left == ">"  # a whole tag may stand behind a bracket that was met
    if left and alone and _is_one_too_many(text.rstrip(), left, line):
        return text.rstrip().removesuffix(left), taken
    prose = line.language.grammar is None or not line.language.grammar.strict
    if prose and not ended and last < 0 and len(left) > 1 and text.rstrip().endswith(left):
        return text.rstrip().removesuffix(left), taken
    if left and set(left) <= set(PUNCTUATION) and text.rstrip().endswith(left):
        return text.rstrip().removesuffix(left), taken
    if left and last < 0 and not met.reopens:
        text = before_closer(text, line, ended=ended)
    return text, taken


def _up_to_line_end(text: str, last: int, line: Line) -> str:
    """The text up to the line that closes what was open at the cursor, unless that line opens a block."""
    end = min((end for mark in "\r\n" if (end := text.find(mark, last)) >= 0), default=len(text))
    first = text[:end].rstrip()
    return text if first.endswith(line.language.layout.openers) or _TYPES_BEGIN.search(first) else text[:end]


def _is_one_too_many(text: str, left: str, line: Line) -> bool:
    """Whether a text ends with the quotes and closers, or the end of a tag, that stand there already."""
    if not text.endswith(left):
        return False
    if line.language.layout.prose and left in _PROSE_QUOTES:
        return (line.before + text).count(left) % 2 == 0
    if len(left) > 1:
        without = line.before + text.removesuffix(left) + left
        return _is_whole(without, line) and not _is_whole(line.before + text + left, line)
    if left in line.language.layout.quotes:
        without = balance(line.before + text, line.language)
        return not without.quote and balance(line.before + text + left, line.language).quote == left
    return _LAST_TAG.search(text) is not None


def _is_whole(text: str, line: Line) -> bool:
    """Whether a text closes all that it opens, and nothing else."""
    found = balance(text, line.language)
    return found.is_closed and not found.quote and not found.strays


@attrs.frozen
class _Meeting:
    """How a text meets the closers right of the cursor.

    Attributes:
        taken: code points of the right side that the text says again.
        last: where in the text the last of them is; -1 for none.
        reopens: the text closes something, and leaves open what the right side then closes: `a) + g(b`.
    """

    taken: int
    last: int
    reopens: bool = False


def _meeting(text: str, line: Line) -> _Meeting:
    after, found = line.after, line.balance(text)
    matched, said = [(0, -1)], list[str]()
    for at, closer in found.closers:
        taken, last = matched[-1]
        said_since = text[last + 1 : at + len(closer)]
        if last >= 0 and after.startswith(said_since, taken):
            matched.append((taken + len(said_since), at + len(closer) - 1))  # a string's own text between
            said.append(closer)
            continue
        there = _skip_blanks(after, taken)
        if not after.startswith(closer, there):
            behind = _skip_blanks(after, there, " \t" + PUNCTUATION)
            there = behind if after.startswith(closer, behind) else there
        size = next((size for size in (len(closer), 1) if after.startswith(closer[:size], there)), 0)
        if size:
            # Of three quotes the editor may have closed one.
            matched.append((there + size, at + len(closer) - 1))
            said.append(closer)
        elif at in found.strays and closer in ")]}":
            break
    reopened = [CLOSER_OF[bracket] for _, bracket in reversed(found.openers)]
    goes_on = found.quote_began_here or text.rstrip()[-1:] in PAIRS
    below = [closer for _, closer in balance(line.below, line.language).closers]
    if below[: len(reopened)] == reopened:
        return _Meeting(*matched[-1])  # the line below goes on with what the text leaves open
    # What closes more of the line since then has left what the right side closes.
    outer = any(at > matched[-1][1] for at, _ in found.closers)
    if reopened and said[-len(reopened) :] == reopened and not goes_on and not outer:
        return _Meeting(*matched[-1 - len(reopened)], reopens=True)
    if not said and after.startswith(">") and text.endswith(">") and not _open_angles(line):
        return _Meeting(1, len(text) - 1)  # what stands there closes what the text has opened
    return _Meeting(*matched[-1])


def _open_angles(line: Line) -> int:
    """How many angle brackets stand open at the cursor, as far as its line tells."""
    openers = balance(line.before, line.language, angles=True).openers
    return sum(bracket == "<" for _, bracket in openers)


def is_even(text: str, line: Line) -> bool:
    """Whether a text opens no more than it closes, so that what follows the cursor may go on behind it."""
    found = line.balance(text)
    opened = [CLOSER_OF[bracket] for _, bracket in reversed(found.openers)]
    closes = [closer for at, closer in found.closers if closer != ">" or at not in found.strays]
    return not found.quote_began_here and (not opened or closes[-len(opened) :] == opened)


def is_level(text: str, line: Line) -> bool:
    """Whether a text leaves nothing open that what stands right of the cursor doesn't close."""
    found = line.balance(text)
    if found.is_closed:
        return True
    if line.quote and not closers_only(line.after) and _is_whole(line.before + text + line.after, line):
        return True  # a string from whose middle something was taken away
    if found.quote_began_here and line.balance(text + line.after).is_closed:
        return True
    opened = [CLOSER_OF[bracket] for _, bracket in reversed(found.openers)]
    behind = [closer for _, closer in balance(line.after, line.language, angles=">" in line.after).closers]
    if text.rstrip()[-1:] in PAIRS or behind[: len(opened)] != opened:
        return False
    # An angle bracket that nothing in front of the cursor has opened waits for one.
    angles = next((at for at, closer in enumerate(behind) if closer != ">"), len(behind))
    waits = set(opened) == {">"} and angles >= len(opened) + _open_angles(line)
    return is_even(text, line) or waits


def _skip_blanks(text: str, position: int, blanks: str = " \t") -> int:
    while position < len(text) and text[position] in blanks:
        position += 1
    return position


def before_closer(text: str, line: Line, *, ended: bool) -> str:
    """The text with a line of its own for the closer that follows, where the text has begun one for it."""
    closer = line.after.lstrip()[:1]
    lines = split_lines(text)
    if len(lines) < 2 and not text.endswith(("\n", "\r")):
        return text
    last = "" if text.endswith(("\n", "\r")) else lines[-1]
    opens_here = line.before.rstrip()[-1:] in PAIRS and PAIRS[line.before.rstrip()[-1]] == closer
    opened_in_line = bool(balance(line.before, line.language).openers)
    if line.balance(text).comment:
        return text.rstrip() + line.newline + indent_of(line.before)  # a comment would swallow the closer
    if not last.strip():
        own = _indent_of_closer(lines, line)
        kept = ended and last and (not own or last[0] == own[0])
        indent = own if opened_in_line and not kept else last
        code = text.rstrip(" \t") if ended else text.rstrip() + line.newline
        return code + indent
    brace = closer == "}" and _LITERAL.search(line.before) is None
    breaks = closer != "}" and line.language.layout.breaks_before_closers
    own_line = brace or breaks or not ended
    if own_line and opens_here and not lines[0].strip():
        return text.rstrip() + line.newline + _indent_of_closer(lines, line)
    return text


def _indent_of_closer(lines: list[str], line: Line) -> str:
    """The indentation of the cursor's line, or where that only goes on with a statement, of the statement.

    It does so where what the brackets hold stands shallower than the line that opens them.
    """
    own = indent_of(line.before)
    inside = next((indent_of(each) for each in lines[1:] if each.strip()), own)
    if len(inside) >= len(own):
        return own
    shallower = (indent_of(each) for each in line.above if len(indent_of(each)) < len(inside))
    return next((each for each in shallower if inside.startswith(each)), own)


def closed(text: str, line: Line) -> str | None:
    """`text` with what it leaves open closed, since something else follows it in its line.

    A block that was cut off in the middle of several lines gets its closing lines. None where that would
    close an empty block, or where too much is open: then less of the text is the better answer.
    """
    found = line.balance(text)
    if is_level(text, line):
        return text
    lines = split_lines(text)
    if found.quote_began_here:
        return None
    if len(lines) < 2:
        brackets = [CLOSER_OF[bracket] for _, bracket in reversed(found.openers)]
        if _ends_open(text, found) or len(brackets) > _MOST_CLOSED:
            return None
        return text.rstrip() + "".join(brackets)
    return _with_closing_lines(text.rstrip(), line, found)


def _ends_open(text: str, found: Balance) -> bool:
    """Whether a text ends with an opening bracket: what it should hold is not there."""
    return text.rstrip()[-1:] in PAIRS or bool(found.openers and not text[found.openers[-1][0] + 1 :].strip())


def _with_closing_lines(text: str, line: Line, found: Balance) -> str | None:
    if _ends_open(text, found):
        return None
    text = without_comma(text, found.openers[-1][1], line.language)
    closing = ""
    for at, bracket in reversed(found.openers):
        start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
        end = min((end for mark in "\r\n" if (end := text.find(mark, at)) >= 0), default=len(text))
        own_line = not text[at + 1 : end].strip() and end < len(text)
        indent = indent_of(text[start:]) if start else indent_of(line.before + text)
        closing += (line.newline + indent if own_line else "") + CLOSER_OF[bracket]
    return text + closing


def before_an_open_word(text: str, line: Line) -> str:
    """The lines of a text before a block that only a word would close (`end`), and none does."""
    closers = line.language.layout.closers
    lines = split_lines(text)
    opened: list[int] = []
    for number, each in enumerate(lines if closers else []):
        code = (line.before + each if number == 0 else each).rstrip()
        if first_word(code) in closers and opened:
            opened.pop()
        goes_on = first_word(code) in line.language.layout.continuations
        header = number == 0 and opens_word_block(line.before.rstrip("([{ "), line.language)
        if opens_word_block(code, line.language) and not header and not goes_on:
            opened.append(number)
    if opened:
        return "".join(lines[: opened[0]])
    words = _FUNCTION.finditer(text) if "end" in closers else ()
    inline = [found.start() for found in words if found.group() in line.language.keywords]
    if len(lines) < 2 and len(inline) > len(_END.findall(text)):
        return text[: inline[0]].rstrip()
    return text


def opens_word_blocks(text: str, line: Line) -> bool:
    """Whether a text leaves a block open that only a word would close."""
    return before_an_open_word(text, line) != text


def without_comma(text: str, bracket: str, described: Language) -> str:
    """A text that was cut off, without a comma at its end where none may stand before `bracket` is closed."""
    code = text.rstrip()
    if not code.endswith(",") or bracket in described.layout.trailing_commas:
        return text
    return code[:-1] + text[len(code) :]


def closed_beginning(text: str, line: Line) -> str:
    """The longest beginning of a text's first line that leaves nothing open and ends with a whole token."""
    first = without_end(split_lines(text)[0])[:_LONGEST] if text else ""
    for end in reversed([found.end() for found in _TOKEN.finditer(first)]):
        shorter = first[:end].rstrip()
        whole = _WORD_END.search(shorter) and shorter.strip() not in line.language.keywords
        if whole and is_level(shorter, line):
            return shorter
    return ""
