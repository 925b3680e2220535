"""The measuring of quality: what is cut out comes back as expected, and the judge knows its names.

The judge's verdicts decide what grounding is said to be worth, so they are tested on cases of their own.
"""

from __future__ import annotations

import random
from pathlib import Path

import attrs
import numpy as np
import pytest
from foretype.context.checking.confidence import Kind, is_sure, log_odds
from foretype.context.shared.values import Completion, Prompt, Restriction, StopReason, StopRules
from foretype.models.engine.interface import EngineInfo
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.quality.answers import Answers
from foretype.tests.quality.calibration import Tokens, common_length, fitted, tokens_of
from foretype.tests.quality.corpus import Source, sources
from foretype.tests.quality.holes import KINDS, Hole, holes_in
from foretype.tests.quality.humaneval import runs, tasks
from foretype.tests.quality.judge import undefined_names
from foretype.tests.quality.lexing import masked
from foretype.tests.quality.score import outcome, similarity
from foretype.tests.quality.silences import silences_of
from foretype.tests.quality.stages import Shown
from foretype.tests.quality.triggers import Verdict, figures
from hypothesis import given
from hypothesis import strategies as st

PYTHON = Source("here", "1", "MIT", "pip", "python", "")
TEXT = "import os\n\nLIMIT = 3\n\n\ndef total(items):\n    result = 0\n    for item in items:\n" + (
    "        if item > LIMIT:\n            result += item\n            print(result)\n    return result\n"
)


def check(
    language: str, marked: str, expected: list[str], *, original: str = "", root: Path | None = None
) -> None:
    """`marked` has the suggestion between two marks; the original is the same without it unless given."""
    before, inside, after = marked.split("‸")
    place = (len(before), len(before) + len(inside))
    found = undefined_names(
        language, original or before + after, before + inside + after, place, root or Path("/nowhere")
    )
    assert found == expected


@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 1000))
def test_what_was_cut_out_makes_the_original_again(kind: str, seed: int) -> None:
    hole = holes_in(PYTHON, "a.py", TEXT, kind, random.Random(seed))
    if hole is None:
        return
    found = outcome(hole, Shown(hole.expected, _right_of(hole)), Path("/nowhere"))
    assert found.exact
    assert found.whole
    assert found.similarity == 1
    assert found.undefined == ()


def _right_of(hole: Hole) -> int:
    """How many closers stand between the cursor and the end of its line."""
    return len(hole.text) - hole.tail - hole.offset


def test_every_kind_of_hole_is_found() -> None:
    kinds = [kind for kind in KINDS if holes_in(PYTHON, "a.py", TEXT, kind, random.Random(1)) is not None]
    assert kinds == list(KINDS)


def test_members_of_a_module_are_no_names_of_the_file_and_a_declaration_may_be_cut_at_its_name() -> None:
    begun = "def g():\n    return Missing\n\ndef f(a):\n    return a.Miss"
    check("python", f"{begun}‸ing + bogus‸\n", ["bogus"], original="def f(a):\n    return 1\n")
    check("java", "class A {\n  void f() {\n    final boolean‸ isBack‸\n  }\n}\n", [])


def test_silence_is_a_miss_and_has_no_names() -> None:
    hole = holes_in(PYTHON, "a.py", TEXT, "line", random.Random(1))
    assert hole is not None
    found = outcome(hole, Shown(""), Path("/nowhere"))
    assert (found.shown, found.exact, found.similarity, found.undefined) == (False, False, 0.0, ())


def test_strings_and_comments_are_no_code() -> None:
    assert masked("a = 'b' # c\nd", "python").split() == ["a", "=", "d"]
    assert masked("let c = 'x'; let s: &'a str = \"y\"; // z", "rust").split() == [
        *("let", "c", "=", ";", "let", "s:", "&'a", "str", "=", ";")
    ]
    assert masked('f(`${a}`, /"/g); x', "typescript").split() == ["f(", ",", ");", "x"]


@given(st.text(alphabet="ab'\"`/*#\n\\", max_size=60), st.sampled_from(["python", "typescript", "rust", "c"]))
def test_masking_keeps_every_place(text: str, language: str) -> None:
    code = masked(text, language)
    assert len(code) == len(text)
    assert [at for at, letter in enumerate(code) if letter == "\n"] == [
        at for at, letter in enumerate(text) if letter == "\n"
    ]


def test_python_names_are_judged_by_the_compiler() -> None:
    check("python", "def f(a):\n    return ‸a + bogus‸\n", ["bogus"])
    check("python", "import os\n\ndef f(a):\n    return ‸os.sep + str(a)‸\n", [])
    check("python", "def f(a):\n    ‸b = a\n    return [c for c in b]‸\n", [])
    check("python", "def f():\n    other = 1\n    return other\n\ndef g():\n    return ‸other‸\n", ["other"])


def test_a_name_that_the_original_left_open_is_not_counted() -> None:
    check("python", "def f(a):\n    return ‸given‸\n", [], original="def f(a):\n    return given + 1\n")


def test_unfinished_python_is_judged_by_words() -> None:
    check("python", "def f(a):\n    return foo(‸a, bogus‸\n", ["bogus"], original="def foo(a): ...\n")
    check("python", "def f(a):\n    return foo(‸a, key=1, a.member‸\n", [], original="def foo(a): ...\n")


def test_words_of_the_repository_are_known(tmp_path: Path) -> None:
    (tmp_path / "other.c").write_text("static int known_to_others(void);\n")
    check("c", "int f(void) {\n    ‸known_to_others(made_up);‸\n}\n", ["made_up"], root=tmp_path)


def test_what_a_suggestion_declares_is_defined() -> None:
    check("rust", "fn f() {\n    ‸let made = 1; made.go(|inner| inner + made)‸\n}\n", [])
    check("typescript", "function f() {\n  ‸const { one, two } = made_up((x) => x + one);‸\n}\n", ["made_up"])
    check("c", "int f(void) {\n    ‸int *made = NULL; return *made + mystery;‸\n}\n", ["mystery"])


def test_members_and_keys_prove_nothing() -> None:
    check("typescript", "const a = 1;\n‸a.anything({ key: a })‸\n", [])
    check("rust", "fn f(a: u8) {\n    ‸a.anything(); u8::whatever(a)‸\n}\n", [])
    check("c", "int f(struct s *a) {\n    ‸a->anything = 1;‸\n}\n", [])


@given(st.text(alphabet="abc\n", max_size=12), st.text(alphabet="abc\n", max_size=12))
def test_similarity_is_the_edit_distance(one: str, other: str) -> None:
    longest = max(len(one), len(other))
    assert similarity(one, other) == pytest.approx(1 - _distance(one, other) / longest if longest else 1.0)


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        above, row = row, [number]
        for at, there in enumerate(other, 1):
            row.append(min(above[at] + 1, row[-1] + 1, above[at - 1] + (letter != there)))
    return row[-1]


class CountingEngine:
    """Answers every prompt with its own length and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.reading = 1.0

    def complete(
        self,
        session: str,
        prompt: Prompt,
        rules: StopRules,
        *,
        cancellation: Cancellation,
        restriction: Restriction | None = None,
        **_: object,
    ) -> Completion:
        del session, rules, cancellation
        self.asked += 1
        if restriction is not None:
            return Completion(restriction.names[0], StopReason.LINE, name_logprob=-0.25)
        return Completion(str(len(prompt.prefix)), StopReason.LINE, logprobs=(-0.5,), mean_logprob=-0.5)

    def warm(self, session: str, prompt: Prompt, *, cancellation: Cancellation) -> Completion:
        raise NotImplementedError

    def idle(self, session: str, *, cancellation: Cancellation) -> bool:
        raise NotImplementedError

    def forget(self, session: str) -> None:
        del session

    def keep(self, *, cancellation: Cancellation) -> bool:
        raise NotImplementedError

    def info(self) -> EngineInfo:
        raise NotImplementedError

    def close(self) -> None: ...


def test_an_answer_is_asked_for_once_and_survives_an_interrupted_run(tmp_path: Path) -> None:
    engine, file = CountingEngine(), tmp_path / "answers.jsonl"
    first = Answers(file, lambda: engine)
    given_answer = first.complete(Prompt("abc"), StopRules())
    with file.open("a") as opened:
        opened.write('{"key": "cut of')
    again = Answers(file, lambda: engine)
    assert again.complete(Prompt("abc"), StopRules()) == given_answer
    assert engine.asked == 1
    again.complete(Prompt("abc"), StopRules(multiline=True))
    again.complete(Prompt("abcd"), StopRules())
    assert engine.asked == 3


def test_an_answer_with_another_name_is_kept_beside_the_free_one(tmp_path: Path) -> None:
    engine, file = CountingEngine(), tmp_path / "answers.jsonl"
    answers = Answers(file, lambda: engine)
    free = answers.complete(Prompt("abc"), StopRules())
    named = answers.complete(Prompt("abc"), StopRules(), Restriction("", ("name",)))
    again = Answers(file, lambda: engine)
    assert again.complete(Prompt("abc"), StopRules(), Restriction("", ("name",))) == named
    assert again.complete(Prompt("abc"), StopRules()) == free
    assert (named.text, named.name_logprob, free.name_logprob) == ("name", -0.25, None)
    assert engine.asked == 2


def test_programs_run_within_bounds() -> None:
    assert runs("assert sum([1, 2]) == 3\n")
    assert not runs("assert False\n")
    assert not runs("while True:\n    pass\n")
    assert not runs("x = bytearray(1 << 32)\n")
    assert not runs("import socket\n")
    assert not runs("with open('left-behind', 'w') as opened:\n    opened.write('x')\n")


def test_a_task_passes_with_its_own_solution_and_not_without_it() -> None:
    task = tasks(1, 3)[0]
    hole = task.hole()
    assert task.passes(hole.original)
    assert not task.passes(hole.text)


def test_sources_are_pinned_and_permissive() -> None:
    permissive = ("MIT", "BSD", "Apache", "PSF")
    for source in sources():
        assert len(source.sha256) == 64
        assert source.licence.startswith(permissive)
    assert {source.language for source in sources()} >= {"python", "typescript", "rust", "c"}


def test_a_model_that_doubts_itself_is_not_shown() -> None:
    answer = Completion("x", StopReason.LINE, logprobs=(-2.0, -4.0), mean_logprob=-3.0)
    assert is_sure(answer, -3.0)
    assert not is_sure(answer, -2.9)
    assert is_sure(attrs.evolve(answer, logprobs=(), mean_logprob=0.0), -0.1)


def test_a_fit_finds_the_weights_that_made_the_data() -> None:
    chance = np.random.default_rng(1)
    odds = chance.normal(1.0, 2.0, 20_000)
    features = np.column_stack([np.ones_like(odds), odds, np.zeros((len(odds), 4))])
    right = (chance.random(len(odds)) < 1 / (1 + np.exp(-0.3 - 0.8 * odds))).astype(float)
    assert fitted(Tokens(features, right))[:2] == pytest.approx([0.3, 0.8], abs=0.06)


def test_tokens_count_up_to_the_first_that_is_wrong() -> None:
    hole = holes_in(PYTHON, "a.py", TEXT, "line", random.Random(1))
    assert hole is not None
    said = hole.expected[:2] + "?!"
    answer = Completion(said, StopReason.LINE, logprobs=(-0.1, -0.2, -0.3), ends=(2, 3, 4))
    found = list(tokens_of(hole, answer, Kind.LINE))
    assert [right for _, right in found] == [True, False]
    assert found[0][0][:2] == [1.0, pytest.approx(log_odds(-0.1))]


@given(st.text(alphabet="ab", max_size=6), st.text(alphabet="ab", max_size=6))
def test_what_two_texts_begin_with_alike(one: str, other: str) -> None:
    length = common_length(one, other)
    assert one[:length] == other[:length]
    assert length == min(len(one), len(other)) or one[length] != other[length]


def test_the_places_that_a_rule_silences_give_the_original_back() -> None:
    found = list(silences_of(PYTHON, "a.py", TEXT, random.Random(1)))
    assert {place.rule.value for place in found} >= {"after a finished statement", "nothing to go by"}
    for place in found:
        whole = place.text[: place.offset] + place.missing + place.text[place.offset :]
        assert whole == TEXT


def test_of_silences_counts_where_a_line_goes_on() -> None:
    places = [
        place
        for place in silences_of(PYTHON, "a.py", TEXT, random.Random(1))
        if place.rule.value == "after a finished statement"
    ]
    going = [place for place in places if place.missing]
    ended = [place for place in places if not place.missing]
    assert going
    assert ended
    found = figures(places, [Verdict(going[0], True, True), Verdict(ended[0], True, False)])
    assert found.of_silences == pytest.approx(len(going) / len(places))
    assert (found.exact, found.noise) == (1, 1)
    assert going[0].is_exact(going[0].missing, 0)
    assert not ended[0].is_exact("x", 0)
