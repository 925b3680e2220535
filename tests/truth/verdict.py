"""What a shown item is worth: the document after accepting it, against the authors' finished file.

The authors' text from the hole's start is compared with what then stands between the text in front of the
hole and the text behind it. Where the authors' text is there up to some place, the closers that the editor
put there and whose own place lies behind must still stand directly after it, and nothing else.

- exact: all that the answer said, or all of the hole, and what must stand behind it. An answer that the
  token limit cut is never exact.
- beginning: less of it, and sound: in front of other text on its line, what was opened in the text that was
  inserted is closed by just its closers, with blanks between as one likes (in Go, no line break stands in
  front of `)` and `]` without a comma).
- restyled: as exact or beginning, but for the indentation of lines, blank lines, and a blank behind a comma.
  Where indentation has a meaning, lines are as the authors have them: deeper or shallower than the next.
- fitted: restyled, where the authors indent otherwise than in the rest of their file, or the rest shows
  nothing: whoever follows the file can't know. It counts for nothing.
- killed: nothing is shown, although the answer was the authors' text.
- silent: nothing is shown, and rightly: one or two marks, closers that stand there; a stream that has just
  begun; an answer that the token limit cut before there was a whole line, or with text right of the cursor.
- corrupt: anything else. Its `fault`: "outside" (text before or behind the hole changed), "open" (brackets
  left open in front of other text), "closer-lost", "doubled" (text of the document stands twice),
  "extra" (text that the authors have not), "changed".

Line ends are compared as LF (editors write the document's own). Blanks at the end of lines don't count. Where
the answer lacks its first blank, the text without it is as good; so it is behind a bracket. A blank behind a
blank may be the authors' or the tokeniser's: nobody can tell, and either way is as good.
"""

from __future__ import annotations

import itertools
import re

import attrs
from foretype.tests.truth.answers import Answer
from foretype.tests.truth.code import PAIRS
from foretype.tests.truth.editor import State
from foretype.tests.truth.holes import Hole
from foretype.tests.truth.indentation import steps_in, unit_of

EXACT, BEGINNING, RESTYLED, FITTED = "exact", "beginning", "restyled", "fitted"
KILLED, SILENT, CORRUPT = "killed", "silent", "corrupt"
_INDENTED = frozenset({"python", "yaml", "markdown", "haskell"})
_CLOSING = re.compile(r"(?:[\s)\]}>\"'`]|\b(?:end|fi|done|esac)\b)*")
_GO_BREAKS = re.compile(r"[^\s,(\[{]\s*\n\s*[)\]]")
_TRAILING = re.compile(r"[ \t]+(?=\n|$)")


@attrs.frozen
class Verdict:
    """A class and, where it is "corrupt", the fault."""

    outcome: str
    fault: str = ""


def judged(state: State, answer: Answer, applied: str) -> Verdict:
    """The verdict on a document after an item was accepted."""
    verdict = _compared(state, answer, applied, 0)
    lost = answer.lost
    if answer.text[:1] == " " and state.hole.code.text[: state.hole.start].endswith((" ", "\t")):
        lost = max(lost, 1)
    if state.hole.code.text[: state.hole.start].endswith(tuple(PAIRS)):
        lost = max(lost, len(answer.text) - len(answer.text.lstrip(" ")))
    if verdict.outcome in {CORRUPT, RESTYLED, FITTED} and lost > 0:
        other = _compared(state, answer, applied, lost)
        return other if other.outcome != CORRUPT else verdict
    start = state.hole.start
    if verdict.fault == "blanks" and applied[start - 1 : start + 1] == ", ":
        other = _compared(state, answer, applied[:start] + applied[start + 1 :], 0)
        return Verdict(RESTYLED) if other.outcome != CORRUPT else verdict
    return verdict


def unshown(state: State, answer: Answer) -> Verdict:
    """The verdict where nothing is shown."""
    hole = state.hole
    said = answer.text.strip()
    if answer.kind == "streamed":
        return Verdict(SILENT)
    if answer.kind == "cut":
        return Verdict(KILLED if _worth_showing(state, answer) else SILENT)
    bare = said
    for closer in reversed(hole.right.strip()):
        bare = bare.removesuffix(closer).rstrip()
    few = len(bare) <= 2 and not re.search(r"\w", bare)
    return Verdict(SILENT if few else KILLED)


def _worth_showing(state: State, answer: Answer) -> bool:
    """Whether there is something sound to show of an answer that the token limit cut."""
    lines = answer.text.split("\n")
    return not state.rest.strip() and re.search(r"\w.*\w", "\n".join(lines[:-1])) is not None


def _compared(state: State, answer: Answer, applied: str, lost: int) -> Verdict:
    hole = state.hole
    finished = hole.code.text
    start = hole.start
    front, behind = finished[:start], finished[hole.end :]
    if not applied.startswith(front) or not applied.endswith(behind) or len(applied) < len(front + behind):
        return Verdict(CORRUPT, "outside")
    stands = _TRAILING.sub("", applied[start : len(applied) - len(behind)])
    author = finished[start + lost : hole.end]
    limit = min(len(author), max(answer.said - lost, state.typed))
    if _as_far_as(state, author, limit, lost) == stands:
        return Verdict(BEGINNING if answer.limit or answer.kind == "streamed" else EXACT)
    same = _common(author, stands)
    cut = answer.limit > 0 or answer.kind == "streamed"
    for length in range(same, -1, -1):
        if length < limit or cut:
            verdict = _begun(state, author, stands, length, lost)
            if verdict is not None:
                return verdict
        elif _as_far_as(state, author, length, lost) == stands:
            return Verdict(EXACT if length == len(author) else BEGINNING)
        if not _CLOSING.fullmatch(stands, length):
            break
    if _is_restyled(state, author, stands, lost):
        return Verdict(FITTED if _fits(state.hole, author, stands) else RESTYLED)
    return Verdict(CORRUPT, _fault(state, author, stands, same, behind))


def _begun(state: State, author: str, stands: str, length: int, lost: int) -> Verdict | None:
    """The verdict, where what stands is the authors' text up to `length`, properly closed; else None."""
    last = state.hole.start + lost + length
    free = not (state.standing(last) + _behind(state)).strip()
    if free and _as_far_as(state, author, length, lost) == stands:
        return Verdict(BEGINNING)
    firsts = {state.offset + lost, state.hole.start + lost}  # what was typed may be open as well
    if any(_closing(state, first, last, always=True).fullmatch(stands, length) for first in firsts):
        broken = state.hole.language == "go" and _GO_BREAKS.search(stands[max(0, length - 1) :])
        return Verdict(CORRUPT, "line-break") if broken else Verdict(BEGINNING)
    if stands[length:].lstrip() == state.standing(last):
        return Verdict(CORRUPT, "open")
    return None


def _behind(state: State) -> str:
    """What the document goes on with on the hole's line."""
    return state.hole.code.text[state.hole.end :].split("\n", 1)[0]


def _closing(state: State, first: int, last: int, *, always: bool = False) -> re.Pattern[str]:
    """What may follow the authors' text up to `last`: in front of other text, what it opened is closed."""
    if not always and not (state.standing(last) + _behind(state)).strip():
        return re.compile(r"\s*")
    opened = state.hole.code.left_open(first, last, frozenset(state.pending)) if last > first else []
    closers = "".join(rf"\s*{re.escape(closer)}" for closer in opened)
    standing = "".join(rf"\s*{re.escape(closer)}" for closer in state.standing(last))
    return re.compile(closers + standing)


def _is_restyled(state: State, author: str, stands: str, lost: int) -> bool:
    """Whether indentation and blank lines alone make the difference to a sound beginning."""
    if "\n" not in stands:
        return False
    ours, places = _squeezed(author)
    theirs, _ = _squeezed(stands)
    for length in range(_common(ours, theirs), 0, -1):
        last = state.hole.start + lost + places[length]
        first = state.offset + lost
        if any(_closing(state, first, last, always=each).fullmatch(theirs, length) for each in (False, True)):
            return state.hole.language not in _INDENTED or _same_depths(author, stands)
        if not _CLOSING.fullmatch(theirs, length):
            break
    return False


def _fits(hole: Hole, author: str, stands: str) -> bool:
    """Whether the file says nothing for the authors' steps, and what stands keeps which line is deeper."""
    usual = unit_of(hole.code, (hole.start, hole.end))
    own = steps_in(hole.code, hole.start, hole.end)
    otherwise = bool(own - {usual} or not usual) or _are_foreign(author, stands, usual)
    return otherwise and _same_depths(author, stands)


def _are_foreign(author: str, stands: str, usual: str) -> bool:
    """Whether the authors took blanks where their file takes tabs, or tabs for blanks, where it differs."""
    lines = list(zip(author.split("\n")[1:], stands.split("\n")[1:], strict=False))
    if any(one.strip() != other.strip() for one, other in lines[:-1]):
        return False
    differing = [_indent(one) for one, other in lines if _indent(one) != _indent(other)]
    foreign = "  " if usual == "\t" else "\t"
    return bool(differing) and all(foreign in indent for indent in differing)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _squeezed(text: str) -> tuple[str, list[int]]:
    """The text without indentation and blank lines, and where each character stood; the end as well."""
    places: list[int] = []
    for found in re.finditer(r"[ \t]*([^\n]*)(\n?)", text):
        if found.group(1):
            places += range(found.start(1), found.end(2))
    return "".join(text[place] for place in places), [*places, len(text)]


def _same_depths(author: str, stands: str) -> bool:
    theirs = _steps(stands.split("\n")[1:])
    return _steps(author.split("\n")[1:])[: len(theirs)] == theirs


def _steps(lines: list[str]) -> list[int]:
    """Whether each line is deeper than, as deep as or shallower than the one before."""
    depths = [len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip()) for line in lines if line.strip()]
    return [(after > before) - (after < before) for before, after in itertools.pairwise(depths)]


def _as_far_as(state: State, author: str, length: int, lost: int) -> str:
    closers = state.standing(state.hole.start + lost + length)
    return author[:length] + closers if closers else _TRAILING.sub("", author[:length])


def _common(one: str, other: str) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _fault(state: State, author: str, stands: str, same: int, behind: str) -> str:
    closers = state.standing(state.offset)
    if same == len(author):
        more = stands[same:].strip()
        return "doubled" if more and (behind.strip().startswith(more[:8]) or more in closers) else "extra"
    if closers and author.startswith(stands):
        return "closer-lost"
    squeezed = re.sub(r"\s", "", stands)
    if re.sub(r"\s", "", author).startswith(squeezed):
        return "blanks"
    return "changed"
