"""Positions of the Language Server Protocol to code point offsets and back, in every encoding.

The one place where UTF-8, UTF-16 and UTF-32 columns exist (invariant 5). A position outside the
document is moved to the nearest place inside, one in the middle of a character to that character's
start; nothing here raises for a position.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence

from .line_index import LineIndex

_SURROGATE = re.compile("[\ud800-\udfff]")
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


class Encoding(enum.StrEnum):
    """What a column counts."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


def negotiate(offered: Sequence[str] | None) -> Encoding:
    """The encoding that a client lists first, among those that exist; UTF-16 when it names none of them.

    The list is in the client's order of preference. Other servers of the buffer take it the same way, and
    plugins that assume one encoding per buffer place columns wrongly when one server doesn't.
    """
    known = {encoding.value: encoding for encoding in Encoding}
    return next((known[name] for name in offered or () if name in known), Encoding.UTF16)


def without_surrogates(text: str) -> str:
    """The same text with U+FFFD for each lone surrogate, which no encoding of ours could carry.

    The length in code points, in UTF-16 units and in (generalised) UTF-8 bytes stays what it was, so
    that a client's positions stay right.
    """
    try:
        text.encode()  # a quarter of the time that looking for them takes
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def units(text: str, encoding: Encoding) -> int:
    """Length of `text` in code units of `encoding`."""
    if encoding is Encoding.UTF32 or text.isascii():
        return len(text)
    if encoding is Encoding.UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(1 for _ in _BEYOND_BMP.finditer(text))


def code_points(text: str, count: int, encoding: Encoding) -> int:
    """How many code points of `text` lie wholly within its first `count` code units."""
    if count <= 0:
        return 0
    head = text[:count]
    if encoding is Encoding.UTF32 or head.isascii():
        return len(head)
    if encoding is Encoding.UTF8:
        return len(head.encode("utf-8", "replace")[:count].decode("utf-8", "ignore"))
    if _BEYOND_BMP.search(head) is None:
        return len(head)
    return len(head.encode("utf-16-le", "replace")[: 2 * count].decode("utf-16-le", "ignore"))


def offset_at(text: str, lines: LineIndex, line: int, character: int, encoding: Encoding) -> int:
    """Offset in code points of (line, character), clamped to the document and to the line's content."""
    if line < 0:
        return 0
    if line >= len(lines):
        return len(text)
    start, end = lines.bounds(line)
    if character <= 0:
        return start
    return start + code_points(text[start : min(end, start + character)], character, encoding)


def position_at(text: str, lines: LineIndex, offset: int, encoding: Encoding) -> tuple[int, int]:
    """(line, character) of an offset in code points, clamped to the document."""
    offset = max(0, min(offset, len(text)))
    line = lines.line_at(offset)
    return line, units(text[lines.start(line) : offset], encoding)
