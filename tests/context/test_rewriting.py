"""Lines for a model to write anew, and what of its answer is proposed."""

from __future__ import annotations

import attrs
import pytest
from foretype.context.edits.rewriting import AROUND, RewriteRequest, proposal_of, rewrite_request
from foretype.context.shared.values import EditedLines
from foretype.tests.support.edited import EditedText
from hypothesis import given
from hypothesis import strategies as st

SOURCE = """\
def area(⟦w→width⟧, height):
    check(w)
    return w * height


print(area(1, 2))
"""

REST = "def area({}, height):\n    check({})\n    return w * height\n\n\nprint(area(1, 2))\n"


def asked(
    source: str = SOURCE, language: str = "python", *, line: bool = False
) -> tuple[RewriteRequest, EditedText]:
    edited = EditedText.marked(source, language)
    found = rewrite_request(edited.document(), edited.near, "m.py", line=line)
    assert found is not None
    return found, edited


def after(source: str, answer: str, language: str = "python") -> str:
    """The document after what an answer proposes was taken; "" where it proposes nothing."""
    request, edited = asked(source, language)
    found = proposal_of(request, edited.document(), answer)
    if found is None:
        return ""
    edited.take(found)
    return edited.text


def test_the_model_sees_the_lines_the_edit_and_what_was_there_before() -> None:
    request, _ = asked()
    rewrite = request.prompt.rewrite
    assert rewrite is not None
    assert rewrite.region.startswith("def area(width, height):\n    check(w)")
    assert rewrite.original.startswith("def area(w, height):\n")
    assert rewrite.edits == (EditedLines("m.py", 1, "def area(w, height):", "def area(width, height):"),)
    assert rewrite.region[: rewrite.cursor] == "def area(width"
    assert rewrite.from_start
    assert (rewrite.before, rewrite.after) == ("", "")


def test_an_ordinary_model_sees_the_line_as_a_comment_above_its_hole() -> None:
    request, _ = asked("x = 1\nif x:\n    ⟦y→total⟧ = f(x)\n    print(y)\n", line=True)
    assert request.prompt.prefix == "x = 1\nif x:\n    # total = f(x)\n    "
    assert request.prompt.suffix == "\n    print(y)\n"


def test_nothing_is_asked_without_an_edit_or_in_a_generated_file() -> None:
    edited = EditedText("x = 1\n", "python")
    assert rewrite_request(edited.document(), 0, "m.py", line=True) is None
    edited = EditedText.marked("# do not edit\nx = ⟦1→2⟧\n", "python")
    assert rewrite_request(edited.document(), edited.near, "m.py", line=True) is None


def test_the_change_nearest_to_the_cursor_is_proposed_and_no_more_of_it_than_differs() -> None:
    request, edited = asked()
    answer = edited.text.replace("check(w)", "check(width)").replace("area(1, 2)", "area(3, 2)").rstrip("\n")
    found = proposal_of(request, edited.document(), answer)
    assert found is not None
    assert (found.old, found.text, found.kind) == ("w", "width", "model")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        REST.format("w", "w"),  # what was there before
        REST.format("width", "w"),  # what is there
        REST.format("width", "widht"),  # there is no such name
        REST.format("width", "("),  # it doesn't parse
    ],
)
def test_what_says_nothing_or_breaks_something_is_not_proposed(answer: str) -> None:
    assert after(SOURCE, answer) == ""


def test_lines_may_come_and_go() -> None:
    source = "a = ⟦1→2⟧\nb = 1\nc = 1\n"
    assert after(source, "a = 2\nb = 1\nb2 = 1\nc = 1\n") == "a = 2\nb = 1\nb2 = 1\nc = 1\n"
    assert after(source, "a = 2\nc = 1\n") == "a = 2\nc = 1\n"
    assert after("a = ⟦1→2⟧\nb = 1", "a = 2") == "a = 2"
    assert after("a = ⟦1→2⟧", "a = 2\nb = 1") == "a = 2\nb = 1"


@given(
    st.lists(st.sampled_from(["x = 1", "y = x", "", "z = (x)"]), min_size=1, max_size=40),
    st.lists(st.sampled_from(["x = 1", "y = x", "", "x = y"]), max_size=30),
    st.integers(0, 39),
)
def test_nothing_outside_of_the_lines_is_ever_changed(lines: list[str], answer: list[str], at: int) -> None:
    row = min(at, len(lines) - 1)
    text = "\n".join([*lines[:row], f"{lines[row]}⟦→ ⟧", *lines[row + 1 :]])
    edited = EditedText.marked(text, "plaintext")
    request = rewrite_request(edited.document(), edited.near, "", line=False)
    assert request is not None
    assert edited.text.count("\n", request.start, request.end) <= 2 * AROUND
    found = proposal_of(request, edited.document(), "\n".join(answer))
    if found is not None:
        assert request.start <= found.start <= found.end <= request.end
        assert found.old == edited.text[found.start : found.end]
        assert attrs.evolve(found, text=found.old) != found
