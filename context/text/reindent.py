"""An answer's further lines in the indentation of the file: tabs or blanks, and as many of them.

Models indent as they are used to: with blanks in a file of tabs, by four where the file takes two. Depths are
followed as in Python's tokeniser: what is deeper than a line that opens a block is one unit deeper than that,
what is as deep as an earlier line stays with it, and what continues a statement keeps its distance. An answer
that speaks the file's own style comes out as it is. Pure; it looks at blanks and at how lines end, and does
not parse: which lines are the text of a string, it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import attrs

from .lines import IndentStyle, columns, indent_of, without_end

_USUAL_STEPS = (4, 2, 8, 3)
_GOES_ON = ("\\", ",", "(", "[", "{", "+", "-", "*", "/", "|", "&", "=", ".")
"""What a line ends with whose statement goes on: the depth of the next proves nothing."""


@attrs.frozen
class IndentFacts:
    """What the caller knows of the lines.

    Attributes:
        opens: whether a line opens a block.
        closes: whether a line does nothing but close one, or goes on with it: as deep as what opened it.
        text: numbers of the lines that begin inside a string: their blanks belong to it.
        shifts: whether such lines move with the code around them all the same (YAML's block scalars).
    """

    opens: Callable[[str], bool]
    closes: Callable[[str], bool]
    text: Collection[int] = ()
    shifts: bool = False


@attrs.frozen
class _Level:
    """A depth: its columns and indentation in the answer, and the indentation it gets."""

    width: int
    own: str
    fitted: str


@attrs.frozen
class _Line:
    """A line taken apart: its number, its indentation, its code."""

    number: int
    indent: str
    code: str


def reindented(lines: list[str], before: str, style: IndentStyle, told: IndentFacts) -> list[str]:
    """The lines of an answer, with line ends, indented in the file's style.

    Args:
        lines: the answer's.
        before: the cursor's line up to the cursor; the first line goes on with it.
        style: the file's.
        told: see there.
    """
    first = before + lines[0]
    code = [
        _Line(number, indent_of(line), line.lstrip(" \t"))
        for number, line in enumerate(lines)
        if number and line.strip() and (told.shifts or number not in told.text)
    ]
    fitted = [
        line if number == 0 or line.strip() or number in told.text else line.lstrip(" \t")
        for number, line in enumerate(lines)
    ]
    if style.filled:
        for line in code:
            fitted[line.number] = style.written(columns(line.indent, style.tab_width)) + line.code
        return fitted
    work = _Fitting(style, told, indent_of(first), _steps_of(code, first, style, told))
    work.same_steps = work.speaks_the_files_steps(first, code)
    before_it = _Line(0, indent_of(first), first.lstrip(" \t"))
    for line in code:
        fitted[line.number] = work.fit(before_it, line) + line.code
        before_it = line
    return fitted


@attrs.frozen
class _Steps:
    """How an answer indents with blanks: `size` of them a step, counted from `after` blanks at depth `depth`.

    From the margin in most answers; from where the cursor's line is indented in those that keep the file's
    indentation and go on with steps of their own.
    """

    size: int
    after: int = 0
    depth: int = 0

    def level(self, indent: str) -> tuple[int, int]:
        """The depth of an indentation, and the blanks beyond it."""
        tabs = indent.count("\t")
        blanks = len(indent) - tabs
        if blanks < self.after or tabs:
            return tabs + blanks // self.size, blanks % self.size
        level, rest = divmod(blanks - self.after, self.size)
        return self.depth + level, rest

    def explains(self, line: _Line) -> bool:
        """Whether a line is indented by whole steps."""
        return "\t" in line.indent or self.rest(line) == 0

    def rest(self, line: _Line) -> int:
        """The blanks beyond whole steps; the one before the star of a comment's line is none of them."""
        rest = self.level(line.indent)[1]
        return 0 if rest == 1 and line.code.startswith("*") else rest


@attrs.define
class _Fitting:
    """The lines so far: the depths that are open, and how the line before was indented."""

    style: IndentStyle
    told: IndentFacts
    base: str
    steps: _Steps
    same_steps: bool = False
    levels: list[_Level] = attrs.field(factory=list[_Level])
    last: _Level = _Level(0, "", "")

    def __attrs_post_init__(self) -> None:
        self.last = _Level(self.width(self.base), self.base, self.base)
        self.levels.append(self.last)

    def width(self, indent: str) -> int:
        """Columns in the file of an indentation in the answer, each of whose steps is one of the file's."""
        style = self.style
        if indent == self.base:
            return columns(indent, style.tab_width)
        if style.tabs:
            if "\t" in self.base and indent.startswith(self.base):
                return columns(self.base, style.tab_width) + self._blanks(indent[len(self.base) :])
            return self._blanks(indent)
        if "\t" in indent:
            return columns(indent, style.tab_width if style.mixed else style.step)
        if len(indent) < self.steps.after:
            return len(indent)
        return self._in_steps(indent)

    def _blanks(self, indent: str) -> int:
        if "\t" in indent:
            return columns(indent, self.style.tab_width)
        return self._in_steps(indent)

    def _in_steps(self, indent: str) -> int:
        level, rest = self.steps.level(indent)
        return level * self.style.step + rest

    def opens(self, line: _Line) -> bool:
        return line.number not in self.told.text and self.told.opens(line.indent + without_end(line.code))

    def speaks_the_files_steps(self, first: str, code: list[_Line]) -> bool:
        """Whether some block in the answer is just one of the file's steps deep, or none is there to tell."""
        above = _Line(0, indent_of(first), first.lstrip(" \t"))
        found: list[int] = []
        for line in code:
            deeper = self.width(line.indent) - self.width(above.indent)
            aligned = without_end(above.code).rstrip().endswith("(") and deeper % self.style.step == 0
            if deeper > 1 and self.opens(above) and not aligned:
                found.append(deeper)
            above = line
        usual = {self.style.step, *self.style.rivals}
        return not self.style.known or not found or bool(usual.intersection(found))

    def fit(self, above: _Line, line: _Line) -> str:
        """The indentation that a line gets; `above` is the code line before it."""
        if above.number in self.told.text and line.number in self.told.text:
            rest = line.indent.removeprefix(self.last.own)
            return self.last.fitted + rest if line.indent.startswith(self.last.own) else self.last.fitted
        width = self.width(line.indent)
        while len(self.levels) > 1 and width < self.levels[-1].width:
            self.levels.pop()
        level = self.levels[-1]
        here = self._here(level, width, above, line)
        aligned = "\t" in line.indent and line.indent.endswith(" ")
        pure = self.style.tabs and not self.style.mixed
        if pure and not aligned and here.fitted.endswith("  "):
            fitted = here.fitted.rstrip(" ")  # such blanks align nothing
            here = attrs.evolve(here, fitted=fitted)
        if here not in self.levels and width > level.width and self.opens(above):
            self.levels.append(here)
        self.last = here
        return here.fitted

    def _here(self, level: _Level, width: int, above: _Line, line: _Line) -> _Level:
        if width < self.levels[0].width:
            fitted = line.indent if self._fits(line.indent) else self.style.written(width)
        elif width == level.width:
            return attrs.evolve(level, own=line.indent)
        elif self.opens(above):
            parent = self.last if width > self.last.width else level
            fitted = self._deeper(parent, width, line.indent)
        elif not self.same_steps and len(self.levels) == 1 and width < self.last.width:
            fitted = level.fitted  # back from a block that the model put deeper than the file would
        else:
            fitted = self._continued(level, width, line.indent, above)
        return _Level(width, line.indent, fitted)

    def _deeper(self, parent: _Level, width: int, own: str) -> str:
        """The indentation of a block in a line that is indented like `parent`."""
        style, more = self.style, width - parent.width
        whole = not style.tabs or more % style.tab_width == 0 or more == 1
        if not (self.same_steps and whole):
            return parent.fitted + style.unit
        return parent.fitted + (self._own_rest(parent, own, more) or style.written(more))

    def _own_rest(self, parent: _Level, own: str, more: int) -> str:
        """What an indentation has beyond its parent's, where it can stay as the model wrote it; else ""."""
        rest = own.removeprefix(parent.own) if own.startswith(parent.own) else ""
        same = columns(rest, self.style.tab_width) == more
        return rest if rest and same and self._fits(rest) else ""

    def _fits(self, rest: str) -> bool:
        """Whether blanks and tabs behind an indentation are such as the file has there."""
        if not self.style.tabs:
            return "\t" not in rest
        return len(rest) < 2 or rest.startswith("\t")

    def _continued(self, level: _Level, width: int, own: str, above: _Line) -> str:
        """The indentation of a line that goes on with a statement indented like `level`."""
        style, more = self.style, width - level.width
        rest = self._own_rest(level, own, more)
        goes_on = without_end(above.code).rstrip().endswith(_GOES_ON)
        aligned = "\t" in level.own if level.fitted else style.mixed
        if (
            not rest
            and style.tabs
            and aligned
            and own.startswith(level.own)
            and (goes_on or more % style.step)
        ):
            rest = own.removeprefix(
                level.own
            )  # blanks behind a tab align; at the margin only where others do
        return level.fitted + (rest or style.written(more))


def _steps_of(code: list[_Line], first: str, style: IndentStyle, told: IndentFacts) -> _Steps:
    """The steps that explain the answer's indentation best: the file's unless others are better."""
    usual = _Steps(_USUAL_STEPS[0] if style.tabs else style.step)
    plain = all("\t" in line.indent or len(line.indent) < 2 for line in code)
    if plain or (not style.tabs and (style.rivals or not style.known)):
        return usual
    base = indent_of(first)
    depth = columns(base, style.tab_width) // style.step
    ideas = [_Steps(step) for step in _USUAL_STEPS]
    if base and "\t" not in base:
        ideas += [_Steps(step, len(base), depth) for step in _USUAL_STEPS]
    whole = [idea for idea in ideas if all(idea.explains(line) for line in code)]
    least = _sense(usual, depth, code, first, told)
    if not style.tabs:  # blanks of another step are another style only where blocks show it
        whole = [idea for idea in whole if _sense(idea, depth, code, first, told)[0] > least[0]]
    return max([usual, *whole], key=lambda steps: sum(_sense(steps, depth, code, first, told)))


def _sense(steps: _Steps, depth: int, code: list[_Line], first: str, told: IndentFacts) -> tuple[int, int]:
    """How much sense an answer makes whose steps are these: by its blocks, and by its other lines."""
    blocks = others = 0
    opened, before = told.opens(first), first
    for line in code:
        level, rest = steps.level(line.indent)[0], steps.rest(line)
        goes_on = without_end(before).rstrip().endswith(_GOES_ON)
        if opened and not told.closes(line.code):
            blocks += 2 if level == depth + 1 and not rest else -1
        elif level <= depth and not goes_on:
            others += -1 if rest else 1
        elif level > depth + 1 and not goes_on:
            blocks -= 1  # what stands below `case x:` is one step deeper, and never two
        depth, before = level, line.code
        opened = told.opens(line.indent + without_end(line.code)) and line.number not in told.text
    return blocks, others
