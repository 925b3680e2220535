"""What the index keeps where: bytes on a shelf, names as pairs of numbers, words as counts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from foretype.context.shared import leftovers
from foretype.context.workspace import storage
from foretype.context.workspace.definers import MOST_FILES_A_NAME, Definers
from foretype.context.workspace.index import Index
from foretype.context.workspace.mentions import Mentions, words_of
from foretype.context.workspace.shelf import Shelf
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=700)), max_size=30))
def test_a_shelf_gives_back_what_was_laid_there_last(puts: list[tuple[int, bytes]]) -> None:
    shelf, held = Shelf(), dict[int, tuple[int, bytes]]()
    for key, data in puts:
        if key in held:
            at, old = held[key]
            shelf.give_up(at, len(old))
        held[key] = shelf.put(data), data
        for at, kept in held.values():
            assert shelf.get(at, len(kept)) == kept


def test_a_place_given_up_is_used_again() -> None:
    shelf = Shelf()
    first = shelf.put(b"x" * 300)
    shelf.put(b"y" * 300)
    shelf.give_up(first, 300)
    assert shelf.put(b"z" * 280) == first


@pytest.mark.parametrize("takes_a_part", [True, False])
def test_a_shelf_on_a_full_disk_goes_on_in_memory(
    monkeypatch: pytest.MonkeyPatch, takes_a_part: bool
) -> None:
    class Full(BytesIO):
        def write(self, data: bytes, /) -> int:  # type: ignore[override]  # what a shelf writes
            if self.tell() < 512:
                return super().write(data)
            if takes_a_part:
                return super().write(data[:7])
            raise OSError(28, "No space left on device")

    def full(**_options: object) -> Full:
        return Full()

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    kept = Shelf()
    places = [kept.put(bytes([number]) * 200) for number in range(6)]
    assert [kept.get(at, 200)[:1] for at in places] == [bytes([number]) for number in range(6)]


def test_a_shelf_in_a_folder_that_cannot_be_written_lies_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    shelf = Shelf(tmp_path / "file" / "folder")
    assert shelf.get(shelf.put(b"kept"), 4) == b"kept"


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef"), st.integers(0, 7))))
def test_definers_are_a_set_of_pairs(changes: list[tuple[bool, str, int]]) -> None:
    definers, expected = Definers(), set[tuple[str, int]]()
    for added, name, file in changes:
        if added:
            definers.add(name, file)
            expected.add((name, file))
        else:
            definers.remove(name, file)
            expected.discard((name, file))
    for name in "abcdefg":
        assert definers.of(name) == sorted(file for each, file in expected if each == name)
        assert (name in definers) == any(each == name for each, _ in expected)


def test_what_everybody_defines_is_remembered_for_some() -> None:
    definers = Definers()
    for file in range(10_000):
        definers.add("main", file)
    assert len(definers.of("main")) == MOST_FILES_A_NAME


@given(st.lists(st.lists(st.sampled_from(["one", "two", "three"]), max_size=3), max_size=6))
def test_words_are_mentioned_as_long_as_a_file_has_them(files: list[list[str]]) -> None:
    mentions, count = Mentions(), Counter[str]()
    for words in files:
        mentions.add(words_of(" ".join(words)))
        count.update(set(words))
    for words in files:
        for word in ("one", "two", "three"):
            assert mentions.anywhere(word) == (count[word] > 0)
        mentions.remove(words_of(" ".join(words)))
        count.subtract(set(words))


def test_a_word_that_very_many_files_have_stays_mentioned() -> None:
    mentions, words = Mentions(), words_of("self")
    for _ in range(300):
        mentions.add(words)
    for _ in range(299):
        mentions.remove(words)
    assert mentions.anywhere("self")


def test_a_name_with_a_dollar_is_mentioned_where_its_word_is() -> None:
    mentions = Mentions()
    mentions.add(words_of("export const $brand = Symbol()"))
    assert mentions.anywhere("$brand")
    assert not mentions.anywhere("$brands")


def test_numbers_of_files_are_used_again(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def first(): pass\n")
    index = Index(tmp_path)
    index.update(["a.py"])
    for turn in range(5):
        (tmp_path / "a.py").write_text(f"def turn{turn}(): pass\n")
        index.update(["a.py"])
    (tmp_path / "b.py").write_text("def other(): pass\n")
    index.update(["b.py"])
    assert [each.path for each in index.find("turn4")] == ["a.py"]
    assert [each.path for each in index.find("other")] == ["b.py"]
    assert not index.knows("turn3")
    assert repr(index) == "<Index 2 files, 2 names>"


def test_what_a_killed_process_left_beside_an_index_goes_with_the_next_start(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    left = tmp_path / f"{leftovers.writer(int(ended.stdout))}abc"
    ours = tmp_path / f"{leftovers.writer()}abc"
    for file in (left, ours):
        file.write_bytes(b"half")
    assert list(storage.load(tmp_path / "none.index", tmp_path)) == []
    assert (left.exists(), ours.exists()) == (False, True)
