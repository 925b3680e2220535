"""The lines around a cursor: what the rules that trigger, stop and trim look at.

Worked out once for a cursor, in time that doesn't depend on the size of the file. No decisions are made here.
"""

from __future__ import annotations

import re

import attrs

from ..languages import Language
from ..text.indentation import decide_style
from ..text.lines import IndentStyle, columns, indent_of, line_end, line_start, newline_of, next_line_start
from .snapshot import Snapshot

_NEAR = 4096
_LINES = 40
_BLANK_LINES = 200
_CLOSERS_ONLY = re.compile(r"""[\s)\]}>'"`;,:]*""")
_WORD = re.compile(r"[^\W\d]\w*")


@attrs.frozen
class CursorLines:
    """A cursor and the lines around it.

    Attributes:
        language: what is known about the language.
        before: the cursor's line up to the cursor.
        after: the cursor's line from the cursor, without its line end.
        above: the code lines above, nearest first, without line ends; blank lines are left out.
        below: the code lines below, nearest first, likewise.
        style: how the code around is indented.
        newline: the document's line end.
        prose: "comment" or "string" where the cursor stands in one, "" in code.
        touching: whether the line right above is code (no blank line in between).
        snapshot: the document.
        offset: the cursor, in code points.
    """

    language: Language
    before: str
    after: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    style: IndentStyle
    newline: str
    prose: str
    touching: bool
    snapshot: Snapshot | None = None
    offset: int = 0

    @property
    def indent(self) -> int:
        """Columns of the cursor's line's indentation, or of the cursor in a line of blanks."""
        return self.columns_of(self.before)

    @property
    def blank(self) -> bool:
        """Whether there is nothing but blanks before the cursor in its line."""
        return not self.before.strip()

    @property
    def at_line_end(self) -> bool:
        """Whether nothing but closing punctuation follows in the cursor's line."""
        return closers_only(self.after)

    def columns_of(self, line: str) -> int:
        """Columns of a line's indentation."""
        return columns(indent_of(line), self.style.tab_width)

    def closed_below(self) -> bool:
        """Whether the next code line only closes; quotes alone begin a text, unless one is open here."""
        line = self.below[0] if self.below else ""
        begins_text = not self.prose and not line.strip(" \t\"'`")
        return closes_only(line, self.language) and not begins_text

    def opened_above(self) -> bool:
        """Whether the nearest code line above opens a block."""
        return bool(self.above) and opens_block(without_comment(self.above[0], self.language), self.language)

    def opened_here(self) -> bool:
        """Whether the cursor's line, up to the cursor, opens a block."""
        return not self.prose and opens_block(self.before, self.language)

    def enclosing_indent(self) -> int:
        """Columns of the nearest line above that is shallower than the cursor; -1 when there is none."""
        return next((self.columns_of(line) for line in self.above if self.columns_of(line) < self.indent), -1)


def cursor_lines(snapshot: Snapshot, offset: int) -> CursorLines:
    """The lines around `offset`, which is clamped to the text."""
    text = snapshot.text
    offset = min(max(offset, 0), len(text))
    start, end = line_start(text, offset), line_end(text, offset)
    described = snapshot.described
    above, touching = _lines_above(text, start)
    prose = snapshot.tree.prose_at(offset) if snapshot.tree is not None else ""
    return CursorLines(
        described,
        text[max(start, offset - _NEAR) : offset],
        text[offset : min(end, offset + _NEAR)],
        above,
        _lines_below(text, end),
        decide_style(
            text,
            offset,
            described.layout,
            editor=snapshot.editor_indent,
            project=snapshot.project_indent,
            tab_width=snapshot.tab_width,
        ),
        newline_of(text),
        prose,
        touching,
        snapshot,
        offset,
    )


def closers_only(text: str) -> bool:
    """Whether a text is nothing but closing brackets, quotes and the punctuation that ends statements."""
    return _CLOSERS_ONLY.fullmatch(text) is not None


def opens_block(line: str, described: Language) -> bool:
    """Whether a line, up to its end or the cursor, opens a block."""
    layout = described.layout
    code = line.strip()
    if not code:
        return False
    if layout.opening_pattern and re.search(layout.opening_pattern, line.rstrip("\r\n")):
        return True
    for opener in layout.openers:
        if opener == ":" or not code.endswith(opener):
            continue
        if not opener[-1].isalnum() or code == opener or not (code[-len(opener) - 1].isalnum()):
            return True
    if ":" in layout.openers:
        if not code.endswith(":"):
            return False
        return not layout.opening_words or _begins_with(code, layout.opening_words) or code[0] in ")]}"
    ended = any(re.search(rf"\b{re.escape(word)}$", code) for word in layout.closers)
    return _begins_with(code, layout.opening_words) and not ended


def opens_word_block(line: str, described: Language) -> bool:
    """Whether a line opens a block that a word closes (`end`), rather than a bracket."""
    layout, code = described.layout, without_comment(line, described).strip()
    if not layout.closers or layout.indented or not code:
        return False
    if layout.opening_pattern and re.search(layout.opening_pattern, code):
        return True
    if any(_ends_with(code, opener) for opener in layout.open_ended):
        return False
    ends = any(opener.isalpha() and _ends_with(code, opener) for opener in layout.openers)
    return ends or (code[-1] not in "([{" and opens_block(code, described))


def _ends_with(code: str, opener: str) -> bool:
    """Whether code ends with an opener: a word that is whole, or any other text."""
    return code.endswith(opener) and (not opener[0].isalpha() or not code[: -len(opener)][-1:].isalnum())


def _begins_with(code: str, words: tuple[str, ...]) -> bool:
    return any(code == word or code.startswith((word + " ", word + "(")) for word in words)


def without_comment(line: str, described: Language) -> str:
    """A line without the comment at its end, as far as can be told without parsing."""
    for token in described.comments.line:
        at = line.find(" " + token)
        if at >= 0 and line[:at].count('"') % 2 == 0 and line[:at].count("'") % 2 == 0:
            line = line[:at]
    return line.rstrip()


def closes_only(line: str, described: Language) -> bool:
    """Whether a line does nothing but close what was opened: `}`, `});`, `end`."""
    code = line.strip()
    return bool(code) and (closers_only(code) or code.rstrip(";,() ") in described.layout.closers)


def first_word(line: str) -> str:
    """The first word of a line, closing brackets before it skipped: `else` of `} else {`."""
    found = _WORD.match(line.lstrip(" \t})]"))
    return found.group() if found else ""


def _lines_above(text: str, start: int) -> tuple[tuple[str, ...], bool]:
    lines: list[str] = []
    touching = False
    for number in range(_BLANK_LINES):
        if start <= 0 or len(lines) >= _LINES:
            break
        end = start - (2 if text.endswith("\r\n", 0, start) else 1)
        start = line_start(text, end)
        line = text[start : min(end, start + _NEAR)]
        if line.strip():
            lines.append(line)
            touching = touching or number == 0
    return tuple(lines), touching


def _lines_below(text: str, end: int) -> tuple[str, ...]:
    lines: list[str] = []
    for _ in range(_BLANK_LINES):
        start = next_line_start(text, end)
        if start >= len(text) or len(lines) >= _LINES:
            break
        end = line_end(text, start)
        line = text[start : min(end, start + _NEAR)]
        if line.strip():
            lines.append(line)
    return tuple(lines)
