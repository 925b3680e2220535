"""Holes of every kind that people type, cut from finished files.

A hole takes the authors' text from the cursor to `end` away, as if they were about to write it. Where the
editor closed brackets or quotes, those closers stand right of the cursor: they are characters of the text
that was taken away, and what the authors wrote between and behind them is missing as well.

- rest, word, string, comment: the rest of a line, from between two tokens, or from inside a word, a string
  or a comment
- line: a whole line but for its indentation
- block: the lines of a block whose header stands above; opened: the same, the cursor at the header's end
- construct: a statement of several lines from inside its first line, its closing line included
- group: lines that belong together without a header: a paragraph between blank lines (a function, a test, a
  table), an element's children, an entry of a list
- argument, generics: what stands between a pair of brackets in one line, with the code behind it
- middle: the middle of an expression, with code behind it
- closers, angles, quotes: inside brackets, type arguments, a string that the editor closed, in one line
- lambda: the same over several lines: function literals, object literals, long calls

No hole: where the line that follows says the same as the hole's first (nobody can tell which of the two is
missing), where its lines end in blanks (the product rightly drops those), or, among the kinds with an
editor's closers, where the lines below are the body of the line with the hole.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterator

import attrs
from foretype.context.languages import language
from foretype.tests.truth.code import PAIRS, Code, read
from foretype.tests.truth.corpus import File
from foretype.tests.truth.cuts import CLOSED, KINDS, Lines

LONGEST = 160
LAYOUTS = ("lf", "crlf", "tabs", "no-eol")


@attrs.frozen
class Hole:
    """One place.

    Attributes:
        source, path, language: of the file.
        kind: see the module.
        layout: "lf", "crlf", "tabs" or "no-eol": how the file was made to look.
        code: the finished file as the authors have it, with LF.
        start: the cursor, in code points.
        end: where the document goes on.
        closers: where in the finished file the closers stand that the editor put right of the cursor.
    """

    source: str
    path: str
    language: str
    kind: str
    layout: str
    code: Code = attrs.field(repr=False)
    start: int
    end: int
    closers: tuple[int, ...] = ()

    @property
    def wanted(self) -> str:
        """What the authors wrote from the cursor to where the document goes on."""
        return self.code.text[self.start : self.end]

    @property
    def text(self) -> str:
        """The document with the hole, with LF."""
        finished = self.code.text
        return finished[: self.start] + self.right + finished[self.end :]

    @property
    def right(self) -> str:
        """The closers right of the cursor."""
        return "".join(self.code.text[at] for at in self.closers)

    @property
    def rest(self) -> str:
        """What stands right of the cursor on its line."""
        return (self.right + self.code.text[self.end :]).split("\n", 1)[0]

    @property
    def adjacent(self) -> bool:
        """Whether the closers stand side by side in the authors' text: then an answer may end before them."""
        return bool(self.closers) and self.closers[-1] - self.closers[0] == len(self.closers) - 1

    @property
    def name(self) -> str:
        """A name that stays."""
        line = self.code.text.count("\n", 0, self.start) + 1
        return f"{self.source}/{self.path}:{line} {self.kind} {self.layout}"


def holes(file: File, each: int, kinds: Collection[str] = ()) -> Iterator[Hole]:
    """At most `each` holes of every kind (or of some kinds) in one file, always the same ones."""
    layout = _layout_of(file)
    code = read(_laid_out(file.text, layout, file.language), file.language)
    if code is None or (language(file.language).grammar is not None and not code.sound):
        return
    lines = Lines(code.text)
    for kind, cuts in KINDS.items():
        if kinds and kind not in kinds:
            continue
        chance = random.Random(f"{file.key} {kind}")
        found = 0
        for number, cut in enumerate(cuts(code, lines, chance)):
            hole = Hole(
                file.source, file.path, file.language, kind, layout, code, cut.start, cut.end, cut.closers
            )
            if _is_fair(hole):
                yield hole
                found += 1
            if found >= each or number > 20 * each:
                break


def _is_fair(hole: Hole) -> bool:
    wanted = hole.wanted
    if (
        not wanted.strip()
        or (len(wanted) > LONGEST and "\n" not in wanted)
        or re.search(r"[ \t]+(?:\n|$)", wanted)
    ):
        return False
    if len(re.sub(r"\W", "", wanted)) < 1 or hole.end <= hole.start:
        return False
    if hole.kind in CLOSED and (_has_body_below(hole) or _is_in_a_code_span(hole)):
        return False
    following = hole.code.text[hole.end :].lstrip("\n").split("\n", 1)
    below = (
        hole.code.text[hole.end :].split("\n", 1)[-1].strip().split("\n")[0].strip()
        if len(following) > 1
        else ""
    )
    behind = hole.code.text[hole.end :].split("\n", 1)[0]
    line = hole.code.text[hole.code.text.rfind("\n", 0, hole.start) + 1 : hole.start] + wanted + behind
    first = next((each.strip() for each in wanted.split("\n") if each.strip()), "")
    return line.split("\n")[0].strip() != below and first != below


def _is_in_a_code_span(hole: Hole) -> bool:
    """Whether brackets of Markdown's line may be quoted: no editor closes those."""
    start = hole.code.text.rfind("\n", 0, hole.start) + 1
    return hole.language == "markdown" and "`" in hole.code.text[start : hole.start] + hole.wanted


def _has_body_below(hole: Hole) -> bool:
    """Whether what stands below belongs to the line with the hole: nobody writes a header for a body."""
    lines = Lines(hole.code.text)
    number = lines.at(hole.end) + 1
    while number < len(lines.starts) and lines.indent(number) < 0:
        number += 1
    return number < len(lines.starts) and lines.indent(number) > lines.indent(lines.at(hole.start))


def _layout_of(file: File) -> str:
    number = sum(file.key.encode()) % 10
    return LAYOUTS[max(0, number - 6)] if number > 6 else "lf"


def _laid_out(text: str, layout: str, language_id: str) -> str:
    if layout == "no-eol":
        return text.rstrip("\n")
    if layout == "tabs" and language_id not in {"yaml", "markdown"}:
        steps = [len(found.group(1)) for found in re.finditer(r"^( +)\S", text, re.MULTILINE)]
        unit = min(steps, default=0)
        if unit in {2, 4, 8} and all(step % unit == 0 for step in steps):
            return re.sub(r"^ +", lambda found: "\t" * (len(found.group()) // unit), text, flags=re.MULTILINE)
    return text


def is_opener(character: str) -> bool:
    """Whether an editor that closes brackets would close this one."""
    return character in PAIRS and character != "<"
