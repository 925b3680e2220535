"""Where a completion ends: the model's raw text cut to what a programmer would have typed here.

An ordered list of small pure rules, each of which takes the text and gives back less of it (or the same text
with other blanks). No rule parses code or knows names: that is `ground`.
"""

from __future__ import annotations

import attrs

from .lines import columns, indent_of, line_end, split_lines, without_end
from .snapshot import Snapshot
from .values import StopRules

_NEAR = 4096


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


def trim(raw: str, snapshot: Snapshot, offset: int, rules: StopRules) -> Trimmed:
    """Cut `raw`, generated at `offset`, to what is worth showing. Total: never raises."""
    text = raw
    reasons: list[str] = []
    if not rules.multiline:
        lines = split_lines(text)
        first = without_end(lines[0]) if lines else ""
        if first != text:
            reasons.append("one line")
        text = first
    else:
        kept: list[str] = []
        for number, line in enumerate(split_lines(text)):
            code = line.strip()
            if number and code and columns(indent_of(line), rules.tab_width) < rules.reference_indent:
                reasons.append("end of scope")
                break
            if number and code and code == rules.next_line:
                reasons.append("next line repeated")
                break
            kept.append(line)
        text = "".join(kept)
    stripped = text.rstrip()
    after = snapshot.text[offset : min(line_end(snapshot.text, offset), offset + _NEAR)].rstrip()
    replace = 0
    if after and stripped.endswith(after):
        if all(character in ")]}>'\"`;,:" for character in after) and len(stripped) > len(after):
            replace = len(after)
            reasons.append("closers replaced")
        else:
            stripped = stripped.removesuffix(after)
            reasons.append("rest of line repeated")
    return Trimmed(stripped if stripped.strip() else "", replace, tuple(reasons))
