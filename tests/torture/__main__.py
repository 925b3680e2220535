"""`make torture`: tries to break what the product promises, for MINUTES; a table and build/torture.json.

Sections take turns, each a round at a time, until each has reached its goal or the time is up. What was found
is kept as it comes, in build/torture/rounds.jsonl: a run that ended early goes on where it was, unless the
sources changed. Several may go on side by side, in one section too: those that mostly wait gain by it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click
from foretype.tests.support import lsp_client
from foretype.tests.torture.campaign import SECTIONS, USUAL
from foretype.tests.torture.journal import ROOT, Journal, Round, source_hash
from foretype.tests.torture.section import Section
from rich.console import Console
from rich.table import Table

BUILD = ROOT / "build" / "torture"
RESULTS = ROOT / "build" / "torture.json"

PATIENCE_S = 600.0
"""How long the campaign waits before it calls something lost: it may run behind everything else."""


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="Begin no round after so many.")
@click.option(
    "--section",
    "names",
    multiple=True,
    type=click.Choice(list(SECTIONS)),
    help="Only these; else all that need no model.",
)
@click.option("--afresh", is_flag=True, help="Forget what was found before.")
def main(minutes: float, names: tuple[str, ...], afresh: bool) -> None:
    """Try to break what is promised, and count. Exits with 1 when something was broken."""
    lsp_client.PATIENCE_S = PATIENCE_S
    console = Console(width=150)
    sources = {name: source_hash(each.module) for name, each in SECTIONS.items()}
    journal = Journal(BUILD / "rounds.jsonl", sources)
    if afresh:
        journal.forget()
    chosen = [SECTIONS[name] for name in names or USUAL]
    _play(chosen, journal, minutes * 60)
    console.print(_table(chosen, journal))
    for section in chosen:
        found = journal.found(section.name)
        for sentence in dict.fromkeys((*found.notes, *(f"WRONG: {each}" for each in found.wrong))):
            console.print(f"{section.name}: {sentence}", highlight=False, markup=False)
    _write(RESULTS, journal)
    sys.exit(1 if any(journal.found(section.name).wrong for section in chosen) else 0)


def _play(chosen: list[Section], journal: Journal, within_s: float) -> None:
    """Rounds in turns; the section that has had the least time goes first."""
    progress = Console(stderr=True)
    until = time.monotonic() + within_s
    spent = {section.name: 0.0 for section in chosen}
    over: set[str] = set()
    while time.monotonic() < until:
        open_ones = [
            section
            for section in chosen
            if section.name not in over
            and not section.done(journal.found(section.name), len(journal.of(section.name)))
            and time.monotonic() + section.minutes * 60 <= until
        ]
        if not open_ones:
            return
        section = min(open_ones, key=lambda each: spent[each.name])
        seed, began = journal.next_seed(section.name), time.monotonic()
        if 0 < section.rounds <= seed:
            over.add(section.name)  # others play what is left of it
            continue
        found = section.play(seed)
        seconds = time.monotonic() - began
        spent[section.name] += seconds
        journal.keep(Round(section.name, seed, journal.sources[section.name], round(seconds, 1), found))
        progress.print(
            f"{section.name} {seed}: {dict(found.counts)} in {seconds:.0f} s, {len(found.wrong)} wrong",
            highlight=False,
            markup=False,
        )


def _table(chosen: list[Section], journal: Journal) -> Table:
    table = Table(title="What was tried, and how often a promise was broken")
    for column in ("section", "figure", "value", "wanted"):
        table.add_column(column)
    for section in chosen:
        found = journal.found(section.name)
        for name, value in section.figures(found).items():
            wanted = (
                f"{section.goal:,}" if name == section.unit else "0" if name == section.violations else ""
            )
            table.add_row(
                section.name, name, f"{value:,.4g}" if isinstance(value, float) else f"{value:,}", wanted
            )
    return table


def _write(results: Path, journal: Journal) -> None:
    figures: dict[str, float] = {}
    for section in SECTIONS.values():
        if journal.of(section.name):
            figures.update(section.figures(journal.found(section.name)))
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
