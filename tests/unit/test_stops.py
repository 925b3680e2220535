"""Where a generation ends. `‖` in the generated text marks the expected cut."""

from __future__ import annotations

import random

import pytest
from foretype.context.values import StopReason, StopRules
from foretype.models.stops import StopWatch, indent_of

BLOCK = StopRules(multiline=True, reference_indent=4, closing_indent=0)
PYTHON = StopRules(multiline=True, reference_indent=4, closing_indent=4, stop_at_blank=True)


def run(text: str, rules: StopRules, step: int) -> tuple[str, StopReason | None]:
    watch = StopWatch(rules)
    for start in range(0, len(text), step):
        stop = watch.feed(text[start : start + step])
        assert watch.settled() <= len(watch.text)
        if stop is not None:
            return watch.text[: stop.keep], stop.reason
    return watch.text, None


def check(marked: str, reason: StopReason | None, rules: StopRules) -> None:
    """The cut is at the mark and the reason is right, however the text arrives."""
    expected = marked.partition("‖")[0]
    text = marked.replace("‖", "")
    for step in (1, 2, 3, 7, len(text)):
        kept, why = run(text, rules, step)
        assert kept == expected
        assert why is reason


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_single_line_ends_at_the_line_end(line_end: str) -> None:
    check(f"return a + b‖{line_end}    more", StopReason.LINE, StopRules())


def test_an_empty_first_line_is_an_answer_of_nothing() -> None:
    check("‖\n    body", StopReason.LINE, StopRules())


def test_a_shallower_line_ends_the_scope() -> None:
    check("a = 1\n    b = 2‖\ndef g():\n", StopReason.SCOPE, PYTHON)


def test_the_first_line_continues_the_cursors_and_has_no_indentation_of_its_own() -> None:
    check("return 1\n    more = 2\n", None, PYTHON)


def test_python_ends_at_a_blank_line_after_code() -> None:
    check("a = 1‖\n\n    b = 2\n", StopReason.SCOPE, PYTHON)


def test_elsewhere_a_blank_line_is_part_of_the_block() -> None:
    check("a();\n\n    b();\n", None, BLOCK)


def test_a_closing_line_is_kept_and_is_the_last() -> None:
    check("a();\n}‖\nnext();\n", StopReason.SCOPE, BLOCK)


def test_else_goes_on() -> None:
    check("a();\n} else {\n    b();\n}‖\nnext();\n", StopReason.SCOPE, BLOCK)


def test_a_continuation_goes_on_with_the_statement() -> None:
    rules = StopRules(
        multiline=True,
        reference_indent=4,
        closing_indent=0,
        continuations=("else", "elif"),
        stop_at_blank=True,
    )
    check("a()\nelse:\n    b()‖\nelsewhere = 1\n", StopReason.SCOPE, rules)


def test_a_closing_line_that_follows_the_cursor_already_is_left_out() -> None:
    rules = StopRules(multiline=True, reference_indent=4, closing_indent=0, next_line="}")
    check("a();‖\n}\nx", StopReason.SCOPE, rules)


def test_the_closer_of_a_block_that_the_suggestion_opened_stays() -> None:
    rules = StopRules(multiline=True, reference_indent=0, closing_indent=0, next_line="}")
    check("if (a) {\n    b();\n}\nc();\n", None, rules)


def test_running_into_the_next_line_ends_before_it() -> None:
    rules = StopRules(multiline=True, next_line="return total")
    check("total += 1‖\nreturn total\nmore", StopReason.SUFFIX, rules)


def test_the_same_line_three_times_is_a_loop() -> None:
    check("x = 1\n    print(x)‖\n    print(x)\n    print(x)\n", StopReason.REPETITION, PYTHON)


def test_a_block_twice_is_a_loop() -> None:
    check("a = 1\n    b = 2\n    c = 3‖\n    a = 1\n    b = 2\n    c = 3\n", StopReason.REPETITION, PYTHON)


def test_a_unit_over_and_over_in_one_line_is_a_loop() -> None:
    check("[0, ‖0, 0, 0, 0, 0, ", StopReason.REPETITION, StopRules())


def test_a_ruler_is_no_loop() -> None:
    check("# " + "-" * 70, None, StopRules())


def test_what_was_shown_is_taken_back_only_from_a_loop() -> None:
    chance = random.Random(7)
    lines = ["a = 1", "    b()", "}", "", "return total", "    if x {", "  c"]
    for _ in range(300):
        text = "\n".join(chance.choice(lines) for _ in range(8))
        watch = StopWatch(
            StopRules(multiline=True, reference_indent=chance.choice([0, 4]), next_line="return total")
        )
        shown = 0
        for char in text:
            stop = watch.feed(char)
            if stop is not None:
                assert stop.keep >= shown or stop.reason is StopReason.REPETITION
                break
            shown = max(shown, watch.settled())


@pytest.mark.parametrize(
    ("line", "columns"), [("    x", 4), ("\tx", 4), ("  \tx", 4), ("\t\tx", 8), ("x", 0)]
)
def test_indentation_is_counted_in_columns(line: str, columns: int) -> None:
    assert indent_of(line, 4) == columns
