"""Where a completion ends: the model's raw text cut to what a programmer would have typed here.

An ordered list of small pure rules; each takes a draft and gives back less of it, or the same with other
blanks. The order matters: a rule may rely on what those before it left. No rule parses code or knows names:
that is `ground`.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..shared.values import StopReason, StopRules
from ..syntax.cursor_lines import CursorLines, cursor_lines, opens_block
from ..syntax.snapshot import Snapshot
from ..text.brackets import balance
from ..text.lines import split_lines, without_end
from . import trim_blanks, trim_brackets, trim_first_blank, trim_lines
from .draft import DraftText

Rule = Callable[[DraftText, CursorLines, StopRules], DraftText]

RULES: tuple[tuple[str, Rule], ...] = (
    ("stop marker", trim_lines.cut_at_markers),
    ("line ends", trim_blanks.use_the_documents_line_ends),
    ("cut off", trim_lines.drop_what_was_cut_off),
    ("leading blank lines", trim_blanks.drop_leading_blank_lines),
    ("leading blanks", trim_blanks.fit_the_first_line),
    ("missing blank", trim_first_blank.separate_from_what_is_typed),
    ("indentation", trim_blanks.fit_the_indentation),
    ("one line", trim_lines.keep_one_line),
    ("end of scope", trim_lines.cut_at_the_end_of_the_scope),
    ("repeats itself", trim_lines.cut_repetition),
    ("repeats what follows", trim_lines.cut_what_follows),
    ("repeats what is above", trim_lines.drop_what_is_above),
    ("rest of the line", trim_brackets.meet_the_rest_of_the_line),
    ("unbalanced closer", trim_brackets.cut_unbalanced_closers),
    ("left open", trim_brackets.close_what_is_open),
    ("trailing blanks", trim_blanks.drop_trailing_blanks),
    ("too little", trim_lines.drop_too_little),
)


_CUT_OFF = {StopReason.BUDGET, StopReason.LENGTH}
_BETWEEN_LINES = frozenset({StopReason.LINE, StopReason.SCOPE, StopReason.SUFFIX})
_LONGEST = 20_000
"""Code points of an answer that are looked at: ten times what a model says in its longest."""


@attrs.frozen
class Trimmed:
    """What is left to show.

    Attributes:
        text: the text to insert; "" when nothing worth showing is left.
        replace_right: code points right of the cursor that the text replaces: closing brackets that stand
            there already and come again in the text.
        reasons: the rules that changed something, in order.
    """

    text: str
    replace_right: int = 0
    reasons: tuple[str, ...] = ()


def trim(
    raw: str, snapshot: Snapshot, offset: int, rules: StopRules, stop: StopReason | None = None
) -> Trimmed:
    """Cut `raw`, generated at `offset`, to what is worth showing. Total: never raises.

    Args:
        raw: what the model generated.
        snapshot: the document it was generated for.
        offset: the cursor, in code points.
        rules: the stop rules it was generated with.
        stop: why generation ended; after `BUDGET` or `LENGTH` its last line is unfinished.
    """
    place = cursor_lines(snapshot, offset)
    too_long = len(raw) > _LONGEST
    raw = raw[:_LONGEST]
    draft = DraftText(
        raw,
        cut_off=too_long or stop in _CUT_OFF,
        ended=not too_long and stop is StopReason.END,
        whole_line=not too_long and stop in _BETWEEN_LINES,
    )
    rules = after_first_line(raw, place, rules)
    reasons: list[str] = []
    for name, rule in RULES:
        changed = rule(draft, place, rules)
        if (changed.text, changed.replace_right) != (draft.text, draft.replace_right):
            reasons.append(name)
        draft = changed
        if not draft.text:
            break
    if not draft.text:
        return Trimmed("", 0, tuple(reasons))
    return Trimmed(draft.text, draft.replace_right, tuple(reasons))


def after_first_line(raw: str, place: CursorLines, rules: StopRules) -> StopRules:
    """The rules once the first line stands: one line that opens a block goes on to the block's end."""
    if rules.multiline or not (rules.openers or rules.in_brackets):
        return rules
    lines = split_lines(raw)
    if len(lines) < 2:
        return rules
    first = place.before + without_end(lines[0])
    goes_on = rules.in_brackets and not balance(without_end(lines[0]), place.language, place.before).closers
    opens = opens_block(first, place.language)
    if not goes_on and not opens:
        return rules
    indent = place.columns_of(first)
    closing = indent + 1 if place.closed_below() and place.columns_of(place.below[0]) == indent else indent
    return attrs.evolve(
        rules, multiline=True, reference_indent=indent + opens, closing_indent=min(closing, indent + opens)
    )
