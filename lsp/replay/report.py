"""A replay's results as a table, as sentences, as a picture and as JSON. Nothing is computed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import attrs
from rich.table import Table

from .confidence import PairVerdict
from .journal import outcome_record
from .outcome import ReplayOutcome

_ROWS = {
    "places": ("places", "{:.0f}"),
    "exact": ("exact lines", "{:.0f}"),
    "exact_share": ("exact lines, of 100", "{:.1f}"),
    "characters_saved": ("characters saved, of 100", "{:.1f}"),
    "shown": ("something suggested, of 100", "{:.1f}"),
    "first_shown_s": ("first suggestion after, s", "{:.2f}"),
    "answer_p50_ms": ("key to answer, median ms", "{:.0f}"),
    "answer_p95_ms": ("key to answer, 95th percentile ms", "{:.0f}"),
    "processor_s": ("processor time a place, s", "{:.1f}"),
}
_SHARES = ("exact_share", "characters_saved", "shown")
_COLOURS = ("#5b8def", "#e0943a", "#3cb4a0", "#b45fd0", "#9aa5b1", "#d0605f", "#7a9a3c", "#4a4f57")


def replay_table(title: str, summaries: Mapping[str, Mapping[str, float]]) -> Table:
    """A row for each figure, a column for each variant."""
    made = Table(title=title)
    made.add_column("")
    for name in summaries:
        made.add_column(name, justify="right", overflow="fold")
    for key, (label, shown) in _ROWS.items():
        values = [found.get(key) for found in summaries.values()]
        if any(value is not None for value in values):
            scale = 100 if key in _SHARES else 1
            made.add_row(label, *("" if each is None else shown.format(scale * each) for each in values))
    return made


def left_out_sentence(left_out: Mapping[str, int]) -> str:
    """What of the history was not typed; "" when nothing was left out."""
    if not left_out:
        return ""
    parts = (f"{count} {reason}" for reason, count in Counter(left_out).most_common())
    return f"Left out on the way: {', '.join(parts)}."


def replay_picture(title: str, summaries: Mapping[str, Mapping[str, float]]) -> str:
    """The shares and the median milliseconds of every variant, as an SVG."""
    groups = {key: _ROWS[key][0] for key in (*_SHARES, "answer_p50_ms")}
    slowest = max((found.get("answer_p50_ms", 0.0) for found in summaries.values()), default=0.0) or 1.0
    bar, base = 26, 270
    group = max(170, 40 + bar * len(summaries))
    width, height = 40 + group * len(groups), base + 50 + 20 * len(summaries)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="30" y="28" font-size="16">{escape(title)}</text>',
    ]
    for number, (key, label) in enumerate(groups.items()):
        left = 40 + number * group
        for place, found in enumerate(summaries.values()):
            value = found.get(key, 0.0)
            tall = 200 * (value if key in _SHARES else value / slowest)
            x = left + place * bar
            shown = _ROWS[key][1].format(100 * value if key in _SHARES else value)
            parts.append(
                f'<rect x="{x}" y="{base - tall:.1f}" width="{bar - 4}" height="{tall:.1f}" '
                f'fill="{_COLOURS[place % len(_COLOURS)]}"/>'
                f'<text x="{x + bar / 2 - 2}" y="{base - tall - 5:.1f}" font-size="10" '
                f'text-anchor="middle">{shown}</text>'
            )
        parts.append(f'<text x="{left}" y="{base + 18}" font-size="11">{escape(label)}</text>')
    for place, name in enumerate(summaries):
        y = base + 34 + 20 * place
        parts.append(
            f'<rect x="40" y="{y}" width="12" height="12" fill="{_COLOURS[place % len(_COLOURS)]}"/>'
            f'<text x="58" y="{y + 11}" font-size="13">{escape(name)}</text>'
        )
    return "\n".join((*parts, "</svg>\n"))


def replay_record(
    facts: Mapping[str, Any],
    summaries: Mapping[str, Mapping[str, float]],
    verdicts: Sequence[PairVerdict],
    outcomes: Mapping[str, Sequence[ReplayOutcome]],
) -> dict[str, Any]:
    """Everything for JSON."""
    return {
        **facts,
        "variants": {name: dict(found) for name, found in summaries.items()},
        "comparisons": [{**attrs.asdict(each), "sentence": str(each)} for each in verdicts],
        "outcomes": {name: [outcome_record(each) for each in found] for name, found in outcomes.items()},
    }
