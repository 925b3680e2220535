"""Holes of every kind that people type, cut from finished files.

A hole takes the authors' text from the cursor to `end` away, as if they were about to write it. Where the
editor closed brackets or quotes, those closers stand right of the cursor: they are characters of the text
that was taken away, and what the authors wrote between and behind them is missing as well.

- rest, word, string, comment: the rest of a line, from between two tokens, or from inside a word, a string
  or a comment
- line: a whole line but for its indentation
- block: the lines of a block whose header stands above; opened: the same, the cursor at the header's end
- construct: a statement of several lines from inside its first line, its closing line included
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
from collections.abc import Callable, Collection, Iterator

import attrs
from foretype.context.languages import language

from .code import PAIRS, Code, Token, read
from .corpus import File

LONGEST = 160
MOST_LINES = 12
LAYOUTS = ("lf", "crlf", "tabs", "no-eol")
_WORDED_HEADERS = re.compile(
    r"\b(?:then|do|else|repeat|in|begin|function\s*[\w.:]*\s*\([^()]*\)|\|[\w, ]*\|)$"
    r"|^\s*(?:def|class|module|if|unless|while|for|case|elif|elsif|when)\b"
)


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


@attrs.frozen
class Cut:
    """A place for a hole, not yet looked at closely."""

    start: int
    end: int
    closers: tuple[int, ...] = ()


@attrs.define
class Lines:
    """The lines of a file: where each begins, and where what it says begins and ends."""

    text: str
    starts: list[int] = attrs.field(factory=list[int])

    def __attrs_post_init__(self) -> None:
        self.starts = [0, *(found.end() for found in re.finditer("\n", self.text))]

    def said(self, number: int) -> tuple[int, int]:
        """Where a line's first and behind its last character that isn't blank; both at its end when blank."""
        start = self.starts[number]
        end = self.text.find("\n", start)
        line = self.text[start : len(self.text) if end < 0 else end]
        return start + len(line) - len(line.lstrip()), start + len(line.rstrip())

    def indent(self, number: int) -> int:
        start, end = self.said(number)
        return -1 if start == end else len(self.text[self.starts[number] : start].expandtabs(4))

    def at(self, offset: int) -> int:
        return self.text.count("\n", 0, offset)

    def end_of(self, offset: int) -> int:
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end


def _tokens_on(code: Code, start: int, end: int) -> list[Token]:
    return [token for token in code.tokens if start <= token.start and token.end <= end]


def _lines_with(code: Code, lines: Lines, chance: random.Random) -> Iterator[tuple[int, list[Token]]]:
    """Lines that say something, in an order of chance, with their tokens."""
    numbers = list(range(len(lines.starts)))
    chance.shuffle(numbers)
    by_line: dict[int, list[Token]] = {}
    number = 0
    for token in code.tokens:
        while number + 1 < len(lines.starts) and lines.starts[number + 1] <= token.start:
            number += 1
        by_line.setdefault(number, []).append(token)
    for number in numbers:
        if by_line.get(number):
            yield number, by_line[number]


def _rests(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    for number, tokens in _lines_with(code, lines, chance):
        places = [token.start for token in tokens[1:] if not token.prose]
        places += [token.end for token in tokens[:-1] if not token.prose]
        if places:
            yield Cut(chance.choice(places), lines.said(number)[1])


def _inside(prose: str) -> Callable[[Code, Lines, random.Random], Iterator[Cut]]:
    def cuts(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
        for number, tokens in _lines_with(code, lines, chance):
            words = [
                token
                for token in tokens
                if token.prose == prose
                and token.end - token.start > 2
                and "\n" not in code.text[token.start : token.end]
            ]
            if words:
                word = chance.choice(words)
                inside = chance.randint(1, word.end - word.start - 1)
                at = word.start + (inside if prose == "" or chance.random() < 0.5 else 0)
                yield Cut(at, lines.said(number)[1])

    return cuts


def _whole_lines(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    for number, _ in _lines_with(code, lines, chance):
        yield Cut(*lines.said(number))


def _bodies(code: Code, lines: Lines, chance: random.Random) -> Iterator[tuple[int, int, int]]:
    """(header, first, last) line of whole bodies below lines that open a block."""
    for number, tokens in _lines_with(code, lines, chance):
        header = code.text[slice(*lines.said(number))]
        if tokens[-1].prose or not _opens(header, code.language):
            continue
        last = _end_of_body(lines, number, blank=not language(code.language).layout.indented)
        if last > number and lines.indent(number + 1) > lines.indent(number):
            yield number, number + 1, last


def _end_of_body(lines: Lines, header: int, *, blank: bool) -> int:
    """The last line of the body; `header` where it is too long, or where it has blank lines (not `blank`)."""
    depth, last, skipped = lines.indent(header), header, 0
    for below in range(header + 1, len(lines.starts)):
        indent = lines.indent(below)
        if indent < 0:
            skipped += 1
        elif indent <= depth:
            break
        elif below - header > MOST_LINES or skipped > blank:
            return header
        else:
            last, skipped = below, 0
    return last


def _opens(header: str, language_id: str) -> bool:
    if language_id == "markdown":
        return False
    if header.endswith(("{", "(", "[")):
        return True
    if language_id == "python":
        return header.endswith(":")
    return language_id in {"ruby", "lua", "shellscript"} and _WORDED_HEADERS.search(header) is not None


def _blocks(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    for _, first, last in _bodies(code, lines, chance):
        yield Cut(lines.said(first)[0], lines.said(last)[1])


def _opened(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    for header, _, last in _bodies(code, lines, chance):
        yield Cut(lines.said(header)[1], lines.said(last)[1])


def _constructs(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    for header, _, last in _bodies(code, lines, chance):
        depth = lines.indent(header)
        end = last
        if language(code.language).layout.indented:
            following = last + 1
        else:
            end, following = last + 1, last + 2
            if end >= len(lines.starts) or lines.indent(end) != depth:
                continue
            closing = code.text[slice(*lines.said(end))]
            if re.search(r"[^\])};,]", closing) and closing.rstrip(";,)") not in {
                "end",
                "fi",
                "done",
                "esac",
            }:
                continue
        if following < len(lines.starts) and _goes_on(code.text[slice(*lines.said(following))]):
            continue
        tokens = _tokens_on(code, *lines.said(header))
        at = chance.choice(tokens).start
        yield Cut(at, lines.said(end)[1])


def _goes_on(line: str) -> bool:
    return (
        re.match(r"(?:else|elif|except|finally|catch|case|when|rescue|ensure|elsif|while)\b|[.)\]}?:]", line)
        is not None
    )


def _between(code: Code, chance: random.Random, *, angles: bool) -> Iterator[Cut]:
    for opener, closer in _shuffled(code.closer_of, chance):
        inner = code.text[opener + 1 : closer]
        if inner.strip() and "\n" not in inner and (code.text[opener] == "<") == angles:
            yield Cut(opener + 1, closer)


def _shuffled(pairs: dict[int, int], chance: random.Random) -> list[tuple[int, int]]:
    found = list(pairs.items())
    chance.shuffle(found)
    return found


def _arguments(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    del lines
    return _between(code, chance, angles=False)


def _generics(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    del lines
    return _between(code, chance, angles=True)


def _middles(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    for _, said in _lines_with(code, lines, chance):
        tokens = [token for token in said if not token.prose]
        if len(tokens) < 4:
            continue
        first = chance.randrange(1, len(tokens) - 2)
        last = chance.randrange(first, len(tokens) - 1)
        cut = Cut(tokens[first].start, tokens[last].end)
        balanced = not code.leaves_open(cut.start, cut.end) and not any(
            opener < cut.start <= closer < cut.end for opener, closer in code.closer_of.items()
        )
        if balanced:
            yield cut


def _closed(code: Code, lines: Lines, at: int, several: bool) -> Cut | None:
    """The hole at `at`, when the editor has closed all brackets that were opened before it on its line."""
    begin = lines.starts[lines.at(at)]
    end = lines.end_of(at)
    closers = sorted(closer for opener, closer in code.closer_of.items() if begin <= opener < at <= closer)
    if not closers or closers[0] == at or (closers[-1] >= end) != several:
        return None
    if any(start < at < stop for start, stop in code.texts):
        return None  # its quote would have been closed as well
    last = lines.at(closers[-1])
    if last - lines.at(at) > MOST_LINES:
        return None
    return Cut(at, lines.said(last)[1], tuple(closers))


def _closers(
    code: Code, lines: Lines, chance: random.Random, *, angles: bool, several: bool
) -> Iterator[Cut]:
    for opener, closer in _shuffled(code.closer_of, chance):
        if (code.text[opener] == "<") != angles or ("\n" in code.text[opener:closer]) != several:
            continue
        inside = [
            token.start
            for token in _tokens_on(code, opener + 1, min(closer, lines.end_of(opener)))
            if not token.prose
        ]
        at = opener + 1 if not inside or chance.random() < 0.4 else chance.choice(inside)
        cut = _closed(code, lines, at, several)
        if cut is not None:
            yield cut


def _in_brackets(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    return _closers(code, lines, chance, angles=False, several=False)


def _angles(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    return _closers(code, lines, chance, angles=True, several=False)


def _lambdas(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    return _closers(code, lines, chance, angles=False, several=True)


def _quotes(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    strings = list(code.strings)
    chance.shuffle(strings)
    for start, end in strings:
        at = start + 1 if chance.random() < 0.5 else chance.randrange(start + 1, end - 1)
        if code.text[at - 1] == "\\":
            continue
        begin, line_end = lines.starts[lines.at(at)], lines.end_of(at)
        around = [
            closer for opener, closer in code.closer_of.items() if begin <= opener < start and closer >= end
        ]
        if all(closer < line_end for closer in around):
            yield Cut(at, lines.said(lines.at(at))[1], tuple(sorted((end - 1, *around))))


KINDS: dict[str, Callable[[Code, Lines, random.Random], Iterator[Cut]]] = {
    "rest": _rests,
    "word": _inside(""),
    "string": _inside("string"),
    "comment": _inside("comment"),
    "line": _whole_lines,
    "block": _blocks,
    "opened": _opened,
    "construct": _constructs,
    "argument": _arguments,
    "generics": _generics,
    "middle": _middles,
    "closers": _in_brackets,
    "angles": _angles,
    "quotes": _quotes,
    "lambda": _lambdas,
}
PLAIN = frozenset({"rest", "word", "line", "block", "opened", "construct"})
"""Kinds in code with nothing right of the cursor."""
CLOSED = frozenset({"closers", "angles", "quotes", "lambda"})
"""Kinds with an editor's closers right of the cursor."""


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
    if hole.kind in CLOSED and _has_body_below(hole):
        return False
    following = hole.code.text[hole.end :].lstrip("\n").split("\n", 1)
    below = (
        hole.code.text[hole.end :].split("\n", 1)[-1].strip().split("\n")[0].strip()
        if len(following) > 1
        else ""
    )
    line = hole.code.text[hole.code.text.rfind("\n", 0, hole.start) + 1 : hole.start] + wanted
    return line.split("\n")[0].strip() != below


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
