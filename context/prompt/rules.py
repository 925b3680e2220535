"""When to suggest, and how much: decisions from the text around the cursor and its tree.

Pure functions. They ask no model and know no editor; settings come in as arguments.
"""

from __future__ import annotations

import enum

import attrs

from ..shared.values import StopRules
from ..syntax.cursor_lines import CursorLines, closes_only, cursor_lines, without_comment
from ..syntax.snapshot import Snapshot
from ..text.brackets import balance
from .blocks import BlockKind, block_at

_LONGEST_LINE = 2000
_HEADED = frozenset({BlockKind.OPENED, BlockKind.DOCUMENTED})
"""Blocks that a line at their header's depth may close."""


class TriggerRule(enum.StrEnum):
    """What decides whether the model is asked, in a few words."""

    INVOKED = "invoked"
    TYPING = "typing"
    LONG_LINE = "in a very long line"
    INSIDE_WORD = "inside a word"
    BEFORE_CODE = "before the line's code"
    FINISHED = "after a finished statement"
    NOTHING = "nothing to go by"


@attrs.frozen
class Decision:
    """Whether to ask the model, and the rule that decided."""

    trigger: bool
    reason: TriggerRule


def should_trigger(snapshot: Snapshot, offset: int, invoked: bool) -> Decision:
    """Whether a suggestion at `offset` is worth asking for. An explicit request is always honoured."""
    if invoked:
        return Decision(True, TriggerRule.INVOKED)
    place = cursor_lines(snapshot, offset)
    if len(place.before) + len(place.after) > _LONGEST_LINE:
        return Decision(False, TriggerRule.LONG_LINE)
    if place.after[:1].isalnum() or place.after[:1] == "_":
        return Decision(False, TriggerRule.INSIDE_WORD)
    if place.blank and place.after.strip() and not place.at_line_end:
        return Decision(False, TriggerRule.BEFORE_CODE)
    if _is_finished(place):
        return Decision(False, TriggerRule.FINISHED)
    if not (place.before.strip() or place.above or place.below or place.after.strip()):
        return Decision(False, TriggerRule.NOTHING)
    return Decision(True, TriggerRule.TYPING)


def _is_finished(place: CursorLines) -> bool:
    """Whether a statement ends right before the cursor, as far as a line can tell.

    A closing bracket ends few: seven in ten times the line goes on behind it (`) -> int:`, `] = set()`), and
    `for (;;)` goes on behind its semicolons. `tests/quality/triggers` has the figures.
    """
    if place.prose or place.after.strip() or not place.before.endswith((")", "]", "}", ";")):
        return False
    if closes_only(place.before, place.language):
        return True
    return place.before.endswith(";") and not balance(place.before, place.language).openers


def stop_rules(
    snapshot: Snapshot, offset: int, max_tokens: int, budget_ms: float, multiline: str = "auto"
) -> StopRules:
    """How far a suggestion at `offset` may go.

    A block is suggested where `blocks` sees one; else the rest of the line, or of what that line opens.

    Args:
        snapshot: the document.
        offset: the cursor, in code points.
        max_tokens: passed on.
        budget_ms: passed on.
        multiline: "auto" decides from the code, "never" and "always" don't; "opened" knows only blocks that
            were just opened. Inside a line, with code right of the cursor, it is always one line.
    """
    place = cursor_lines(snapshot, offset)
    layout = place.language.layout
    header = _header_indent(place)
    block = block_at(place, header) if place.at_line_end and multiline != "never" else None
    if block is not None and multiline == "opened" and block.kind is not BlockKind.OPENED:
        block = None
    many = place.at_line_end and (multiline == "always" or block is not None)
    following = place.below[0] if place.below else ""
    reference = header + 1 if block is None else block.indent
    closing = min(max(header, 0), reference) if block is None or block.kind in _HEADED else block.indent
    in_brackets = multiline != "never" and not _is_long_prose(place) and _is_in_brackets(place)
    if in_brackets and place.before.rstrip().endswith(("(", "[")):
        reference = max(header, 0)  # what brackets hold may stand as deep as their line
    if place.closed_below():
        if place.columns_of(following) >= closing and header >= 0:
            closing = reference  # the block is closed already
        following = ""
    openers = () if multiline == "never" or _is_long_prose(place) else _line_end_openers(place)
    return StopRules(
        multiline=many,
        reference_indent=reference,
        closing_indent=min(closing, reference),
        closers=("}", ")", "]", *layout.closers),
        continuations=layout.continuations,
        openers=openers,
        opening_pattern=layout.opening_pattern if openers else "",
        bracketed=many and place.before.rstrip().endswith("{") and place.after.lstrip().startswith("}"),
        in_brackets=in_brackets,
        stop_at_blank=layout.indented if block is None else block.ends_at_blank,
        gap_indent=block.indent if block is not None and block.ends_at_gap else -1,
        unindented=layout.unindented,
        comments=() if layout.indented else place.language.comments.line,
        block_comments=place.language.comments.block,
        next_line=following.strip(),
        next_indent=place.columns_of(following) if following else -1,
        tab_width=place.style.tab_width,
        tabs=place.style.tabs,
        max_tokens=max_tokens,
        budget_ms=budget_ms,
    )


def _header_indent(place: CursorLines) -> int:
    """Columns of the line whose block is being written; -1 at the top of a file."""
    if not place.blank:
        return place.indent
    if place.opened_above() and (place.indent > place.columns_of(place.above[0]) or place.indent == 0):
        return place.columns_of(place.above[0])
    return place.enclosing_indent()


def _is_long_prose(place: CursorLines) -> bool:
    """Whether the cursor stands in a comment, or in a string that began above."""
    if place.prose == "string":
        line = balance(place.before, place.language)
        return not (line.quote or line.openers)
    return bool(place.prose)


def _line_end_openers(place: CursorLines) -> tuple[str, ...]:
    """What may turn one line into a block: only where no block stands below already."""
    below = place.below[0] if place.below else ""
    closes = closes_only(without_comment(below, place.language), place.language)
    deeper = place.columns_of(below) > place.indent and not closes
    if deeper or not place.at_line_end:
        return ()
    return place.language.layout.openers


def _is_in_brackets(place: CursorLines) -> bool:
    """Whether a bracket of this line is closed right of the cursor: what stands in it may take lines."""
    closers = {")", "]", "}"} if place.language.layout.data_braces else {")", "]"}
    closes = place.at_line_end and place.after.lstrip()[:1] in closers
    return closes and bool(balance(place.before, place.language).openers)
