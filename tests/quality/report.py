"""The figures as a table and as a plot. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from foretype.tests.quality.stages import STAGES
from rich.table import Table

SHARES = ("exact", "whole", "similarity", "undefined", "shown", "exact_of_shown")
COSTS = ("tokens", "ms")
_HEADINGS = {
    "exact": "exact",
    "whole": "whole",
    "similarity": "similarity",
    "undefined": "undefined",
    "shown": "shown",
    "exact_of_shown": "exact of shown",
    "tokens": "prompt tokens",
    "ms": "ms",
}
_COLOURS = {
    "window": "#9aa5b1",
    "related": "#5b8def",
    "trim": "#3cb4a0",
    "ground": "#e0943a",
    "sure": "#b45fd0",
}
_PLOTTED = ("exact", "similarity", "undefined", "shown")


def table(title: str, found: Mapping[str, float]) -> Table:
    """One row for each stage."""
    made = Table(title=f"{title}: {found['holes']:.0f} holes")
    made.add_column("stage")
    for name in (*SHARES, *COSTS):
        made.add_column(_HEADINGS[name], justify="right")
    for stage in STAGES:
        shares = [f"{100 * found.get(f'{stage}.{name}', 0.0):.1f} %" for name in SHARES]
        costs = [f"{found.get(f'{stage}.{name}', 0.0):,.1f}" for name in COSTS]
        made.add_row(stage, *shares, *costs)
    return made


def verdicts(found: Mapping[str, float]) -> list[str]:
    """What grounding and doubt take away, in sentences."""
    return [
        f"{stage}: removes {100 * found[f'{stage}.removed_undefined']:.1f} % of the suggestions with an "
        f"undefined name, and {100 * found[f'{stage}.lost_exact']:.1f} % of the exact matches."
        for stage in ("ground", "sure")
    ]


def plot(title: str, found: Mapping[str, float]) -> str:
    """The shares of every stage as an SVG: one group of bars for each figure."""
    width, height, base, bar = 900, 360, 300, 32
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="30" y="28" font-size="16">{escape(title)}</text>',
    ]
    for number, name in enumerate(_PLOTTED):
        left = 40 + number * 215
        for place, stage in enumerate(STAGES):
            value = found.get(f"{stage}.{name}", 0.0)
            tall = 220 * value
            x = left + place * (bar + 5)
            parts.append(
                f'<rect x="{x}" y="{base - tall:.1f}" width="{bar}" height="{tall:.1f}" '
                f'fill="{_COLOURS[stage]}"/>'
                f'<text x="{x + bar / 2}" y="{base - tall - 5:.1f}" font-size="11" text-anchor="middle">'
                f"{100 * value:.0f}</text>"
            )
        parts.append(
            f'<text x="{left + 90}" y="{base + 18}" font-size="13" text-anchor="middle">'
            f"{escape(name)} (%)</text>"
        )
    for place, stage in enumerate(STAGES):
        x = 40 + place * 110
        parts.append(
            f'<rect x="{x}" y="{base + 34}" width="12" height="12" fill="{_COLOURS[stage]}"/>'
            f'<text x="{x + 18}" y="{base + 45}" font-size="13">{escape(stage)}</text>'
        )
    return "\n".join((*parts, "</svg>\n"))
