"""Lines and indentation: the little that is known about code in any language.

Offsets are code points. Line ends are LF, CRLF and lone CR, and nothing else: form feeds and Unicode
separators stand inside lines, as they do for editors. All functions are total for offsets in 0..len(text).
"""

from __future__ import annotations

import functools
import re

import attrs

_LINE_END = re.compile(r"\r\n|\n|\r")
_INDENT = re.compile(r"[ \t]*")
_NEAR = 4096
_BEFORE = 6000
_AFTER = 2000
_A_FEW = 3
_COMMENTS = ("/*", "*", "//", "#", "--", "<!--", '"""')
"""What follows such a line is often aligned with its words."""
_FILLED = 8


def line_start(text: str, offset: int) -> int:
    """Where the line that holds `offset` begins. An offset between CR and LF belongs to the line they end."""
    if 0 < offset < len(text) and text[offset] == "\n" and text[offset - 1] == "\r":
        offset -= 1
    after_feed = text.rfind("\n", 0, offset) + 1
    return max(after_feed, text.rfind("\r", after_feed, offset) + 1)


def line_end(text: str, offset: int) -> int:
    """Where the line that holds `offset` ends, before its line end."""
    if 0 < offset < len(text) and text[offset] == "\n" and text[offset - 1] == "\r":
        return offset - 1
    feed = text.find("\n", offset)
    bound = feed if feed >= 0 else len(text)
    carriage = text.find("\r", offset, bound)
    return carriage if carriage >= 0 else bound


def next_line_start(text: str, offset: int) -> int:
    """Where the following line begins; len(text) when there is none."""
    end = line_end(text, offset)
    return min(len(text), end + (2 if text.startswith("\r\n", end) else 1))


def split_lines(text: str) -> list[str]:
    """The lines with their line ends; joined they give the text."""
    if "\r" not in text:
        fed = [line + "\n" for line in text.split("\n")]
        last = fed.pop()[:-1]
        return [*fed, last] if last else fed
    lines: list[str] = []
    start = 0
    for found in _LINE_END.finditer(text):
        lines.append(text[start : found.end()])
        start = found.end()
    if start < len(text):
        lines.append(text[start:])
    return lines


def without_end(line: str) -> str:
    """A line without its line end."""
    return line.removesuffix("\n").removesuffix("\r")


def indent_of(line: str) -> str:
    """The blanks and tabs that a line begins with."""
    found = _INDENT.match(line)
    return found.group() if found else ""


def columns(indent: str, tab_width: int) -> int:
    """The width of an indentation; a tab reaches to the next multiple of `tab_width`."""
    if "\t" not in indent:
        return len(indent)
    width = 0
    for character in indent:
        width += tab_width - width % tab_width if character == "\t" else 1
    return width


def newline_of(text: str) -> str:
    """The line end that the document uses, by its first; LF where it has none."""
    end = line_end(text, 0)
    return "\r\n" if text.startswith("\r\n", end) else text[end : end + 1] or "\n"


def next_code_line(text: str, offset: int, limit: int = 50) -> str:
    """The next line after `offset`'s that is not blank, without its line end; "" when none is near."""
    position = next_line_start(text, offset)
    for _ in range(limit):
        if position >= len(text):
            return ""
        end = line_end(text, position)
        if text[position : min(end, position + _NEAR)].strip():
            return text[position : min(end, position + _NEAR)]
        position = next_line_start(text, position)
    return ""


@attrs.frozen
class IndentStyle:
    """How a file indents.

    Attributes:
        unit: one step: blanks, or a tab.
        tab_width: columns of a tab.
        known: whether the file shows it or somebody said it; else it is what the language is used to.
        filled: whether every eight columns of blanks are written as a tab, as in old C.
        rivals: other steps of blanks that the file shows often, in columns.
        mixed: whether some lines begin with the other one: blanks that align in a file of tabs, or tabs of
            eight columns among blanks.
    """

    unit: str
    tab_width: int
    known: bool = True
    filled: bool = False
    mixed: bool = False
    rivals: tuple[int, ...] = ()

    @property
    def tabs(self) -> bool:
        """Whether a step is a tab."""
        return self.unit == "\t"

    @property
    def step(self) -> int:
        """Columns of one step."""
        return columns(self.unit, self.tab_width)

    def written(self, width: int) -> str:
        """An indentation of that number of columns."""
        if self.tabs or self.filled:
            return "\t" * (width // self.tab_width) + " " * (width % self.tab_width)
        return " " * width


@attrs.frozen
class Seen:
    """What lines show of how they are indented.

    Attributes:
        tabs: lines that begin with a tab.
        blanks: lines that begin with two blanks or more.
        step: the step from a line to a deeper next that is seen most often, in blanks; 0 for none.
        votes: how often it was seen.
        others: how often other steps of blanks were.
        rivals: those of them that were seen a quarter as often or more.
        filled: whether tabs stand for eight blanks each.
    """

    tabs: int = 0
    blanks: int = 0
    step: int = 0
    votes: int = 0
    others: int = 0
    filled: bool = False
    rivals: tuple[int, ...] = ()

    @property
    def unit(self) -> str:
        """One step; "" where none is seen."""
        if self.tabs > self.votes + self.others and not self.filled:
            return "\t"
        return " " * self.step


def seen_around(text: str, offset: int) -> Seen:
    """What the code around `offset` shows; where it shows no step, what the text's beginning does."""
    nearby = _seen_in(text[_near_line_start(text, offset - _BEFORE) : offset + _AFTER])
    return nearby if nearby.unit else _seen_in(text[:_BEFORE])


def indent_style(text: str, offset: int, default_unit: str, tab_width: int = 4) -> IndentStyle:
    """How the code around `offset` indents: the step seen most often from one line to a deeper next.

    Where the surroundings show no step, the text's beginning decides, then `default_unit`.
    """
    seen = seen_around(text, offset)
    return IndentStyle(seen.unit or default_unit, tab_width, bool(seen.unit))


def _near_line_start(text: str, offset: int) -> int:
    return max(line_start(text, offset), offset - _BEFORE) if offset > 0 else 0


@functools.lru_cache(maxsize=64)
def _seen_in(sample: str) -> Seen:
    tabs = blanks = jumps = 0
    deep = False
    steps: dict[int, int] = {}
    before, in_comment, opened = 0, False, False
    for line in sample.splitlines():
        if not line or line.isspace():
            continue
        indent = indent_of(line)
        if "\t" in indent:
            tabs += 1
            jumps += before == 0 and opened
        else:
            blanks += len(indent) > 1
            deep = deep or len(indent) >= _FILLED
            if len(indent) > before + 1 and not in_comment:
                steps[len(indent) - before] = steps.get(len(indent) - before, 0) + 1
        before, in_comment = len(indent), line.startswith(_COMMENTS, len(indent))
        opened = line.rstrip().endswith(("{", "(", ":", "do", "then"))
    step = max((step for step in steps if step <= 8), key=lambda step: steps[step], default=0)
    votes = steps.get(step, 0)
    filled = min(tabs, blanks) >= _A_FEW and 0 < step < _FILLED and not deep and jumps * 10 <= tabs
    rivals = tuple(other for other, seen in steps.items() if other != step and 4 * seen >= votes)
    return Seen(tabs, blanks, step, votes, sum(steps.values()) - votes, filled, rivals)
