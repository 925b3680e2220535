"""Moves a suggestion from one indentation to another. Pure."""

from __future__ import annotations


def leading_blanks(text: str) -> str:
    """The blanks and tabs that a text begins with."""
    return text[: len(text) - len(text.lstrip(" \t"))]


def moved_in(text: str, then: str, now: str) -> str | None:
    """`text`, written for a first line indented by `then`, for one indented by `now`.

    Lines that do not begin with the old indentation are left as they are; so is the first line, whose
    indentation stands in the document. Where tabs took the place of blanks, or blanks that of tabs, deeper
    lines follow; None where it is unclear how far, since the two must not be mixed.
    """
    if then == now:
        return text
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if number == 0 or not line.startswith(then) or not line.strip():
            continue
        beyond = leading_blanks(line[len(then) :])
        followed = _followed(beyond, then, now)
        if followed is None:
            return None
        lines[number] = now + followed + line[len(then) + len(beyond) :]
    return "".join(lines)


def _followed(beyond: str, then: str, now: str) -> str | None:
    """An indentation beyond `then` as it is beyond `now`."""
    tabs, blanks = set(now) == {"\t"}, set(now) == {" "}
    if not (tabs and beyond.startswith(" ") and "\t" not in then) and not (blanks and "\t" in beyond):
        return beyond
    few, many = sorted((len(then), len(now)))
    if not few or many % few or (set(then) | set(now)) != {" ", "\t"} or (len(then) > len(now)) != tabs:
        return None
    step = many // few
    if blanks:
        return beyond.replace("\t", " " * step)
    return "\t" * (len(beyond) // step) + " " * (len(beyond) % step)
