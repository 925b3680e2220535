"""Is it true? A completion checked against the code around it: does it parse, and do its names exist.

The model guesses, the editor knows. A completion is put into the definition around the cursor, which alone is
parsed again; new defects cut it back to its longest sound beginning, and so does a name that exists nowhere.
Precision comes first: what can't be decided is shown, above all where the code was broken before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from .brackets import PAIRS, balance
from .lines import line_start, next_line_start, split_lines, without_end
from .name_checks import NameCheck, Symbols
from .piece import Piece, piece_around
from .snapshot import Snapshot
from .syntax import SyntaxTree, parse

__all__ = ["Symbols", "Verdict", "ground"]

_PARSE_MS = 20.0
_MOST_PROBES = 24
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_DANGLING = re.compile(r"(\w|[)\]}\"'`;])$")


@attrs.frozen
class Verdict:
    """What may be shown of a completion.

    Attributes:
        text: the text to insert.
        shown: whether anything is left.
        reasons: why something was cut, in order: "syntax", "unknown name", "misspelt name", "unknown member";
            empty when nothing was. They never hold code.
        names: the names that were found wanting.
    """

    text: str
    shown: bool
    reasons: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def ground(  # noqa: PLR0917 - a completion, its place, and who is asked
    text: str,
    snapshot: Snapshot,
    offset: int,
    replace_right: int = 0,
    symbols: Symbols | None = None,
    mentions: Symbols | None = None,
) -> Verdict:
    """Check a trimmed completion in its place. Total: never raises.

    Args:
        text: the completion.
        snapshot: the document it is for.
        offset: the cursor, in code points.
        replace_right: code points right of the cursor that the completion replaces.
        symbols: whether the workspace knows a name; None where nobody knows the workspace.
        mentions: whether another file of the workspace so much as mentions a name; None where that it
            doesn't would say nothing.
    """
    grammar = snapshot.described.grammar
    if not text.strip() or snapshot.tree is None or grammar is None or not grammar.strict:
        return Verdict(text, bool(text.strip()))
    offset = min(max(offset, 0), len(snapshot.text))
    piece = piece_around(snapshot, offset)
    if piece is None or snapshot.tree.prose_at(offset) == "comment":
        return Verdict(text, True)
    bench = _Bench(snapshot, piece, replace_right)
    sound = bench.sound_beginning(text)
    reasons = ("syntax",) if sound.text != text else ()
    if not sound.text or sound.tree is None:
        return Verdict(sound.text, bool(sound.text), reasons)
    start = len(piece.before)
    culprit = NameCheck(
        snapshot, sound.tree, offset, start, start + len(sound.text), symbols, mentions
    ).first_unknown()
    if culprit is None:
        return Verdict(sound.text, True, reasons)
    use, reason = culprit
    kept = _lines_before(sound.text, use.start - len(piece.before))
    kept = bench.sound_beginning(kept).text if kept else ""
    return Verdict(kept, bool(kept.strip()), (*reasons, reason), (use.name,))


def _lines_before(text: str, position: int) -> str:
    """The whole lines before the one that holds `position`."""
    return text[: line_start(text, min(max(position, 0), len(text)))].rstrip()


@attrs.frozen
class _Probe:
    """A text that was put in place: what is left of it, and its sound tree; None where there is none."""

    text: str
    tree: SyntaxTree | None


@attrs.frozen
class _Bench:
    """The place where completions are tried."""

    snapshot: Snapshot
    piece: Piece
    replace_right: int

    def tree_with(self, text: str, closing: str = "") -> SyntaxTree | None:
        after = self.piece.after[self.replace_right :] if text else self.piece.after
        return parse(self.piece.before + text + closing + after, self.snapshot.language, _PARSE_MS)

    def is_sound(self, tree: SyntaxTree | None) -> bool:
        return tree is None or not tree.has_defects

    def broken_anyway(self) -> bool:
        """Whether the piece has defects even without the line that is being typed."""
        before, after = self.piece.before, self.piece.after
        start = line_start(before, len(before))
        end = next_line_start(after, 0)
        tree = parse(before[:start] + after[end:], self.snapshot.language, _PARSE_MS)
        return tree is None or tree.has_defects

    def sound_beginning(self, text: str) -> _Probe:
        """The longest beginning of `text` that parses in its place, or could if it went on."""
        tree = self.tree_with(text)
        if self.is_sound(tree):
            return _Probe(text, tree)
        finished = self._finished(text)
        if finished is not None:
            return _Probe(text, finished)
        if self.broken_anyway():
            return _Probe(text, self._sound_here(tree, text))
        for number, shorter in enumerate(_shorter(text, self.snapshot.described.keywords)):
            if number >= _MOST_PROBES:
                break
            for finisher in ("", *self.snapshot.described.layout.finishers[:1]):
                tree = self.tree_with(shorter, finisher)
                if self.is_sound(tree):
                    return _Probe(shorter, tree)
        return _Probe("", None)

    def _sound_here(self, tree: SyntaxTree | None, text: str) -> SyntaxTree | None:
        """The tree, where its defects are elsewhere: good enough for names."""
        start = len(self.piece.before)
        return None if tree is None or tree.defects(start, start + len(text), 1) else tree

    def _finished(self, text: str) -> SyntaxTree | None:
        """A sound tree with what the text leaves open closed: then it is unfinished, not wrong."""
        described = self.snapshot.described
        line = self.piece.before[line_start(self.piece.before, len(self.piece.before)) :]
        left = balance(text, described, balance(line, described).quote)
        brackets = "".join(PAIRS[bracket] for _, bracket in reversed(left.openers))
        closings = [left.quote + brackets] if left.quote or brackets else []
        for closing in (*closings, *described.layout.finishers):
            tree = self.tree_with(text, closing)
            if tree is not None and not tree.has_defects:
                return tree
        return None


def _shorter(text: str, keywords: frozenset[str]) -> Iterator[str]:
    """Beginnings of a text, longest first: by line, then the first line by token; no keyword all alone."""
    lines = split_lines(text)
    for count in range(len(lines) - 1, 0, -1):
        shorter = "".join(lines[:count]).rstrip()
        if shorter.strip():
            yield shorter
    first = without_end(lines[0])
    ends = [found.end() for found in _TOKEN.finditer(first)]
    for end in reversed(ends[:-1]):
        shorter = first[:end].rstrip()
        if _DANGLING.search(shorter) and shorter.strip() not in keywords:
            yield shorter
