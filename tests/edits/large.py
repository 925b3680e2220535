"""How long a search takes in a file of 5,000 lines, and across many open files. Processor time, in ms."""

from __future__ import annotations

import time
from collections.abc import Iterator

from foretype.context.edits.propose import EditedDocument, Proposal, proposals
from foretype.context.shared.figures import percentile
from foretype.tests.support.edited import NAME, EditedText

LINES = 5000
_ROUNDS = 12

_FUNCTION = """def step_{n}(items, limit, name=None):
    total = sum(each.size for each in items if each.size > {n})
    if total > limit:
        raise ValueError("step {n}", total, name)
    draw(items, total, {n})
    return Result(items=items, total=total, number={n})


"""
_EDITS = (
    (("items", "things"),),
    (
        ("draw(items, total, ", "draw(pen, items, total, "),
        ("draw(items, total, ", "draw(pen, items, total, "),
    ),
    (("total > limit", "total >= limit"), ("total > limit", "total >= limit")),
    (("Result(items=items", "await Result(items=items"), ("Result(items=items", "await Result(items=items")),
    (("    draw(items, total, 40)\n", ""), ("    draw(items, total, 41)\n", "")),
    (("ValueError", "LimitError"), ("ValueError", "LimitError")),
)


def times_ms() -> list[float]:
    """What searches of each kind take in a large file, from an edit in its middle to the first proposal."""
    text = "".join(_FUNCTION.format(n=number) for number in range(LINES // 8))
    return [spent for edits in _EDITS for spent in _spent(text, edits)]


def p99_ms() -> float:
    """The 99th percentile of them."""
    return round(percentile(times_ms(), 0.99), 2)


def _spent(text: str, edits: tuple[tuple[str, str], ...]) -> Iterator[float]:
    edited = EditedText(text, "python")
    at = text.index("def step_40(")
    for old, new in edits:
        at = edited.text.index(old, at)
        edited.edit(at, at + len(old), new)
        at += len(new)
    document = edited.document()
    for _ in range(_ROUNDS):
        began = time.thread_time()
        _first(document, edited.near)
        yield 1000 * (time.thread_time() - began)


def _first(document: EditedDocument, near: int) -> Proposal | None:
    assert document.name == NAME
    return next(proposals(document, near), None)
