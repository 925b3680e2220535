"""Counts on the user's own machine: how fast answers came and what became of suggestions. Never code.

One SQLite file that all editors share. Writing happens in a thread of its own, a few times a minute; a
file that cannot be written is given up with one line in the log. Reading is for `foretype stats`.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from ...context.shared import paths
from .ledger import Settled

log = logging.getLogger(__name__)

FLUSH_S = 20.0
_DAY_S = 86400
_SCHEMA = """
create table if not exists suggestions (
    time real not null, language text not null, fate text not null, characters integer not null,
    accepted integer not null, shown integer not null, latency_ms real not null,
    typed integer not null default 0);
create table if not exists answers (
    time real not null, language text not null, model text not null, total_ms real not null,
    context_ms real not null, queue_ms real not null, prefill_ms real not null,
    prefill_tokens integer not null, cached_tokens integer not null, decode_ms real not null,
    decode_tokens integer not null, draft_tokens integer not null, accepted_tokens integer not null,
    remote integer not null default 0);
create table if not exists outcomes (
    day integer not null, outcome text not null, count integer not null, primary key (day, outcome));
create table if not exists cuts (
    day integer not null, reason text not null, count integer not null, primary key (day, reason));
create table if not exists edits (
    day integer not null, outcome text not null, count integer not null, primary key (day, outcome));
create index if not exists suggestions_time on suggestions (time);
create index if not exists answers_time on answers (time);
"""
_ADDED = (("suggestions", "typed"), ("answers", "remote"))
"""Columns that files of earlier releases lack."""


@attrs.frozen
class AnswerRow:
    """One answer of the model; times in ms, counts in tokens, as in `Timings`.

    Attributes:
        remote: an engine elsewhere gave it.
    """

    time: float
    language: str
    model: str
    total_ms: float
    context_ms: float
    queue_ms: float
    prefill_ms: float
    prefill_tokens: int
    cached_tokens: int
    decode_ms: float
    decode_tokens: int
    draft_tokens: int
    accepted_tokens: int
    remote: bool = False


def statistics_file() -> Path:
    """Where the counts lie."""
    return paths.data_dir() / "statistics.sqlite3"


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, making it where need be. Raises sqlite3.Error or OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=2.0)
    connection.executescript(_SCHEMA)
    for table, column in _ADDED:
        if column not in {one[1] for one in connection.execute(f"pragma table_info({table})")}:
            connection.execute(f"alter table {table} add column {column} integer not null default 0")
    return connection


class Statistics:
    """What is still to be written. Its state: two lists, three counters, and the timer that writes them."""

    def __init__(
        self, path: Path, keep_days: int, *, now: Callable[[], float] = time.time, flush_s: float = FLUSH_S
    ) -> None:
        self._path = path
        self._keep_days = keep_days
        self._now = now
        self._flush_s = flush_s
        self._lock = threading.Lock()
        self._suggestions: list[tuple[float, Settled]] = []
        self._answers: list[AnswerRow] = []
        self._outcomes: dict[tuple[int, str], int] = {}
        self._cuts: dict[tuple[int, str], int] = {}
        self._edits: dict[tuple[int, str], int] = {}
        self._timer: threading.Timer | None = None
        self._broken = False
        self._pruned = False

    def settled(self, suggestion: Settled) -> None:
        """Count a suggestion."""
        with self._lock:
            self._suggestions.append((self._now(), suggestion))
        self._later()

    def answered(self, answer: AnswerRow) -> None:
        """Count an answer of the model."""
        with self._lock:
            self._answers.append(answer)
        self._later()

    def outcome(self, name: str) -> None:
        """Count how a request ended."""
        self._count(self._outcomes, name)

    def cut(self, reason: str) -> None:
        """Count that a part of an answer was not shown, and why."""
        self._count(self._cuts, reason)

    def edit(self, kind: str, fate: str) -> None:
        """Count what became of a next edit: its kind, and "shown", "taken" or "dismissed"."""
        self._count(self._edits, f"{kind} {fate}")

    def _count(self, counts: dict[tuple[int, str], int], name: str) -> None:
        with self._lock:
            key = int(self._now() // _DAY_S), name
            counts[key] = counts.get(key, 0) + 1
        self._later()

    def close(self) -> None:
        """Write what is left."""
        if self._timer is not None:
            self._timer.cancel()
        self.flush()

    def flush(self) -> None:
        """Write what there is. Safe from any thread; never raises."""
        with self._lock:
            suggestions, self._suggestions = self._suggestions, []
            answers, self._answers = self._answers, []
            counters = {
                "outcomes": dict(self._outcomes),
                "cuts": dict(self._cuts),
                "edits": dict(self._edits),
            }
            for counted in (self._outcomes, self._cuts, self._edits):
                counted.clear()
            self._timer = None
        if self._broken or not (suggestions or answers or any(counters.values())):
            return
        try:
            self._write(suggestions, answers, counters)
        except sqlite3.OperationalError as error:
            log.info("statistics were not written this time: %s", error)
        except (sqlite3.Error, OSError, UnicodeError) as error:  # a damaged file's own message may be no text
            self._broken = True
            log.warning("statistics cannot be written to %s: %s", self._path, error)

    def _write(
        self,
        suggestions: Sequence[tuple[float, Settled]],
        answers: Sequence[AnswerRow],
        counters: dict[str, dict[tuple[int, str], int]],
    ) -> None:
        connection = connect(self._path)
        try:
            with connection:
                connection.executemany(
                    f"insert into suggestions values ({', '.join('?' * 8)})",  # noqa: S608 - only question marks
                    [
                        (
                            when,
                            one.language,
                            one.fate.value,
                            one.characters,
                            one.accepted,
                            one.shown,
                            one.latency_ms,
                            one.typed,
                        )
                        for when, one in suggestions
                    ],
                )
                connection.executemany(
                    f"insert into answers values ({', '.join('?' * 14)})",  # noqa: S608 - only question marks
                    [attrs.astuple(answer) for answer in answers],
                )
                for table, counts in counters.items():
                    connection.executemany(
                        f"insert into {table} values (?, ?, ?)"  # noqa: S608 - one of three names
                        " on conflict do update set count = count + excluded.count",
                        [(day, name, count) for (day, name), count in counts.items()],
                    )
                if self._keep_days and not self._pruned:
                    oldest = self._now() - self._keep_days * _DAY_S
                    connection.execute("delete from suggestions where time < ?", (oldest,))
                    connection.execute("delete from answers where time < ?", (oldest,))
                    for table in counters:
                        since = int(oldest // _DAY_S)
                        connection.execute(f"delete from {table} where day < ?", (since,))  # noqa: S608
                    self._pruned = True
        finally:
            connection.close()

    def _later(self) -> None:
        with self._lock:
            if self._timer is None and not self._broken:
                self._timer = threading.Timer(self._flush_s, self.flush)
                self._timer.daemon = True
                self._timer.start()
