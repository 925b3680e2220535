"""Stretches of text that share names: windows of lines, scored by BM25.

Knows nothing of files or of what a stretch is good for; the retrievers that look for look-alikes decide that.
Texts stay known for a while, so what is known of one takes little more room than the text itself: its words
as numbers, not as strings in a map for each window.
"""

from __future__ import annotations

import functools
import math
import re
from array import array
from collections.abc import Sequence

import attrs

from ..text.lines import split_lines

WORD = re.compile(r"[^\W\d]\w{2,}")
"""A name worth comparing: three characters or more."""


@attrs.frozen(eq=False)
class Windows:
    """A text in windows of lines, each of two steps, overlapping by one.

    Attributes:
        text: it.
        step: lines.
        cuts: where each step begins in it, in code points, and where it ends.
        words: the hashes of its words, in order.
        first: which word is the first one of each step, and how many there are.
    """

    text: str = attrs.field(repr=False)
    step: int
    cuts: array[int] = attrs.field(repr=False)
    words: array[int] = attrs.field(repr=False)
    first: array[int] = attrs.field(repr=False)

    def __len__(self) -> int:
        return max(len(self.cuts) - 2, 1)

    def piece(self, number: int) -> str:
        """A window's text."""
        return self.text[self.cuts[number] : self.cuts[self._behind(number)]]

    def line(self, number: int) -> int:
        """A window's first line, from 1."""
        return number * self.step + 1

    def length(self, number: int) -> int:
        """How many words a window has."""
        return self.first[self._behind(number)] - self.first[number]

    def _behind(self, number: int) -> int:
        return min(number + 2, len(self.cuts) - 1)


@functools.lru_cache(maxsize=24)
def windows(text: str, size: int) -> Windows:
    """A text in windows of that number of lines, an even one."""
    step = size // 2
    lines = split_lines(text)
    cuts, words, first = array("l", [0]), array("q"), array("l", [0])
    for start in range(0, max(len(lines), 1), step):
        begin, end = cuts[-1], cuts[-1] + sum(map(len, lines[start : start + step]))
        words.extend(map(hash, WORD.findall(text, begin, end)))
        cuts.append(end)
        first.append(len(words))
    return Windows(text, step, cuts, words, first)


def scores(names: Sequence[str], texts: Sequence[Windows]) -> list[list[float]]:
    """How relevant each window of each text is to the names; 0.0 for one that has none of them.

    Okapi BM25 (Robertson and Zaragoza, 2009), k1 = 1.2 and b = 0.75.
    """
    lengths = [max(text.length(number), 1) for text in texts for number in range(len(text))]
    average = sum(lengths) / max(len(lengths), 1)
    holding = _holding(frozenset(map(hash, names)), texts)
    found = [0.0] * len(lengths)
    for name in names:
        times_in = holding.get(hash(name), {})
        weight = math.log(1 + (len(lengths) - len(times_in) + 0.5) / (len(times_in) + 0.5))
        for number, times in times_in.items():
            damped = times + 1.2 * (0.25 + 0.75 * lengths[number] / average)
            found[number] += weight * times * 2.2 / damped
    of_all = iter(found)
    return [[next(of_all) for _ in range(len(text))] for text in texts]


def _holding(wanted: frozenset[int], texts: Sequence[Windows]) -> dict[int, dict[int, int]]:
    """For each word that is wanted: which windows have it, counted through all texts, and how often."""
    holding: dict[int, dict[int, int]] = {}
    before = 0
    for text in texts:
        for step in range(len(text.first) - 1):
            inside = range(max(step - 1, 0), min(step + 1, len(text)))
            for word in text.words[text.first[step] : text.first[step + 1]]:
                if word in wanted:
                    times_in = holding.setdefault(word, {})
                    for number in inside:
                        times_in[before + number] = times_in.get(before + number, 0) + 1
        before += len(text)
    return holding
