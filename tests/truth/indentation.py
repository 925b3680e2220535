"""How the authors of a file indent: by how much, below lines that open a block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from foretype.tests.truth.code import Code


def unit_of(code: Code, but: tuple[int, int]) -> str:
    """The commonest step of a file outside a stretch: blanks or a tab; "" where it shows none."""
    counts = Counter(step for at, step in _steps(code) if not but[0] <= at <= but[1])
    return counts.most_common(1)[0][0] if counts else ""


def steps_in(code: Code, start: int, end: int) -> set[str]:
    """The steps of the lines that begin in a stretch, those below its first line included."""
    return {step for at, step in _steps(code) if start <= at <= end}


def _steps(code: Code) -> Iterator[tuple[int, str]]:
    """Where each line begins that is below an opening line, and how much deeper it is; no lines of prose."""
    prose = {token.start for token in code.tokens if token.prose}
    above, at = "", 0
    for line in code.text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        first = at + len(indent)
        if line.strip() and first not in prose:
            before = above[: len(above) - len(above.lstrip())]
            opens = above.rstrip().endswith(("{", "(", "[", ":", "then", "do", "else", ")"))
            if opens and indent.startswith(before) and len(indent) > len(before):
                yield first, indent[len(before) :]
            above = line
        at += len(line) + 1
