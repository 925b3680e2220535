"""The figures as a table and as a plot. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from foretype.tests.live.measures import PEER, WHOLE, label
from foretype.tests.live.scenarios import LOOKS_S
from rich.table import Table

_COLOURS = ("#5b8def", "#e0943a", "#3cb4a0", "#b45fd0", "#c8556d", "#7a8b99", "#8a9a3b", "#4f6d7a")
_LEFT, _TOP, _WIDE, _HIGH = 60, 50, 420, 240
_NUMBERS = ("places", "_ms", "_s", "appeared")


def table(title: str, columns: Mapping[str, Mapping[str, float]]) -> Table:
    """A row for each figure, a column for each scenario."""
    made = Table(title=title)
    made.add_column("")
    for name in columns:
        made.add_column(name, justify="right")
    for row in dict.fromkeys(row for found in columns.values() for row in found):
        made.add_row(row, *(_shown(row, found.get(row)) for found in columns.values()))
    return made


def _shown(row: str, value: float | None) -> str:
    if value is None:
        return ""
    if row.endswith(_NUMBERS):
        return f"{value:.0f}" if row.endswith(("places", "_ms")) else f"{value:.2f}"
    return f"{100 * value:.1f} %"


def plot(title: str, columns: Mapping[str, Mapping[str, float]]) -> str:
    """Exact lines over the time since the last key as an SVG: a line for each column, the whole dashed."""
    exact = [value for found in columns.values() for name, value in found.items() if name.endswith("exact")]
    highest = max(exact, default=0.0)
    scale = _HIGH / max(0.05, 1.1 * highest)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDE + 220} {_TOP + _HIGH + 60}" '
        'font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="26" font-size="15">{escape(title)}</text>',
        *_axes(),
    ]
    for number, (name, found) in enumerate(columns.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        parts += _curve(name, found, colour, scale, number)
    return "\n".join((*parts, "</svg>\n"))


def _x(index: int) -> float:
    return _LEFT + _WIDE * index / (len(LOOKS_S) - 1)


def _axes() -> list[str]:
    bottom = _TOP + _HIGH
    return [
        f'<line x1="{_LEFT}" y1="{bottom}" x2="{_LEFT + _WIDE}" y2="{bottom}" stroke="#333"/>',
        *(
            f'<text x="{_x(at)}" y="{bottom + 20}" font-size="11" text-anchor="middle">{label(after)}</text>'
            for at, after in enumerate(LOOKS_S)
        ),
        f'<text x="{_LEFT}" y="{bottom + 42}" font-size="11">since the last key; '
        "share of the lines that are exact (%)</text>",
    ]


def _curve(name: str, found: Mapping[str, float], colour: str, scale: float, number: int) -> Sequence[str]:
    is_whole = name.rsplit(".", 1)[-1] == WHOLE
    values = [found.get("exact" if is_whole else f"{label(after)}.exact") for after in LOOKS_S]
    points = [
        (_x(at), _TOP + _HIGH - value * scale, value) for at, value in enumerate(values) if value is not None
    ]
    if not points:
        return ()
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    dash = ' stroke-dasharray="6 4"' if is_whole else ' stroke-dasharray="2 3"' if name == PEER else ""
    y = _TOP + 16 * number
    last = points[-1][1]
    return (
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>',
        f'<text x="{_LEFT + _WIDE + 16}" y="{y}" font-size="12" fill="{colour}">{escape(name)} '
        f"({100 * last:.1f})</text>",
    )
