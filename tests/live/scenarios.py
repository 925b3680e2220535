"""What somebody does before and while a line is typed, as values. Pure; `session` carries it out.

A scenario makes the acts for a place, or none where the file doesn't serve (no line is far enough away).
The pauses between keys are drawn once for each place: a person's, at 200 to 400 keys a minute.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from pathlib import Path

import attrs
from foretype.lsp.replay.place import Place

LOOKS_S = (0.1, 0.3, 1.0, 3.0)
"""When the screen is looked at, in seconds after the last key."""

KEYS_A_MINUTE = (200.0, 400.0)
SHORTEST_S, LONGEST_S = 0.08, 0.9
"""Between two keys, at least and at most."""

REST_S = 2.5
SOON_S = 0.3
MOVED_S = 0.5
"""Between putting the cursor somewhere else and the first key there."""

FAR_LINES = 150
NEAR_LINES = 40

_SPREAD = 0.4
_WORD = re.compile(r"\w{3,}$")


@attrs.frozen
class Open:
    """The place's file is opened as `text`, the cursor put at `offset` (code points); the editor says so."""

    text: str
    offset: int


@attrs.frozen
class Close:
    """The place's file is closed."""


@attrs.frozen
class Point:
    """The cursor is put somewhere in the place's file, which is looked at again; the editor says so."""

    offset: int


@attrs.frozen
class Visit:
    """Another file is opened and looked at, with the cursor in its middle."""

    path: Path
    text: str


@attrs.frozen
class Rest:
    """Nothing is done for so many seconds."""

    seconds: float


@attrs.frozen
class Type:
    """Keys, and the pauses in seconds before each but the first."""

    keys: str
    pauses: tuple[float, ...]


Act = Open | Close | Point | Visit | Rest | Type
Other = tuple[Path, str]
"""Another file of the workspace: where it lies, and its text."""


@attrs.frozen
class Scenario:
    """How a place is come to.

    Attributes:
        name: for the figures.
        says: what it is, for people.
        acts: what is done; none where the place doesn't serve.
    """

    name: str
    says: str
    acts: Callable[[Place, Other | None], tuple[Act, ...] | None]


def pauses(name: str, count: int) -> tuple[float, ...]:
    """A person's pauses between `count` keys, in seconds; always the same ones for one name."""
    chance = random.Random(f"keys {name}")
    usual = 60 / chance.uniform(*KEYS_A_MINUTE)
    middle = math.log(usual) - _SPREAD**2 / 2
    drawn = (chance.lognormvariate(middle, _SPREAD) for _ in range(count - 1))
    return tuple(min(LONGEST_S, max(SHORTEST_S, each)) for each in drawn)


def typed(place: Place) -> Type:
    """The keys of a place."""
    return Type(place.keys, pauses(place.name, len(place.keys)))


def _cold(place: Place, _other: Other | None) -> tuple[Act, ...]:
    return Open(place.text, place.offset), Rest(SOON_S), typed(place)


def _warm(place: Place, _other: Other | None) -> tuple[Act, ...]:
    return Open(place.text, place.offset), Rest(REST_S), typed(place)


def _second(place: Place, _other: Other | None) -> tuple[Act, ...]:
    opened = Open(place.text, place.offset)
    return opened, Rest(REST_S), Close(), Rest(REST_S), opened, Rest(SOON_S), typed(place)


def _jump(place: Place, _other: Other | None) -> tuple[Act, ...] | None:
    lines = place.text.split("\n")
    here = place.text.count("\n", 0, place.offset)
    far = max((0, len(lines) - 1), key=lambda line: abs(line - here))
    if abs(far - here) < FAR_LINES:
        return None
    there = here + (FAR_LINES if far > here else -FAR_LINES)
    away = sum(len(line) + 1 for line in lines[:there]) + len(lines[there])
    return Open(place.text, away), Rest(REST_S), Point(place.offset), Rest(MOVED_S), typed(place)


def _edit(place: Place, _other: Other | None) -> tuple[Act, ...] | None:
    lines = place.text.split("\n")
    here = place.text.count("\n", 0, place.offset)
    for number in range(here - 3, max(-1, here - NEAR_LINES), -1):
        word = _WORD.search(lines[number])
        if word is None:
            continue
        end = sum(len(line) + 1 for line in lines[:number]) + len(lines[number])
        keys = word.group()
        before = place.text[: end - len(keys)] + place.text[end:]
        edited = Type(keys, pauses(f"{place.name} above", len(keys)))
        opened = Open(before, end - len(keys))
        return opened, Rest(REST_S), edited, Point(place.offset), Rest(MOVED_S), typed(place)
    return None


def _switch(place: Place, other: Other | None) -> tuple[Act, ...] | None:
    if other is None:
        return None
    opened, visited = Open(place.text, place.offset), Visit(*other)
    return opened, Rest(REST_S), visited, Rest(REST_S), Point(place.offset), Rest(MOVED_S), typed(place)


SCENARIOS = {
    each.name: each
    for each in (
        Scenario("cold", "0.3 s after opening the file", _cold),
        Scenario("warm", "2.5 s with the cursor there", _warm),
        Scenario("second_visit", "opened once more, having been closed for 2.5 s", _second),
        Scenario("jump", f"0.5 s after coming from {FAR_LINES} lines away", _jump),
        Scenario("edit_above", "0.5 s after a word above was written", _edit),
        Scenario("switch", "0.5 s after coming back from another file", _switch),
    )
}
