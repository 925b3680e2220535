"""Something that was added beside its like: the same addition wherever those stand beside each other.

A field `depth` comes behind `width` and `height`; where a line or an argument for `width` is followed by the
same one for `height` (a constructor, a copy, a table), the one for `depth` is missing. The two that stand
there in both places are the witnesses. Pure.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import attrs

from .changes import LineChange, TokenChange
from .lexing import CLOSING, is_word, tokens_in
from .places import MOST_PLACES, EditPlace, SearchedText, is_changed

_LEAST_NAME = 2


@attrs.frozen
class Sibling:
    """What was added, and what it stands behind.

    Attributes:
        first, second: the names that stood there, in order.
        new: the name that came behind them.
    """

    first: str
    second: str
    new: str


def sibling_line(change: LineChange, text: str) -> Sibling | None:
    """What a new line adds to the two lines above it; None where they aren't alike."""
    if not change.inserted or "\n" in change.new.strip("\n"):
        return None
    start = text.rfind("\n", 0, change.start) + 1
    above = text[:start].split("\n")[-3:-1] if start else []
    if len(above) < 2:
        return None
    first, second, new = above[-2], above[-1], text[start:].split("\n", 1)[0]
    one, other = _difference(first, second), _difference(second, new)
    if one is None or other is None or one[1] != other[0]:
        return None
    return Sibling(one[0], other[0], other[1])


def sibling_argument(change: TokenChange) -> Sibling | None:
    """What an element adds behind two others of its list; None where it isn't one."""
    if change.old or len(change.new) < 2 or change.new[0] != ",":
        return None
    elements = _elements_before(change.line.new, len(change.before) - 1)
    if len(elements) < 2:
        return None
    first, second = elements[-2], elements[-1]
    new = change.new_text.lstrip(", ")
    one, other = _difference(first, second), _difference(second, new)
    if one is None or other is None:
        one, other = _heads(first, second), _heads(second, new)
    if one is None or other is None or one[1] != other[0]:
        return None
    return Sibling(one[0], other[0], other[1])


def siblings_of(found: Sibling, around: SearchedText) -> Iterator[EditPlace]:
    """Where the two stand beside each other, and the third doesn't, in order."""
    text = around.text
    pattern = re.compile(_in_any_case(found.second))
    stop_at = len(text) if around.end < 0 else around.end
    for match in itertools.islice(pattern.finditer(text, around.start, stop_at), MOST_PLACES):
        start = text.rfind("\n", 0, match.start()) + 1
        stop = text.find("\n", match.end())
        stop = len(text) if stop < 0 else stop
        line = text[start:stop]
        place = _line(found, text, start, line) or _element(found, start, line, match.start())
        if place is not None and not is_changed(around.edits, start, max(stop, place.end)):
            yield place


def _line(found: Sibling, text: str, start: int, line: str) -> EditPlace | None:
    """The line that is missing below this one."""
    above = text[:start].rstrip("\r\n").rsplit("\n", 1)[-1]
    if not start or above.strip() == "" or not _is_same(_exchanged(above, found.first, found.second), line):
        return None
    if _is_same(above, line):
        return None
    new = _exchanged(line.rstrip(), found.second, found.new)
    stop = start + len(line)
    below = text[stop + 1 :].split("\n", 1)[0]
    if new == line.rstrip() or below.strip() == new.strip() or _mentions(below, found.new):
        return None
    if _is_last_without_comma(above, line):
        return None
    if stop == len(text):
        return EditPlace(stop, stop, f"\n{new}")
    return EditPlace(stop + 1, stop + 1, f"{new}\n")


def _is_same(one: str, other: str) -> bool:
    """Whether two lines have the same tokens and indentation; names in columns have other blanks between."""
    indents = (each[: len(each) - len(each.lstrip())] for each in (one, other))
    return len(set(indents)) == 1 and [t.text for t in tokens_in(one)] == [t.text for t in tokens_in(other)]


def _is_last_without_comma(above: str, line: str) -> bool:
    return above.rstrip().endswith(",") and not line.rstrip().endswith(",")


def _element(found: Sibling, start: int, line: str, at: int) -> EditPlace | None:
    """The element that is missing behind this one, in brackets on one line."""
    tokens = tokens_in(line)
    index = next((n for n, each in enumerate(tokens) if start + each.start <= at < start + each.end), None)
    if index is None:
        return None
    depth, last = 0, index
    for last in range(index, len(tokens)):
        word = tokens[last].text
        if depth == 0 and (word == "," or word in CLOSING):
            break
        depth += (word in "([{") - (word in CLOSING)
    else:
        return None
    if tokens[last].text == ",":
        return None
    elements = _elements_before(line, last)
    if len(elements) < 2 or _exchanged(elements[-2], found.first, found.second) != elements[-1]:
        return None
    if elements[-2] == elements[-1]:
        return None
    new = _exchanged(elements[-1], found.second, found.new)
    if new == elements[-1] or _mentions(line, found.new):
        return None
    end = start + tokens[last - 1].end
    return EditPlace(end, end, f", {new}")


def _elements_before(line: str, index: int) -> list[str]:
    """The elements of a list in brackets, up to the token at `index`, as they stand on the line."""
    tokens = tokens_in(line)
    cuts: list[int] = [index]
    depth = 0
    at = index - 1
    while at >= 0:
        word = tokens[at].text
        if depth == 0 and word in "([{":
            cuts.append(at)
            break
        if depth == 0 and word == ",":
            cuts.append(at)
        depth += (word in CLOSING) - (word in "([{")
        at -= 1
    else:
        return []
    found: list[str] = []
    for before, behind in zip(reversed(cuts[1:]), reversed(cuts[:-1]), strict=True):
        if behind - before < 2:
            return []
        found.append(line[tokens[before + 1].start : tokens[behind - 1].end])
    return found


def _difference(one: str, other: str) -> tuple[str, str] | None:
    """The one word in which two pieces of code differ, however often; None where it isn't one."""
    mine, theirs = [each.text for each in tokens_in(one)], [each.text for each in tokens_in(other)]
    if len(mine) != len(theirs) or len(mine) < 1:
        return None
    pairs = {(a, b) for a, b in zip(mine, theirs, strict=True) if a != b}
    if not pairs or not all(is_word(a) and is_word(b) for a, b in pairs):
        return None
    first = next((a, b) for a, b in zip(mine, theirs, strict=True) if a != b)
    if len(first[0]) < _LEAST_NAME or len(first[1]) < _LEAST_NAME:
        return None
    plain = first[0].casefold(), first[1].casefold()
    same = all(
        a.casefold().replace(plain[0], plain[1]) == b.casefold() for a, b in pairs if plain[0] in a.casefold()
    )
    return first if same else None


def _heads(one: str, other: str) -> tuple[str, str] | None:
    """The words that two elements begin with (`height: int`, `depth: float`)."""
    mine, theirs = tokens_in(one), tokens_in(other)
    if not mine or not theirs or not is_word(mine[0].text) or not is_word(theirs[0].text):
        return None
    if len(mine) < 2 or len(theirs) < 2 or mine[1].text != theirs[1].text or mine[1].text not in ":=":
        return None
    return mine[0].text, theirs[0].text


def _in_any_case(word: str) -> str:
    forms = "|".join(re.escape(each) for each in sorted({*_forms(word)}, key=len, reverse=True))
    return rf"(?<![^\W_])(?:{forms})(?![^\W_])"


def _forms(word: str) -> tuple[str, str, str]:
    """A name as it is, as a constant, and as a part of another or as a type; `a_b` is no type as `A_b`."""
    return word, word.upper(), word if "_" in word else word[:1].upper() + word[1:]


def _exchanged(code: str, word: str, new: str) -> str:
    """Code with one name in place of another, in each way of writing them."""
    forms = dict(zip(reversed(_forms(word)), reversed(_forms(new)), strict=True))
    return re.sub(_in_any_case(word), lambda match: forms[match.group()], code)


def _mentions(code: str, word: str) -> bool:
    return re.search(_in_any_case(word), code) is not None
