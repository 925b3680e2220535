"""How long a search takes in a file of 5,000 lines, and across 10,000 indexed files, in processor time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from foretype.context.edits.propose import (
    EditedDocument,
    Proposal,
    proposals,
    proposals_elsewhere,
    words_elsewhere,
)
from foretype.context.shared.figures import percentile
from foretype.context.workspace.index import Index
from foretype.lsp.edits.unopened import UnopenedFiles
from foretype.lsp.workspace.folders import Folder
from foretype.tests.support.edited import NAME, EditedText

LINES = 5000
FILES = 10_000
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


_SOURCE = """def surface(width, height):
    return width * height
"""
_OTHER = """from {module} import part_{n}


def step_{n}(items, limit):
    for each in items:
        if each.size > limit:
            part_{n}(each, {n})
    return sum(each.size for each in items if each.kind == "kind_{n}")
"""
_USER = """from shapes import area


def room_{n}(width, depth):
    return area(width, depth)
"""


def across_p99_ms() -> float:
    """The 99th percentile across indexed files: a function is renamed that 20 of them import."""
    with tempfile.TemporaryDirectory() as folder:
        return round(percentile(list(_across(Path(folder))), 0.99), 2)


def _across(root: Path) -> Iterator[float]:
    for number in range(FILES):
        text = _USER if number % (FILES // 20) == 7 else _OTHER
        place = root / f"m{number // 100}" / f"f{number}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(text.format(n=number, module=f"m{number // 100}"), encoding="utf-8")
    index = Index(root)
    for _ in index.steps():
        pass
    edited = EditedText(_SOURCE.replace("surface", "area"), "python")
    edited.edit(4, 8, "surface")
    document = edited.document()
    files = UnopenedFiles(Folder(root, index), "shapes.py", "python", ())
    for _ in range(4 * _ROUNDS):
        began = time.thread_time()
        targets = files.mentioning(words_elsewhere(document))
        found = next((each for target in targets for each in proposals_elsewhere(document, [target])), None)
        yield 1000 * (time.thread_time() - began)
        if found is None:
            raise AssertionError("nothing was found in files that import what was renamed")


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
