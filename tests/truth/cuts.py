"""Where holes may be: for each kind of hole, its places in a file, in an order of chance.

A place is a stretch to take away, and which of its characters stay as closers that an editor put there.
Whether it is fair to ask for it, `holes` decides.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

import attrs
from foretype.context.languages import language
from foretype.tests.truth.code import Code, Token

MOST_LINES = 12
_TAG = re.compile(r"<(?!/)[\w.:-]+(?:\s(?:=>|[^<>])*)?(?<!/)>")
_WORDED_HEADERS = re.compile(
    r"\b(?:then|do|else|repeat|in|begin|function\s*[\w.:]*\s*\([^()]*\)|\|[\w, ]*\|)$"
    r"|^\s*(?:def|class|module|if|unless|while|for|case|elif|elsif|when)\b"
)
_HEADERS = {
    **dict.fromkeys(("ruby", "lua", "shellscript", "julia"), _WORDED_HEADERS),
    "elixir": re.compile(r"(?:\b(?:do|fn|else|after|rescue|catch)|->)$"),
    "python": re.compile(r":$"),
    "haskell": re.compile(r"(?:\b(?:do|where|of)|=|->)$"),
    "makefile": re.compile(r"^[^\s#:=][^:=]*::?(?!=)[^=;]*$"),
}
"""What opens a block without a bracket, by language."""


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
        if not line.strip():
            return start + len(line), start + len(line)
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
    worded = _HEADERS.get(language_id)
    return worded is not None and worded.search(header) is not None


def _blocks(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    for _, first, last in _bodies(code, lines, chance):
        yield Cut(lines.said(first)[0], lines.said(last)[1])


def _opened(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    for header, _, last in _bodies(code, lines, chance):
        yield Cut(lines.said(header)[1], lines.said(last)[1])


def _groups(code: Code, lines: Lines, chance: random.Random) -> Iterator[Cut]:
    """Lines that belong together without a header of their own; no paragraphs of prose."""
    if code.language == "markdown":
        return
    for number, tokens in _lines_with(code, lines, chance):
        if number == 0 or tokens[0].prose:
            continue
        found = (_paragraph(code, lines, number), _children(code, lines, number), _entry(code, lines, number))
        last = max(found)
        if number < last <= number + MOST_LINES:
            yield Cut(lines.said(number)[0], lines.said(last)[1])


def _paragraph(code: Code, lines: Lines, number: int) -> int:
    """The last line of what stands between two blank lines; -1 where that begins or ends something."""
    depth = lines.indent(number)
    above = next((each for each in range(number - 1, -1, -1) if lines.indent(each) >= 0), -1)
    first = code.text[slice(*lines.said(number))]
    if lines.indent(number - 1) >= 0 or above < 0 or lines.indent(above) < depth or _goes_on(first):
        return -1
    last = number
    while last + 1 < len(lines.starts) and lines.indent(last + 1) >= depth:
        last += 1
    ends = last + 1 == len(lines.starts) or lines.indent(last + 1) < depth
    start, end = lines.said(number)[0], lines.said(last)[1]
    inside = code.leaves_open(start, end) or any(
        opener < start <= closer < end for opener, closer in code.closer_of.items()
    )
    return last if ends and lines.indent(last) == depth and not inside else -1


def _children(code: Code, lines: Lines, number: int) -> int:
    """The last line between the tag in the line above and the one that closes it."""
    header = code.text[slice(*lines.said(number - 1))]
    deeper = 0 <= lines.indent(number - 1) < lines.indent(number)
    if not deeper or not _TAG.fullmatch(header):
        return -1
    return _end_of_body(lines, number - 1, blank=True)


def _entry(code: Code, lines: Lines, number: int) -> int:
    """The last line of an entry of a list, below one that takes several lines."""
    depth = lines.indent(number)
    dashed = code.text.startswith("- ", lines.said(number)[0]) and code.language == "yaml"
    if not dashed or lines.indent(number - 1) <= depth:
        return -1
    last = number
    while last + 1 < len(lines.starts) and lines.indent(last + 1) > depth:
        last += 1
    return last


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
        if following < len(lines.starts) and (
            _goes_on(code.text[slice(*lines.said(following))]) or lines.indent(following) > depth
        ):
            continue  # the second is a header over several lines, whose body stands below
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
    if several and code.language == "markdown":
        return None  # prose in brackets that goes on in the next line
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
        if code.text[at - 1] == "\\" or _is_interpolated(code, at, (start, end)):
            continue
        begin, line_end = lines.starts[lines.at(at)], lines.end_of(at)
        around = [
            closer for opener, closer in code.closer_of.items() if begin <= opener < start and closer >= end
        ]
        if all(closer < line_end for closer in around):
            yield Cut(at, lines.said(lines.at(at))[1], tuple(sorted((end - 1, *around))))


def _is_interpolated(code: Code, at: int, string: tuple[int, int]) -> bool:
    """Whether a place is code inside the string, or the string lies in another: those were closed too."""
    start, end = string
    if any(start < opener < at <= closer < end for opener, closer in code.closer_of.items()):
        return True
    return any(first < start and end < last for first, last in code.texts)


KINDS: dict[str, Callable[[Code, Lines, random.Random], Iterator[Cut]]] = {
    "rest": _rests,
    "word": _inside(""),
    "string": _inside("string"),
    "comment": _inside("comment"),
    "line": _whole_lines,
    "block": _blocks,
    "opened": _opened,
    "construct": _constructs,
    "group": _groups,
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
