"""Comments over several lines, told by lines alone: what stands in them says nothing about depth.

Only comments that a line begins with are seen: `/*` inside a line may be part of a string (`"src/*"`). Syntax
trees know better, but while a text is being generated there is none.
"""

from __future__ import annotations

from collections.abc import Sequence


def comment_left_open(line: str, pairs: Sequence[tuple[str, str]], within: str = "") -> str:
    """What ends the comment that stands open behind a line; "" for none.

    Args:
        line: the whole line.
        pairs: what such comments begin and end with (`/*` and `*/`).
        within: what ends the comment that the line begins in; "" for none.
    """
    if within:
        return "" if within in line else within
    code = line.strip()
    for begin, end in pairs:
        if code.startswith(begin) and end not in code[len(begin) :]:
            return end
    return ""
