"""Holes: places in real code where something was taken out, as a user would have it in front of them.

Three kinds: the rest of a line from somewhere inside it, often in the middle of a word, sometimes with the
closing brackets that an editor puts right of the cursor; a whole line; and the body of a block whose header
was just typed. Which holes is decided by a seed; the same corpus and seed give the same holes. A hole in
which foretype would not ask the model unasked is no hole.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections.abc import Callable, Iterator

import attrs
from foretype.context.prompt.rules import should_trigger
from foretype.context.syntax.cursor_lines import cursor_lines
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.tests.quality.corpus import Source, files, sources, unpacked
from foretype.tests.quality.lexing import masked

KINDS = ("rest", "line", "block")
CLOSERS = {"(": ")", "[": "]", "{": "}"}
LONGEST = 120
MOST_BODY_LINES = 10
PER_FILE = 2
CLOSED_SHARE = 1 / 3

_TOKEN = re.compile(r"\w+|[^\w\s]")
_IMPORT = re.compile(r"\s*(?:import|from|use|pub use|#\s*include|export \*|export \{)\b")


@attrs.frozen
class Hole:
    """One place.

    Attributes:
        source: the package's name.
        path: the file, relative to its repository.
        language: the editor's language identifier.
        kind: "rest", "line" or "block".
        text: the document with the hole.
        offset: the cursor, in code points.
        original: the document as its authors wrote it.
        held_out: it was not looked at when rules were made: half of all files, by a hash of their name.
    """

    source: str
    path: str
    language: str
    kind: str
    text: str
    offset: int
    original: str
    held_out: bool

    @property
    def name(self) -> str:
        """A name that stays."""
        return f"{self.source}/{self.path}:{self.text.count(chr(10), 0, self.offset) + 1}:{self.kind}"

    @property
    def tail(self) -> int:
        """Code points from the end of the cursor's line to the text's end: the same before and after."""
        end = self.text.find("\n", self.offset)
        return 0 if end < 0 else len(self.text) - end

    @property
    def expected(self) -> str:
        """What its authors have from the cursor to where the document goes on."""
        return self.original[self.offset : len(self.original) - self.tail]

    def snapshot(self) -> Snapshot:
        """The document as foretype sees it."""
        return Snapshot("", self.path, self.language, self.text, tree=parse(self.text, self.language))


@attrs.frozen
class _Cut:
    text: str
    offset: int


def cut_rest(text: str, code: str, start: int, end: int, chance: random.Random) -> _Cut | None:
    """Take away the rest of a line from somewhere inside it."""
    tokens = list(_TOKEN.finditer(code, start, end))
    places: list[int] = []
    for before, token in itertools.pairwise(tokens):
        places += [before.end(), token.start()]
        if token.group().isidentifier() and len(token.group()) > 3:
            places.append(token.start() + chance.randint(1, 3))
    places = [at for at in dict.fromkeys(places) if re.search(r"\w.*\w|\w\W", text[at:end])]
    if not places:
        return None
    at = chance.choice(places)
    if code[at : at + 1].isspace() != text[at : at + 1].isspace():
        return None  # in a string or a comment
    right = ""
    if chance.random() < CLOSED_SHARE:
        opened: list[str] = []
        for character in code[start:at]:
            if character in CLOSERS:
                opened.append(CLOSERS[character])
            elif opened and character == opened[-1]:
                opened.pop()
        right = "".join(reversed(opened))
    return _Cut(text[:at] + right + text[end:], at)


def cut_line(text: str, code: str, start: int, end: int, chance: random.Random) -> _Cut | None:
    """Take away a line but for its indentation."""
    del code, chance
    at = start + len(text[start:end]) - len(text[start:end].lstrip())
    return _Cut(text[:at] + text[end:], at)


def cut_block(text: str, code: str, start: int, end: int, chance: random.Random) -> _Cut | None:
    """Take away the body of the block that the line opens; the cursor stands at the body's indentation."""
    del chance
    if not code[start:end].rstrip().endswith((":", "{")):
        return None
    indent = _indent(text[start:end])
    at, body_end, count, first = end + 1, end, 0, ""
    while at < len(text):
        line_end = text.find("\n", at)
        line_end = len(text) if line_end < 0 else line_end
        line = text[at:line_end]
        if line.strip():
            if _indent(line) <= indent:
                break
            if not count and not code[at:line_end].strip():
                return None  # begins with a comment or a docstring: nobody could guess it
            first, body_end, count = first or line, line_end, count + 1
        at = line_end + 1
    closed = text[at : at + LONGEST].lstrip().startswith("}") or code[start:end].rstrip().endswith(":")
    if not 2 <= count <= MOST_BODY_LINES or not closed:
        return None
    cursor = end + 1 + len(first) - len(first.lstrip())
    return _Cut(text[:cursor] + text[body_end:], cursor)


_CUTS: dict[str, Callable[[str, str, int, int, random.Random], _Cut | None]] = {
    "rest": cut_rest,
    "line": cut_line,
    "block": cut_block,
}


def _indent(line: str) -> int:
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())


def lines_of_code(text: str, code: str) -> Iterator[tuple[int, int]]:
    """Starts and ends of the lines that are code and say something."""
    at = 0
    for number, line in enumerate(text.split("\n")):
        start, end = at, at + len(line)
        at = end + 1
        letters = sum(character.isalnum() for character in code[start:end])
        if number >= 5 and letters >= 3 and len(line) <= LONGEST and not _IMPORT.match(line):
            yield start, end


def is_held_out(source: str, path: str) -> bool:
    """Whether a file belongs to the half that rules are not made on."""
    return hashlib.sha256(f"{source}/{path}".encode()).digest()[0] % 2 == 1


def holes_in(source: Source, path: str, text: str, kind: str, chance: random.Random) -> Hole | None:
    """A hole of one kind in a file, or None where there is no good place."""
    code = masked(text, source.language)
    lines = list(lines_of_code(text, code))
    chance.shuffle(lines)
    for start, end in lines[:40]:
        cut = _CUTS[kind](text, code, start, end, chance)
        if cut is None:
            continue
        hole = Hole(
            source.name,
            path,
            source.language,
            kind,
            cut.text,
            cut.offset,
            text,
            is_held_out(source.name, path),
        )
        if hole.expected.strip() and _is_sampled(hole):
            return hole
    return None


def _is_sampled(hole: Hole) -> bool:
    """Whether something is suggested at a hole without being asked for, by the rules of the first sample.

    Behind closing brackets nothing was asked for then. Now it is, but a yardstick stays as it is: `triggers`
    looks there.
    """
    snapshot = hole.snapshot()
    place = cursor_lines(snapshot, hole.offset)
    ended = place.before.endswith((")", "]", "}", ";")) and not place.after.strip() and not place.prose
    return not ended and should_trigger(snapshot, hole.offset, invoked=False).trigger


def sample(count: int, seed: int) -> list[Hole]:
    """About `count` holes, spread evenly over languages, kinds and repositories; never fewer than exist.

    A larger sample of one seed holds the smaller ones.
    """
    by_language: dict[str, list[Iterator[Hole]]] = {}
    for source in sources():
        by_language.setdefault(source.language, []).append(_endless(source, seed))
    found: list[Hole] = []
    turns = [_in_turn(streams) for streams in by_language.values()]
    while len(found) < count and turns:
        for turn in list(turns):
            hole = next(turn, None)
            if hole is None:
                turns.remove(turn)
            else:
                found.append(hole)
    return found[:count]


def _in_turn(streams: list[Iterator[Hole]]) -> Iterator[Hole]:
    waiting = list(streams)
    while waiting:
        for stream in list(waiting):
            hole = next(stream, None)
            if hole is None:
                waiting.remove(stream)
            else:
                yield hole


def _endless(source: Source, seed: int) -> Iterator[Hole]:
    """The holes of one repository, kinds in turn, no place twice, until its files are used up."""
    chance = random.Random(f"{seed} {source.name}")
    waiting = list(files(unpacked(source), source.language)) * PER_FILE
    chance.shuffle(waiting)
    seen: set[tuple[str, int]] = set()
    number = chance.randrange(3)
    for path, text in waiting:
        hole = holes_in(source, path, text, KINDS[number % 3], chance)
        if hole is None or (path, hole.offset) in seen:
            continue
        seen.add((path, hole.offset))
        number += 1
        yield hole
