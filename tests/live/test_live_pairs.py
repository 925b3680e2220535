"""Releases that follow each other, as commits: what changed, and where a line of that is typed again."""

from __future__ import annotations

import tarfile
from pathlib import Path

import attrs
import pytest
from foretype.tests.live.pairs import Pair, hunks_between, is_in_code, pairs, written_lines
from foretype.tests.quality import corpus
from foretype.tests.quality.corpus import Source
from foretype.tests.quality.lexing import masked

OLD = "".join(f"def function_{number}(value):\n    return value + {number}\n\n\n" for number in range(60))
ADDED = (
    "def combined(first, second):\n    total_of_both = first + second  # of them\n    return total_of_both\n"
)


def changed(old: str) -> str:
    """One function added, another taken away, further down."""
    at = old.index("def function_5(")
    gone = old.index("def function_20(")
    return old[:at] + ADDED + "\n\n" + old[at:gone] + old[old.index("def function_21(") :]


def test_hunks_are_whole_lines_that_take_the_place_of_others() -> None:
    one, other = hunks_between(OLD, changed(OLD))
    assert (one.old_count, one.new_count) == (0, 5)
    assert set(ADDED.splitlines()) <= set(changed(OLD).split("\n")[one.new_start : one.new_start + 5])
    assert (other.old_count, other.new_count) == (4, 0)


def test_a_file_of_which_nothing_is_alike_is_no_commit() -> None:
    assert hunks_between("one\ntwo\n" * 20, "three\nfour\n" * 20) == ()


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Pair, Path]:
    """A pair of releases in archives of our own making."""

    def fetch(source: Source) -> bytes:
        return (tmp_path / f"{source.version}.tar.gz").read_bytes()

    monkeypatch.setitem(corpus._FROM, "pip", fetch)  # pyright: ignore[reportPrivateUsage]
    found: list[Source] = []
    for version, text in (("1", OLD), ("2", changed(OLD))):
        folder = tmp_path / f"project-{version}"
        folder.mkdir()
        (folder / "numbers.py").write_text(text, "utf-8")
        (folder / "same.py").write_text(OLD, "utf-8")
        archive = tmp_path / f"{version}.tar.gz"
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(folder, folder.name)
        sha256 = corpus.hashlib.sha256(archive.read_bytes()).hexdigest()
        found.append(Source("project", version, "MIT", "pip", "python", sha256))
    return Pair(*found), tmp_path / "build"


def test_a_place_stands_in_the_older_release_with_the_changes_above_it(made: tuple[Pair, Path]) -> None:
    pair, build = made
    found = list(written_lines(pair, 7, build))
    assert {each.place.line for each in found} <= set(ADDED.split("\n"))
    assert len(found) == 3
    for each in found:
        place = each.place
        assert place.path.read_text("utf-8") == OLD
        assert each.original == changed(OLD)
        assert place.text[place.offset :].endswith(OLD[OLD.index("def function_5(") :])
        before = place.text[: place.offset] + place.keys + place.left
        assert each.original.startswith(before)
    assert [each.place for each in written_lines(pair, 7, build)] == [each.place for each in found]


def test_a_release_that_is_another_than_the_pinned_one_is_a_problem(made: tuple[Pair, Path]) -> None:
    pair, build = made
    other = attrs.evolve(pair, newer=attrs.evolve(pair.newer, sha256="0" * 64))
    with pytest.raises(corpus.CorpusProblem, match="not the pinned one"):
        list(written_lines(other, 7, build))


def test_places_in_comments_and_strings_are_none() -> None:
    text = 'total = 1  # the sum\nname = "of all"\n'
    code = masked(text, "python")
    assert is_in_code(text, code, text.index("tal"))
    assert not is_in_code(text, code, text.index("sum"))
    assert not is_in_code(text, code, text.index("all"))


def test_the_table_names_pairs_of_five_languages() -> None:
    found = pairs()
    assert {each.language for each in found} == {"python", "typescript", "rust", "c", "java"}
    assert all(
        each.older.name == each.newer.name and each.older.version != each.newer.version for each in found
    )
    assert all(len(each.sha256) == 64 for pair in found for each in (pair.older, pair.newer))
