"""Windows: within budget, on good edges, and stable while somebody types."""

from __future__ import annotations

import itertools

import attrs
import pytest
from foretype.context.prompt.window import Window, window_around
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from hypothesis import given, settings
from hypothesis import strategies as st


def snapshot(text: str, language: str = "python") -> Snapshot:
    return Snapshot("", "a", language, text, 1, parse(text, language))


FUNCTIONS = "".join(f"def function_{n}(a, b):\n    x = a + {n}\n    return x * b\n\n\n" for n in range(200))
CLASS = "class Ledger(Base):\n" + "".join(
    f"    def method_{n}(self):\n        x = {n}\n        return x\n\n" for n in range(100)
)


def test_a_small_file_is_seen_whole() -> None:
    seen = window_around("abc\ndef\n", 5, 100, 100)
    assert seen == Window("abc\nd", "ef\n", 0, 0)


def test_the_edges_of_a_large_file_fall_on_declarations() -> None:
    offset = FUNCTIONS.index("return x * b\n\n\ndef function_101")
    seen = window_around(snapshot(FUNCTIONS), offset, 2000, 1000)
    assert FUNCTIONS[seen.start :].startswith("def function_")
    assert FUNCTIONS[len(FUNCTIONS) - seen.end_distance :].startswith("def function_")
    assert 1000 <= len(seen.prefix) <= 2000
    assert 500 <= len(seen.suffix) <= 1000


def test_without_a_tree_the_edges_fall_on_lines() -> None:
    text = "one line of prose\n" * 500
    seen = window_around(text, 5000, 1000, 1000)
    assert text[seen.start - 1] == "\n"
    assert text[len(text) - seen.end_distance - 1] == "\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_edges_fall_on_lines_for_every_line_end(newline: str) -> None:
    text = f"one line of prose{newline}" * 500
    seen = window_around(text, 5000, 1000, 1000)
    assert text[seen.start :].startswith("one")
    assert seen.suffix.endswith(newline)


def test_a_window_says_what_a_model_sees_of_the_document() -> None:
    text = "class Shop:\n    def sell(self):\n" + "        pass\n" * 500
    seen = window_around(Snapshot("", "a.py", "python", text, 1, parse(text, "python")), 5000, 1000, 600)
    assert seen.folds
    for suffix, end in ((True, 5000 + len(seen.suffix)), (False, 5000)):
        assert seen.seen(suffix=suffix) == (seen.start, end)


def test_one_enormous_line_is_cut_at_the_budget() -> None:
    text = "x" * 5_000_000
    seen = window_around(text, 2_500_000, 1000, 500)
    assert 500 <= len(seen.prefix) <= 1000
    assert 250 <= len(seen.suffix) <= 500
    longer = text[:2_500_000] + "yy" + text[2_500_000:]
    assert window_around(longer, 2_500_002, 1000, 500, seen).start == seen.start


def typed(text: str, offset: int, keys: str, seen: Window, budget: int) -> tuple[str, int, list[Window]]:
    windows: list[Window] = []
    for key in keys:
        text = text[:offset] + key + text[offset:]
        offset += 1
        seen = window_around(text, offset, budget, budget // 2, seen)
        windows.append(seen)
    return text, offset, windows


def test_typing_lines_moves_no_edge_until_the_budget_is_used_up_and_then_far() -> None:
    text = "some text\n" * 1000
    offset = 5000
    seen = window_around(text, offset, 1000, 500)
    _, _, windows = typed(text, offset, "ten chars\n" * 100, seen, 1000)
    starts = [one.start for one in windows]
    moves = [after - before for before, after in itertools.pairwise(starts) if after != before]
    assert len(moves) <= 4
    assert all(move > 150 for move in moves)
    assert {one.end_distance for one in windows} == {seen.end_distance}


def test_deleting_moves_no_edge_until_half_the_budget_is_left() -> None:
    text = "some text\n" * 1000
    seen = window_around(text, 5000, 1000, 500)
    kept = window_around(text[:4900] + text[5000:], 4900, 1000, 500, seen)
    assert kept.start == seen.start
    far = window_around(text[:4000] + text[5000:], 4000, 1000, 500, seen)
    assert far.start < seen.start


def test_a_jump_elsewhere_makes_a_new_window() -> None:
    text = "some text\n" * 1000
    seen = window_around(text, 5000, 1000, 500)
    there = window_around(text, 9000, 1000, 500, seen)
    assert there == window_around(text, 9000, 1000, 500)


def test_an_edit_above_the_window_does_not_leave_an_edge_inside_a_line() -> None:
    text = "".join(f"line {n}\n" for n in range(1000))
    seen = window_around(text, 5000, 1000, 500)
    changed = text.replace("line 3\n", "line three\n")
    again = window_around(changed, 5003, 1000, 500, seen)
    assert changed[again.start - 1] == "\n"


def check_head(text: str, language: str, near: str, expected: str, budget: int = 400) -> Window:
    seen = window_around(snapshot(text, language), text.index(near), budget, 100)
    assert seen.prefix[: seen.folded] == expected
    return seen


def test_the_header_of_the_enclosing_class_stays() -> None:
    check_head(CLASS, "python", "x = 50", "class Ledger(Base):\n    # …\n")


def test_nested_headers_stay_with_a_fold_for_each_gap() -> None:
    body = "".join(f"            total += {n}\n" for n in range(100))
    text = (
        f"class Ledger:\n    size = 1\n\n    def add(\n        self,\n        x: int,\n    ) -> int:\n{body}"
    )
    signature = "    def add(\n        self,\n        x: int,\n    ) -> int:\n"
    head = f"class Ledger:\n    # …\n{signature}            # …\n"
    check_head(text, "python", "+= 80", head)


def test_a_header_in_a_language_with_braces_ends_at_its_bracket() -> None:
    body = "".join(f"    total += {n};\n" for n in range(100))
    text = f"class A {{\n  add(x)\n  {{\n{body}  }}\n}}\n"
    check_head(text, "javascript", "+= 80", "class A {\n  add(x)\n  {\n    // …\n")


def test_a_line_end_of_the_document_ends_the_fold_too() -> None:
    text = CLASS.replace("\n", "\r\n")
    check_head(text, "python", "x = 50", "class Ledger(Base):\r\n    # …\r\n")


def test_folds_outlive_code_that_breaks_the_tree() -> None:
    document = snapshot(CLASS)
    offset = CLASS.index("x = 50")
    seen = window_around(document, offset, 400, 100)
    broken = CLASS[:offset] + "def (((: class [\n" + CLASS[offset:]
    again = window_around(snapshot(broken), offset + 16, 400, 100, seen)
    assert again.prefix[: again.folded] == seen.prefix[: seen.folded]


def test_a_tree_that_comes_later_adds_no_header_while_the_window_stays() -> None:
    offset = CLASS.index("x = 50")
    seen = window_around(attrs.evolve(snapshot(CLASS), tree=None), offset, 400, 100)
    typed = CLASS[:offset] + "y" + CLASS[offset:]
    again = window_around(snapshot(typed), offset + 1, 400, 100, seen)
    assert again.prefix == seen.prefix + "y", "the model would read everything anew"
    moved = window_around(snapshot(CLASS), CLASS.index("x = 75"), 400, 100, again)
    assert moved.start != again.start
    assert moved.prefix.startswith("class Ledger(Base):\n")


def test_a_changed_header_is_not_shown_as_it_was() -> None:
    offset = CLASS.index("x = 50")
    seen = window_around(snapshot(CLASS), offset, 400, 100)
    renamed = CLASS.replace("Ledger", "Legion")
    again = window_around(snapshot(renamed), offset, 400, 100, seen)
    assert again.prefix.startswith("class Legion(Base):\n")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_window_is_always_a_part_of_the_text_around_the_cursor(data: st.DataObject) -> None:
    text = data.draw(st.text(st.sampled_from("ab \n\r\té🦊"), max_size=200))
    budget = data.draw(st.integers(0, 60))
    seen: Window | None = None
    for _ in range(data.draw(st.integers(1, 6))):
        offset = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(offset, len(text)))
        inserted = data.draw(st.text(st.sampled_from("xy\n"), max_size=8))
        text = text[:offset] + inserted + text[end:]
        offset += len(inserted)
        seen = window_around(text, offset, budget, budget // 2, seen)
        assert text[seen.start : offset] == seen.prefix
        assert text[offset : len(text) - seen.end_distance] == seen.suffix
        assert len(seen.prefix) <= budget
        assert len(seen.suffix) <= budget // 2


def test_offsets_outside_the_text_are_clamped() -> None:
    assert window_around("abc", -5, 10, 10).prefix == ""
    assert window_around("abc", 50, 10, 10).prefix == "abc"
    assert attrs.asdict(window_around("", 0, 0, 0))["prefix"] == ""
