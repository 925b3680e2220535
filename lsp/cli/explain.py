"""`foretype explain`: where the milliseconds of an answer went, after the fact, from what was counted.

It reads the statistics and nothing else: no code stands there, and no daemon is asked. Answers that needed no
model, and requests that were taken back, have no row there.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import attrs
from rich.table import Table

from ...context.shared.problem import Problem
from ..statistics.store import AnswerRow, connect

_ORDER = {"last": "time desc", "slowest": "total_ms desc"}


class NothingCountedProblem(Problem):
    """There is no answer to explain."""


@attrs.frozen
class StageTime:
    """What one stage of an answer took.

    Attributes:
        stage: its name.
        spent_ms: its time in ms.
        why: what it did, and how much of it.
    """

    stage: str
    spent_ms: float
    why: str


def explained(row: AnswerRow) -> tuple[StageTime, ...]:
    """The stages of an answer in order; together they are its time, unless it was answered before its end."""
    known = row.context_ms + row.queue_ms + row.prefill_ms + row.decode_ms
    drafts = (
        f", {row.accepted_tokens} of {row.draft_tokens} drafted ones confirmed" if row.draft_tokens else ""
    )
    return (
        StageTime(
            "context", row.context_ms, "syntax tree, window and related code, until the daemon was asked"
        ),
        StageTime("queue", row.queue_ms, "waiting for the model, which worked for another request"),
        StageTime(
            "prefill",
            row.prefill_ms,
            f"{row.prefill_tokens} tokens of the prompt evaluated, {row.cached_tokens} found in the cache",
        ),
        StageTime("decode", row.decode_ms, f"{row.decode_tokens} tokens generated{drafts}"),
        StageTime(
            "rest", max(0.0, row.total_ms - known), "the way to the daemon and back, checking, other work"
        ),
    )


def answers(path: Path, which: str, count: int) -> list[AnswerRow]:
    """The last answers, or the slowest, at most so many.

    Raises:
        NothingCountedProblem: there is none.
        Problem: the statistics cannot be read.
    """
    if not path.exists():
        raise NothingCountedProblem("Nothing was counted yet: `statistics.enabled` is off, or nobody typed.")
    names = ", ".join(attrs.fields_dict(AnswerRow))
    try:
        connection = connect(path)
        try:
            rows = connection.execute(
                f"select {names} from answers order by {_ORDER[which]} limit ?",  # noqa: S608 - names of ours alone
                (count,),
            ).fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, OSError, ValueError) as error:
        raise Problem(
            f"The statistics {path} cannot be read ({error}). 'foretype stats --reset' begins anew."
        ) from error
    if not rows:
        raise NothingCountedProblem(
            "No answer of the model was counted yet; one is written within 20 seconds."
        )
    return [AnswerRow(*row) for row in rows]


def explanation(row: AnswerRow) -> Table:
    """One answer, for a terminal."""
    when = dt.datetime.fromtimestamp(row.time, dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    table = Table(
        title=f"{row.language} at {when}, {row.model or 'a model without a name'}: {row.total_ms:.0f} ms",
        title_justify="left",
        box=None,
    )
    for name in ("stage", "ms", "what it did"):
        table.add_column(name, justify="right" if name == "ms" else "left")
    for stage in explained(row):
        table.add_row(stage.stage, f"{stage.spent_ms:.0f}", stage.why)
    return table


def as_records(rows: list[AnswerRow]) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {**attrs.asdict(row), "stages": [attrs.asdict(stage) for stage in explained(row)]} for row in rows
    ]
