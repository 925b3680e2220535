"""Places at which a trigger rule keeps silent, made from the corpus: what `triggers` asks about.

A line is typed from left to right, so a cursor behind every `)` of a line is a place where somebody stands,
whether the line goes on there or not: both happen, in the proportion in which authors have it. Where a rule
is about what stands right of the cursor, something was taken out in front of that: the most favourable case,
since where nothing is missing nothing can be right.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import attrs
from foretype.context.prompt.rules import TriggerRule
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.context.text.brackets import balance
from foretype.tests.quality.corpus import Source, files, sources, unpacked
from foretype.tests.quality.holes import is_held_out, lines_of_code
from foretype.tests.quality.lexing import masked

CLOSERS = ")]};"
FILES = 40
"""Files of a source that are looked at, at most."""
LINES = 40
"""Lines of a file that are looked at, at most."""
_LONG = 2000
_TOKEN = re.compile(r"\w+|[^\w\s]")
_MOST_TAKEN_OUT = 4
_LONG_LINES_IN = {".json": "json", ".js": "javascript", ".rs": "rust", ".ts": "typescript", ".py": "python"}


@attrs.frozen
class Silence:
    """A place.

    Attributes:
        rule: the trigger rule that it is made for.
        group: what of the rule's places are told apart: the character before the cursor.
        source: the package's name.
        path: the file, relative to its repository.
        language: the editor's language identifier.
        text: the document.
        offset: the cursor, in code points.
        missing: what its authors have there and the document hasn't; "" where nothing is missing.
        held_out: it belongs to the half of the files that rules are not made on.
    """

    rule: TriggerRule
    group: str
    source: str
    path: str
    language: str
    text: str
    offset: int
    missing: str
    held_out: bool

    def snapshot(self) -> Snapshot:
        """The document as foretype sees it."""
        return Snapshot("", self.path, self.language, self.text, tree=parse(self.text, self.language))

    def is_exact(self, text: str, replace_right: int) -> bool:
        """Whether a suggestion is what the authors wrote there; of several lines, the first."""
        right = self.text[self.offset : self.offset + replace_right]
        wanted = (self.missing + right).split("\n")[0].rstrip()
        said = text.split("\n", 1)[0].rstrip()
        return bool(text.strip()) and bool(self.missing.strip()) and said == wanted


def silences(seed: int) -> Iterator[Silence]:
    """The places of every rule, sources in turn, as many of each file as it has among its first lines."""
    for source in sources():
        chance = random.Random(f"{seed} {source.name}")
        found = list(files(unpacked(source), source.language))
        chance.shuffle(found)
        for path, text in found[:FILES]:
            yield from silences_of(source, path, text, chance)
        yield from _in_long_lines(source, chance)


def silences_of(source: Source, path: str, text: str, chance: random.Random) -> Iterator[Silence]:
    """The places in one file."""
    made = _Maker(source.name, path, source.language, is_held_out(source.name, path))
    code = masked(text, source.language)
    lines = list(lines_of_code(text, code))
    chance.shuffle(lines)
    for start, end in lines[:LINES]:
        yield from made.behind_closers(text, code, start, end)
        yield from made.before_words(text, code, start, end, chance)
        yield from made.before_the_code(text, code, start, end)
    yield made.place(TriggerRule.NOTHING, "", "", 0, text)


def _in_long_lines(source: Source, chance: random.Random) -> Iterator[Silence]:
    root = unpacked(source)
    for file in sorted(root.rglob("*")):
        if file.suffix not in _LONG_LINES_IN or not file.is_file():
            continue
        text, path = file.read_text("utf-8", errors="ignore"), file.relative_to(root).as_posix()
        made = _Maker(source.name, path, _LONG_LINES_IN[file.suffix], is_held_out(source.name, path))
        for found in re.finditer(rf"^.{{{_LONG + 100},}}$", text[:200_000], re.MULTILINE):
            at = found.start() + _LONG + chance.randrange(1, len(found.group()) - _LONG - 40)
            word = _TOKEN.search(text, at)
            if word is not None and word.end() < found.end():
                cut = text[: word.end()] + text[found.end() :]
                yield made.place(TriggerRule.LONG_LINE, "", cut, word.end(), text[word.end() : found.end()])


@attrs.frozen
class _Maker:
    """The file that places are made in."""

    source: str
    path: str
    language: str
    held_out: bool

    def place(self, rule: TriggerRule, group: str, text: str, offset: int, missing: str) -> Silence:
        return Silence(
            rule, group, self.source, self.path, self.language, text, offset, missing, self.held_out
        )

    def behind_closers(self, text: str, code: str, start: int, end: int) -> Iterator[Silence]:
        """A cursor behind each closing mark of a line, as the line is typed."""
        described = Snapshot("", self.path, self.language, "").described
        for at in range(start, end):
            if code[at] in CLOSERS:
                cut = text[: at + 1] + text[end:]
                inside = bool(balance(text[start : at + 1], described).openers)
                group = f"{code[at]} in brackets" if inside else code[at]
                yield self.place(TriggerRule.FINISHED, group, cut, at + 1, text[at + 1 : end].rstrip())

    def before_words(
        self, text: str, code: str, start: int, end: int, chance: random.Random
    ) -> Iterator[Silence]:
        """A cursor before a word, or in one, where up to `_MOST_TAKEN_OUT` tokens were taken out."""
        tokens = list(_TOKEN.finditer(code, start, end))
        words = [number for number, token in enumerate(tokens) if number and _in_word(token.group()[0])]
        if not words:
            return
        number = chance.choice(words)
        word = tokens[number]
        if len(word.group()) > 3 and chance.random() < 1 / 2:  # noqa: PLR2004 - a word that can be halved
            first, last = word.start() + 1, word.end() - 1
        else:
            first = tokens[max(0, number - chance.randint(1, _MOST_TAKEN_OUT))].start()
            last = word.start()
        cut = text[:first] + text[last:]
        if text[first:last].strip() and text[start:first].strip():
            yield self.place(TriggerRule.INSIDE_WORD, "", cut, first, text[first:last])

    def before_the_code(self, text: str, code: str, start: int, end: int) -> Iterator[Silence]:
        """A cursor at the indentation, where a line's first word was taken out."""
        tokens = list(_TOKEN.finditer(code, start, end))
        if len(tokens) > 2 and _in_word(tokens[0].group()[0]):  # noqa: PLR2004 - something must be left
            first, last = tokens[0].start(), tokens[0].end()
            yield self.place(TriggerRule.BEFORE_CODE, "", text[:first] + text[last:], first, text[first:last])


def _in_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
