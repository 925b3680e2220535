"""The outcomes as tables, as a plot and as a page of examples. Nothing is decided here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from html import escape
from operator import itemgetter
from typing import Literal

from foretype.tests.truth.figures import Key, Tally, is_applied, is_closed, is_plain, languages
from foretype.tests.truth.oracle import Example
from foretype.tests.truth.verdict import BEGINNING, CORRUPT, EXACT, FITTED, KILLED, RESTYLED, SILENT
from rich.table import Table

_CLASSES = (EXACT, BEGINNING, RESTYLED, FITTED, KILLED, SILENT, CORRUPT)
_COLOURS = {"plain": "#5b8def", "closers": "#e0943a"}


def table(tally: Tally, title: Literal["language", "kind", "answer"]) -> Table:
    """One row for each language, kind or answer."""
    made = Table(title=title)
    field = {"language": itemgetter(0), "kind": itemgetter(1), "answer": itemgetter(2)}[title]
    made.add_column(title)
    for name in ("applied", "exact plain", "exact closers", *_CLASSES):
        made.add_column(name, justify="right")
    for value in sorted({str(field(key)) for key in tally.counts}):
        part = Tally(Counter({key: count for key, count in tally.counts.items() if field(key) == value}))
        made.add_row(
            value,
            str(part.count(is_applied)),
            _percent(part, is_plain),
            _percent(part, is_closed),
            *(str(part.count(lambda key, name=name: key[5] == name)) for name in _CLASSES),
        )
    return made


def _percent(part: Tally, counted: Callable[[Key], bool]) -> str:
    whole = part.count(counted)
    exact = part.count(lambda key: counted(key) and key[5] == EXACT)
    return f"{100 * exact / whole:.2f}" if whole else ""


def faults(tally: Tally, most: int = 40) -> Table:
    """The commonest faults, over all languages."""
    made = Table(title="faults")
    for name in ("class", "fault", "kind", "answer", "moment", "count", "languages"):
        made.add_column(name, justify="right" if name == "count" else "left")
    counts: Counter[tuple[str, ...]] = Counter()
    where: dict[tuple[str, ...], Counter[str]] = {}
    for key, number in tally.counts.items():
        if key[5] in {CORRUPT, KILLED}:
            fault = (key[5], key[6], key[1], key[2], key[4])
            counts[fault] += number
            where.setdefault(fault, Counter())[key[0]] += number
    for fault, number in counts.most_common(most):
        there = ", ".join(f"{name} {times}" for name, times in where[fault].most_common(4))
        made.add_row(*fault, str(number), there)
    return made


def names(tally: Tally) -> Table:
    """The second oracle: holes with names of their own, and those that were cut because of one."""
    made = Table(title="names")
    for name in ("language", "holes", "cut", "with an index", "cut"):
        made.add_column(name, justify="left" if name == "language" else "right")
    for language in sorted({key[0] for key in tally.names}):
        row: list[str] = []
        for index in (False, True):
            part = {key: n for key, n in tally.names.items() if key[0] == language and key[2] == index}
            row += [str(sum(part.values())), str(sum(n for key, n in part.items() if key[3]))]
        made.add_row(language, *row)
    return made


def examples(tally: Tally) -> str:
    """A page with the first examples of everything that isn't as it should be, commonest first."""
    parts = ["# What went wrong\n"]
    for key, found in sorted(tally.examples.items(), key=lambda each: -tally.counts[each[0]]):
        language, kind, answer, asked, moment, outcome, fault = key
        if outcome in {BEGINNING, RESTYLED} and not (is_plain(key) or is_closed(key)):
            continue
        invoked = "" if asked else ", invoked"
        parts.append(
            f"\n## {language} · {kind} · {answer} · moment {moment}{invoked} · {outcome} {fault} "
            f"({tally.counts[key]})\n"
        )
        parts += [_page(each) for each in found]
    for (language, kind, index, reason), pages in tally.name_examples.items():
        where = "with an index" if index else "without an index"
        parts.append(f"\n## names · {language} · {kind} · {where} · {reason}\n")
        parts += pages
    return "\n".join(parts)


def _page(each: Example) -> str:
    return (
        f"\n{each.name}; {', '.join(each.cuts)}\n\n```\n{each.before}\n```\n"
        f"answer {each.said[:600]!r}\nshown  {each.shown[:600]!r}\n"
        + (f"\n```\n{each.document[:800]}\n```\nwanted\n\n```\n{each.wanted[:800]}\n```\n")
    )


def plot(tally: Tally, found: dict[str, float]) -> str:
    """exact.plain and exact.closers of every language as an SVG, from 60 % on."""
    names = languages(tally)
    width = 110 + 46 * len(names)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 360" font-family="sans-serif">',
        f'<rect width="{width}" height="360" fill="white"/>',
        '<text x="20" y="26" font-size="15">The authors\' text, shown as they wrote it (%; from 60)</text>',
    ]
    for number, language in enumerate(names):
        left = 40 + number * 46
        for place, name in enumerate(("plain", "closers")):
            value = found.get(f"exact.{name}.{language}")
            if value is None:
                continue
            tall = max(0.0, value - 0.6) * 550
            x = left + place * 20
            parts.append(
                f'<rect x="{x}" y="{270 - tall:.1f}" width="18" height="{tall:.1f}" fill="{_COLOURS[name]}"/>'
                f'<text x="{x + 9}" y="{265 - tall:.1f}" font-size="8" text-anchor="middle">'
                f"{100 * value:.1f}</text>"
            )
        parts.append(
            f'<text transform="translate({left + 18},282) rotate(40)" font-size="11">'
            f"{escape(language)}</text>"
        )
    return "\n".join((*parts, "</svg>\n"))
