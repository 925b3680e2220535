"""The enclosing definition as a text of its own, small enough to be parsed again with a completion in place.

Found by indentation, not by the syntax tree: around a cursor the tree is broken more often than not, while
people keep their indentation. Headers of what encloses the definition stay, its neighbours go. Where a file
isn't indented that way the piece doesn't parse, and callers must take that for "unknown".
"""

from __future__ import annotations

import functools
import re

import attrs

from ..languages import Language
from ..text.brackets import PAIRS, balance
from ..text.lines import columns, indent_of, line_end, line_start, next_line_start, split_lines
from .cursor_lines import closes_only, first_word
from .snapshot import Snapshot

SIZES = (5_000, 8_000)
"""Code points that a piece may have above the cursor, and below: the second where the first are too few."""

WHOLE_FILE = 6_000
"""Code points up to which a whole file is one piece."""

_SEARCH_ABOVE = 200_000
_HEADER_LINES = 6
_STRETCH = 8_000
_NEIGHBOUR = 2_000
"""Code points above and below an empty line in which its neighbours are looked for."""


@attrs.frozen
class Piece:
    """A part of a document that can be parsed alone.

    Attributes:
        before: its text before the cursor, headers of enclosing definitions included.
        after: its text after the cursor, with what closes them.
        complete: whether it has all lines of the innermost definition above the cursor, so that locals are
            there; not where that is very long.
    """

    before: str
    after: str
    complete: bool = True


def piece_around(snapshot: Snapshot, offset: int) -> Piece | None:
    """The definition around `offset`; None when it is too large to be parsed on every suggestion."""
    code = snapshot.embedded
    if code is not None:  # what stands around it is another language's
        text = snapshot.text[code.start : code.end]
        snapshot, offset = attrs.evolve(snapshot, text=text, tree=None), offset - code.start
    text = snapshot.text
    if len(text) <= WHOLE_FILE:
        return Piece(text[:offset], text[offset:])
    start = max(0, offset - _SEARCH_ABOVE)
    if start:
        start = line_start(text, start)
    top = line_start(text, offset)
    depth = _depth(text, top, offset, snapshot.tab_width)
    chain = _chain(text, start, top, depth, snapshot)
    return next(
        (piece for size in SIZES if (piece := _cut_out(snapshot, offset, chain, depth, size)) is not None),
        None,
    )


def _depth(text: str, top: int, offset: int, tab_width: int) -> int:
    """The column at which the cursor's line stands; of an empty line, that of its deeper neighbour."""
    current = text[top:offset]
    if current.strip() or text[offset : line_end(text, offset)].strip():
        return columns(indent_of(current), tab_width)
    above = split_lines(text[max(0, top - _NEIGHBOUR) : top])
    below = split_lines(text[offset : offset + _NEIGHBOUR])
    neighbours = (next((line for line in lines if line.strip()), "") for lines in (reversed(above), below))
    return max(columns(indent_of(line), tab_width) for line in (current, *neighbours))


def _cut_out(
    snapshot: Snapshot, offset: int, chain: list[tuple[int, int]], depth: int, size: int
) -> Piece | None:
    """The outermost of the enclosing lines in `chain`, and what belongs to it, within `size` code points.

    Where even the innermost is too far away, as the head of a large class is, it is the cursor's own line.
    """
    text, described = snapshot.text, snapshot.described
    top = line_start(text, offset)
    kept = sum(top - position <= size for _, position in chain) - 1
    rest = _rest(text, offset, size)
    below = None
    while below is None and kept >= -1:
        below = _below(rest, chain[kept][0] if kept >= 0 else depth, described, snapshot.tab_width)
        kept -= below is None
    if below is None:
        return None
    headers = [_header(text, position, top) for _, position in reversed(chain[kept + 1 :])]
    first = chain[kept][1] if kept >= 0 else _statement(text, top, chain[0][1] if chain else 0, described)
    closing = "".join("\n" + _closing(header, described) for header in reversed(headers))
    preamble = described.grammar.preamble if described.grammar is not None else ""
    before = preamble + "".join(headers) + text[first:offset]
    return Piece(before, below + closing, complete=kept >= 0 or not chain)


def _statement(text: str, top: int, floor: int, described: Language) -> int:
    """Where the statement begins that goes on in the line at `top`, such as a head with its brace below.

    Where indentation counts that is the line itself: what stands above may be deeper. Nothing above `floor`.
    """
    while not described.layout.indented and top > floor:
        above = line_start(text, top - 1)
        line = text[above:top].rstrip()
        if above <= floor or not line.strip() or line.endswith((";", "{", "}", ":")):
            break
        top = above
    return top


def _rest(text: str, offset: int, size: int) -> list[str]:
    """The rest of the cursor's line and the lines below, as many as can matter.

    The last is "" where the text ends with them.
    """
    lines = split_lines(text[offset : offset + size]) or [""]
    if offset + size < len(text):
        return lines[:-1]
    return [*lines, ""]


def _chain(text: str, start: int, top: int, depth: int, snapshot: Snapshot) -> list[tuple[int, int]]:
    """The lines that enclose the one at `top`, which stands at `depth`, innermost first: columns and offsets.

    A line at the margin encloses what is below it at the margin, so that there is always one where there is
    code above. Lines above `start`, where a line begins, are not looked at.
    """
    described, tab_width = snapshot.described, snapshot.tab_width
    chain: list[tuple[int, int]] = []
    limit = depth or 1
    stretch = _STRETCH
    while top > start and limit:
        begin = line_start(text, max(start, top - stretch))
        stretch *= 2
        for position in reversed(_shallow(text, begin, top, limit)):
            line = text[position : line_end(text, position)]
            code = line.strip()
            indent = columns(indent_of(line), tab_width)
            if not code or indent >= limit or _belongs_above(code, described):
                continue
            chain.append((indent, position))
            limit = indent
            if not limit:
                break
        top = begin
    return chain


def _shallow(text: str, begin: int, end: int, limit: int) -> list[int]:
    """Where lines with code begin that have fewer than `limit` blanks before it, in a stretch of lines."""
    shallow = _shallow_line(limit, text.find("\r", begin, end) >= 0)
    if begin:
        return [found.start() + 1 for found in shallow.finditer(text, begin - 1, end)]
    return [found.start() for found in shallow.finditer("\n" + text[:end])]


@functools.lru_cache(maxsize=64)
def _shallow_line(limit: int, carriage: bool) -> re.Pattern[str]:
    """A line end and the beginning of a line after it; far sooner found than lines are taken apart.

    Sooner still where a line feed is the only line end: Python's `re` looks for one letter the fastest.
    """
    return re.compile((r"[\r\n]" if carriage else "\n") + rf"[ \t]{{0,{limit - 1}}}+[^ \t\r\n]")


def _belongs_above(code: str, described: Language) -> bool:
    """Whether a line goes on with the statement above it, or stands at the margin for other reasons."""
    if code[0] in "{})]" or closes_only(code, described):
        return True
    if code[0] == "#" and "#" not in described.comments.line:
        return True  # the preprocessor ignores indentation
    return first_word(code) in described.layout.continuations or (
        code.endswith(":") and code[:-1].isidentifier()
    )


def _header(text: str, position: int, top: int) -> str:
    """A definition's header: from its line at `position` to the one that opens its body."""
    first = end = next_line_start(text, position)
    for _ in range(_HEADER_LINES):
        if text[position:end].rstrip().endswith(("{", ":")):
            return text[position:end]
        if end >= top:
            break
        end = next_line_start(text, end)
    return text[position:first]


def _closing(header: str, described: Language) -> str:
    opened = balance(header, described).openers
    if opened:
        return "".join(PAIRS[bracket] for _, bracket in reversed(opened))
    return described.layout.closers[0] if described.layout.closers and not described.layout.indented else ""


def _below(rest: list[str], depth: int, described: Language, tab_width: int) -> str | None:
    """What follows the cursor in the definition that begins at column `depth`, and its next neighbour.

    A decorator's function is such a neighbour: without it the decorator would be an error. None when the
    definition doesn't end in `rest`.
    """
    kept = rest[:1]
    neighbours = ended = 0
    for number, line in enumerate(rest[1:], 1):
        if line and not line[: depth + 1].strip(" \t\r\n"):
            kept.append(line)  # blank or deeper: most lines, so this test comes first
            continue
        code = line.strip()
        indent = columns(indent_of(line), tab_width)
        if (code and indent < depth) or (not line and number == len(rest) - 1):
            return "".join(kept)
        if code and indent == depth and not _belongs_above(code, described):
            neighbours += 1
            if neighbours > 1:
                return "".join(kept)
            ended = len(kept)
        kept.append(line)
    return "".join(kept[:ended]) if neighbours else None
