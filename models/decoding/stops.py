"""Where a generation ends: line end, scope, the suffix's next line, repetition. Decisions on text.

`StopWatch` looks at the text as it grows and says where to cut it and why; time, token limits, stop
tokens and cancellations belong to `loop`. It never looks at syntax trees: that is `context.checking.trim`'s
work on the finished text, with the file around it.
"""

from __future__ import annotations

import re

import attrs

from ...context.shared.values import StopReason, StopRules
from ...context.text.comments import comment_left_open
from ...context.text.repetition import end_of_first_unit, lines_before_a_loop

_STRING = re.compile(r"""\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'""")
_CLOSERS = frozenset(")]}>;,")
"""What a line of closers may hold in any language, beside the words that close a block in this one."""


@attrs.frozen
class Stop:
    """A decision to end.

    Attributes:
        reason: why.
        keep: code points of the generated text that remain.
    """

    reason: StopReason
    keep: int


@attrs.define
class StopWatch:
    """Follows one generation.

    State: the text so far, where its last complete line ended, what stands open there, and the rules.

    Args:
        rules: where to stop. Those for one line become those for a block when that line opens one.
        line: the cursor's line up to the cursor, which the first generated line goes on with.
    """

    rules: StopRules
    line: str = ""
    text: str = ""
    _line_start: int = 0
    _lines: list[str] = attrs.field(factory=list[str])
    _depth: int = 0
    _comment: str = ""  # what ends the comment that stands open behind the last complete line

    def feed(self, addition: str) -> Stop | None:
        """Take more generated text; the cut when the generation is over."""
        self.text += addition
        while True:
            end = self._line_end()
            if end is None:
                return self._in_line()
            stop = self._line(self._line_start, end)
            if stop is not None:
                return stop
            line = self.text[self._line_start : end]
            self._depth += _balance(line)
            whole = line if self._lines else self.line + line
            self._comment = comment_left_open(whole, self.rules.block_comments, self._comment)
            self._lines.append(line)
            self._line_start = end + (2 if self.text.startswith("\r\n", end) else 1)

    def settled(self) -> int:
        """Code points that no later stop will cut, a repetition's apart: what may be shown meanwhile."""
        if not self.rules.multiline or not self._lines:
            return len(self.text.rstrip("\r"))
        return len(self.text[: self._line_start].rstrip())

    def _line_end(self) -> int | None:
        feed = self.text.find("\n", self._line_start)
        carriage = self.text.find("\r", self._line_start, feed if feed >= 0 else len(self.text))
        if carriage < 0:
            return feed if feed >= 0 else None
        # A carriage return may be the first half of CRLF: wait for what follows.
        return carriage if carriage + 1 < len(self.text) else None

    def _line(self, start: int, end: int) -> Stop | None:
        rules = self.rules
        first = not self._lines
        line = self.text[start:end]
        if not rules.multiline:
            if not self._opens_block(line):
                return Stop(StopReason.LINE, end)
            self._go_on(line)
            return None
        before = self._before(start)
        if rules.in_brackets and _unmatched_closers(line) > max(self._depth, 0):
            if not self._ends_open(line):
                return Stop(StopReason.LINE, end)
            self._go_on(line)
            return None
        if not first:
            if not line.strip():
                if self._ends_at_blank():
                    return Stop(StopReason.SCOPE, before)
                return None
            if rules.next_line and line.strip() == rules.next_line and self._is_next(line):
                return Stop(StopReason.SUFFIX, before)
            shallow = self._shallow(line, start, end)
            if shallow is not None:
                return shallow
        repeated = self._repetition(line)
        return None if repeated is None else Stop(StopReason.REPETITION, repeated)

    def _ends_at_blank(self) -> bool:
        """Whether a blank line ends what was said: any outside brackets, or one behind code at its depth."""
        said = [number for number, text in enumerate(self._lines) if text.strip()]
        if not said or self.rules.stop_at_blank:
            return bool(said) and self._depth + self.rules.in_brackets <= 0
        last = self._lines[said[-1]] if said[-1] else self.line + self._lines[0]
        return self._depth <= 0 and depth_of(last, self.rules) <= self.rules.gap_indent

    def _opens_block(self, line: str) -> bool:
        """Whether the first generated line leaves a block or the cursor's brackets open."""
        in_brackets = self.rules.in_brackets and not _unmatched_closers(line)
        return bool(line.strip()) and (in_brackets or self._ends_open(line))

    def _ends_open(self, line: str) -> bool:
        """Whether the first generated line ends with an opener, words whole, or looks like a header."""
        code = (self.line + line).rstrip()
        if self.rules.opening_pattern and re.search(self.rules.opening_pattern, code):
            return True
        return any(
            code.endswith(opener) and not (_in_word(opener[-1]) and _in_word(code[: -len(opener)][-1:]))
            for opener in self.rules.openers
        )

    def _go_on(self, line: str) -> None:
        """From one line to the end of the block that it opens."""
        indent = indent_columns(self.line + line, self.rules.tab_width)
        reference = indent + self._ends_open(line)  # what brackets hold may stand as deep as their line
        self.rules = attrs.evolve(
            self.rules,
            multiline=True,
            reference_indent=reference,
            closing_indent=indent,
            openers=(),
            in_brackets=self.rules.in_brackets and not _unmatched_closers(line),
        )
        # What closes brackets left of the cursor closes nothing that the suggestion has opened.
        self._depth = _unmatched_closers(line)

    def _in_line(self) -> Stop | None:
        """A line that has only begun: its indentation may already say that the scope is over."""
        line = self.text[self._line_start :]
        stripped = line.lstrip(" \t")
        deep = not self._says_no_depth(stripped)
        if self._lines and self.rules.multiline and stripped and stripped[0] not in "\r\n" and deep:
            self._settle_depth(line)
            indent = depth_of(line, self.rules)
            shallow = indent < self.rules.reference_indent
            undecided = self._may_close(stripped) or self._may_continue(stripped)
            if shallow and not (indent >= self.rules.closing_indent and undecided):
                return Stop(StopReason.SCOPE, self._before(self._line_start))
        unit = end_of_first_unit(line)
        if unit is not None:
            return Stop(StopReason.REPETITION, self._line_start + unit)
        return None

    def _shallow(self, line: str, start: int, end: int) -> Stop | None:
        """The scope's end: before a shallower line, or after it when it closes what was open."""
        self._settle_depth(line)
        rules = self.rules
        indent = depth_of(line, rules)
        if rules.bracketed and rules.reference_indent == rules.closing_indent == indent:
            closed = self._begins_with_closer(line) and _unmatched_closers(line) > max(self._depth, 0)
            return Stop(StopReason.SCOPE, end) if closed else None
        if indent >= rules.reference_indent or self._says_no_depth(line.strip()):
            return None
        if indent >= rules.closing_indent and _word(line.strip()) in rules.continuations:
            return None  # `else:` goes on with the statement whose block has just ended
        if indent < rules.closing_indent or not self._begins_with_closer(line):
            return Stop(StopReason.SCOPE, self._before(start))
        if not self._closes(line):
            return None  # `} else {` closes one block and opens the next of the same statement
        if line.strip() == rules.next_line and self._depth + _balance(line) < 0:
            return Stop(StopReason.SCOPE, self._before(start))  # what follows the cursor closes it already
        return Stop(StopReason.SCOPE, end)

    def _settle_depth(self, line: str) -> None:
        """Let the first line between two braces say how deep they hold: no deeper, as in a C++ namespace."""
        stripped = line.strip()
        first = bool(stripped) and not any(each.strip() for each in self._lines)
        if not (self.rules.bracketed and first) or stripped[0] in _CLOSERS or self._says_no_depth(stripped):
            return
        indent = depth_of(line, self.rules)
        if indent < self.rules.reference_indent:
            self.rules = attrs.evolve(self.rules, reference_indent=indent, closing_indent=indent)

    def _is_next(self, line: str) -> bool:
        """Whether a line that says the same as the document's next is that: as deep, and no mere closer."""
        same = self.rules.next_indent in {-1, indent_columns(line, self.rules.tab_width)}
        return same and not self._closes(line)

    def _closes(self, line: str) -> bool:
        """Whether a line only closes: `})`, `end`, `end),`."""
        stripped = line.strip()
        word = _whole_word(stripped)
        rest = stripped[len(word) :] if word in self.rules.closers else stripped
        return bool(stripped) and all(char in _CLOSERS for char in rest)

    def _begins_with_closer(self, line: str) -> bool:
        stripped = line.strip()
        return stripped[0] in _CLOSERS or _whole_word(stripped) in self.rules.closers

    def _may_close(self, stripped: str) -> bool:
        """Whether a line that begins like this could still turn out to close or to reopen a block."""
        text = stripped.lstrip()
        if not text or text[0] in _CLOSERS:
            return True  # blanks of other scripts: nobody knows yet what comes behind them
        word = _whole_word(text)
        unfinished = word == text  # anything else finishes it, also the carriage return of a line end
        return bool(word) and any(
            known.startswith(word) if unfinished else known == word for known in self.rules.closers
        )

    def _says_no_depth(self, stripped: str) -> bool:
        """Whether a line stands at the margin for other reasons than its depth."""
        marks = (*self.rules.unindented, *self.rules.comments)
        return bool(stripped) and (bool(self._comment) or (bool(marks) and stripped.startswith(marks)))

    def _may_continue(self, stripped: str) -> bool:
        """Whether a line that begins like this is, or could still become, a continuation such as `else`."""
        word = _word(stripped)
        unfinished = word == stripped
        return any(
            known.startswith(word) if unfinished else known == word for known in self.rules.continuations
        )

    def _repetition(self, line: str) -> int | None:
        """Where a loop of lines began to repeat, in code points, or None."""
        kept = None if self._closes(line) else lines_before_a_loop([*self._lines, line])
        return None if kept is None else self._before(self._start_of(kept))

    def _start_of(self, number: int) -> int:
        at = 0
        for line in self._lines[:number]:
            at += len(line)
            at += 2 if self.text.startswith("\r\n", at) else 1
        return at

    def _before(self, start: int) -> int:
        """The end of the text before the line at `start`, without that line's line end."""
        end = start
        while end and self.text[end - 1] in "\r\n":
            end -= 1
        first = max(self.text.rfind("\n", 0, end), self.text.rfind("\r", 0, end)) + 1
        return self._before(first) if first and self._is_margin(self.text[first:end]) else end

    def _is_margin(self, line: str) -> bool:
        """Whether a line is a comment at the margin: behind the block's end it belongs to what follows."""
        comment = line.strip().startswith(self.rules.comments or ("\n",))
        return comment and indent_columns(line, self.rules.tab_width) < self.rules.reference_indent


def cursor_line(prefix: str) -> str:
    """The last line of what stands before the cursor."""
    return prefix[max(prefix.rfind("\n"), prefix.rfind("\r")) + 1 :]


def indent_columns(line: str, tab_width: int) -> int:
    """Columns of white space at the beginning; a tab goes to the next multiple of `tab_width`."""
    column = 0
    for char in line:
        if char == " ":
            column += 1
        elif char == "\t":
            column += tab_width - column % tab_width
        else:
            break
    return column


def depth_of(line: str, rules: StopRules) -> int:
    """Columns at which a generated line begins, or may: where the file has tabs, two blanks may mean one."""
    own = indent_columns(line, rules.tab_width)
    blanks = len(line) - len(line.lstrip(" "))
    return max(own, blanks // 2 * rules.tab_width) if rules.tabs else own


def _word(stripped: str) -> str:
    """The letters at the beginning."""
    end = next((at for at, char in enumerate(stripped) if not char.isalpha()), len(stripped))
    return stripped[:end]


def _whole_word(stripped: str) -> str:
    """The word at the beginning, digits and underscores included: `end` isn't in `end_time`."""
    end = next((at for at, char in enumerate(stripped) if not _in_word(char)), len(stripped))
    return stripped[:end]


def _balance(line: str) -> int:
    """Opened minus closed brackets outside of strings: a hint, not a parser."""
    code = _STRING.sub("", line)
    return sum(code.count(char) for char in "([{") - sum(code.count(char) for char in ")]}")


def _unmatched_closers(line: str) -> int:
    """Closing brackets whose opening ones stand before `line`."""
    depth = lowest = 0
    for char in _STRING.sub("", line):
        depth += (char in "([{") - (char in ")]}")
        lowest = min(lowest, depth)
    return -lowest


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"
