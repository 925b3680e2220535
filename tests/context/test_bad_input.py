"""Whatever stands in a file or a workspace: bounded work, and completions go on."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from foretype.context.checking.ground import ground
from foretype.context.checking.trim import trim
from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.rules import should_trigger, stop_rules
from foretype.context.prompt.size import LARGEST
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.context.workspace.index import Index, Limits


def check(text: str, offset: int, language: str = "python") -> None:
    """From a snapshot to a checked completion, within the window's bounds."""
    snapshot = Snapshot("", "a", language, text, 1, parse(text, language))
    prompt, _ = assemble(snapshot, offset, LARGEST)
    assert len(prompt.prefix) <= LARGEST.prefix + 6 * 400  # folded headers come on top
    assert len(prompt.suffix) <= LARGEST.suffix
    assert prompt.suffix == text[offset : offset + len(prompt.suffix)]
    should_trigger(snapshot, offset, invoked=False)
    trimmed = trim("value = 1\nother = 2\n", snapshot, offset, stop_rules(snapshot, offset, 64, 0))
    assert trimmed.replace_right <= len(text) - offset
    shown = ground(trimmed.text, snapshot, offset, trimmed.replace_right).text
    assert "value = 1".startswith(shown.removeprefix(" ")[:9])


@pytest.mark.parametrize("language", ["python", "javascript", "c", "rust", "json"])
@pytest.mark.parametrize("bracket", ["(", "[", "{", "()", "[]"])
def test_ten_thousand_brackets(language: str, bracket: str) -> None:
    text = "x = " + bracket[0] * 10_000 + bracket[1:] * 10_000 + "\n"
    for offset in (0, 5000, len(text)):
        check(text, offset, language)


@pytest.mark.parametrize("language", ["javascript", "css", "json"])
def test_a_minified_line_of_five_megabytes(language: str) -> None:
    text = "function a(b){return b+1};" * 200_000
    for offset in (0, len(text) // 2, len(text)):
        check(text, offset, language)


@pytest.mark.parametrize(
    "text",
    [
        "def f():\r\n    a = 1\r\n\r\n    return a\r\n",
        "def f():\r    a = 1\r\r    return a\r",
        "def f():\n\ta = 1\n        b = 2\r\n\t    c = 3\r",
        "x = '\ud800'\ndef ф(): return '🙂' + \ufeff'é'\n",
        "\0\x01\x02def f(): pass\n\x1b[0m\x85\u2028",
    ],
)
def test_odd_characters_at_every_place(text: str) -> None:
    for offset in range(len(text) + 1):
        check(text, offset)


def test_a_folder_without_end_is_not_listed_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = itertools.count(1)

    class Endless:
        """A folder with a million entries, which counts how many were asked for."""

        def __enter__(self) -> Iterator[Any]:
            return self.entries()

        def __exit__(self, *_: object) -> None:
            pass

        def entries(self) -> Iterator[Any]:
            (real,) = list(original(tmp_path))
            for _ in range(1_000_000):
                next(listed)
                yield real

    (tmp_path / "a.py").write_text("def a(): pass\n")
    original = os.scandir

    def endless(_: Path) -> Endless:
        return Endless()

    monkeypatch.setattr(os, "scandir", endless)
    index = Index(tmp_path, limits=Limits(entries=500))
    for _ in index.steps():
        pass
    assert index.knows("a")
    assert next(listed) <= 502


def test_folders_without_end_are_not_all_walked(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"d{number}" / "deeper").mkdir(parents=True)
    index = Index(tmp_path, limits=Limits(entries=40))
    for _ in index.steps():
        pass
    assert len(index.folders) <= 41


@pytest.mark.parametrize("change", ["gone", "binary", "folder", "grown"])
def test_files_that_change_between_the_walk_and_the_reading(tmp_path: Path, change: str) -> None:
    file = tmp_path / "a.py"
    file.write_text("def a(): pass\n")
    (tmp_path / "b.py").write_text("def b(): pass\n")
    index = Index(tmp_path, limits=Limits(file_bytes=1000))
    steps = index.steps()
    next(steps)  # the folder is walked, nothing is read
    file.unlink()
    if change == "binary":
        file.write_bytes(b"def a(): pass\n\0")
    elif change == "folder":
        file.mkdir()
    elif change == "grown":
        file.write_text("def a(): pass\n" + "#" * 2000)
    for _ in steps:
        pass
    assert index.knows("b")
    assert not index.knows("a")


def test_a_file_of_another_encoding_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("# Größe\ndef first(): pass\n".encode("latin-1"))
    (tmp_path / "b.py").write_bytes("def second(): pass\n".encode("utf-16"))
    index = Index(tmp_path)
    for _ in index.steps():
        pass
    assert index.knows("first")
    assert not index.knows("second")
