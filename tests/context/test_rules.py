"""When a suggestion is asked for, and how far it may go."""

from __future__ import annotations

import pytest
from foretype.context.prompt.rules import should_trigger, stop_rules
from foretype.context.shared.values import StopRules
from foretype.context.syntax.snapshot import Snapshot
from foretype.tests.support.cursor import snapshot_at
from hypothesis import given
from hypothesis import strategies as st


def check_trigger(language: str, marked: str, expected: bool) -> None:
    snapshot, offset = snapshot_at(marked, language)
    assert should_trigger(snapshot, offset, invoked=False).trigger == expected
    assert should_trigger(snapshot, offset, invoked=True).trigger


@pytest.mark.parametrize(
    ("language", "marked", "expected"),
    [
        ("python", "x = ‸\n", True),
        ("python", "x = compute(a)‸\n", True),
        ("python", "    _engines: ClassVar[set[int]]‸\n", True),
        ("python", "def f(a)‸\n", True),
        ("python", "x = f(a,\n      b)\n)‸\n", False),
        ("python", "x = compute(a) ‸\n", True),
        ("python", "x = compute(a‸)\n", True),
        ("python", "x = compute(a)‸)\n", True),
        ("python", "pri‸nt(x)\n", False),
        ("python", "print(‸x)\n", False),
        ("python", "print(‸, x)\n", True),
        ("python", "  ‸  return x\n", False),
        ("python", "def f():\n    ‸\n", True),
        ("python", "# look (here)‸\nx = 1\n", True),
        ("python", 'x = "look (here)‸"\n', True),
        ("python", "‸", False),
        ("python", "\n\n‸\n", False),
        ("python", "x" * 3000 + "‸", False),
        ("c", "int x;‸\n", False),
        ("c", "for (int i = 0;‸\n", True),
        ("c", "if (a)‸\n", True),
        ("c", "int a[] = {1, 2}‸\n", True),
        ("c", "    });‸\n", False),
        ("c", "}‸\n", False),
        ("c", "int x = 1;  // it's (done)‸\n", True),
        ("javascript", "const a = [1, 2]‸\n", True),
        ("javascript", "f({‸})\n", True),
        ("rust", "let é = ‸ñ;\n", False),
        ("unheard-of", "some words and ‸\n", True),
    ],
)
def test_suggestions_come_where_something_can_be_added(language: str, marked: str, expected: bool) -> None:
    check_trigger(language, marked, expected)


def check_rules(language: str, marked: str, multiline: str = "auto") -> StopRules:
    snapshot, offset = snapshot_at(marked, language)
    return stop_rules(snapshot, offset, 64, 250.0, multiline)


@pytest.mark.parametrize(
    ("language", "marked", "many"),
    [
        ("python", "def f(x):‸\n", True),
        ("python", "def f(x):\n    ‸\n", True),
        ("python", "def f(x):‸\n    return x\n", False),
        ("python", "def f(x):\n    ‸\n    return x\n", False),
        ("python", "def f(x):\n    y = 1\n    ‸\n", False),
        ("python", "def f(\n    a,\n    b,\n):‸\n", True),
        ("python", "    x:‸\n", False),
        ("python", "print(‸)\n", True),
        ("python", "value = {‸}\n", True),
        ("python", "if x:  # why\n    ‸\n", True),
        ("python", "x = 1  # note:‸\n", False),
        ("python", "print(‸, 1)\n", False),
        (
            "python",
            "class A:\n    def f(self):\n        pass\n\n    def g(self):\n        ‸\n\nx = 1\n",
            True,
        ),
        ("javascript", "function f() {‸}\n", True),
        ("javascript", "function f() {\n  ‸\n}\n", True),
        ("javascript", "const f = (x) =>‸\n", True),
        ("javascript", "const s = 'a {‸';\n", False),
        ("go", "func f() {\n\t‸\n}\n", True),
        ("go", "\tif x {\n\t\ty()\n\t\t‸\n\t}\n", False),
        ("rust", "match x {‸\n", True),
        ("java", "class A {\n    void f() {‸\n    }\n}\n", True),
        ("c", "int f(void)\n{\n    ‸\n}\n", True),
        ("unheard-of", "a list:‸\n", True),
        ("unheard-of", "some words‸\n", False),
    ],
)
def test_a_block_is_suggested_where_one_is_open_and_empty(language: str, marked: str, many: bool) -> None:
    assert check_rules(language, marked).multiline == many
    assert not check_rules(language, marked, "never").multiline


def test_always_means_always_but_not_in_front_of_code() -> None:
    assert check_rules("python", "x = ‸\n", "always").multiline
    assert not check_rules("python", "print(‸, 1)\n", "always").multiline


def test_the_block_ends_at_its_headers_depth() -> None:
    rules = check_rules("python", "class A:\n    def f(self):‸\n    def g(self):\n        pass\n")
    assert (rules.reference_indent, rules.closing_indent) == (5, 4)
    assert rules.stop_at_blank
    assert rules.next_line == "def g(self):"


def test_a_block_that_is_closed_already_needs_no_closing_line() -> None:
    rules = check_rules("javascript", "if (a) {\n  if (b) {\n    ‸\n  }\n}\n")
    assert (rules.reference_indent, rules.closing_indent) == (3, 3)
    assert not rules.next_line


def test_a_block_that_is_open_may_be_closed() -> None:
    rules = check_rules("javascript", "if (a) {\n  if (b) {\n    ‸\n}\n")
    assert (rules.reference_indent, rules.closing_indent) == (3, 2)


def test_tabs_count_as_the_editor_shows_them() -> None:
    snapshot = Snapshot("", "a.go", "go", "\tif x {", tab_width=8)
    rules = stop_rules(snapshot, len(snapshot.text), 64, 0.0)
    assert (rules.reference_indent, rules.tab_width) == (9, 8)


def test_the_languages_words_are_handed_on() -> None:
    rules = check_rules("python", "try:‸\n")
    assert "except" in rules.continuations
    assert ":" in rules.openers
    assert check_rules("python", "try:‸\n", "never").openers == ()


@given(
    text=st.text(st.sampled_from("a {}():;\n\r\t\"'#é🦊\0"), max_size=60),
    language=st.sampled_from(["python", "javascript", "c", "unheard-of"]),
    data=st.data(),
)
def test_every_place_has_rules(text: str, language: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    snapshot = Snapshot("", "a", language, text)
    rules = stop_rules(snapshot, offset, 64, 0.0)
    assert 0 <= rules.closing_indent <= rules.reference_indent or rules.reference_indent == 0
    assert should_trigger(snapshot, offset, invoked=False).reason


@pytest.mark.parametrize(
    "text", ["x" * 5_000_000, "\n" * 1_000_000, "(" * 100_000, "\0" * 1_000_000], ids=len
)
def test_enormous_files_cost_bounded_time(text: str) -> None:
    snapshot = Snapshot("", "a", "python", text)
    for offset in (0, len(text) // 2, len(text)):
        stop_rules(snapshot, offset, 64, 0.0)
        should_trigger(snapshot, offset, invoked=False)
