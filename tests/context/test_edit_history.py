"""Edits as values: what of an editor's changes is one edit, what is none, and that places stay true."""

from __future__ import annotations

from itertools import pairwise

from foretype.context.edits.changes import line_changes
from foretype.context.edits.history import (
    LARGEST_EDIT,
    MOST_AT_ONCE,
    MOST_EDITS,
    EditHistory,
    TextChange,
    original,
)
from hypothesis import given
from hypothesis import strategies as st

URI, OTHER = "file:///a.py", "file:///b.py"


class Typed:
    """A document that is typed in, and the history of that."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.history = EditHistory()

    def change(self, start: int, old: str, new: str) -> None:
        assert self.text[start : start + len(old)] == old
        self.text = self.text[:start] + new + self.text[start + len(old) :]
        self.history = self.history.changed(URI, [TextChange(start, old, new)], self.text)

    def type(self, start: int, keys: str) -> None:
        for at, key in enumerate(keys):
            self.change(start + at, "", key)

    def seen(self) -> list[tuple[str, str]]:
        """What became of what, the newest last."""
        return [(each.old, self.text[each.start : each.end]) for each in self.history.of(URI)]


def test_a_word_that_is_renamed_letter_by_letter_is_one_edit() -> None:
    typed = Typed("count = 1")
    for at in range(5, 0, -1):
        typed.change(at - 1, "count"[at - 1], "")
    typed.type(0, "total")
    assert typed.seen() == [("count", "total")]


def test_what_is_typed_and_taken_back_is_no_edit() -> None:
    typed = Typed("a = 1\n")
    typed.type(5, " + b")
    typed.change(5, " + b", "")
    assert typed.seen() == []


def test_an_undo_takes_an_edit_back_and_a_redo_makes_it_anew() -> None:
    typed = Typed("a b c")
    typed.change(2, "b", "beta")
    typed.change(7, "c", "gamma")
    typed.change(2, "beta", "b")
    assert typed.seen() == [("c", "gamma")]
    typed.change(2, "b", "beta")
    assert typed.seen() == [("c", "gamma"), ("b", "beta")]


def test_edits_apart_are_two_and_move_along() -> None:
    typed = Typed("one two three")
    typed.change(8, "three", "3")
    typed.change(0, "one", "number one")
    assert typed.seen() == [("three", "3"), ("one", "number one")]


def test_a_deletion_that_runs_over_edits_takes_them_in() -> None:
    typed = Typed("a b c d")
    typed.change(2, "b", "beta")
    typed.change(0, "a beta c ", "")
    assert typed.seen() == [("a b c ", "")]


def test_what_is_too_large_to_be_typed_is_forgotten_with_what_it_ran_over() -> None:
    typed = Typed("a b")
    typed.change(0, "a", "alpha")
    typed.change(0, "alpha b", "x" * (LARGEST_EDIT + 1))
    assert typed.seen() == []


def test_a_program_that_changes_much_at_once_ends_the_history_of_its_document() -> None:
    typed = Typed("x\n" * 100)
    typed.change(0, "x", "y")
    other = typed.history.changed(OTHER, [TextChange(0, "a", "b")], "b")
    many = [TextChange(2 * at, "y" if at == 0 else "x", "z") for at in range(MOST_AT_ONCE + 1)]
    after = other.changed(URI, many, "whatever")
    assert after.of(URI) == ()
    assert len(after.of(OTHER)) == 1


def test_the_history_is_bounded_and_the_oldest_go() -> None:
    typed = Typed("x " * (MOST_EDITS + 5))
    for at in range(MOST_EDITS + 5):
        typed.change(2 * at, "x", "y")
    assert len(typed.history.edits) == MOST_EDITS
    assert typed.history.edits[0].start == 10


def test_a_document_that_is_closed_is_forgotten_and_no_other() -> None:
    history = EditHistory().changed(URI, [TextChange(0, "a", "b")], "b")
    history = history.changed(OTHER, [TextChange(0, "c", "d")], "d").forgotten(URI)
    assert [each.document for each in history.edits] == [OTHER]


@given(
    st.text(alphabet="ab\n ", max_size=40),
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 6), st.text(alphabet="xy\n ", max_size=5)), max_size=30
    ),
)
def test_taking_back_every_edit_gives_the_text_that_was_there(
    text: str, changes: list[tuple[int, int, str]]
) -> None:
    typed = Typed(text)
    for place, length, new in changes:
        start = min(place, len(typed.text))
        typed.change(start, typed.text[start : start + length], new)
        edits = sorted(typed.history.of(URI), key=lambda edit: edit.start)
        assert all(one.end < other.start for one, other in pairwise(edits))
    if len(changes) < MOST_EDITS:
        assert original(typed.text, typed.history.of(URI), 0, len(typed.text)) == text


def test_several_cursors_are_one_user_and_a_formatter_is_none() -> None:
    text = "a = 'x'\nb = 'y'\nc = 'z'\nd = 'w'\n"
    typed = Typed(text)
    typed.change(0, "a", "first")
    cursors = [TextChange(text.index(name) + 4, "", "_") for name in "bcd"]
    after = typed.history.changed(URI, cursors, "whatever else stands there, " * 9)
    assert len(after.of(URI)) == 4
    formatted = [TextChange(8 * at, f"{name} =", f"{name}:") for at, name in enumerate("abcd")]
    assert typed.history.changed(URI, formatted, text).of(URI) == ()


def test_blanks_alone_are_no_change_of_lines() -> None:
    typed = Typed("if a:\n  b = 1\n  c = 2\n")
    typed.change(6, "  b = 1", "    b = 1")
    assert line_changes(typed.text, typed.history.of(URI), 9) == []
    typed.change(10, "b", "d")
    assert [each.new for each in line_changes(typed.text, typed.history.of(URI), 9)] == ["    d = 1"]


def test_keys_that_an_editor_sends_together_are_one_edit() -> None:
    keys = [TextChange(9, "w", ""), *(TextChange(9 + at, "", key) for at, key in enumerate("breadth"))]
    history = EditHistory().changed("d", keys, "def area(breadth, h):\n")
    (edit,) = history.edits
    assert (edit.start, edit.end, edit.old) == (9, 16, "w")
