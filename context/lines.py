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
        known: whether the file shows it; else it is what the language is used to.
    """

    unit: str
    tab_width: int
    known: bool = True


def indent_style(text: str, offset: int, default_unit: str, tab_width: int = 4) -> IndentStyle:
    """How the code around `offset` indents: the step seen most often from one line to a deeper next.

    Where the surroundings show no step, the text's beginning decides, then `default_unit`.
    """
    nearby = text[_near_line_start(text, offset - _BEFORE) : offset + _AFTER]
    unit = _common_step(nearby) or _common_step(text[:_BEFORE])
    return IndentStyle(unit or default_unit, tab_width, bool(unit))


def _near_line_start(text: str, offset: int) -> int:
    return max(line_start(text, offset), offset - _BEFORE) if offset > 0 else 0


@functools.lru_cache(maxsize=64)
def _common_step(sample: str) -> str:
    """The indentation step seen most often, "" when there is none."""
    tabs = 0
    steps: dict[int, int] = {}
    before = 0
    for line in sample.splitlines():
        if not line or line.isspace():
            continue
        indent = indent_of(line)
        if "\t" in indent:
            tabs += 1
        elif len(indent) > before + 1:
            steps[len(indent) - before] = steps.get(len(indent) - before, 0) + 1
        before = len(indent)
    if tabs > sum(steps.values()):
        return "\t"
    likely = max((step for step in steps if step <= 8), key=lambda step: steps[step], default=0)
    return " " * likely
