"""What is counted, and what `foretype stats` makes of it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from foretype.context.problem import Problem
from foretype.lsp.ledger import Fate, Ledger, Settled
from foretype.lsp.statistics import Answer, Statistics
from foretype.lsp.stats import as_record, as_text, histogram, summarize, tables
from rich.console import Console

NOW = 1_800_000_000.0
DAY = 86_400


def fates(*events: tuple[str, ...]) -> list[tuple[Fate, int]]:
    """What a ledger settles for a row of events on suggestions "one" and "two" of one document."""
    settled: list[Settled] = []
    ledger = Ledger(settled.append)
    for event, *rest in events:
        if event == "answered":
            ledger.answered("uri", rest[0], "python", 10, 5.0)
        elif event == "partly":
            ledger.partly(rest[0], int(rest[1]))
        elif event == "closed":
            ledger.closed("uri")
        else:
            getattr(ledger, event)(rest[0])
    ledger.close_all()
    return [(one.fate, one.accepted) for one in settled]


def test_each_suggestion_is_settled_once() -> None:
    assert fates(("answered", "one"), ("answered", "one"), ("accepted", "one"), ("accepted", "one")) == [
        (Fate.ACCEPTED, 10)
    ]
    assert fates(("answered", "one"), ("answered", "two")) == [(Fate.IGNORED, 0), (Fate.IGNORED, 0)]
    assert fates(("answered", "one"), ("dismissed", "one"), ("closed",)) == [(Fate.DISMISSED, 0)]


def test_partial_acceptance_counts_cumulatively_and_never_too_much() -> None:
    assert fates(("answered", "one"), ("partly", "one", "3"), ("partly", "one", "2")) == [(Fate.PARTLY, 3)]
    assert fates(("answered", "one"), ("partly", "one", "99")) == [(Fate.PARTLY, 10)]


def test_news_of_unknown_suggestions_is_ignored() -> None:
    assert (
        fates(("accepted", "?"), ("shown", "?"), ("partly", "?", "1"), ("dismissed", "?"), ("closed",)) == []
    )


def answer(total_ms: float, when: float = NOW) -> Answer:
    return Answer(when, "python", "m", total_ms, 1.0, 0.0, 10.0, 5, 95, 20.0, 10, 4, 3)


def settled(fate: Fate, accepted: int) -> Settled:
    return Settled("python", fate, 10, accepted, True, 5.0)


def counted(path: Path, now: float = NOW) -> Statistics:
    return Statistics(path, 90, now=lambda: now, flush_s=3600)


def test_counts_of_several_editors_come_together(tmp_path: Path) -> None:
    path = tmp_path / "new" / "statistics.sqlite3"
    for editor in (counted(path), counted(path)):
        editor.settled(settled(Fate.ACCEPTED, 10))
        editor.settled(settled(Fate.IGNORED, 0))
        editor.answered(answer(100.0))
        editor.outcome("cached")
        editor.close()
    summary = summarize(path, now=NOW)
    assert summary.suggestions == 4
    assert summary.acceptance == 0.5
    assert summary.outcomes == {"cached": 2}
    assert summary.latencies == (100.0, 100.0)
    assert sum(summary.characters_by_day.values()) == 20
    record = as_record(summary)
    assert json.loads(json.dumps(record))["latency_ms"] == {"count": 2, "p50": 100.0, "p95": 100.0}
    assert "50 % accepted" in as_text(summary)


def test_old_counts_are_forgotten_and_recent_ones_can_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "statistics.sqlite3"
    old = counted(path, NOW - 100 * DAY)
    old.settled(settled(Fate.ACCEPTED, 10))
    old.close()
    assert summarize(path, now=NOW).suggestions == 1
    assert summarize(path, days=30, now=NOW).suggestions == 0
    fresh = counted(path)
    fresh.settled(settled(Fate.IGNORED, 0))
    fresh.close()
    assert summarize(path, now=NOW).fates == {"ignored": 1}


def test_no_code_can_be_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "statistics.sqlite3"
    counted(path).flush()
    editor = counted(path)
    editor.outcome("shown")
    editor.close()
    with sqlite3.connect(path) as connection:
        columns = [
            (table, column[1], column[2])
            for (table,) in connection.execute("select name from sqlite_master where type = 'table'")
            for column in connection.execute(f"pragma table_info({table})")
        ]
    connection.close()
    texts = {name for _, name, kind in columns if kind == "TEXT"}
    assert texts == {"language", "fate", "model", "outcome", "reason"}


def test_a_file_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "statistics.sqlite3"
    path.write_text("this is no database, and long enough to be seen as none" * 100)
    editor = counted(path)
    editor.outcome("shown")
    editor.close()
    with pytest.raises(Problem, match="--reset"):
        summarize(path)


def test_there_is_something_to_see_with_and_without_counts(tmp_path: Path) -> None:
    path = tmp_path / "statistics.sqlite3"
    console = Console(record=True, width=100, quiet=False, file=(tmp_path / "out").open("w"))
    console.print(tables(summarize(path)))
    editor = counted(path)
    editor.settled(settled(Fate.PARTLY, 4))
    editor.answered(answer(50.0))
    editor.close()
    console.print(tables(summarize(path)))
    shown = console.export_text()
    assert "Nothing has been counted yet" in shown
    assert "python" in shown


def test_a_histogram_shows_where_latencies_lie() -> None:
    assert histogram((0.5,)) == "█         "
    assert histogram((150.0, 150.0, 5000.0)) == "     █   ▄"
    assert histogram(()) == "          "
