"""The figures of a replay, by name, and their table. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from rich.table import Table

from .typist import Look, Replayed


def label(after_s: float) -> str:
    """A moment's name: "300ms", "1s"."""
    return f"{after_s:.0f}s" if after_s >= 1 else f"{1000 * after_s:.0f}ms"


def right_characters(look: Look, left: str) -> int:
    """How many code points of what was left to write the suggestion begins with."""
    said = look.ghost.split("\n", 1)[0]
    return next(
        (at for at, (one, other) in enumerate(zip(said, left, strict=False)) if one != other),
        min(len(said), len(left)),
    )


def replay_figures(results: Sequence[Replayed]) -> dict[str, float]:
    """Counts and shares over all places; times in ms, processor time in s."""
    found: dict[str, float] = {"places": float(len(results))}
    if not results:
        return found
    for index, look in enumerate(results[0].looks):
        name = label(look.after_s)
        looks = [(each.looks[index], each.place) for each in results]
        exact = sum(each.line == place.line for each, place in looks)
        shown = sum(each.line is not None for each, _ in looks)
        found[f"{name}.exact"] = float(exact)
        found[f"{name}.shown"] = shown / len(looks)
        found[f"{name}.exact_of_shown"] = exact / max(1, shown)
        right = sum(right_characters(each, place.left) for each, place in looks)
        found[f"{name}.right_characters"] = right / sum(len(place.left) for _, place in looks)
    times = sorted(time for each in results for time in each.answer_ms)
    if times:
        found["answer.p50_ms"] = times[len(times) // 2]
        found["answer.p95_ms"] = times[min(len(times) - 1, len(times) * 95 // 100)]
    first = [each.first_shown_s for each in results if each.first_shown_s is not None]
    found["first_shown.median_s"] = statistics.median(first) if first else float("nan")
    found["first_shown.share"] = len(first) / len(results)
    found["replaced"] = sum(each.replaced for each in results) / len(results)
    found["appeared"] = sum(each.appeared for each in results) / len(results)
    found["processor_s"] = sum(each.processor_s for each in results) / len(results)
    return found


def figures_table(title: str, columns: dict[str, dict[str, float]]) -> Table:
    """A row for each figure, a column for each variant."""
    made = Table(title=title)
    made.add_column("")
    for name in columns:
        made.add_column(name, justify="right")
    for row in _rows(columns.values()):
        made.add_row(row, *(_shown(row, found.get(row)) for found in columns.values()))
    return made


def _rows(columns: Iterable[dict[str, float]]) -> list[str]:
    return list(dict.fromkeys(row for found in columns for row in found))


def _shown(row: str, value: float | None) -> str:
    if value is None:
        return ""
    if row.endswith((".exact", "places", "_ms")):
        return f"{value:.0f}"
    return f"{value:.3f}"
