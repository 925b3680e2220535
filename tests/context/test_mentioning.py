"""Which files may mention some words: none that does is left out, and few others are named."""

from __future__ import annotations

from pathlib import Path

from foretype.context.workspace.index import Index
from foretype.context.workspace.mentioning import FileSignatures
from foretype.context.workspace.mentions import words_of
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.text(alphabet="abc", min_size=1, max_size=3)


@given(st.lists(st.lists(WORDS, max_size=12), max_size=20), st.lists(WORDS, min_size=1, max_size=3))
def test_no_file_that_mentions_the_words_is_left_out(files: list[list[str]], wanted: list[str]) -> None:
    known = FileSignatures()
    for number, words in enumerate(files):
        known.add(number, words_of(" ".join(words)))
    found = known.having(words_of(" ".join(wanted)))
    assert set(found) >= {number for number, words in enumerate(files) if set(wanted) <= set(words)}


def test_a_file_that_is_gone_is_not_named_and_its_number_may_be_anothers() -> None:
    known = FileSignatures()
    known.add(3, words_of("area"))
    assert known.having(words_of("area")) == [3]
    known.remove(3)
    assert known.having(words_of("area")) == []
    known.add(3, words_of("volume"))
    assert known.having(words_of("volume area")) == []
    assert known.having(words_of("")) == []


def test_of_ten_thousand_files_few_are_looked_at_for_a_word_that_few_mention() -> None:
    known = FileSignatures()
    for number in range(10_000):
        own = " ".join(f"word{(7919 * number + 104_729 * at) % 40_000}" for at in range(120))
        known.add(number, words_of(f"{own} area" if number % 2500 == 7 else own))
    found = known.having(words_of("area"))
    assert {7, 2507, 5007, 7507} <= set(found)
    assert len(found) < 300


def test_an_index_names_the_files_that_mention_all_words(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from shapes import area\n")
    (tmp_path / "b.py").write_text("area = 1\n")
    (tmp_path / "c.py").write_text("volume = 1\n")
    index = Index(tmp_path)
    for _ in index.steps():
        pass
    assert sorted(index.mentioning(("area",))) == ["a.py", "b.py"]
    assert list(index.mentioning(("area", "shapes"))) == ["a.py"]
    (tmp_path / "a.py").unlink()
    index.update(["a.py"])
    assert list(index.mentioning(("area",))) == ["b.py"]
