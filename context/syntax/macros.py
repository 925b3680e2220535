"""Macros that are written like statements: `list_for_each(…) {…}`, `TEST(a, b) {…}`, `FOREACH(…) f();`.

A grammar that doesn't know them takes them for calls whose semicolon is missing. A pure question about the
text where one is missing; which languages have such macros says `languages`.
"""

from __future__ import annotations

import re

_HEAD = re.compile(r"(?:\)|\b[A-Z][A-Z0-9_]+)\Z")
_LOOP = re.compile(r"for_?each\w*\s*\(", re.IGNORECASE)
_BLOCK = re.compile(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*\{", re.DOTALL)
_LOOK = 400


def is_head(text: str, at: int) -> bool:
    """Whether a macro with a block or a statement of its own ends at `at`, where a semicolon is missing."""
    before = text[max(0, at - _LOOK) : at].rstrip()
    if not _HEAD.search(before):
        return False
    if _BLOCK.match(text, at, at + _LOOK):
        return True
    line = before[before.rfind("\n") + 1 :]
    return _LOOP.search(line) is not None and text[at : at + _LOOK].lstrip()[:1] not in {"", "}", ")", "]"}
