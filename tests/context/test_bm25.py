"""Windows of lines and their scores, beside the textbook's formula over counted strings."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Sequence

import pytest
from foretype.context.related.bm25 import WORD, scores, windows
from foretype.context.text.lines import split_lines
from hypothesis import given
from hypothesis import strategies as st

LINE_ENDS = ["\n", "\r\n", "\r"]
LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "alpha beta", "alpha", "beta gamma gamma", "ab", "größe = alpha"]),
        st.sampled_from(LINE_ENDS),
    ).map("".join),
    max_size=40,
)
TEXTS = st.tuples(LINES.map("".join), st.sampled_from(["", "alpha", "gamma"])).map("".join)
NAMES = st.lists(st.sampled_from(["alpha", "beta", "gamma", "größe", "missing"]), max_size=6)


def pieces(text: str, size: int) -> list[str]:
    lines = split_lines(text)
    starts = range(0, max(len(lines) - size // 2, 1), size // 2)
    return ["".join(lines[start : start + size]) for start in starts]


def expected(names: Sequence[str], texts: Sequence[str], size: int) -> list[list[float]]:
    documents = [[Counter(WORD.findall(piece)) for piece in pieces(text, size)] for text in texts]
    every = [words for of_text in documents for words in of_text]
    average = sum(max(words.total(), 1) for words in every) / max(len(every), 1)

    def score(words: Counter[str]) -> float:
        found = 0.0
        for name in names:
            holding = sum(name in other for other in every)
            weight = math.log(1 + (len(every) - holding + 0.5) / (holding + 0.5))
            long = max(words.total(), 1) / average
            found += weight * words[name] * 2.2 / (words[name] + 1.2 * (0.25 + 0.75 * long))
        return found

    return [[score(words) for words in of_text] for of_text in documents]


@given(NAMES, st.lists(TEXTS, max_size=3), st.sampled_from([2, 12, 16]))
def test_windows_and_scores_are_the_textbooks(names: list[str], texts: list[str], size: int) -> None:
    made = [windows(text, size) for text in texts]
    for text, of_text in zip(texts, made, strict=True):
        assert [of_text.piece(number) for number in range(len(of_text))] == pieces(text, size)
        lines = [of_text.line(number) for number in range(len(of_text))]
        assert lines == [1 + number * (size // 2) for number in range(len(of_text))]
    for found, wanted in zip(scores(names, made), expected(names, texts, size), strict=True):
        assert found == pytest.approx(wanted)


def test_what_is_known_of_a_text_takes_little_more_room_than_the_text() -> None:
    text = "".join(f"    value_{number} = compute_{number}(other_{number}, 17)\n" for number in range(2000))
    made = windows(text, 16)
    parts = (made.text, made.cuts, made.words, made.first)
    assert sum(map(sys.getsizeof, parts)) < 2 * sys.getsizeof(text)
