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


def line_start(text: str, offset: int) -> int:
    """Where the line that holds `offset` begins. An offset between CR and LF belongs to the line they end."""
    if 0 < offset < len(text) and text[offset] == "\n" and text[offset - 1] == "\r":
        offset -= 1
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """Where the line that holds `offset` ends, before its line end."""
    if 0 < offset < len(text) and text[offset] == "\n" and text[offset - 1] == "\r":
        return offset - 1
    found = _LINE_END.search(text, offset)
    return found.start() if found else len(text)


def next_line_start(text: str, offset: int) -> int:
    """Where the following line begins; len(text) when there is none."""
    found = _LINE_END.match(text, line_end(text, offset))
    return found.end() if found else len(text)


def split_lines(text: str) -> list[str]:
    """The lines with their line ends; joined they give the text."""
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
    width = 0
    for character in indent:
        width += tab_width - width % tab_width if character == "\t" else 1
    return width


def newline_of(text: str) -> str:
    """The line end that the document uses; LF where it has none."""
    found = _LINE_END.search(text)
    return found.group() if found else "\n"


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
    """

    unit: str
    tab_width: int


def indent_style(text: str, offset: int, default_unit: str) -> IndentStyle:
    """How the code around `offset` indents: the step seen most often between one line and a deeper next."""
    start = max(0, offset - 20_000)
    return _style_of(text[line_start(text, start) : offset + 20_000], default_unit)


@functools.lru_cache(maxsize=16)
def _style_of(sample: str, default_unit: str) -> IndentStyle:
    tabs = 0
    steps: dict[int, int] = {}
    before = 0
    for line in sample.splitlines()[:2000]:
        if not line.strip():
            continue
        indent = indent_of(line)
        if "\t" in indent:
            tabs += 1
            before = len(indent)
            continue
        step = len(indent) - before
        if step > 1 or (step == 1 and before > 0 and before < 4):
            steps[step] = steps.get(step, 0) + 1
        before = len(indent)
    if tabs > sum(steps.values()):
        return IndentStyle("\t", 4)
    likely = max((step for step in steps if step <= 8), key=lambda step: steps[step], default=0)
    return IndentStyle(" " * likely if likely else default_unit, 4)
