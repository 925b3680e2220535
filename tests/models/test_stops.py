"""Where a generation ends. `‖` in the generated text marks the expected cut, `‸` the cursor before it."""

from __future__ import annotations

import random
import re

import attrs
import pytest
from foretype.context.shared.values import StopReason, StopRules
from foretype.models.decoding.stops import StopWatch, cursor_line, indent_columns
from hypothesis import assume, given
from hypothesis import strategies as st

BLOCK = StopRules(multiline=True, reference_indent=4, closing_indent=0)
PYTHON = StopRules(multiline=True, reference_indent=4, closing_indent=4, stop_at_blank=True)


ONE_LINE = StopRules(openers=(":", "{", "(", "do"), continuations=("else",))


def run(text: str, rules: StopRules, step: int, line: str = "") -> tuple[str, StopReason | None]:
    watch = StopWatch(rules, line)
    for start in range(0, len(text), step):
        stop = watch.feed(text[start : start + step])
        assert watch.settled() <= len(watch.text)
        if stop is not None:
            return watch.text[: stop.keep], stop.reason
    return watch.text, None


def check(marked: str, reason: StopReason | None, rules: StopRules) -> None:
    """The cut is at the mark and the reason is right, however the text arrives."""
    line, cursor, generated = marked.rpartition("‸")
    assert cursor or not line
    expected = generated.partition("‖")[0]
    text = generated.replace("‖", "")
    for step in (1, 2, 3, 7, len(text)):
        kept, why = run(text, rules, step, line)
        assert kept == expected
        assert why is reason


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_single_line_ends_at_the_line_end(line_end: str) -> None:
    check(f"return a + b‖{line_end}    more", StopReason.LINE, StopRules())


def test_an_empty_first_line_is_an_answer_of_nothing() -> None:
    check("‖\n    body", StopReason.LINE, StopRules())


def test_a_shallower_line_ends_the_scope() -> None:
    check("a = 1\n    b = 2‖\ndef g():\n", StopReason.SCOPE, PYTHON)


@pytest.mark.parametrize("blank", ["\f", "\xa0", "\x1c"])
def test_a_line_that_begins_with_an_odd_blank_is_waited_for(blank: str) -> None:
    check(f"a = 1\n{blank}", None, BLOCK)


def test_the_first_line_continues_the_cursors_and_has_no_indentation_of_its_own() -> None:
    check("return 1\n    more = 2\n", None, PYTHON)


def test_python_ends_at_a_blank_line_after_code() -> None:
    check("a = 1‖\n\n    b = 2\n", StopReason.SCOPE, PYTHON)


def test_elsewhere_a_blank_line_is_part_of_the_block() -> None:
    check("a();\n\n    b();\n", None, BLOCK)


def test_lines_in_a_comment_over_several_lines_say_nothing_about_depth() -> None:
    rules = attrs.evolve(BLOCK, block_comments=(("/*", "*/"),))
    check("a();\n    /*\nold();\n    */\n    b();‖\nnext();\n", StopReason.SCOPE, rules)
    check("f = glob('*.py', '/*');‖\nnext();\n", StopReason.SCOPE, rules)


def test_a_closing_line_is_kept_and_is_the_last() -> None:
    check("a();\n}‖\nnext();\n", StopReason.SCOPE, BLOCK)


@pytest.mark.parametrize(
    "marked",
    [
        "a()\nend‖\nb()\n",
        "a()\r\nend‖\r\nb()\r\n",
        "a()\nend  ‖\nb()\n",
        "a()\nend),‖\nb()\n",
        "a()\nuntil done‖\nb()\n",
        "a()‖\nend_time = 1\n",
        "a()‖\nending\n",
    ],
)
def test_a_closing_word_is_kept_whatever_ends_its_line(marked: str) -> None:
    check(marked, StopReason.SCOPE, attrs.evolve(BLOCK, closers=("}", ")", "]", "end", "until")))


@pytest.mark.parametrize("word", ["end", "fi", "done", "esac", "until"])
def test_what_closes_nothing_in_this_language_closes_nothing(word: str) -> None:
    check(f"a()‖\n{word}\nb()\n", StopReason.SCOPE, BLOCK)


def test_a_line_of_blanks_of_another_script_is_a_blank_line() -> None:
    check("x\n    y\n\u3000‖\nz", StopReason.SCOPE, BLOCK)


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
    check("[one, ‖one, one, one, one, one, ", StopReason.REPETITION, StopRules())


def test_four_times_are_a_loop_inside_what_stands_there_as_one_word() -> None:
    check('["x86_64-amd64-‖x86_64-amd64-x86_64-amd64-x86_64-amd64-', StopReason.REPETITION, StopRules())


@pytest.mark.parametrize(
    "row",
    [
        "optional, optional, optional, optional, ",
        "<span></span><span></span><span></span><span></span>",
        "value.unwrap().unwrap().unwrap().unwrap()",
        "node.next.next.next.next",
    ],
)
def test_four_times_are_no_loop_where_it_is_many_words(row: str) -> None:
    check(row, None, StopRules())


@pytest.mark.parametrize(
    "row", ["[0, 0, 0, 0, 0, 0, 0, 0, ", "0xFFFFFFFF", "1000000", "'%s %s %s %s %s %s %s"]
)
def test_numbers_and_formats_repeat_themselves_honestly(row: str) -> None:
    check(row, None, StopRules())


def test_rows_of_data_are_no_loop() -> None:
    check("{0, 0, 0},\n    {0, 0, 0},\n    {0, 0, 0},\n    {0, 0, 0},\n", None, BLOCK)


def test_a_ruler_is_no_loop() -> None:
    check("# " + "-" * 70, None, StopRules())


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "marked",
    [
        "    if ready‸:⏎        go()‖⏎    stop()⏎",
        "    if ‸ready {⏎        go();⏎    }‖⏎    stop();⏎",
        "\tif ‸ready {⏎\t\tgo()⏎\t}‖⏎\tstop()⏎",
        "    while ready d‸o⏎        go()⏎    end‖⏎    stop()⏎",
        "‸    if ready {⏎        go();⏎    }‖⏎    stop();⏎",
        "if ‸ready {⏎    go();⏎} else {⏎    wait();⏎}‖⏎stop();⏎",
        "each(‸names, {⏎    go();⏎})‖⏎stop();⏎",
        "if ‸ready {  ⏎    go();⏎}‖⏎stop();⏎",
    ],
)
def test_one_line_that_opens_a_block_goes_on_to_the_blocks_end(marked: str, line_end: str) -> None:
    check(marked.replace("⏎", line_end), StopReason.SCOPE, attrs.evolve(ONE_LINE, closers=("}", ")", "end")))


def test_in_python_the_block_that_one_line_opened_ends_at_a_blank_line() -> None:
    rules = attrs.evolve(ONE_LINE, stop_at_blank=True)
    check("if ‸ready:\n    go()‖\n\n    stop()\n", StopReason.SCOPE, rules)


@pytest.mark.parametrize(
    ("marked", "reason"),
    [
        ("names = f(‸\n    a,\n\n    b,\n", None),
        ("names = f(‸\n    a,\n)‖\n\nb = 1\n", StopReason.LINE),
        ("    ‸names = [\n        a,\n\n        b,\n", None),
        ("    ‸names = [a]‖\n\n    b", StopReason.SCOPE),
    ],
)
def test_in_brackets_a_blank_line_ends_nothing(marked: str, reason: StopReason | None) -> None:
    """Neither in those that are closed at the cursor, nor in those that were opened since."""
    at_cursor = marked.startswith("names")
    check(marked, reason, attrs.evolve(PYTHON, reference_indent=0 if at_cursor else 4, in_brackets=at_cursor))


@pytest.mark.parametrize(
    "marked",
    ["total = ‸count‖\n    more", "    un‸do‖\n        more", "x = ‸re_do‖\n    more", "‸‖\n    more"],
)
def test_one_line_that_opens_nothing_is_one_line(marked: str) -> None:
    check(marked, StopReason.LINE, ONE_LINE)


def test_an_opener_left_of_the_cursor_alone_opens_nothing_new() -> None:
    check("if ready {‸‖\n    go();\n}\n", StopReason.LINE, ONE_LINE)


def test_without_openers_one_line_is_one_line() -> None:
    check("if ‸ready:‖\n    go()\n", StopReason.LINE, StopRules())


def test_the_block_that_one_line_opened_keeps_its_closer_though_the_same_follows() -> None:
    rules = attrs.evolve(ONE_LINE, next_line="}")
    check("if (‸ready) {\n    go();\n}‖\n}\n", StopReason.SCOPE, rules)


def test_the_block_that_one_line_opened_doesnt_run_into_what_follows() -> None:
    rules = attrs.evolve(ONE_LINE, next_line="stop()")
    check("if ‸ready:\n    go()‖\n    stop()\n", StopReason.SUFFIX, rules)


@given(
    line=st.text("ab {(:\t", max_size=8),
    first=st.text("ab_ ({:do)}\t", max_size=12),
    rest=st.text("ab {}():\n\r\t", max_size=30),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    step=st.integers(1, 9),
)
def test_what_is_shown_of_a_line_without_an_opener_never_changes(
    line: str, first: str, rest: str, line_end: str, step: int
) -> None:
    assume(not first.strip() or not re.search(r"([:{(]|\bdo)\s*$", line + first))
    text = first + line_end + rest
    plain, open_ended = StopWatch(StopRules(), line), StopWatch(ONE_LINE, line)
    for start in range(0, len(text), step):
        stop = plain.feed(text[start : start + step])
        assert open_ended.feed(text[start : start + step]) == stop
        assert open_ended.settled() == plain.settled()
        if stop is not None:
            break


@given(
    line=st.sampled_from(["", "    ", "if ", "\t", "call("]),
    lines=st.lists(
        st.sampled_from(["a:", "    b()", "}", "", "return total", "    if x {", "  c", "x) {", "else:"]),
        max_size=8,
    ),
)
def test_what_was_shown_of_a_block_that_one_line_opened_is_taken_back_only_from_a_loop(
    line: str, lines: list[str]
) -> None:
    watch = StopWatch(attrs.evolve(ONE_LINE, next_line="return total"), line)
    shown = 0
    for char in "\n".join(lines):
        stop = watch.feed(char)
        if stop is not None:
            assert stop.keep >= shown or stop.reason is StopReason.REPETITION
            break
        shown = max(shown, watch.settled())


@pytest.mark.parametrize(
    ("prefix", "line"), [("", ""), ("a\nb", "b"), ("a\r\n b", " b"), ("a\rb", "b"), ("a\n", "")]
)
def test_the_cursors_line_begins_after_the_last_line_end(prefix: str, line: str) -> None:
    assert cursor_line(prefix) == line


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
    assert indent_columns(line, 4) == columns
