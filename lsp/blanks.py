"""Blanks at the beginnings of lines: the little arithmetic that suggestions need of it. Pure."""

from __future__ import annotations


def leading_blanks(text: str) -> str:
    """The blanks and tabs that a text begins with."""
    return text[: len(text) - len(text.lstrip(" \t"))]


def reindented(text: str, then: str, now: str) -> str:
    """`text`, written for a first line indented by `then`, for one indented by `now`.

    Lines that do not begin with the old indentation are left as they are; so is the first line, whose
    indentation stands in the document.
    """
    if then == now:
        return text
    lines = text.splitlines(keepends=True)
    return "".join(
        line if number == 0 or not line.startswith(then) or not line.strip() else now + line[len(then) :]
        for number, line in enumerate(lines)
    )
