"""Patterns of ignore files: they mean what pathspec means, and none of them can hang."""

from __future__ import annotations

import re
import time
from typing import Any, cast

import pathspec
import pytest
from foretype.context.workspace.expressions import bounded
from foretype.context.workspace.ignore import Rules
from hypothesis import given
from hypothesis import strategies as st

PIECES = st.lists(
    st.sampled_from(["a", "b", "*", "?", "/", "**/", "/**", "/**/", "[ab]", "\\*", "c", ".", "]"]),
    min_size=1,
    max_size=8,
).map("".join)
PATHS = st.lists(st.text("abc.*]", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)


def expressions(pattern: str) -> list[re.Pattern[str]]:
    """What pathspec makes of a line; [] where it is none."""
    try:
        made = cast("Any", pathspec.GitIgnoreSpec.from_lines([pattern]).patterns)
    except ValueError:
        return []
    return [each.regex for each in made if each.include is not None]


def meaning(found: re.Match[str] | None) -> tuple[int, str | None] | None:
    return None if found is None else (found.end(), found.groupdict().get("ps_d"))


@given(PIECES, PATHS, st.booleans())
def test_a_pattern_means_what_it_meant(pattern: str, path: str, folder: bool) -> None:
    name = path + "/" * folder
    for original in expressions(pattern):
        assert meaning(bounded(original.pattern).match(name)) == meaning(original.match(name))


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 12 + "*b",
        "**/a/" * 8 + "b",
        "a**" * 9 + "b",
        "**/*a*/" * 6 + "x",
        "?*" * 20 + "b",
        "[!b]*" * 15 + "c",
    ],
)
@pytest.mark.parametrize("path", ["a" * 250, "a/" * 120, "ab/" * 90 + "a" * 200, "a" * 4000])
def test_no_pattern_hangs_whatever_the_path(pattern: str, path: str) -> None:
    (original,) = expressions(pattern)
    expression = bounded(original.pattern)
    began = time.thread_time()
    expression.match(path)
    assert time.thread_time() - began < 0.01


def test_a_set_of_characters_never_stands_for_a_slash() -> None:
    rules = Rules().entered("", ["a[!b]c"])
    assert rules.ignores("axc")
    assert not rules.ignores("a/c")


@pytest.mark.parametrize("path", ["a\nb/key.txt", "x/a\n/key.txt", "\n/key.txt"])
def test_a_line_end_in_a_folders_name_hides_nothing_from_the_rules(path: str) -> None:
    rules = Rules().entered("", ["key.txt"])
    assert rules.ignores(path)
    assert not Rules().entered("", ["key"]).ignores("key\n")


def test_a_pattern_beyond_all_measure_is_none() -> None:
    with pytest.raises(ValueError, match="too long"):
        bounded("^" + "a" * 20_000)
    assert not Rules().entered("", ["a" * 20_000]).ignores("a")
