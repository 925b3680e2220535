"""`make live`: types real lines through the language server and daemon; a table and build/live.json.

Every place is typed in every variant, one after the other, so that a machine that others use as well is
equally unfair to all of them. Real times are only worth believing where nothing else runs; with `--machine`
the time is made up, and the figures are the same wherever they are measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import attrs
import click
from foretype.daemon.settings.settings import CompletionSettings
from foretype.lsp.replay.figures import figures_table, replay_figures
from foretype.lsp.replay.place import Place
from foretype.lsp.replay.typist import PACES, Pace, Replayed, type_place
from foretype.lsp.replay.variant import replay_place
from foretype.tests.live.places import places
from foretype.tests.live.replay import variant
from foretype.tests.live.simulated import MACHINES, InsideClient, Machine, Truth
from foretype.tests.quality.corpus import CorpusProblem
from foretype.tests.support import virtual_time
from rich.console import Console
from rich.progress import track

RESULTS = Path(__file__).resolve().parents[2] / "build" / "live.json"
AS_IT_COMES = "as it comes"

Run = Callable[[Place, Pace], Replayed]


@click.command()
@click.option("--places", "count", default=40, show_default=True, help="How many places.")
@click.option("--seed", default=7, show_default=True, help="Decides which.")
@click.option("--language", "languages", multiple=True, help="Only these; all when none is named.")
@click.option("--pace", "names", multiple=True, type=click.Choice(list(PACES)), default=list(PACES))
@click.option("--budget", "budgets", multiple=True, type=float, help="latency_budget_ms; else the default.")
@click.option("--machine", "machines", multiple=True, type=click.Choice(list(MACHINES)), help="Simulate one.")
@click.option("--python", "pythons", multiple=True, help="NAME=INTERPRETER of another foretype to compare.")
@click.option("--details", type=click.Path(path_type=Path), help="Write every place's outcome as JSON lines.")
def main(  # noqa: PLR0917 - click passes them by name
    count: int,
    seed: int,
    languages: tuple[str, ...],
    names: tuple[str, ...],
    budgets: tuple[float, ...],
    machines: tuple[str, ...],
    pythons: tuple[str, ...],
    details: Path | None,
) -> None:
    """Measure what people get while they type."""
    console = Console()
    try:
        chosen = places(count, seed, languages)
    except CorpusProblem as problem:
        raise click.ClickException(str(problem)) from problem
    known: dict[str, float] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    with contextlib.ExitStack() as homes:
        runs = _simulated(machines, budgets) if machines else _real(homes, pythons, budgets)
        results = _all(runs, chosen, [PACES[name] for name in names], details)
    for (pace, half), columns in _columns(results, list(names)).items():
        console.print(figures_table(f"{pace}, {half}", columns))
        if half == "held out" and not budgets and not pythons:
            for name, found in columns.items():
                place = pace if name == AS_IT_COMES else f"{name}.{pace}"
                known.update({f"{place}.{key}": value for key, value in found.items()})
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(known, indent=2) + "\n", "utf-8")


def _real(
    homes: contextlib.ExitStack, pythons: tuple[str, ...], budgets: tuple[float, ...]
) -> dict[str, Run]:
    """Each variant with a home and a daemon of its own, until `homes` is closed."""

    def run(name: str, python: str, settings: str) -> Run:
        made = homes.enter_context(variant(name, python, settings))
        return lambda place, pace: asyncio.run(replay_place(made, place, pace))

    interpreters = dict(each.split("=", 1) for each in pythons) or {"": sys.executable}
    runs: dict[str, Run] = {}
    for name, python in interpreters.items():
        for budget in budgets or (0,):
            settings = f"[completion]\nlatency_budget_ms = {budget}\n" if budget else ""
            title = " ".join(filter(None, (name, f"{budget:.0f} ms" if budget else ""))) or AS_IT_COMES
            runs[title] = run(title, python, settings)
    return runs


def _simulated(machines: tuple[str, ...], budgets: tuple[float, ...]) -> dict[str, Run]:
    """Each variant in virtual time; they share the real model, and so what it has computed."""
    truth = Truth()

    async def go(machine: Machine, completion: CompletionSettings, place: Place, pace: Pace) -> Replayed:
        client = InsideClient(truth, machine, completion)
        await client.begin()
        try:
            return await type_place(client, place, pace, lambda: client.spent_s)
        finally:
            await client.end()

    def run(machine: Machine, completion: CompletionSettings) -> Run:
        one = partial(go, machine, completion)
        return lambda place, pace: virtual_time.run(one(place, pace))

    usual = CompletionSettings()
    return {
        f"{name} {budget:.0f} ms" if budget else name: run(
            MACHINES[name], attrs.evolve(usual, latency_budget_ms=budget) if budget else usual
        )
        for name in machines
        for budget in budgets or (0,)
    }


def _all(
    runs: dict[str, Run], chosen: list[Place], paces: list[Pace], details: Path | None
) -> dict[tuple[str, str], list[Replayed]]:
    """What came of every place, by pace and variant. The variants take turns."""
    results: dict[tuple[str, str], list[Replayed]] = {}
    for place in track(chosen, "places", console=Console(stderr=True)):
        for pace in paces:
            for name, run in runs.items():
                done = run(place, pace)
                results.setdefault((pace.name, name), []).append(done)
                if details is not None:
                    _note(details, pace.name, name, done)
    return results


def _columns(
    results: dict[tuple[str, str], list[Replayed]], paces: list[str]
) -> dict[tuple[str, str], dict[str, dict[str, float]]]:
    """By pace and half of the files: the figures of each variant."""
    return {
        (pace, half): {
            name: replay_figures([one for one in done if held_out is None or one.place.held_out])
            for (when, name), done in results.items()
            if when == pace
        }
        for pace in paces
        for half, held_out in (("all", None), ("held out", True))
    }


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
