"""Whether a completion parses in the definition around the cursor, which alone is parsed again.

Code may be unfinished where nothing follows the cursor in its line: what is open, in the completion or left
of it, is closed for the parser. In front of something that stays, a completion has to be whole. Names are not
looked at, and what can't be decided, above all where the code was broken before, counts as sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from ..syntax.excerpt import Piece
from ..syntax.snapshot import Snapshot
from ..syntax.tree import SyntaxTree
from ..text.brackets import PAIRS, balance
from ..text.lines import line_end, line_start, newline_of, next_line_start, split_lines, without_end
from .allowance import Allowance
from .closers import Line, closed, meet_closers
from .name_checks import NameCheck

_MOST_PROBES = 24
_NEAR = 300
"""Code points from the cursor within which broken code says nothing about a completion."""
_ANYTHING = ("x", "")
_WORD_END = re.compile(r"\w+$")
_TAG = re.compile(
    r"(?<![\w.])<(?P<closes>/?)(?P<name>[A-Za-z][\w.]*(?=[\s/>])|(?=>))(?:=>|[^<>])*?(?P<empty>/?)>"
)
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_DANGLING = re.compile(r"(\w|[)\]}\"'`;])$")


@attrs.frozen
class Probe:
    """A text that was put in place.

    Attributes:
        text: what is left of it.
        replace_right: code points right of the cursor that this replaces.
        tree: its sound tree; None where there is none.
    """

    text: str
    replace_right: int
    tree: SyntaxTree | None


@attrs.frozen
class Bench:
    """The place where completions are tried.

    Attributes:
        snapshot: the document.
        piece: the part of it that is parsed.
        text: the completion.
        replace_right: code points right of the cursor that the whole completion replaces.
        allowance: how long it may take; where that is over, `OutOfTimeError` is raised.
        nearby: only what stands near the cursor has to parse, since something far from it doesn't.
    """

    snapshot: Snapshot
    piece: Piece
    text: str
    replace_right: int
    allowance: Allowance
    nearby: bool = False

    @property
    def line(self) -> Line:
        """The cursor's line."""
        before, after = self.piece.before, self.piece.after
        start, end = line_start(before, len(before)), line_end(after, 0)
        return Line(before[start:], after[:end], self.snapshot.described, newline_of(before))

    def replaced_by(self, text: str) -> int:
        """How many code points right of the cursor a beginning of the completion replaces."""
        if not text or text == self.text or not self.replace_right:
            return self.replace_right if text else 0
        return min(self.replace_right, meet_closers(text, self.line, ended=True)[1])

    def stands_free(self, text: str) -> bool:
        """Whether nothing is left in the cursor's line behind a text, so that it may be unfinished."""
        return not self.line.after[self.replaced_by(text) :].strip()

    def sound_beginning(self, text: str) -> Probe:
        """The longest beginning of `text` that parses in its place, or could if it went on."""
        tree = self._tree_with(text)
        found = self._sound_or_finished(text, tree)
        if found is not None:
            return found
        without, at = self._without_the_line()
        if without is None or without.has_defects:
            return self._probe_nearby(text, tree, without, at)
        if not self._can_be_finished():
            return self._probe(text, self._sound_here(tree, text))
        return self._shortened(text)

    def _probe_nearby(self, text: str, tree: SyntaxTree | None, without: SyntaxTree | None, at: int) -> Probe:
        """A completion in code that is broken anyway: checked where what is broken is far from the cursor.

        Only a whole document can say so: the edges of a part of one are broken where nobody has broken them.
        """
        nearby = attrs.evolve(self, nearby=True)
        whole = len(self.piece.before) + len(self.piece.after) == len(self.snapshot.text)
        anyway = self._probe(text, self._sound_here(tree, text))
        if not whole or without is None or not nearby._is_sound(without, "", at):  # noqa: SLF001 - another Bench
            return anyway
        return nearby._beginning_nearby(text, tree) or anyway  # noqa: SLF001

    def _beginning_nearby(self, text: str, tree: SyntaxTree | None) -> Probe | None:
        """The longest beginning that parses, as far as the code nearby says; None where that says nothing."""
        found = self._sound_or_finished(text, tree)
        # Around lines for a preprocessor one defect brings others, so that nothing is cut for those nearby.
        unreliable = self.snapshot.described.layout.unindented or not self._breaks_inside(tree, text)
        if found is not None or unreliable or not self._can_be_finished():
            return found
        return self._shortened(text)

    def _sound_or_finished(self, text: str, tree: SyntaxTree | None) -> Probe | None:
        """A text that parses in its place, as its `tree` says, or does with what is left open closed."""
        if self._is_sound(tree, text):
            return self._probe(text, tree)
        return self._finished(text, self.snapshot.described.layout.finishers)

    def _shortened(self, text: str) -> Probe:
        """The longest shorter beginning that parses."""
        described = self.snapshot.described
        for number, shorter in enumerate(_shorter(text, described.keywords)):
            if number >= _MOST_PROBES:
                break
            tree = self._tree_with(shorter)
            if self._is_sound(tree, shorter):
                return self._probe(shorter, tree)
            found = self._finished(shorter, described.layout.finishers[:1])
            if found is not None:
                return found
        return Probe("", 0, None)

    def closed_lines(self, text: str) -> Probe:
        """Whole lines of a completion, closed where something follows; none where that can't be."""
        if self.stands_free(text):
            return self.sound_beginning(text)
        whole = closed(text, self._line_behind(text))
        tree = self._tree_with(whole) if whole else None
        if not whole or not self._is_sound(tree, whole):
            return Probe("", 0, None)
        return self._probe(whole, tree)

    def may_bind_later(self, text: str, check: NameCheck) -> bool:
        """Whether names count as known once the line goes on as it may: `(a, b` as parameters of `=>`."""
        if self.stands_free(text):
            return False
        for finish in self.snapshot.described.layout.late_binders:
            tree = self._tree_with(text, self._missing(text) + finish)
            if tree is not None and not tree.has_defects:
                return attrs.evolve(check, tree=tree).first_unknown() is None
        return False

    def _probe(self, text: str, tree: SyntaxTree | None) -> Probe:
        return Probe(text, self.replaced_by(text), tree)

    def _line_behind(self, text: str) -> Line:
        return attrs.evolve(self.line, after=self.line.after[self.replaced_by(text) :])

    def _tree_with(self, text: str, finish: str = "") -> SyntaxTree | None:
        """The piece's tree with a text in place, and `finish` at the end of the cursor's line."""
        after = self.piece.after[self.replaced_by(text) :]
        end = line_end(after, 0) if finish else 0
        finished = after[:end] + finish + after[end:]
        return self.allowance.parse(self.piece.before + text + finished, self.snapshot)

    def _finished(self, text: str, finishers: tuple[str, ...]) -> Probe | None:
        """A sound tree with what is left open closed: then the text is unfinished, not wrong."""
        whole = text if self.stands_free(text) else closed(text, self._line_behind(text))
        if whole is None:
            return None
        if whole.rstrip().endswith(","):
            tree = self._tree_with(whole.rstrip()[:-1], self._missing(whole))
            if tree is not None and self._is_sound(tree, whole):
                return self._probe(whole, tree)
        missing = self._missing(whole)
        for finish in (missing, *(missing + finisher for finisher in finishers), *finishers):
            if not finish and whole == text:
                continue
            tree = self._tree_with(whole, finish)
            if tree is not None and self._is_sound(tree, whole):
                return self._probe(whole, tree)
        if not self.stands_free(text) and not balance(whole, self.snapshot.described).openers:
            for finisher in finishers[:2]:  # an unfinished statement in front of a closer
                tree = self._tree_with(whole + finisher)
                if tree is not None and self._is_sound(tree, whole):
                    return self._probe(whole, tree)
        return None

    def _missing(self, text: str) -> str:
        """The closers that neither the text nor what follows it brings, innermost first."""
        described = self.snapshot.described
        after = self.piece.after[self.replaced_by(text) :]
        end = line_end(after, 0)
        here = balance(self.piece.before + text + after[:end], described)
        behind = len([closer for _, closer in balance(after[end:], described).closers if closer in ")]}"])
        openers = [bracket for _, bracket in here.openers]
        brackets = "".join(PAIRS[bracket] for bracket in reversed(openers[behind:]))
        return here.quote + (_open_tags(text) if described.layout.tags else "") + brackets

    def _without_the_line(self) -> tuple[SyntaxTree | None, int]:
        """The piece's tree without the line that is being typed, and where that line would begin in it."""
        before, after = self.piece.before, self.piece.after
        start = line_start(before, len(before))
        return self.allowance.parse(before[:start] + after[next_line_start(after, 0) :], self.snapshot), start

    def _can_be_finished(self) -> bool:
        """Whether anything at all would be sound here: not in a line whose end is yet to be written."""
        finishers = self.snapshot.described.layout.finishers
        typed = _WORD_END.search(self.piece.before)
        apart = " " if typed and typed.group() in self.snapshot.described.keywords else ""
        for text in (f"{apart}{each}" for each in _ANYTHING):
            missing = self._missing(text)
            for finish in ("", missing, *(missing + finisher for finisher in finishers)):
                if self._is_sound(self._tree_with(text, finish), text):
                    return True
        return False

    def _is_sound(self, tree: SyntaxTree | None, text: str, at: int = -1) -> bool:
        """Whether a tree has no defects, or none near the place where `text` stands in it."""
        if tree is None or not tree.has_defects:
            return True
        start = len(self.piece.before) if at < 0 else at
        # What is left open may be reported at the end of the piece, far away.
        if not self.nearby or not (self.stands_free(text) or self.line.balance(text).is_closed):
            return False
        return not tree.defects(max(start - _NEAR, 0), start + len(text) + _NEAR, 1)

    def _breaks_inside(self, tree: SyntaxTree | None, text: str) -> bool:
        """Whether a part of a text doesn't parse, rather than what stands before or behind it."""
        start = len(self.piece.before)
        return tree is not None and bool(tree.defects(start + 1, start + len(text.rstrip()) - 1, 1))

    def _sound_here(self, tree: SyntaxTree | None, text: str) -> SyntaxTree | None:
        """The tree, where its defects are elsewhere: good enough for names."""
        start = len(self.piece.before)
        return None if tree is None or tree.defects(start, start + len(text), 1) else tree


def _open_tags(text: str) -> str:
    """What closes the elements that a text opens and doesn't close, innermost first."""
    opened: list[str] = []
    for found in _TAG.finditer(text):
        if found["closes"] and opened:
            opened.pop()
        elif not found["closes"] and not found["empty"]:
            opened.append(found["name"])
    return "".join(f"</{name}>" for name in reversed(opened))


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
