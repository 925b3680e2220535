"""`make live`: types real lines through the real language server and daemon; a table and build/live.json.

Every place is typed in every variant, one after the other, so that a machine that others use as well is
equally unfair to all of them. Times are only worth believing where nothing else runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import click
from foretype.tests.quality.corpus import CorpusProblem
from rich.console import Console
from rich.progress import Progress

from .places import Place, places
from .replay import PACES, Replayed, Variant, replay, variant
from .report import figures, table

RESULTS = Path(__file__).resolve().parents[2] / "build" / "live.json"


@click.command()
@click.option("--places", "count", default=40, show_default=True, help="How many places.")
@click.option("--seed", default=7, show_default=True, help="Decides which.")
@click.option("--language", "languages", multiple=True, help="Only these; all when none is named.")
@click.option("--pace", "names", multiple=True, type=click.Choice(list(PACES)), default=list(PACES))
@click.option(
    "--budget", "budgets", multiple=True, type=float, help="latency_budget_ms; the default's when none."
)
@click.option("--python", "pythons", multiple=True, help="NAME=INTERPRETER of another foretype to compare.")
@click.option("--details", type=click.Path(path_type=Path), help="Write every place's outcome as JSON lines.")
def main(  # noqa: PLR0917 - click passes them by name
    count: int,
    seed: int,
    languages: tuple[str, ...],
    names: tuple[str, ...],
    budgets: tuple[float, ...],
    pythons: tuple[str, ...],
    details: Path | None,
) -> None:
    """Measure what people get while they type."""
    console = Console()
    try:
        chosen = places(count, seed, languages)
    except CorpusProblem as problem:
        raise click.ClickException(str(problem)) from problem
    interpreters = dict(each.split("=", 1) for each in pythons) or {"": sys.executable}
    known: dict[str, float] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    with contextlib.ExitStack() as homes:
        variants: list[Variant] = []
        for name, python in interpreters.items():
            for budget in budgets or (0,):
                settings = f"[completion]\nlatency_budget_ms = {budget}\n" if budget else ""
                title = " ".join(filter(None, (name, f"{budget:.0f} ms" if budget else ""))) or "as it comes"
                variants.append(homes.enter_context(variant(title, python, settings)))
        for pace in names:
            results = asyncio.run(_all(variants, chosen, pace, details))
            for half, wanted in (("", None), ("held_out.", True)):
                columns = {
                    each.name: figures(
                        [one for one in results[each.name] if wanted in (None, one.place.held_out)]
                    )
                    for each in variants
                }
                console.print(table(f"{half}{pace}", columns))
                if half and not pythons and not budgets:
                    known.update({f"{pace}.{key}": value for key, value in columns["as it comes"].items()})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(known, indent=2) + "\n", "utf-8")


async def _all(
    variants: list[Variant], chosen: list[Place], pace: str, details: Path | None
) -> dict[str, list[Replayed]]:
    results: dict[str, list[Replayed]] = {each.name: [] for each in variants}
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task(pace, total=len(chosen) * len(variants))
        for place in chosen:
            for each in variants:
                done = await replay(each, place, PACES[pace])
                results[each.name].append(done)
                if details is not None:
                    _note(details, pace, each.name, done)
                progress.advance(bar)
    return results


def _note(details: Path, pace: str, name: str, done: Replayed) -> None:
    row = {
        "pace": pace,
        "variant": name,
        "place": done.place.name,
        "keys": done.place.keys,
        "left": done.place.left,
        "looks": {str(look.after_s): look.ghost for look in done.looks},
        "exact": [look.line == done.place.line for look in done.looks],
        "first_shown_s": done.first_shown_s,
        "replaced": done.replaced,
        "answer_ms": [round(each) for each in done.answer_ms],
        "processor_s": round(done.processor_s, 2),
    }
    with details.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
