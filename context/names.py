"""Do the names exist that a completion uses? Resolved against its surroundings, without a type checker.

Precision comes first: a name counts as known as soon as anything speaks for it. Members of objects whose
class isn't known prove nothing and are never looked at.
"""

from __future__ import annotations

import re

import attrs

from .syntax import Capture, Scope, SyntaxTree

_MAX_OCCURRENCES = 60
_MAX_TEXT = 2_000_000


@attrs.frozen
class Use:
    """A name that has to be known from somewhere.

    Attributes:
        name: the identifier.
        start: its offset in the text that was asked about.
        kind: "use" for values, "type" for types, "own" for members of the object the code belongs to.
    """

    name: str
    start: int
    kind: str


def uses(tree: SyntaxTree, start: int, end: int) -> list[Use]:
    """The names used between two offsets that nothing between them declares, in order."""
    captures = tree.captures(start, end)
    areas = [
        capture for capture in captures if capture.name in {"binds", "binds.outer", "ignore", "binds.words"}
    ]
    bound = {
        tree.text[capture.start : capture.end]
        for capture in captures
        if capture.name in {"use", "type"}
        and start <= capture.start
        and any(area.name != "ignore" and _inside(capture, area) for area in areas)
    } | {
        tree.text[area.start : area.end]
        for area in areas
        if area.name.startswith("binds") and start <= area.start
    }
    found: dict[int, Use] = {}
    for capture in captures:
        name = tree.text[capture.start : capture.end]
        if capture.name not in {"use", "type", "own"} or capture.start < start or capture.end > end:
            continue
        if capture.name != "own" and (name in bound or any(_inside(capture, area) for area in areas)):
            continue
        found[capture.start] = Use(name, capture.start, capture.name)
    return [found[at] for at in sorted(found)]


def _inside(capture: Capture, area: Capture) -> bool:
    return area.start <= capture.start and capture.end <= area.end


def is_visible(tree: SyntaxTree, name: str, at: int, own_start: int = 0, own_end: int = 0) -> bool:
    """Whether anything in a text speaks for `name` being known at the offset `at`.

    A declaration does whose function encloses `at`, or that stands outside functions; so does a use by others
    of what they don't declare. What stands from `own_start` to `own_end`, the completion, speaks for nothing
    by using a name, only by declaring it.
    """
    occurrences = _occurrences(tree.text, name)
    if len(occurrences) > _MAX_OCCURRENCES:
        return True
    here = _functions(tree.scopes(at))
    used: list[tuple[tuple[int, int], ...]] = []
    declared: set[tuple[int, int]] = set()
    for start in occurrences:
        kind = _kind(tree, start, start + len(name))
        scopes = tree.scopes(start)
        if kind.startswith("binds"):
            owner = _owner(scopes, start, kind == "binds.outer")
            if owner is None or (owner in here and not _hidden_by_class(scopes, tree.scopes(at))):
                return True
            declared.add(owner)
        elif kind in {"use", "type"} and not own_start <= start < own_end:
            used.append(tuple(_functions(scopes)))
    return any(not functions or not declared.intersection(functions) for functions in used)


def _occurrences(text: str, name: str) -> list[int]:
    """Where `name` stands as a whole word that is no member of something else."""
    found: list[int] = []
    for match in re.finditer(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text[:_MAX_TEXT]):
        before = text[max(0, match.start() - 3) : match.start()].rstrip()
        if before.endswith(".") and not before.endswith(".."):
            continue
        found.append(match.start())
        if len(found) > _MAX_OCCURRENCES:
            break
    return found


def _kind(tree: SyntaxTree, start: int, end: int) -> str:
    """What an occurrence is: declared here, used here, or no name at all ("")."""
    found = ""
    for capture in tree.captures(start, end):
        if capture.start > start or capture.end < end:
            continue
        if capture.name.startswith("binds"):
            return capture.name
        if capture.name == "ignore":
            found = "ignore"
        elif capture.name in {"use", "type"} and not found and (capture.start, capture.end) == (start, end):
            found = capture.name
    return found


def _functions(scopes: tuple[Scope, ...]) -> list[tuple[int, int]]:
    return [(scope.start, scope.end) for scope in scopes if scope.function]


def _owner(scopes: tuple[Scope, ...], start: int, outer: bool) -> tuple[int, int] | None:
    """The function whose name a declaration is; None for one outside functions."""
    functions = [scope for scope in scopes if scope.function]
    if outer and functions and start < functions[-1].body_start:
        functions.pop()
    return (functions[-1].start, functions[-1].end) if functions else None


def _hidden_by_class(declared: tuple[Scope, ...], used: tuple[Scope, ...]) -> bool:
    """Whether a declaration stands directly in a class while the use is in a function inside that class."""
    if not declared or not declared[-1].class_like:
        return False
    inner = [scope for scope in used if scope.start > declared[-1].start]
    return any(scope.function for scope in inner)


def mentioned(text: str, name: str) -> bool:
    """Whether a text has a name as a whole word, wherever."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def near_match(name: str, text: str) -> str:
    """The one name in `text` that `name` is a misspelling of, or "" when there is none or more than one.

    Other capitals or underscores count, and one letter too many, too few, or swapped with its neighbour, not
    another letter or digit: `item1` is no misspelling of `item2`, nor `items` of `item`.
    """
    if len(name) < 4:
        return ""
    words = {word for word in re.findall(r"[^\W\d]\w+", text) if word != name}
    plain = name.replace("_", "").casefold()
    same = {word for word in words if word.replace("_", "").casefold() == plain}
    if len(same) == 1:
        return same.pop()
    if same or len(name) < 5:
        return ""
    close = {word for word in words if abs(len(word) - len(name)) <= 1 and _misspelt(name, word)}
    return close.pop() if len(close) == 1 else ""


def _misspelt(one: str, other: str) -> bool:
    if len(one) == len(other):
        differing = [index for index in range(len(one)) if one[index] != other[index]]
        return (
            len(differing) == 2
            and differing[1] == differing[0] + 1
            and one[differing[0]] == other[differing[1]]
            and one[differing[1]] == other[differing[0]]
        )
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    at = next((index for index, letter in enumerate(shorter) if longer[index] != letter), len(shorter))
    inside = 0 < at < len(shorter) and longer[at].isalpha()
    return inside and longer[:at] + longer[at + 1 :] == shorter
