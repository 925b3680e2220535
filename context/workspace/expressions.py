"""Patterns of ignore files as regular expressions that cannot hang.

pathspec writes them; a workspace is data, and a line like `*a*a*a*a*b` makes an expression that tries every
way to divide a name among its stars: minutes for thirty characters. Here each star but the last takes the
first place where what follows it fits, and gives nothing back: for patterns of this kind that finds a match
whenever there is one, in time that grows with pattern times path. Pure; which pattern counts is `ignore`'s.
"""

from __future__ import annotations

import re

_STAR = "[^/]*"
_LEAD = "(?:.+/)?"
_DEEPER = "(?:/.+)?"
_ENDS = ("(?:(?P<ps_d>/)|$)", "(?P<ps_d>/)", "$")
"""What pathspec puts behind a pattern's last name."""

_LONGEST = 10_000
"""Characters of an expression beyond which it is as good as one that can't be understood."""


def bounded(source: str) -> re.Pattern[str]:
    """The expression that pathspec made of a pattern, so that matching takes bounded time.

    It also holds for names with line ends, which the original's `.` and `$` take for something else, and a
    set of characters never stands for a slash, as git has it.

    Raises:
        ValueError: it is longer than anybody's, or no expression.
    """
    if len(source) > _LONGEST:
        raise ValueError("a pattern is too long")
    body = source.removeprefix("^")
    end = next((each for each in _ENDS if body.endswith(each)), "")
    body = body.removesuffix(end)
    lead = body.startswith(_LEAD)
    names = body.removeprefix(_LEAD).split(_DEEPER)
    parts = [_first_fit(name) for name in names]
    written: list[str] = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        before = (_LEAD if lead else "") if number == 0 else _DEEPER
        # Further folders may follow: the first place where this part fits is as good as any.
        lazy = before.replace("+", "+?") + ("?" if before else "")
        written.append(f"{before}{part}" if last else f"(?>{lazy}{part}(?=/))")
    try:
        return re.compile("^" + "".join(written) + end.replace("$", r"\Z"), re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError("a pattern can't be understood") from error


def _first_fit(part: str) -> str:
    """Names between slashes, in each of which only the last star may give something back."""
    return "/".join(_name(name) for name in _names_of(part))


def _name(name: str) -> str:
    first, *rest = name.split(_STAR)
    if not rest:
        return first
    *inner, last = rest
    return first + "".join(f"(?>{_STAR}?{each})" for each in inner if each) + _STAR + last


def _names_of(part: str) -> list[str]:
    """The expression between its slashes, none of which a set of characters stands for."""
    names, written, at = list[str](), "", 0
    while at < len(part):
        if part[at] == "\\":
            written, at = written + part[at : at + 2], at + 2
            continue
        if part[at] == "[":
            end = _set_end(part, at)
            inside = part[at + 1 : end]
            written += f"[^/{inside[1:]}]" if inside.startswith("^") and inside != "^/" else f"[{inside}]"
            at = end + 1
            continue
        if part[at] == "/":
            names.append(written)
            written = ""
        else:
            written += part[at]
        at += 1
    return [*names, written]


def _set_end(part: str, at: int) -> int:
    """Where the set of characters that opens at `at` closes."""
    at += 2 if part[at + 1 : at + 2] == "^" else 1
    at += part[at : at + 1] == "]"
    while at < len(part) and part[at] != "]":
        at += 2 if part[at] == "\\" else 1
    return at
