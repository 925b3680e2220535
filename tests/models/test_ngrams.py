"""The workspace's n-grams: what they propose, that they stay small, and that a damaged file means nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from foretype.context.shared import leftovers
from foretype.models.drafting.ngrams import SLOTS, Ngrams, NgramTables
from hypothesis import given
from hypothesis import strategies as st

MODEL = b"m" * 32


def learned(*rows: list[int]) -> Ngrams:
    table = Ngrams(MODEL, barriers={0})
    for row in rows:
        table.learn(row)
    return table


def proposed(table: Ngrams, *context: int) -> list[int]:
    draft = table.propose(context)
    return draft.tokens if draft else []


def test_what_was_seen_twice_is_proposed() -> None:
    row = [1, 2, 3, 4, 5]
    assert proposed(learned(row), 1, 2, 3) == []
    assert proposed(learned(row, row), 1, 2, 3) == [4, 5]
    assert proposed(learned(row, row), 9, 9, 9) == []
    assert proposed(learned(row, row), 2, 3) == []


def test_what_comes_more_often_wins() -> None:
    assert proposed(learned(*[[1, 2, 3, 4]] * 5, *[[1, 2, 3, 7]] * 2), 1, 2, 3) == [4]
    assert proposed(learned(*[[1, 2, 3, 4]] * 2, *[[1, 2, 3, 7]] * 5), 1, 2, 3) == [7]


def test_no_marker_is_learned() -> None:
    assert proposed(learned(*[[1, 2, 3, 0, 5, 6, 7]] * 4), 1, 2, 3) == []


@given(st.lists(st.lists(st.integers(0, 2**31 - 1), max_size=40), max_size=8))
def test_any_tokens_may_be_learned(rows: list[list[int]]) -> None:
    table = learned(*rows)
    for row in rows:
        assert len(proposed(table, *row[-3:])) <= 15


def test_a_table_is_the_same_after_a_restart(tmp_path: Path) -> None:
    table, again = learned(*[[1, 2, 3, 4, 5]] * 3), Ngrams(MODEL)
    path = tmp_path / "workspace" / "table"
    path.parent.mkdir()
    path.write_bytes(b"".join(table.content()))
    assert path.stat().st_size < SLOTS * 10
    assert again.load(path)
    assert proposed(again, 1, 2, 3) == [4, 5]


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "flipped", "another model"])
def test_a_damaged_file_is_ignored(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "table"
    path.write_bytes(b"".join(learned(*[[1, 2, 3, 4, 5]] * 3).content()))
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[-5] ^= 1
    path.write_bytes({"empty": b"", "cut": bytes(data[:5000])}.get(damage, bytes(data)))
    if damage == "missing":
        path.unlink()
    table = Ngrams(b"x" * 32 if damage == "another model" else MODEL)
    assert not table.load(path)
    assert proposed(table, 1, 2, 3) == []


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    known = NgramTables(tmp_path / "file", MODEL, {0})
    known.of("workspace").learn([1, 2, 3, 4])
    known.save()
    assert known.wait(10.0)
    assert (tmp_path / "file").read_text() == ""


def test_each_workspace_has_a_table_of_its_own_and_few_are_kept(tmp_path: Path) -> None:
    known = NgramTables(tmp_path, MODEL, {0})
    for number in range(30):
        known.of(f"workspace {number}").learn([1, 2, 3, number + 10] * 3)
        known.save()
        assert known.wait(10.0)
    assert len(list(tmp_path.glob("*.ngrams"))) <= 16
    again = NgramTables(tmp_path, MODEL, {0})
    assert proposed(again.of("workspace 29"), 1, 2, 3)[:1] == [39]
    assert proposed(again.of("never seen"), 1, 2, 3) == []


def test_nobody_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    write = leftovers.write_marked

    def slow(path: Path, content: tuple[bytes, ...]) -> None:
        begun.set()
        assert go_on.wait(10.0)
        write(path, content)

    monkeypatch.setattr(leftovers, "write_marked", slow)
    known = NgramTables(tmp_path, MODEL, {0})
    for number in range(3):
        known.of("workspace").learn([1, 2, 3, 4 + number] * 3)
        known.save()
    assert begun.wait(10.0)
    assert not known.wait(0.0)
    assert not list(tmp_path.glob("*.ngrams")), "it came back before anything was written"
    go_on.set()
    assert known.wait(10.0)
    assert len(list(tmp_path.glob("*.ngrams"))) == 1
