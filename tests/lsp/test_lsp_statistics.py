"""What is counted, and what `foretype stats` makes of it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.problem import Problem
from foretype.lsp.statistics.ledger import Fate, Ledger, Offer, Settled
from foretype.lsp.statistics.store import AnswerRow, Statistics
from foretype.lsp.statistics.summary import as_record, as_text, histogram, summarize, summary_tables
from hypothesis import given
from hypothesis import strategies as st
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


def counts(*events: tuple[str, ...]) -> tuple[int, int, int]:
    """(characters, accepted, typed by hand) of the one suggestion that some events are about."""
    settled: list[Settled] = []
    ledger = Ledger(settled.append)
    for event, *numbers in events:
        rest, typed = (*map(int, numbers), 0, 0)[:2]
        if event == "answered":
            ledger.offered("uri", "python", 5.0, (Offer("one", rest, typed),))
        elif event == "stands":
            ledger.reached("uri", rest)
        elif event == "partly":
            ledger.partly("one", rest, typed or None)
        else:
            getattr(ledger, event)("one")
    ledger.close_all()
    (one,) = settled
    return one.characters, one.accepted, one.typed


def test_a_suggestion_that_grew_counts_as_long_as_it_became() -> None:
    assert counts(("answered", "20"), ("answered", "180"), ("accepted",)) == (180, 180, 0)
    assert counts(("answered", "20"), ("answered", "175", "5"), ("accepted",)) == (180, 175, 5)
    assert counts(("answered", "180"), ("answered", "20", "5"), ("accepted",)) == (180, 175, 5)


def test_what_was_typed_by_hand_was_not_accepted() -> None:
    assert counts(("answered", "30"), ("answered", "5", "25"), ("accepted",)) == (30, 5, 25)
    assert counts(("answered", "30"), ("stands", "25"), ("accepted",)) == (30, 5, 25)
    assert counts(("answered", "30"), ("stands", "29"), ("stands", "30"), ("accepted",)) == (30, 1, 29)
    assert counts(("answered", "30"), ("stands", "30")) == (30, 0, 30)
    assert counts(("answered", "30"), ("stands", "9"), ("stands", "2"), ("stands", "9")) == (30, 0, 9)


def test_partly_accepted_characters_count_from_where_their_answer_began() -> None:
    assert counts(("answered", "30"), ("partly", "6", "30"), ("partly", "9", "30")) == (30, 9, 0)
    assert counts(("answered", "30"), ("answered", "26", "4"), ("partly", "6", "26")) == (30, 6, 4)
    assert counts(("answered", "30"), ("stands", "4"), ("partly", "9", "30"), ("accepted",)) == (30, 26, 4)
    assert counts(("answered", "30"), ("stands", "4"), ("stands", "9"), ("partly", "9", "30")) == (30, 5, 4)


def test_an_editor_that_never_says_what_it_shows_shows_what_it_is_answered() -> None:
    for told in (False, True):
        settled: list[Settled] = []
        ledger = Ledger(settled.append)
        for name in ("one", "two"):
            ledger.answered("uri", name, "python", 10, 5.0)
            if told and name == "one":
                ledger.shown(name)
        ledger.close_all()
        assert [each.shown for each in settled] == [True, not told]


def test_another_candidate_may_be_the_one_that_is_accepted() -> None:
    settled: list[Settled] = []
    ledger = Ledger(settled.append)
    ledger.offered("uri", "python", 5.0, (Offer("one", 10, 0), Offer("two", 7, 0)))
    ledger.shown("one")
    ledger.shown("two")
    ledger.accepted("two")
    ledger.close_all()
    assert [(each.fate, each.characters, each.accepted) for each in settled] == [(Fate.ACCEPTED, 7, 7)]


class Writer:
    """Somebody who types through a suggestion and accepts parts of it, beside the ledger that is told of it.

    Its state: the suggestion's length, as far as the editor knows it, how much of it stands now and stood at
    most, and how much was accepted.
    """

    def __init__(self, length: int) -> None:
        self.settled: list[Settled] = []
        self.ledger = Ledger(self.settled.append)
        self.length = length
        self.stands = self.highest = self.accepted = 0
        self.ask(0)

    def ask(self, grown: int) -> None:
        self.length += grown
        if self.stands < self.length:
            self.ledger.offered("uri", "python", 5.0, (Offer("one", self.length - self.stands, self.stands),))

    def stand(self, characters: int) -> None:
        self.stands = characters
        self.highest = max(self.highest, characters)
        self.ledger.reached("uri", characters)

    def type(self, number: int) -> None:
        for _ in range(min(number, self.length - self.stands)):
            self.stand(self.stands + 1)

    def backspace(self, number: int) -> None:
        self.stand(max(0, self.stands - number))

    def take(self, number: int, *, told_first: bool) -> None:
        taken = min(number, self.length - self.stands)
        if not taken or self.stands < self.highest:
            return
        self.accepted += taken
        if not told_first:
            self.stand(self.stands + taken)
            self.ledger.partly("one", self.stands)
        else:
            self.ledger.partly("one", self.stands + taken)
            self.stand(self.stands + taken)

    def take_all(self) -> None:
        if self.highest == self.stands < self.length:
            self.accepted += self.length - self.stands
            self.stand(self.length)
            self.ledger.accepted("one")


STEPS = st.lists(
    st.tuples(st.sampled_from(["type", "ask", "grow", "word", "told first", "backspace"]), st.integers(1, 6)),
    max_size=30,
)


@given(STEPS, st.integers(1, 40), st.booleans())
def test_each_character_counts_once_as_accepted_or_as_typed(
    steps: list[tuple[str, int]], length: int, whole: bool
) -> None:
    writer = Writer(length)
    for step, number in steps:
        if step == "type":
            writer.type(number)
        elif step == "backspace":
            writer.backspace(number)
        elif step in ("ask", "grow"):
            writer.ask(number if step == "grow" else 0)
        else:
            writer.take(number, told_first=step == "told first")
    if whole:
        writer.take_all()
    writer.ledger.close_all()
    (one,) = writer.settled
    assert (one.accepted, one.typed) == (writer.accepted, writer.highest - writer.accepted)
    assert one.accepted + one.typed <= one.characters


def answer(total_ms: float, when: float = NOW) -> AnswerRow:
    return AnswerRow(when, "python", "m", total_ms, 1.0, 0.0, 10.0, 5, 95, 20.0, 10, 4, 3)


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


def test_answers_from_elsewhere_are_counted_apart_with_what_was_cached_there(tmp_path: Path) -> None:
    path = tmp_path / "statistics.sqlite3"
    editor = counted(path)
    editor.outcome("shown")
    editor.answered(answer(100.0))
    for cached in (90, 70):
        editor.answered(
            attrs.evolve(answer(100.0), prefill_tokens=100 - cached, cached_tokens=cached, remote=True)
        )
    editor.close()
    summary = summarize(path, now=NOW)
    assert (summary.remote_answers, summary.remote_prompt_tokens, summary.remote_cached_tokens) == (
        2,
        200,
        160,
    )
    assert "2 answers came from elsewhere, 80 % of their prompts cached there." in as_text(summary)


def test_the_share_that_was_accepted_is_a_share_of_what_was_shown(tmp_path: Path) -> None:
    path = tmp_path / "statistics.sqlite3"
    editor = counted(path)
    editor.settled(Settled("python", Fate.ACCEPTED, 10, 4, True, 5.0, 6))
    editor.settled(Settled("python", Fate.IGNORED, 10, 0, True, 5.0))
    for _ in range(8):
        editor.settled(Settled("python", Fate.IGNORED, 10, 0, False, 5.0))
    editor.close()
    summary = summarize(path, now=NOW)
    assert (summary.suggestions, summary.shown, summary.acceptance, summary.typed) == (10, 2, 0.5, 6)
    assert summary.languages["python"].acceptance == 0.5
    assert as_record(summary)["shown"] == 2
    assert "50 % accepted, 4 characters" in as_text(summary)


def test_a_file_of_an_older_release_is_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "statistics.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "create table suggestions (time real not null, language text not null, fate text not null,"
            " characters integer not null, accepted integer not null, shown integer not null,"
            " latency_ms real not null)"
        )
        connection.execute("insert into suggestions values (?, 'python', 'accepted', 9, 9, 1, 5.0)", (NOW,))
        connection.execute(
            "create table answers (time real not null, language text not null, model text not null,"
            " total_ms real not null, context_ms real not null, queue_ms real not null,"
            " prefill_ms real not null, prefill_tokens integer not null, cached_tokens integer not null,"
            " decode_ms real not null, decode_tokens integer not null, draft_tokens integer not null,"
            " accepted_tokens integer not null)"
        )
    connection.close()
    assert summarize(path, now=NOW).typed == 0
    editor = counted(path)
    editor.settled(Settled("python", Fate.ACCEPTED, 10, 4, True, 5.0, 6))
    editor.answered(attrs.evolve(answer(100.0), remote=True))
    editor.close()
    summary = summarize(path, now=NOW)
    assert (summary.suggestions, summary.typed, summary.remote_answers) == (2, 6, 1)


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
    console.print(summary_tables(summarize(path)))
    editor = counted(path)
    editor.settled(settled(Fate.PARTLY, 4))
    editor.answered(answer(50.0))
    editor.close()
    console.print(summary_tables(summarize(path)))
    shown = console.export_text()
    assert "Nothing has been counted yet" in shown
    assert "python" in shown


def test_a_histogram_shows_where_latencies_lie() -> None:
    assert histogram((0.5,)) == "█         "
    assert histogram((150.0, 150.0, 5000.0)) == "     █   ▄"
    assert histogram(()) == "          "
