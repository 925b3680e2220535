"""No regular expression of the product takes more than ten milliseconds, whatever a repository holds."""

from __future__ import annotations

import re

import pytest
from foretype.tests.torture.regexes import expressions, is_searched, slowest

LONGEST_S = 0.01
SHORT_SUBJECTS = {
    "foretype.context.checking.trim_first_blank._OPERATOR": "sixteen characters in front of the cursor",
    "foretype.context.imports.wanted._BEFORE": "forty characters in front of a name",
    "foretype.context.imports.wanted._TYPE_BEHIND": "forty characters behind a name",
    "foretype.models.decoding.stops._STRING": "a line that a model writes, of 64 tokens unless set higher",
    "foretype.lsp.demo.script._MARKED": "the demo's own script",
}
"""Expressions that would be slow, and what bounds the texts that they are given."""

EXPRESSIONS = expressions()


def test_there_are_expressions_to_look_at() -> None:
    assert len(EXPRESSIONS) > 120
    assert set(SHORT_SUBJECTS) <= set(EXPRESSIONS)


@pytest.mark.parametrize("name", sorted(EXPRESSIONS.keys() - SHORT_SUBJECTS.keys()))
def test_an_expression_is_quick_whatever_it_reads(name: str) -> None:
    searched = is_searched(name)
    seconds, text = slowest(EXPRESSIONS[name], LONGEST_S, searched=searched)
    if seconds > LONGEST_S:  # somebody else may have had the processor's caches: it must be so twice
        seconds = min(seconds, slowest(EXPRESSIONS[name], LONGEST_S, searched=searched)[0])
    assert seconds <= LONGEST_S, f"{seconds * 1000:.0f} ms for {text!r}"


@pytest.mark.parametrize("careless", [r"\w*\w*\w*;", r"^\s*export\b", r"[\w.]+[ \t]+\""])
def test_a_careless_expression_would_be_seen(careless: str) -> None:
    expression = re.compile(careless, re.MULTILINE)
    assert slowest(expression, LONGEST_S)[0] > LONGEST_S / 5
