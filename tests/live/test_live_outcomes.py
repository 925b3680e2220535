"""Outcomes: judged, kept, counted, drawn."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from foretype.lsp.replay.outcome import right_characters
from foretype.lsp.replay.place import Place
from foretype.tests.live.drawing import plot, table
from foretype.tests.live.measures import PEER, WHOLE, figures
from foretype.tests.live.outcome import Journal, Looked, Outcome, judged, key_of, source_hash
from foretype.tests.live.places import Written
from foretype.tests.live.session import Played, Seen

ORIGINAL = {
    "python": "values = [1]\ntotal = sum(values)\n",
    "java": "class A {\n    int total = sum(values);\n}\n",
}


def written(root: Path, language: str = "python") -> Written:
    """Somebody is about to write the rest of the second line."""
    original = ORIGINAL[language]
    line = original.split("\n")[1]
    offset = original.index("sum")
    text = original[:offset] + original[original.index("(values)") + len("(values)") :]
    place = Place("p", root, root / "a", language, text, offset, "sum", line, "(values)", held_out=True)
    return Written(place, original)


def seen_as(root: Path, ghost: str, language: str = "python") -> Looked:
    one = written(root, language)
    place = one.place
    text = place.text[: place.offset] + place.keys + place.text[place.offset :]
    offset = place.offset + len(place.keys)
    start = text.rfind("\n", 0, offset) + 1
    line = (text[start:offset] + ghost + text[offset:]).split("\n")[0] if ghost else None
    played = Played(text, offset, (Seen(1.0, line, ghost, 0, "s1"),))
    return judged(one, played, {"s1": 0.5})[0]


def test_a_look_is_judged_by_what_the_authors_wrote(tmp_path: Path) -> None:
    exact = seen_as(tmp_path, "(values)")
    assert (exact.shown, exact.exact, exact.right, exact.undefined, exact.context) == (
        True,
        True,
        8,
        False,
        0.5,
    )
    wrong = seen_as(tmp_path, "(valuables)")
    assert (wrong.exact, wrong.right, wrong.undefined) == (False, 5, True)
    assert seen_as(tmp_path, "") == Looked(1.0, shown=False, exact=False, right=0, undefined=False)


@pytest.mark.parametrize(
    ("ghost", "undefined"), [("(total)", False), ("(missing)", True), ("(1);\n    String sum", False)]
)
def test_names_of_java_are_judged_too(tmp_path: Path, ghost: str, undefined: bool) -> None:
    assert seen_as(tmp_path, ghost, "java").undefined is undefined


def test_right_characters_end_with_the_line() -> None:
    assert right_characters("(values)\nmore", "(values)") == 8
    assert right_characters("(v]", "(values)") == 2


def outcome(key: str, scenario: str, place: str, *, exact: bool, shown: bool = True) -> Outcome:
    looks = [
        Looked(after, shown=shown, exact=exact and after > 0.5, right=4, undefined=False)
        for after in (0.3, 1.0)
    ]
    if scenario == WHOLE:
        looks = [Looked(0.0, shown=shown, exact=exact, right=4, undefined=False)]
    return Outcome(key, scenario, "", place, "python", True, 8, tuple(looks), (20.0,), 0.5, processor_s=2.0)


def test_outcomes_are_kept_as_they_come_and_a_torn_line_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    path = tmp_path / "live" / "outcomes.jsonl"
    one, other = outcome("a", "warm", "p", exact=True), outcome("b", "warm", "q", exact=False)
    Journal(path).keep(one)
    with path.open("a") as file:
        file.write('{"key": "torn')
    Journal(path).keep(other)
    assert (Journal(path).known("a"), Journal(path).known("b"), Journal(path).known("torn")) == (
        one,
        other,
        None,
    )


def test_a_measurement_is_another_one_when_sources_or_the_place_change(tmp_path: Path) -> None:
    one = written(tmp_path)
    other = attrs.evolve(one, place=attrs.evolve(one.place, keys="su"))
    keys = {
        key_of("warm", "", one, "1"),
        key_of("cold", "", one, "1"),
        key_of("warm", "", one, "2"),
        key_of("warm", "", other, "1"),
    }
    assert len(keys) == 4
    assert key_of("warm", "", one, "1") in keys


def test_what_another_product_gave_holds_when_this_one_changes(tmp_path: Path) -> None:
    for room in ("lsp", "tests/live"):
        (tmp_path / room).mkdir(parents=True)
    for name in ("scenarios.py", "session.py", "whole.py", "simulated.py", "lockstep.py"):
        (tmp_path / "tests" / "live" / name).write_text("measuring = 1\n")
    (tmp_path / "lsp" / "server.py").write_text("answer = 1\n")
    ours, theirs = source_hash(tmp_path), source_hash(tmp_path, product=False)
    (tmp_path / "lsp" / "server.py").write_text("answer = 2\n")
    assert source_hash(tmp_path) != ours
    assert source_hash(tmp_path, product=False) == theirs
    (tmp_path / "tests" / "live" / "session.py").write_text("measuring = 2\n")
    assert source_hash(tmp_path, product=False) != theirs


def test_figures_are_said_beside_those_of_an_older_one_and_of_llama_server_at_the_same_places() -> None:
    old = [
        attrs.evolve(outcome(f"o{place}", "warm", place, exact=exact), variant="base", processor_s=4.0)
        for place, exact in (("p", True), ("q", False), ("nowhere else", True))
    ]
    new = [outcome(f"n{place}", "warm", place, exact=True) for place in ("p", "q", "only here")]
    peer = [outcome("s", PEER, "p", exact=True)]
    warm = figures([*new, *old, *peer])["warm"]
    assert (warm["1s.exact.of_base"], warm["processor_s.of_base"]) == (2, 0.5)
    assert warm["1s.exact.of_llama_server"] == 1
    assert "300ms.exact.of_base" not in warm  # it had none


def test_figures_are_shares_of_the_places_and_of_what_the_whole_window_gives() -> None:
    found = figures(
        [
            outcome("a", "warm", "p", exact=True),
            outcome("b", "warm", "q", exact=False),
            outcome("c", "warm", "r", exact=True, shown=False),
            outcome("d", "warm", "not in whole", exact=False),
            outcome("e", WHOLE, "p", exact=True),
            outcome("f", WHOLE, "q", exact=True),
        ]
    )
    warm = found["warm"]
    assert (warm["places"], warm["1s.exact"], warm["1s.shown"], warm["1s.wrong"]) == (4, 0.25, 0.75, 0.5)
    assert (warm["1s.exact_of_shown"], warm["1s.saved_characters"]) == (pytest.approx(1 / 3), 12 / 32)
    assert (warm["300ms.exact"], warm["1s.of_whole"], warm["300ms.of_whole"]) == (0, 0.5, 0)
    assert (warm["processor_s"], warm["answer.p50_ms"], warm["first_shown.median_s"]) == (2, 20, 0.5)
    assert found[WHOLE]["exact"] == 1
    assert "1s.of_whole" not in found[WHOLE]


def test_tables_and_plots_show_every_column() -> None:
    found = figures([outcome("a", "warm", "p", exact=True), outcome("e", WHOLE, "p", exact=True)])
    assert table("both", found).row_count == len({row for column in found.values() for row in column})
    drawn = plot("exact < all", found)
    assert "exact &lt; all" in drawn
    assert drawn.count("<polyline") == 2
    assert plot("none", {}).startswith("<svg")
