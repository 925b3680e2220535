"""The measurement of what people get while they type: the places, the screen, the figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from foretype.lsp.replay.outcome import right_characters
from foretype.lsp.replay.screen import EditorScreen
from foretype.tests.live.measures import label
from foretype.tests.live.places import place_of
from foretype.tests.live.session import CountedScreen
from foretype.tests.quality.holes import Hole

WRITTEN = "def total(prices):\n    return sum(prices)\n\n\nprint(total([1]))\n"


def item(text: str, at: int, *, name: str = "one", right: int = 0) -> dict[str, Any]:
    """An item for the cursor in column `at` of the last line."""
    span = {"start": {"line": 1, "character": at}, "end": {"line": 1, "character": at + right}}
    return {"insertText": text, "range": span, "command": {"arguments": [name]}}


def screen(line: str = "return ", ghost: str = "", name: str = "one") -> EditorScreen:
    one = EditorScreen(f"x\n{line}", len(line) + 2)
    if ghost:
        one.take([item(ghost, len(line), name=name)])
    return one


def typed(one: EditorScreen, keys: str) -> str | None:
    for key in keys:
        one.type(key)
    return one.ghost.text if one.ghost else None


def test_what_is_typed_through_shrinks_and_what_is_not_said_goes() -> None:
    assert typed(screen(ghost="value + 1"), "val") == "ue + 1"
    assert typed(screen(ghost="value + 1"), "vx") is None
    assert typed(screen(ghost="v"), "v") is None


def test_an_answer_replaces_what_fits_only_with_more_of_the_same() -> None:
    one = screen(ghost="value")
    one.take([item("other", 7, name="two")])
    assert one.line() == "return value"
    one.take([item("value + 1", 7, name="two")])
    assert one.line() == "return value + 1"
    one.take([])
    assert one.line() == "return value + 1"


def test_a_better_one_replaces_what_it_is_better_than() -> None:
    one = screen(ghost="value")
    one.take([item("other", 7, name="two")], better="another")
    assert one.line() == "return value"
    one.take([item("other", 7, name="two")], better="one")
    assert (one.line(), one.replaced, one.appeared) == ("return other", 1, 0)
    touched = screen(ghost="value")
    typed(touched, "v")
    touched.take([item("vast", 7, name="two", right=1)], better="one")
    assert touched.line() == "return vast"


def test_a_better_one_appears_where_nothing_stands() -> None:
    one = screen()
    assert one.line() is None
    one.take([item("other", 7)], better="")
    assert (one.line(), one.replaced, one.appeared) == ("return other", 0, 1)


def test_what_is_left_of_a_suggestion_and_more_of_it_are_no_other_suggestions() -> None:
    one = CountedScreen("x\nreturn ", 9)
    one.take([item("value", 7)])
    typed(one, "v")
    one.take([item("value + 1", 7)])
    assert one.suggestions == 1
    typed(one, "x")
    one.take([])
    one.take([item("vxyz", 7, name="two")])
    assert one.suggestions == 2


def test_the_line_is_what_accepting_makes_of_it() -> None:
    one = EditorScreen("x\ncall()\nnext", 7)
    one.take([item("a)\n# more", 5, right=1)])
    assert one.line() == "call(a)"


def hole(cut_from: str, left: str) -> Hole:
    at = WRITTEN.index(cut_from)
    text = WRITTEN[:at] + WRITTEN[at + len(left) :]
    return Hole("source", "a.py", "python", "rest", text, at, WRITTEN, held_out=True)


def test_a_place_is_the_last_keys_before_a_hole() -> None:
    place = place_of(hole("(prices)\n\n", "(prices)"), Path("/srv"))
    assert place is not None
    assert (place.keys, place.left, place.line) == ("return sum", "(prices)", "    return sum(prices)")
    assert place.text[: place.offset] + place.keys + place.left + place.text[place.offset :] == WRITTEN
    assert place.path == Path("/srv/a.py")


@pytest.mark.parametrize(("cut_from", "left"), [("turn sum", "turn sum(prices)"), (")\n\n\nprint", ")")])
def test_a_line_with_too_few_keys_or_too_little_left_is_no_place(cut_from: str, left: str) -> None:
    assert place_of(hole(cut_from, left), Path("/srv")) is None


def test_pieces_of_the_report() -> None:
    assert [label(after) for after in (0.1, 0.3, 1.0, 3.0)] == ["100ms", "300ms", "1s", "3s"]
    assert right_characters("b()\nc", "b()") == 3
    assert right_characters("", "b()") == 0
