"""The enclosing definition as a text of its own, small enough to be parsed again with a completion in place.

Found by indentation, not by the syntax tree: around a cursor the tree is broken more often than not, while
people keep their indentation. Headers of what encloses the definition stay, its neighbours go. Where a file
isn't indented that way the piece doesn't parse, and whoever asks has to take that for "unknown".
"""

from __future__ import annotations

import attrs

from .brackets import PAIRS, balance
from .languages import Language
from .lines import columns, indent_of, line_start, split_lines
from .place import closes_only, first_word
from .snapshot import Snapshot

WHOLE_FILE = 6_000
LARGEST = 8_000
_SEARCH_ABOVE = 200_000
_HEADER_LINES = 6


@attrs.frozen
class Piece:
    """A part of a document that can be parsed alone.

    Attributes:
        before: its text before the cursor, headers of enclosing definitions included.
        after: its text after the cursor, with what closes them.
    """

    before: str
    after: str


def piece_around(snapshot: Snapshot, offset: int) -> Piece | None:
    """The definition around `offset`; None when it is too large to be parsed on every suggestion."""
    text = snapshot.text
    if len(text) <= WHOLE_FILE:
        return Piece(text[:offset], text[offset:])
    described = snapshot.described
    start = max(0, offset - _SEARCH_ABOVE)
    if start:
        start = line_start(text, start)
    above = split_lines(text[start : line_start(text, offset)])
    current = text[line_start(text, offset) : offset]
    chain = _chain(above, columns(indent_of(current), snapshot.tab_width), described, snapshot.tab_width)
    rest = _rest(text, offset)
    kept = _outermost_that_fits(above, chain)
    below = None
    while below is None and (kept >= 0 or not chain):
        depth = chain[kept][0] if chain else 0
        below = _below(rest, depth, described, snapshot.tab_width)
        if below is None and not chain:
            return None
        kept -= below is None
    if below is None:
        return None
    headers = [_header(above, index) for _, index in reversed(chain[kept + 1 :])]
    first = chain[kept][1] if chain else len(above)
    closing = "".join("\n" + _closing(header, described) for header in reversed(headers))
    preamble = described.grammar.preamble if described.grammar is not None else ""
    return Piece(preamble + "".join(headers) + "".join(above[first:]) + current, below + closing)


def _rest(text: str, offset: int) -> list[str]:
    """The lines after the cursor, as many as can matter; the last is "" where the text ends with them."""
    lines = split_lines(text[offset : offset + LARGEST])
    if offset + LARGEST < len(text):
        return lines[:-1]
    return [*lines, ""]


def _chain(above: list[str], depth: int, described: Language, tab_width: int) -> list[tuple[int, int]]:
    """The lines that enclose the one below `above`, innermost first: their columns and indexes.

    A line at the margin encloses what is below it at the margin, so that there is always one where there is
    code above.
    """
    chain: list[tuple[int, int]] = []
    limit = depth or 1
    for index in range(len(above) - 1, -1, -1):
        line = above[index]
        if not line[:limit].strip():
            continue  # blank or deeper: most lines, so this test comes first
        code = line.strip()
        indent = columns(indent_of(line), tab_width)
        if indent >= limit or _belongs_above(code, described):
            continue
        chain.append((indent, index))
        limit = indent
        if indent == 0:
            break
    return chain


def _belongs_above(code: str, described: Language) -> bool:
    """Whether a line goes on with the statement above it, or stands at the margin for other reasons."""
    if code[0] in "{})]" or closes_only(code, described):
        return True
    if code[0] == "#" and "#" not in described.comments.line:
        return True  # the preprocessor ignores indentation
    return first_word(code) in described.layout.continuations or (
        code.endswith(":") and code[:-1].isidentifier()
    )


def _outermost_that_fits(above: list[str], chain: list[tuple[int, int]]) -> int:
    """Which of the enclosing lines is the first of a text of at most `LARGEST` code points; -1 for none."""
    size = 0
    end = len(above)
    for number, (_, index) in enumerate(chain):
        while end > index:
            end -= 1
            size += len(above[end])
            if size > LARGEST:
                return number - 1
    return len(chain) - 1


def _header(above: list[str], index: int) -> str:
    """A definition's header: from its line to the one that opens its body."""
    lines: list[str] = []
    for line in above[index : index + _HEADER_LINES]:
        lines.append(line)
        if line.rstrip().endswith(("{", ":")):
            break
    else:
        lines = lines[:1]
    return "".join(lines)


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
