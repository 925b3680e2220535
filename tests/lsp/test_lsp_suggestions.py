"""Which remembered suggestion still fits, and what of it is left. `|` marks the cursor."""

from __future__ import annotations

import time

import pytest
from foretype.lsp.completions.suggestions import Suggestion, Suggestions, around, rest_at
from hypothesis import assume, given
from hypothesis import strategies as st

URI = "untitled:x"


def at(marked: str) -> tuple[str, int]:
    offset = marked.index("|")
    return marked[:offset] + marked[offset + 1 :], offset


def suggest(marked: str, said: str, *, replace_right: int = 0, name: str = "one") -> Suggestion:
    text, offset = at(marked)
    before, replaces, after = around(text, offset, replace_right)
    return Suggestion(name, URI, before, said, after, replaces)


def check(then: str, said: str, now: str, rest: str | None, *, replaced: int = 0, right: int = 0) -> None:
    """`said` was suggested at `then`; at `now` exactly `rest` is left, replacing `right` code points."""
    found = rest_at(suggest(then, said, replace_right=replaced), *at(now))
    assert (found.text if found else None) == rest
    if found is not None:
        assert found.replace_right == right


def test_at_its_own_place_all_of_it_is_left() -> None:
    check("x = |\n", "1 + 2", "x = |\n", "1 + 2")


def test_typing_it_leaves_the_rest() -> None:
    check("x = |\ny = 2\n", "1 + 2", "x = 1 +|\ny = 2\n", " 2")


def test_typing_all_of_it_leaves_nothing() -> None:
    check("x = |\n", "1 + 2", "x = 1 + 2|\n", None)


def test_typing_something_else_drops_it() -> None:
    check("x = |\n", "1 + 2", "x = 3|\n", None)


def test_going_back_into_it_brings_it_back() -> None:
    check("x = |\n", "1 + 2", "x = 1|\n", " + 2")


def test_going_back_before_its_place_drops_it() -> None:
    check("x = |\n", "1 + 2", "x =|\n", None)


def test_another_text_in_front_or_behind_drops_it() -> None:
    check("x = |\n", "1", "y = |\n", None)
    check("x = |\ny\n", "1", "x = |\nz\n", None)


def test_another_file_place_with_the_same_line_drops_it() -> None:
    check("a\nx = |\n", "1", "b\nx = |\n", None)


def test_a_suggestion_over_lines_is_typed_through_across_them() -> None:
    check("if a:|\n", "\n    b()\n    c()", "if a:\n    b()|\n", "\n    c()")


def test_closers_that_the_editor_added_are_replaced() -> None:
    check("f|\n", "(a, b)", "f(|)\n", "a, b)", right=1)
    check("f(|)\n", "a, b)", "f(a|)\n", ", b)", replaced=1, right=1)


def test_closers_that_the_rest_does_not_say_stay() -> None:
    check("|\n", "fn f() {\n    g();", "fn f() {|}\n", "\n    g();\n")
    check("f|\n", "(a, b", "f(|)\n", "a, b")
    check("x = f|\n", "(g(a))", "x = f(g(|))\n", "a))", right=2)
    check("x = f|\n", '("a', 'x = f("|")\n', "a")


def test_a_bracket_that_the_line_below_closes_stays_open() -> None:
    check("|\n\tb) {\n", "if f(a) && g(a,", "if f(|)\n\tb) {\n", "a) && g(a,", right=1)
    check("|\nb)\n", "if f(a) && g(a", "if f(|)\nb)\n", "a) && g(a")


def test_what_was_closed_since_does_not_close_what_is_opened_next() -> None:
    check("func |\n", "f(a interface{}) {\n\tg()\n", "func f(a interface{|}\n", "}) {\n\tg()\n", right=1)


def test_types_over_lines_go_on_behind_what_was_closed() -> None:
    check("{|}\n", "\nx = f() as A<\n  B\n>\n", "{\nx = f(|)}\n", ") as A<\n  B\n>\n", right=1)


def test_a_new_indentation_keeps_it() -> None:
    check("if a:\n|\n", "    b()\n    c()", "if a:\n\t|\n", "b()\n\tc()")
    check("if a:\n    |\n", "b()\n    c()", "if a:\n\t|\n", "b()\n\tc()")


def test_lines_that_became_crlf_are_typed_through() -> None:
    check("a\r\nif a:|\r\n", "\n    b()\n    c()", "a\r\nif a:\r\n    b()|\r\n", "\n    c()")


def test_the_newest_that_fits_is_found() -> None:
    known = Suggestions()
    known.remember(suggest("x = |\n", "10", name="older"))
    known.remember(suggest("x = |\n", "12", name="newer"))
    text, offset = at("x = 1|\n")
    found = known.find(URI, text, offset)
    assert found is not None
    assert (found.suggestion.id, found.text) == ("newer", "2")
    assert [rest.text for rest in known.all_at(URI, text, offset)] == ["2", "0"]


def test_a_suggestion_that_has_grown_replaces_itself() -> None:
    known = Suggestions()
    known.remember(suggest("x = |\n", "1", name="one"))
    known.remember(suggest("x = |\n", "1 + 2", name="one"))
    assert [one.text for one in known.of(URI)] == ["1 + 2"]


def test_the_store_is_bounded_and_forgets_closed_documents() -> None:
    known = Suggestions(per_document=2, documents=1)
    for number in range(4):
        known.remember(suggest("x = |\n", str(number), name=str(number)))
    assert [one.id for one in known.of(URI)] == ["3", "2"]
    known.forget(URI)
    assert known.find(URI, *at("x = |\n")) is None


CODE = st.text(st.sampled_from("ab (){}\n\t=世"), max_size=24)


@given(CODE, CODE, st.text(st.sampled_from("ab ()\n"), min_size=1, max_size=12), st.data())
def test_typing_any_part_of_a_suggestion_leaves_exactly_the_rest(
    before: str, after: str, said: str, data: st.DataObject
) -> None:
    typed = data.draw(st.integers(0, len(said) - 1))
    first, replaced, behind = around(before + after, len(before))
    found = rest_at(
        Suggestion("one", URI, first, said, behind, replaced),
        before + said[:typed] + after,
        len(before) + typed,
    )
    assert found is not None
    now = before + said[:typed] + after
    end = len(before) + typed
    completed = now[:end] + found.text + now[end + found.replace_right :]
    assume(found.typed == typed)  # a text that repeats itself may fit in two ways
    assert completed == before + said + after


@pytest.mark.parametrize("size", [10, 1000, 100_000])
def test_a_suggestion_is_found_in_documents_of_any_size(size: int) -> None:
    text = "x = 1\n" * size
    known = Suggestions()
    first, replaced, behind = around(text, len(text) // 2)
    known.remember(Suggestion("one", URI, first, "abc", behind, replaced))
    middle = len(text) // 2
    found = known.find(URI, text[:middle] + "a" + text[middle:], middle + 1)
    assert found is not None
    assert found.text == "bc"


def test_looking_through_many_long_suggestions_takes_a_moment() -> None:
    """Also in a text that repeats itself, where each of them could begin in thousands of places."""
    text = "x = 1\n" * 20_000
    offset, said = len(text) // 2, "x = 1\n" * 3_000
    store, (before, _, after) = Suggestions(), around(text, offset)
    for number in range(32):
        store.remember(Suggestion(str(number), "file:///a.py", before, f"{said}{number}", after))
    typed = text[:offset] + "y" + text[offset:]
    began = time.thread_time()
    assert store.find("file:///a.py", typed, offset + 1) is None
    assert time.thread_time() - began < 0.05
