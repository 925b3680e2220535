"""When to suggest, and how much: decisions from the text around the cursor and its tree.

Pure functions. They ask no model and know no editor; settings come in as arguments.
"""

from __future__ import annotations

import re

import attrs

from .languages import Language
from .lines import columns, indent_of, indent_style, line_end, line_start, next_code_line
from .snapshot import Snapshot
from .values import StopRules

_WORD_AT_END = re.compile(r"\w+$")
_CLOSERS_ONLY = re.compile(r"""[\s)\]}>'"`;,:]*""")
_NEAR = 4096


@attrs.frozen
class Decision:
    """Whether to ask the model, and the rule that decided, in a word or two."""

    trigger: bool
    reason: str


def should_trigger(snapshot: Snapshot, offset: int, invoked: bool) -> Decision:
    """Whether a suggestion at `offset` is worth asking for. An explicit request is always honoured."""
    if invoked:
        return Decision(True, "invoked")
    text = snapshot.text
    before = text[max(line_start(text, offset), offset - _NEAR) : offset]
    after = text[offset : min(line_end(text, offset), offset + _NEAR)]
    if after[:1].isalnum() or after[:1] == "_":
        return Decision(False, "inside a word")
    if before.rstrip().endswith((")", "]", "}", ";")) and not after.strip():
        return Decision(False, "after a finished statement")
    return Decision(True, "typing")


def stop_rules(
    snapshot: Snapshot, offset: int, max_tokens: int, budget_ms: float, multiline: str = "auto"
) -> StopRules:
    """How far a suggestion at `offset` may go.

    Args:
        snapshot: the document.
        offset: the cursor, in code points.
        max_tokens: passed on.
        budget_ms: passed on.
        multiline: "auto" decides from the code, "never" and "always" don't.
    """
    text = snapshot.text
    offset = min(max(offset, 0), len(text))
    described = snapshot.described
    style = indent_style(text, offset, described.layout.unit)
    start = line_start(text, offset)
    before = text[max(start, offset - _NEAR) : offset]
    after = text[offset : min(line_end(text, offset), offset + _NEAR)]
    following = next_code_line(text, offset)
    own = columns(indent_of(before), style.tab_width)
    opened = opens_block(before, described)
    blank = not before.strip()
    header = own
    if blank:
        header = enclosing_indent(text, start, own, style.tab_width)
    at_line_end = _CLOSERS_ONLY.fullmatch(after) is not None
    deeper = bool(following) and columns(indent_of(following), style.tab_width) > header
    if multiline == "never":
        many = False
    elif multiline == "always":
        many = True
    else:
        many = at_line_end and not deeper and (opened or (blank and _opened_above(text, start, described)))
    return StopRules(
        multiline=many,
        reference_indent=header + 1 if many else 0,
        closing_indent=header,
        stop_at_blank=described.layout.indented,
        next_line=following.strip(),
        tab_width=style.tab_width,
        max_tokens=max_tokens,
        budget_ms=budget_ms,
    )


def opens_block(line: str, described: Language) -> bool:
    """Whether a line, up to its end or the cursor, opens a block."""
    code = line.rstrip()
    for opener in described.layout.openers:
        if code.endswith(opener):
            word = _WORD_AT_END.search(code)
            if not opener[-1].isalnum() or (word is not None and word.group() == opener):
                return True
    first = code.split(maxsplit=1)
    return bool(first) and first[0] in described.layout.opening_words


def enclosing_indent(text: str, start: int, own: int, tab_width: int) -> int:
    """The columns of the nearest line above `start` that is shallower than `own`; -1 if there is none."""
    position = start
    for _ in range(2000):
        if position <= 0:
            break
        position = line_start(text, position - 1)
        line = text[position : min(line_end(text, position), position + _NEAR)]
        if line.strip() and columns(indent_of(line), tab_width) < own:
            return columns(indent_of(line), tab_width)
    return -1


def _opened_above(text: str, start: int, described: Language) -> bool:
    position = start
    for _ in range(50):
        if position <= 0:
            return False
        position = line_start(text, position - 1)
        line = text[position : min(line_end(text, position), position + _NEAR)]
        if line.strip():
            return opens_block(line, described)
    return False
