"""The measuring of blocks: what is cut out is the authors', and what is shown is counted by its lines."""

from __future__ import annotations

import pytest
from foretype.tests.quality.blocks import BlockAnswer, block_holes, compared, figures
from foretype.tests.truth.corpus import File

TEXT = """import os


def total(items):
    \"\"\"Add up.\"\"\"
    result = 0
    for item in items:
        result += item
        print(item)

    rest = result % 7
    print(rest, result)

    return rest
"""
STEPS = (
    "a: b\nc: d\ne: f\ng: h\nsteps:\n  - name: one\n    run: make one\n  - name: two\n    run: make two\n\n"
)


def check(kind: str, text: str, language: str, expected: list[str]) -> None:
    """The holes of a kind, as what their authors wrote there; each makes the original again."""
    found = list(block_holes(File("here", "a", language, text), kind))
    assert [hole.expected.strip() for hole in found] == expected
    for hole in found:
        assert hole.text[: hole.offset] + hole.expected + hole.text[len(hole.text) - hole.tail :] == text
        answer = compared(hole, hole.expected)
        assert answer.whole
        assert answer.right >= answer.shown > 1


@pytest.mark.parametrize(
    ("kind", "text", "language", "expected"),
    [
        ("opened", TEXT, "python", ["result += item\n        print(item)"]),
        ("paragraph", TEXT, "python", ["rest = result % 7\n    print(rest, result)"]),
        ("documented", TEXT, "python", [TEXT.partition('up."""')[2].strip()]),
        ("entry", STEPS, "yaml", ["name: two\n    run: make two"]),
        (
            "children",
            "\n\n\n\n\n<ul>\n  <li>one</li>\n  <li>two</li>\n</ul>\n",
            "html",
            ["<li>one</li>\n  <li>two</li>"],
        ),
    ],
)
def test_holes_are_groups_of_lines_as_their_authors_wrote_them(
    kind: str, text: str, language: str, expected: list[str]
) -> None:
    check(kind, text, language, expected)


def test_a_block_counts_where_two_lines_are_shown() -> None:
    line, wrong, right = (
        BlockAnswer(1, 1, whole=False),
        BlockAnswer(2, 0, whole=False),
        BlockAnswer(3, 3, whole=True),
    )
    found = figures([(line, right), (wrong, wrong), (wrong, right), (line, line)])
    assert (found["block.shown.before"], found["block.shown"], found["block.shown.ratio"]) == (2, 3, 1.5)
    assert (found["block.exact.before"], found["block.exact"]) == (0.0, 0.6667)
    assert (found["block.whole"], found["block.right"]) == (0.6667, 0.75)
    assert (found["block.lines.before"], found["block.lines"]) == (2, 3)
