"""Whether the names exist that a completion uses: resolved against its surroundings, without a type checker.

Precision comes first: a name counts as known as soon as there is any evidence for it. Members of objects
whose class isn't known prove nothing and are never looked at.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

import attrs

from .tree import Capture, Scope, SyntaxTree

_MAX_OCCURRENCES = 60
BINDING_NAMES = {"use", "type"}
"""What a name is captured as that a declaration around it declares."""

_ELSEWHERE = {"own", "imported"}
"""Kinds of names that a declaration between the same offsets doesn't explain."""

_ASKED_FOR = BINDING_NAMES | _ELSEWHERE | {"namespace", "package"}
_RANK = ("use", "type", "namespace", "package", "imported", "own")
"""A name captured as more than one kind counts as the last of these."""

_WORD = re.compile(r"[^\W\d]\w+")
_APART = str.maketrans(
    {chr(code): " " for code in range(128) if not (chr(code).isalnum() or code == ord("_"))}
)


@attrs.frozen
class Use:
    """A name that has to be known from somewhere.

    Attributes:
        name: the identifier.
        start: its offset in the text that was asked about.
        kind: "use" for values, "type" for types, "namespace" for what a qualified type begins with, "package"
            for what a path into a library may begin with, "own" for members of the object the code belongs
            to, "imported" for what comes from another file of the workspace.
    """

    name: str
    start: int
    kind: str


def uses(tree: SyntaxTree, start: int, end: int) -> list[Use]:
    """The names used between two offsets that nothing between them declares, in order.

    One that ends there began there, or is a word that was begun in front of `start`.
    """
    captures = tree.captures(start, end)
    areas = [capture for capture in captures if capture.name.startswith("binds") or capture.name == "ignore"]
    around = Areas(areas)
    bound = _bound(tree, captures, areas, start)
    made = _made(tree, captures, start, end)
    found: dict[int, Use] = {}
    for capture in captures:
        name = tree.text[capture.start : capture.end]
        if capture.name not in _ASKED_FOR or capture.end <= start or capture.end > end:
            continue
        if capture.name == "own" and (capture.start in made or name in made.values()):
            continue
        if capture.name not in _ELSEWHERE and (name in bound or around.enclose(capture)):
            continue
        known = found.get(capture.start)
        if known is None or _RANK.index(known.kind) < _RANK.index(capture.name):
            found[capture.start] = Use(name, capture.start, capture.name)
    return [found[at] for at in sorted(found)]


def _bound(tree: SyntaxTree, captures: tuple[Capture, ...], areas: list[Capture], start: int) -> set[str]:
    """The names that are declared from `start` on; a member that is given a value declares none."""
    binding = [area for area in areas if area.name != "ignore"]
    around = Areas(binding)
    members = {(area.start, area.end) for area in areas if area.name == "ignore"}
    inside = {
        tree.text[capture.start : capture.end]
        for capture in captures
        if capture.name in BINDING_NAMES
        and start < capture.end
        and (capture.start, capture.end) not in members
        and around.enclose(capture)
    }
    return inside | {tree.text[area.start : area.end] for area in binding if start < area.end}


def _made(tree: SyntaxTree, captures: tuple[Capture, ...], start: int, end: int) -> dict[int, str]:
    """The members of the code's own object that come to be between two offsets, by where they stand.

    They are given a value, or stand there as something else than a member: as the name of a method, a field.
    """
    text = tree.text[:end]
    own = {capture.start: text[capture.start : capture.end] for capture in captures if capture.name == "own"}
    ends = {capture.end for capture in captures if capture.name == "makes"}
    made = {at: name for at, name in own.items() if at + len(name) in ends}
    for name in set(own.values()) - set(made.values()):
        elsewhere = (place for place in _words(text, name, start) if place not in own)
        made.update((place, name) for place in itertools.islice(elsewhere, 1))
    return made


class Areas:
    """Stretches of a text, which say cheaply whether one of them encloses another stretch."""

    def __init__(self, areas: Iterable[Capture]) -> None:
        ordered = sorted((area.start, area.end) for area in areas)
        self._starts = [start for start, _ in ordered]
        self._reach = list(itertools.accumulate((end for _, end in ordered), max))

    def enclose(self, capture: Capture) -> bool:
        """Whether any of them does."""
        before = bisect.bisect_right(self._starts, capture.start)
        return before > 0 and capture.end <= self._reach[before - 1]


def is_visible(tree: SyntaxTree, name: str, at: int, own_start: int = 0, own_end: int = 0) -> bool:
    """Whether anything in a text is evidence that `name` is known at the offset `at`.

    A declaration does whose function encloses `at`, or that stands outside functions; so does a use by others
    of what they don't declare. What stands from `own_start` to `own_end`, the completion, is evidence for a
    name only where it declares it.
    """
    occurrences = _occurrences(tree.text, name, tree.language.names.sigil)
    if len(occurrences) > _MAX_OCCURRENCES:
        return True
    here = tree.scopes(at)
    used: list[tuple[Scope, ...]] = []
    declared: set[Scope] = set()
    for start in occurrences:
        if not tree.covers(start, start + len(name)):
            return True  # in a part of a large file that nobody has looked at
        kind = _kind(tree.captures(start, start + len(name)), start, start + len(name))
        if not kind:
            continue
        scopes = tree.scopes(start)
        if kind.startswith("binds"):
            owner = _owner(scopes, start, outer=kind == "binds.outer")
            if owner is None or _reaches(owner, kind, here):
                return True
            declared.add(owner)
        elif not own_start <= start < own_end:
            used.append(scopes)
    return any(declared.isdisjoint(scopes) for scopes in used)


@attrs.frozen
class NamedPlace:
    """Where a name stands, and what it is there.

    Attributes:
        start: the name's offset.
        kind: "binds…" where it is declared, "use" where it is used as a name, "own" and "makes" for members
            of the code's own object that are used or given a value, "" for anything else.
        owner: the scope that a declaration belongs to; None for the whole file, and for what is no
            declaration.
        scopes: what encloses it, outermost first.
    """

    start: int
    kind: str
    owner: Scope | None
    scopes: tuple[Scope, ...]

    @property
    def declares(self) -> bool:
        """Whether the name is declared here."""
        return self.kind.startswith("binds")

    def sees(self, owner: Scope | None, kind: str) -> bool:
        """Whether what `owner` declares, by a declaration of a kind, is seen from here."""
        return owner is None or _reaches(owner, kind, self.scopes)


def named_place(tree: SyntaxTree, start: int, end: int) -> NamedPlace:
    """What a word is that stands between two places."""
    around, scopes = tree.captures(start, end), tree.scopes(start)
    kind = _kind(around, start, end)
    if kind.startswith("binds"):
        return NamedPlace(start, kind, _owner(scopes, start, outer=kind == "binds.outer"), scopes)
    if not kind or kind == "use":
        exactly = {each.name for each in around if (each.start, each.end) == (start, end)}
        if "own" in exactly:
            kind = "makes" if any(each.name == "makes" and each.end == end for each in around) else "own"
    return NamedPlace(start, kind, None, scopes)


def _occurrences(text: str, name: str, sigil: str) -> list[int]:
    """Where `name` stands as a whole word that is no member of something else."""
    found: list[int] = []
    for start in _words(text, name, 0, sigil):
        before = text[max(0, start - 3) : start].rstrip(" \t")
        if before.endswith(".") and not before.endswith(".."):
            continue
        found.append(start)
        if len(found) > _MAX_OCCURRENCES:
            break
    return found


def _words(text: str, name: str, start: int = 0, sigil: str = "") -> Iterator[int]:
    """Where `name` stands as a whole word. `str.find` is ten times as fast here as a regular expression.

    A `sigil` is what variables begin with (`$` in PHP) without its being a part of their names.
    """
    start = text.find(name, start) if name else -1
    while start >= 0:
        end = start + len(name)
        before = text[start - 1] if start else ""
        goes_on = end < len(text) and _in_word(text[end])
        if not goes_on and not (before and before not in sigil and _in_word(before)):
            yield start
        start = text.find(name, end)


def _in_word(character: str) -> bool:
    return character.isalnum() or character in "_$"


def _kind(captures: Sequence[Capture], start: int, end: int) -> str:
    """What an occurrence is, told from what queries find there: declared, used, or no name at all ("")."""
    around = [each for each in captures if each.start <= start and end <= each.end]
    exactly = {capture.name for capture in around if (capture.start, capture.end) == (start, end)}
    for capture in around:
        if capture.name == "binds.words":
            return "binds"
        if capture.name.startswith("binds") and (exactly & BINDING_NAMES or capture.name in exactly):
            return capture.name
    if any(capture.name == "ignore" for capture in around):
        return ""
    return "use" if exactly & BINDING_NAMES else ""


def is_seen(tree: SyntaxTree, start: int, kind: str, here: tuple[Scope, ...]) -> bool:
    """Whether a declaration of a kind ("binds…") at `start` is seen from within the scopes `here`."""
    owner = _owner(tree.scopes(start), start, outer=kind == "binds.outer")
    return owner is None or _reaches(owner, kind, here)


def _reaches(owner: Scope, kind: str, here: tuple[Scope, ...]) -> bool:
    """Whether what `owner` has declared is seen from within the scopes `here`."""
    hidden = kind != "binds.inside" and owner.class_like
    return owner in (here[-1:] if hidden else here)


def _owner(scopes: tuple[Scope, ...], start: int, *, outer: bool) -> Scope | None:
    """The function or class whose name a declaration is; None for one of the whole file.

    A class's names are seen in its own body, not in the functions inside; `outer` names are those of
    functions and classes themselves, which belong to what is around.
    """
    holders = [scope for scope in scopes if scope.function or scope.class_like]
    if outer and holders and start < holders[-1].body_start:
        holders.pop()
    return holders[-1] if holders else None


def mentioned(text: str, name: str, sigil: str = "") -> bool:
    """Whether a text has a name as a whole word, wherever."""
    return next(_words(text, name, 0, sigil), None) is not None


def near_match(name: str, text: str, *, firmly: bool = False) -> str:
    """The one name in `text` that `name` is a misspelling of, or "" when there is none or more than one.

    Other capitals or underscores inside count, and one letter too many, too few, or swapped with its
    neighbour, not another letter or digit: `item1` is no misspelling of `item2`, nor `items` of `item`.
    `firmly`, only swapped neighbours count: `Py_XDECREF` and `Py_DECREF` are both functions of a library.
    """
    if len(name) < 4 or name.isupper():
        return ""  # constants are made by the system: BGRX and BGXR both exist
    words = {word for word in _words_of(text) if word != name and _is_written_like(word, name)}
    plain = name.replace("_", "").casefold()
    same = {word for word in words if word.replace("_", "").casefold() == plain}
    if len(same) == 1 and not firmly:
        return same.pop()
    if same or len(name) < 5:
        return ""
    close = {word for word in words if abs(len(word) - len(name)) <= 1 and _misspelt(name, word, firmly)}
    return close.pop() if len(close) == 1 else ""


def _is_written_like(word: str, name: str) -> bool:
    """Whether two names may be meant to be the same: both constants or neither, outer underscores as well."""
    return (
        word[0].isupper() == name[0].isupper()
        and word.isupper() == name.isupper()
        and word.startswith("_") == name.startswith("_")
        and word.endswith("_") == name.endswith("_")
    )


def words_like(text: str, prefix: str, behind: str = "") -> set[str]:
    """The names in a text that begin alike, each once; only those before `behind` where that is given."""
    found = re.compile(rf"(?<![\w$]){re.escape(prefix)}\w*{behind}")
    return {match.group().rstrip("( \t") for match in found.finditer(text)} if prefix in text else set()


def _words_of(text: str) -> set[str]:
    """The names in a text, each once; splitting takes less than half as long as an expression does."""
    if not text.isascii():
        return set(_WORD.findall(text))
    words = {word.lstrip("0123456789") for word in set(text.translate(_APART).split())}
    return {word for word in words if len(word) > 1}


def _misspelt(one: str, other: str, firmly: bool) -> bool:
    if len(one) == len(other):
        differing = [index for index in range(len(one)) if one[index] != other[index]]
        return (
            len(differing) == 2
            and differing[1] == differing[0] + 1
            and one[differing[0]] == other[differing[1]]
            and one[differing[1]] == other[differing[0]]
        )
    if firmly:
        return False
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    at = next((index for index, letter in enumerate(shorter) if longer[index] != letter), len(shorter))
    inside = 0 < at < len(shorter) and longer[at].isalpha() and "_" not in longer[at - 1 : at + 2]
    return inside and longer[:at] + longer[at + 1 :] == shorter
