"""Stretches of text that share names: windows of lines, scored by BM25.

Knows nothing of files or of what a stretch is good for; the retrievers that look for look-alikes decide that.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Sequence

from ..text.lines import split_lines

WORD = re.compile(r"[^\W\d]\w{2,}")
"""A name worth comparing: three characters or more."""


@functools.lru_cache(maxsize=24)
def windows(text: str, size: int) -> tuple[tuple[int, str, Counter[str]], ...]:
    """A text in windows of that number of lines, overlapping by half: first line, text, words."""
    lines = split_lines(text)
    step = size // 2
    starts = range(0, max(len(lines) - step, 1), step)
    pieces = [(start + 1, "".join(lines[start : start + size])) for start in starts]
    return tuple((line, piece, Counter(WORD.findall(piece))) for line, piece in pieces)


def scores(names: Sequence[str], documents: Sequence[Counter[str]]) -> list[float]:
    """How relevant each document, given as its words, is to the names; 0.0 for one that has none of them.

    Okapi BM25 (Robertson and Zaragoza, 2009), k1 = 1.2 and b = 0.75.
    """
    if not documents:
        return []
    lengths = [max(sum(words.values()), 1) for words in documents]
    average = sum(lengths) / len(lengths)
    found = [0.0] * len(documents)
    for name in names:
        holding = sum(name in words for words in documents)
        weight = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
        for number, words in enumerate(documents):
            times = words.get(name, 0)
            if times:
                damped = times + 1.2 * (0.25 + 0.75 * lengths[number] / average)
                found[number] += weight * times * 2.2 / damped
    return found
