"""Code without its strings and comments, as regular expressions see it.

For cutting holes and for judging names. On purpose none of foretype's own parsing: a judge that shared it
would share its mistakes.
"""

from __future__ import annotations

import re

_C_COMMENTS = r"//[^\n]*|/\*.*?(?:\*/|\Z)"
_DOUBLE = r'"(?:\\.|[^"\\\n])*"?'
_SINGLE = r"'(?:\\.|[^'\\\n])*'?"

PROSE: dict[str, re.Pattern[str]] = {
    "python": re.compile(
        r"#[^\n]*"
        r'|(?:\b[rRbBuUfF]{1,2})?"""(?:\\.|[^\\])*?(?:"""|\Z)'
        r"|(?:\b[rRbBuUfF]{1,2})?'''(?:\\.|[^\\])*?(?:'''|\Z)"
        rf"|(?:\b[rRbBuUfF]{{1,2}})?(?:{_DOUBLE}|{_SINGLE})",
        re.DOTALL,
    ),
    "typescript": re.compile(
        rf"{_C_COMMENTS}|{_DOUBLE}|{_SINGLE}|`(?:\\.|[^`\\])*(?:`|\Z)"
        r"|(?<=[=(,:!&|?;{}\[])[ \t]*/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*",
        re.DOTALL,
    ),
    "rust": re.compile(
        rf'{_C_COMMENTS}|\bb?r(?P<hashes>\#*)".*?"(?P=hashes)|b?"(?:\\.|[^"\\])*(?:"|\Z)'
        r"|b?'(?:\\[^\n]{1,9}?|[^'\\\n])'",
        re.DOTALL,
    ),
    "c": re.compile(rf"{_C_COMMENTS}|{_DOUBLE}|{_SINGLE}", re.DOTALL),
    "java": re.compile(rf'{_C_COMMENTS}|"""(?:\\.|[^\\])*?(?:"""|\Z)|{_DOUBLE}|{_SINGLE}', re.DOTALL),
}
"""Strings and comments, by language."""

IDENTIFIER = re.compile(r"[^\W\d]\w*")


def masked(text: str, language: str) -> str:
    """The text with strings and comments blanked: as long as before, line ends kept."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found.group())

    return PROSE[language].sub(blank, text)
