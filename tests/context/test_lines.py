"""Lines against a naive model, for every mixture of line ends."""

from __future__ import annotations

import re

import pytest
from foretype.context.text import lines
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(st.sampled_from("ab \n\r\t\f\u2028é🦊"), max_size=60)


@given(text=texts, data=st.data())
def test_a_line_begins_after_the_last_line_end_and_ends_before_the_next(
    text: str, data: st.DataObject
) -> None:
    offset = data.draw(st.integers(0, len(text)))
    naive = [found.span() for found in re.finditer(r"\r\n|\n|\r", text)]
    start = max((end for _, end in naive if end <= offset), default=0)
    end = min((begin for begin, _ in naive if begin >= start), default=len(text))
    assert lines.line_start(text, offset) == start
    assert lines.line_end(text, offset) == end
    assert lines.next_line_start(text, offset) == next((e for b, e in naive if b == end), len(text))


@given(text=texts)
def test_lines_joined_give_the_text(text: str) -> None:
    parts = lines.split_lines(text)
    assert "".join(parts) == text
    assert all("\n" not in lines.without_end(part) and "\r" not in lines.without_end(part) for part in parts)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("a\n  b\n    c\nd\n  e\n", "  "),
        ("a\n    b\n        c\n", "    "),
        ("a\n\tb\n\t\tc\n", "\t"),
        ("a\nb\nc\n", "    "),
        ("", "    "),
        ("/*\n * a\n * b\n */\nint f() {\n    x;\n}\n", "    "),
    ],
)
def test_the_indentation_step_is_read_from_the_code(text: str, unit: str) -> None:
    assert lines.indent_style(text, len(text), "    ").unit == unit


def test_a_far_away_beginning_decides_where_the_surroundings_show_no_step() -> None:
    text = "a\n  b\n" + "c\n" * 10_000
    assert lines.indent_style(text, len(text), "    ").unit == "  "


def test_tabs_reach_to_the_next_stop() -> None:
    assert lines.columns("\t", 4) == 4
    assert lines.columns("  \t ", 4) == 5
    assert lines.columns("    ", 8) == 4


def test_the_next_line_of_code_is_found_past_blank_lines() -> None:
    assert lines.next_code_line("a\r\n\r\n  \r\n  b\r\n", 0) == "  b"
    assert lines.next_code_line("a", 0) == ""
    assert lines.next_code_line("a\n" + "\n" * 1000 + "b", 0) == ""


def test_the_first_line_end_is_the_documents() -> None:
    assert lines.newline_of("a\r\nb\n") == "\r\n"
    assert lines.newline_of("a\rb") == "\r"
    assert lines.newline_of("a") == "\n"
