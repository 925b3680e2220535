"""Which names a text has that could be used at a place: the other way round than `names` asks.

What counts as a declaration, and from where it is seen, is the same as there. Which of them is wanted isn't
decided here.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from .names import BINDING_NAMES, is_seen
from .tree import Capture, SyntaxTree

_FOREIGN = BINDING_NAMES | {"namespace", "package"}


@attrs.frozen
class NamesAround:
    """Names of a stretch of text.

    Attributes:
        seen: declared there, and seen from the place that was asked about; where each stands last.
        foreign: used there without being declared there anywhere, so that they come from elsewhere; the kind
            of each, as in `names.Use`.
        own: members of the object that code belongs to, and where each stands last.
    """

    seen: dict[str, int] = attrs.field(factory=dict[str, int])
    foreign: dict[str, str] = attrs.field(factory=dict[str, str])
    own: dict[str, int] = attrs.field(factory=dict[str, int])


def names_around(
    tree: SyntaxTree, at: int | None, start: int, end: int, but: tuple[int, int] = (0, 0)
) -> NamesAround:
    """The names from `start` to `end` that could be used at `at`; what stands in `but` doesn't count.

    None stands for a place outside of all definitions.
    """
    captures = tuple(each for each in tree.captures(start, end) if not but[0] <= each.start < but[1])
    here = () if at is None else tree.scopes(at)
    found = NamesAround()
    declared: set[str] = set()
    for name, kind in _bindings(captures):
        text = tree.text[name.start : name.end]
        declared.add(text)
        if text.isidentifier() and is_seen(tree, name.start, kind, here):
            found.seen[text] = name.start
    ignored = {_place(each) for each in captures if each.name == "ignore"}
    for capture in captures:
        text = tree.text[capture.start : capture.end]
        if capture.name == "own":
            found.own[text] = capture.start
        elif capture.name in _FOREIGN and text not in declared and _place(capture) not in ignored:
            found.foreign[text] = capture.name
    return found


def _bindings(captures: tuple[Capture, ...]) -> Iterator[tuple[Capture, str]]:
    """Each name that is declared, with the kind of its declaration."""
    ignored = {_place(each) for each in captures if each.name == "ignore"}
    binding = [capture for capture in captures if capture.name.startswith("binds")]
    names = [capture for capture in captures if capture.name in BINDING_NAMES]
    areas: list[Capture] = []
    waiting = iter(binding)
    area = next(waiting, None)
    for name in names:
        while area is not None and area.start <= name.start:
            areas.append(area)
            area = next(waiting, None)
        areas = [each for each in areas if each.end > name.start]
        around = [each for each in areas if name.end <= each.end]
        if around and _place(name) not in ignored:
            yield name, min(around, key=lambda each: each.end - each.start).name
    exactly = {_place(name) for name in names}
    for each in binding:
        if _place(each) not in exactly:
            yield each, each.name


def _place(capture: Capture) -> tuple[int, int]:
    return capture.start, capture.end
