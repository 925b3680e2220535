"""Where a suggestion ends because the model begins to guess."""

from __future__ import annotations

import math

import attrs
import pytest
from foretype.context.checking.check import CheckRequest, check
from foretype.context.checking.closers import Line
from foretype.context.checking.confidence import Kind, Prices, Reach
from foretype.context.checking.endings import may_end, possible_ends, reach_of
from foretype.context.languages import language
from foretype.context.prompt.rules import stop_rules
from foretype.context.shared.values import Completion, StopReason
from foretype.tests.support.cursor import snapshot_at
from hypothesis import given
from hypothesis import strategies as st

CERTAIN, LIKELY, GUESS = -0.01, -0.1, -6.0


def completion(*tokens: tuple[str, float], stop: StopReason = StopReason.LINE) -> Completion:
    text, ends = "", list[int]()
    for piece, _ in tokens:
        text += piece
        ends.append(len(text))
    return Completion(text, stop, logprobs=tuple(logprob for _, logprob in tokens), ends=tuple(ends))


def check_sure(code: str, marked: str, *tokens: tuple[str, float], shown: str) -> None:
    snapshot, offset = snapshot_at(marked, code)
    rules = stop_rules(snapshot, offset, 64, 0.0)
    found = check(CheckRequest(completion(*tokens), snapshot, offset, rules))
    assert found.text == shown
    everything = check(CheckRequest(completion(*tokens), snapshot, offset, rules, everything=True))
    assert found.cut_short == (shown not in {"", everything.text})


def test_what_is_certain_is_shown_whole() -> None:
    check_sure("python", "x = ‸\n", ("abs", CERTAIN), ("(1)", CERTAIN), shown="abs(1)")


def test_what_is_guessed_is_left_out() -> None:
    check_sure("python", "x = ‸\n", ("abs", LIKELY), ("(1)", LIKELY), (" + abs(7)", GUESS), shown="abs(1)")


def test_a_call_is_closed_or_not_begun() -> None:
    check_sure(
        "python",
        "x = ‸\n",
        ("abs", LIKELY),
        ("(", LIKELY),
        (f"max({10**30}, 2)", GUESS),
        (")", LIKELY),
        shown="abs",
    )


def test_a_name_is_whole() -> None:
    check_sure("python", "abc = 1\nx = ‸\n", ("abs", LIKELY), ("olute_nothing", GUESS), shown="")


def test_what_nobody_would_type_is_silence() -> None:
    check_sure("python", "x = ‸\n", ("abs", GUESS), ("(1)", CERTAIN), shown="")


def test_lines_are_whole() -> None:
    tokens = (("print(1)", LIKELY), ("\n    ", LIKELY), ("print(", GUESS), ("23456789)", LIKELY))
    check_sure("python", "def f():\n    ‸\n", *tokens, shown="print(1)")


def test_what_was_opened_left_of_the_cursor_is_closed_as_ever() -> None:
    tokens = (("1", LIKELY), (", 2", GUESS), (", 3", GUESS), (")", LIKELY))
    check_sure("python", "x = max(‸)\n", *tokens, shown="1")


def test_without_the_ends_of_tokens_one_threshold_decides() -> None:
    snapshot, offset = snapshot_at("x = ‸\n", "python")
    rules = stop_rules(snapshot, offset, 64, 0.0)
    guess = attrs.evolve(completion(("abs", LIKELY), ("(1)", GUESS)), ends=(), mean_logprob=-1.0)
    assert check(CheckRequest(guess, snapshot, offset, rules)).text == "abs(1)"
    assert not check(CheckRequest(attrs.evolve(guess, mean_logprob=-3.0), snapshot, offset, rules)).text


def check_ends(code: str, text: str, *expected: str) -> None:
    """The beginnings of `text`, behind `x = `, that a person would take for whole."""
    line = Line("x = ", "", language(code))
    ends = sorted(set(possible_ends(text, len(text))))
    assert [text[:end] for end in ends if may_end(text, end, line)] == list(expected)


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("python", "a.b(c) + d", ("a", "a.b", "a.b(c)")),
        ("python", "1.25 + x", ("1.25",)),
        ("python", "1e-5 + x", ("1e-5",)),
        ("python", "a and b", ("a",)),
        ("python", "f'it is {a}' + b", ("f'it is {a}'",)),
        ("python", "[a, b][0]", ("[a, b]",)),
        ("python", "a  # b c", ("a",)),
        ("javascript", "$a.b;", ("$a", "$a.b")),
        ("rust", "vec![1, 2].len()", ("vec![1, 2]", "vec![1, 2].len")),
        ("c", "f(\n  a);\ng();\n", ("f", "f(", "f(\n  a);", "f(\n  a);\ng();")),
    ],
)
def test_an_answer_may_end_behind_what_is_whole(code: str, text: str, expected: tuple[str, ...]) -> None:
    check_ends(code, text, *expected)


@given(st.text(alphabet="ab1_ .(['\"\n é\u0301", max_size=30))
def test_no_end_is_inside_a_name(text: str) -> None:
    line = Line("x = ", "", language("python"))
    for end in possible_ends(text, len(text)):
        if may_end(text, end, line):
            letters = text[end - 1 : end + 1]
            assert not (len(letters) > 1 and letters.isidentifier() and letters[1] != "\u0301")
            assert text[end : end + 1] != "\u0301"


probabilities = st.lists(st.floats(-8.0, 0.0), min_size=1, max_size=12)


@given(logprobs=probabilities, which=st.integers(0, 11), more=st.floats(0.0, 8.0), kind=st.sampled_from(Kind))
def test_more_certainty_never_makes_it_shorter(
    logprobs: list[float], which: int, more: float, kind: Kind
) -> None:
    surer = list(logprobs)
    surer[which % len(surer)] = min(0.0, surer[which % len(surer)] + more)
    assert _best(surer, kind) >= _best(logprobs, kind)


def _best(logprobs: list[float], kind: Kind) -> int:
    reach = Reach.of(completion(*(("ab ", logprob) for logprob in logprobs)), kind)
    worths = [(reach.worth(end, Prices()), end) for end in (0, *reach.ends)]
    best = max(worth for worth, _ in worths)
    return max(end for worth, end in worths if math.isclose(worth, best, abs_tol=1e-9))


@given(count=st.integers(1, 40), kind=st.sampled_from(Kind))
def test_what_is_certain_is_never_cut(count: int, kind: Kind) -> None:
    assert _best([0.0] * count, kind) == 3 * count


@given(logprobs=probabilities, kind=st.sampled_from(Kind))
def test_a_longer_text_is_never_likelier(logprobs: list[float], kind: Kind) -> None:
    chances = Reach.of(completion(*(("ab ", logprob) for logprob in logprobs)), kind).chances
    assert list(chances) == sorted(chances, reverse=True)
    assert all(0 <= chance <= 1 for chance in chances)


@given(st.text(alphabet="ab ()\n", max_size=20), st.text(alphabet="ab ()\n", max_size=20))
def test_what_is_left_of_an_answer_is_a_beginning_of_it(raw: str, shown: str) -> None:
    kept = "".join(raw[: reach_of(raw, shown)].split())
    assert "".join(shown.split()).startswith(kept)
    assert reach_of(raw, raw.rstrip()) == len(raw.rstrip())
