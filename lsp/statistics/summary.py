"""`foretype stats`: what was counted on this machine, as tables and a small plot, as text, or as JSON."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from ...context.shared.figures import percentile
from ...context.shared.problem import Problem
from .store import connect

if TYPE_CHECKING:
    from rich.console import RenderableType

_DAY_S = 86400
_BARS = " ▁▂▃▄▅▆▇█"
_EDGES_MS = (1, 3, 10, 30, 100, 200, 400, 800, 1600)


@attrs.frozen
class LanguageCounts:
    """One language's suggestions.

    Attributes:
        suggestions: how many were answered.
        accepted: how many of those were accepted, wholly or in part.
        characters: code points that were accepted.
        shown: how many were drawn by the editor.
        typed: code points of suggestions that were typed by hand.
    """

    suggestions: int = 0
    accepted: int = 0
    characters: int = 0
    shown: int = 0
    typed: int = 0

    @property
    def acceptance(self) -> float:
        """The share of what was shown that was accepted, wholly or in part; 0 to 1."""
        return self.accepted / self.shown if self.shown else 0.0


@attrs.frozen
class Summary:
    """Everything `foretype stats` shows. Times in ms.

    Attributes:
        days: how many days back it reaches; 0 for all.
        languages: counts by language identifier, the most used first.
        fates: suggestions by what became of them.
        outcomes: requests by how they ended.
        cuts: reasons for which parts of the model's answers were not shown, and how often.
        edits: next edits by their kind and what became of them ("rename taken").
        latencies: times of the model's answers.
        characters_by_day: accepted code points by ISO date, oldest first.
        prefill_tokens: prompt tokens evaluated.
        cached_tokens: prompt tokens found in the KV cache.
        decode_tokens: tokens generated.
        decode_ms: time spent generating.
        draft_tokens: tokens drafted.
        accepted_tokens: drafted tokens that were right.
        remote_answers: how many answers an engine elsewhere gave.
        remote_prompt_tokens: prompt tokens of those.
        remote_cached_tokens: of these, the ones that it had in its cache.
    """

    days: int = 0
    languages: dict[str, LanguageCounts] = attrs.field(factory=dict[str, LanguageCounts])
    fates: dict[str, int] = attrs.field(factory=dict[str, int])
    outcomes: dict[str, int] = attrs.field(factory=dict[str, int])
    cuts: dict[str, int] = attrs.field(factory=dict[str, int])
    edits: dict[str, int] = attrs.field(factory=dict[str, int])
    latencies: tuple[float, ...] = ()
    characters_by_day: dict[str, int] = attrs.field(factory=dict[str, int])
    prefill_tokens: int = 0
    cached_tokens: int = 0
    decode_tokens: int = 0
    decode_ms: float = 0.0
    draft_tokens: int = 0
    accepted_tokens: int = 0
    remote_answers: int = 0
    remote_prompt_tokens: int = 0
    remote_cached_tokens: int = 0

    @property
    def suggestions(self) -> int:
        """How many suggestions were answered."""
        return sum(self.fates.values())

    @property
    def shown(self) -> int:
        """How many of them the editor drew."""
        return sum(each.shown for each in self.languages.values())

    @property
    def typed(self) -> int:
        """Code points of suggestions that were typed by hand."""
        return sum(each.typed for each in self.languages.values())

    @property
    def acceptance(self) -> float:
        """The share of what was shown that was accepted, wholly or in part; 0 to 1."""
        taken = sum(each.accepted for each in self.languages.values())
        return taken / self.shown if self.shown else 0.0


def summarize(path: Path, days: int = 0, now: float | None = None) -> Summary:
    """Read the counts of the last `days` days; 0 for all.

    Raises:
        Problem: the file is damaged.
    """
    if not path.exists():
        return Summary(days)
    since = (now or time.time()) - days * _DAY_S if days else 0.0
    try:
        connection = connect(path)
        try:
            return _read(connection, since, days)
        finally:
            connection.close()
    except (sqlite3.Error, OSError, ValueError, TypeError) as error:
        raise Problem(
            f"The statistics {path} cannot be read ({error}). 'foretype stats --reset' begins anew."
        ) from error


def _read(connection: sqlite3.Connection, since: float, days: int) -> Summary:
    def rows(query: str) -> list[Any]:
        return connection.execute(query, (since,)).fetchall()

    def counts(query: str) -> dict[str, int]:
        return dict(connection.execute(query, (int(since // _DAY_S),)).fetchall())

    languages = {
        language: LanguageCounts(*counted)
        for language, *counted in rows(
            "select language, count(*), sum(taken), sum(accepted), sum(shown or taken), sum(typed) from"
            " (select *, fate in ('accepted', 'partly') as taken from suggestions where time >= ?)"
            " group by language order by 2 desc"
        )
    }
    by_day: dict[str, int] = {}
    for when, characters in rows("select time, accepted from suggestions where time >= ? order by time"):
        day = dt.datetime.fromtimestamp(when).astimezone().date().isoformat()
        by_day[day] = by_day.get(day, 0) + characters
    tokens = rows(
        "select sum(prefill_tokens), sum(cached_tokens), sum(decode_tokens), sum(decode_ms),"
        " sum(draft_tokens), sum(accepted_tokens), sum(remote),"
        " sum(remote * (prefill_tokens + cached_tokens)), sum(remote * cached_tokens)"
        " from answers where time >= ?"
    )[0]
    return Summary(
        days,
        languages,
        dict(rows("select fate, count(*) from suggestions where time >= ? group by fate order by 2 desc")),
        counts("select outcome, sum(count) from outcomes where day >= ? group by outcome order by 2 desc"),
        counts("select reason, sum(count) from cuts where day >= ? group by reason order by 2 desc"),
        counts("select outcome, sum(count) from edits where day >= ? group by outcome order by outcome"),
        tuple(row[0] for row in rows("select total_ms from answers where time >= ?")),
        by_day,
        *(value or 0 for value in tokens),
    )


def as_record(summary: Summary) -> dict[str, Any]:
    """The summary as `--json` prints it."""
    record = attrs.asdict(summary)
    times = list(record.pop("latencies"))
    record["shown"], record["typed"] = summary.shown, summary.typed
    record["acceptance"] = round(summary.acceptance, 4)
    record["latency_ms"] = {
        "count": len(times),
        "p50": round(percentile(times, 0.5), 1),
        "p95": round(percentile(times, 0.95), 1),
    }
    return record


def histogram(values: tuple[float, ...]) -> str:
    """Latencies as a row of bars; the edges stand in `_EDGES_MS`."""
    counts = [0] * (len(_EDGES_MS) + 1)
    for value in values:
        counts[sum(value >= edge for edge in _EDGES_MS)] += 1
    highest = max(counts) or 1
    return "".join(_BARS[round((len(_BARS) - 1) * count / highest) or bool(count)] for count in counts)


def as_text(summary: Summary) -> str:
    """The summary in a few plain lines."""
    if not summary.suggestions and not summary.outcomes and not summary.edits:
        return "Nothing has been counted yet. Statistics begin with the first suggestion in an editor."
    times = list(summary.latencies)
    lines = [
        f"{summary.suggestions} suggestions, {100 * summary.acceptance:.0f} % accepted, "
        f"{sum(summary.characters_by_day.values())} characters. {summary.shown} were shown;"
        f" {summary.typed} characters of them were typed by hand.",
        f"The model answered {len(times)} times: median {percentile(times, 0.5):.0f} ms, "
        f"p95 {percentile(times, 0.95):.0f} ms.",
    ]
    seen = summary.prefill_tokens + summary.cached_tokens
    if seen:
        lines.append(f"{100 * summary.cached_tokens / seen:.0f} % of all prompt tokens were in the cache.")
    if summary.remote_answers:
        known = summary.remote_prompt_tokens
        cached = f", {100 * summary.remote_cached_tokens / known:.0f} % of their prompts cached there"
        lines.append(f"{summary.remote_answers} answers came from elsewhere{cached if known else ''}.")
    if summary.outcomes.get("cached"):
        lines.append(f"{summary.outcomes['cached']} requests were answered from an earlier suggestion.")
    return "\n".join(lines)


def summary_tables(summary: Summary) -> RenderableType:
    """The summary for a terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    if not summary.suggestions and not summary.outcomes and not summary.edits:
        return Text(as_text(summary))
    parts: list[RenderableType] = [Text(as_text(summary)), Text()]
    languages = Table(title="By language", title_justify="left", box=None)
    for heading, justify in (
        ("language", "left"),
        ("suggestions", "right"),
        ("shown", "right"),
        ("accepted", "right"),
        ("characters", "right"),
        ("typed by hand", "right"),
    ):
        languages.add_column(heading, justify=justify)  # pyright: ignore[reportArgumentType] - a literal
    for name, counts in summary.languages.items():
        languages.add_row(
            name or "-",
            str(counts.suggestions),
            str(counts.shown),
            f"{100 * counts.acceptance:.0f} %",
            str(counts.characters),
            str(counts.typed),
        )
    parts += [languages, Text(), _counted("Requests", "how they ended", summary.outcomes), Text()]
    if summary.cuts:
        parts += [_counted("Parts of answers that were not shown", "why", summary.cuts), Text()]
    if summary.edits:
        parts += [_counted("Next edits", "kind, and what became of it", summary.edits), Text()]
    if summary.latencies:
        parts.append(Text(f"Latency of the model's answers, below 1 ms to above {_EDGES_MS[-1]} ms:"))
        parts.append(Text(f"  {histogram(summary.latencies)}   edges {', '.join(map(str, _EDGES_MS))} ms"))
    if summary.characters_by_day:
        parts += [Text(), Text("Accepted characters by day:")]
        highest = max(summary.characters_by_day.values()) or 1
        for day, characters in list(summary.characters_by_day.items())[-14:]:
            parts.append(Text(f"  {day} {'█' * round(40 * characters / highest)} {characters}"))
    return Group(*parts)


def _counted(title: str, what: str, counts: dict[str, int]) -> RenderableType:
    """A table of counts by name."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None)
    table.add_column(what)
    table.add_column("count", justify="right")
    for name, count in counts.items():
        table.add_row(name, str(count))
    return table
