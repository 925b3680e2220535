"""`make live`: types lines of real commits through server and daemon; tables, a plot and build/live.json.

Every place is typed in every column, one after the other, so that a machine that others use as well is
equally unfair to all of them. Real times are only worth believing where nothing else runs; with `--machine`
the time is made up, and the figures are the same wherever they are measured. What was measured is kept as it
comes, in build/live/outcomes.jsonl: a run that ended early goes on where it was, unless the sources changed.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Sequence

import attrs
import click
from foretype.lsp.demo.client import ServerProblem
from foretype.models.llama.governor import usable_cores
from foretype.tests.live.drawing import plot, table
from foretype.tests.live.measures import figures
from foretype.tests.live.outcome import Journal, Outcome, judged, key_of, source_hash
from foretype.tests.live.pairs import BUILD, places_from_commits
from foretype.tests.live.places import Written, places_from_holes
from foretype.tests.live.replay import Form
from foretype.tests.live.runs import Kind, Run, peer_run, real_runs, simulated_runs
from foretype.tests.live.scenarios import SCENARIOS
from foretype.tests.live.simulated import MACHINES, Truth
from foretype.tests.quality.corpus import CorpusProblem
from foretype.tests.support.private_home import default_model
from rich.console import Console

RESULTS = BUILD.parent / "live.json"
PLOT = BUILD.parent / "live.svg"


@attrs.frozen
class Choice:
    """What was asked for on the command line, and of what the columns are made."""

    scenarios: tuple[str, ...]
    machines: tuple[str, ...]
    budgets: tuple[float, ...]
    pythons: tuple[str, ...]
    forms: tuple[Form, ...]
    peer: bool
    whole: bool

    @property
    def usual(self) -> bool:
        """The figures are those of the product as it comes, of simulated machines and of older ones."""
        return not self.budgets


@click.command()
@click.option("--places", "count", default=300, show_default=True, help="How many places.")
@click.option("--seed", default=7, show_default=True, help="Decides which.")
@click.option("--language", "languages", multiple=True, help="Only these; all when none is named.")
@click.option("--held-out/--all", default=False, help="Only files that rules were not made on.")
@click.option("--holes", is_flag=True, help="Holes in releases (see `make quality`) instead of commits.")
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice(list(SCENARIOS)), default=list(SCENARIOS)
)
@click.option("--peer/--no-peer", default=True, help="The same model as llama.vim asks it.")
@click.option("--whole/--no-whole", default=True, help="What the whole window gives with unlimited time.")
@click.option("--tuned", is_flag=True, help="Beside it with the choice that `foretype tune` has made.")
@click.option("--untuned", is_flag=True, help="Beside it with the model as it was published.")
@click.option("--minutes", type=float, help="Begin no place after so many.")
@click.option("--budget", "budgets", multiple=True, type=float, help="latency_budget_ms; else the default.")
@click.option("--machine", "machines", multiple=True, type=click.Choice(list(MACHINES)), help="Simulate one.")
@click.option("--python", "pythons", multiple=True, help="Beside it an older one, untuned: NAME=INTERPRETER.")
@click.option("--afresh", is_flag=True, help="Measure again what was measured before.")
def main(  # noqa: PLR0917 - click passes them by name
    count: int,
    seed: int,
    languages: tuple[str, ...],
    held_out: bool,
    holes: bool,
    scenarios: tuple[str, ...],
    peer: bool,
    whole: bool,
    tuned: bool,
    untuned: bool,
    minutes: float | None,
    budgets: tuple[float, ...],
    machines: tuple[str, ...],
    pythons: tuple[str, ...],
    afresh: bool,
) -> None:
    """Measure what people get while they type."""
    console = Console(width=150)
    forms = (*((Form.TUNED,) if tuned else ()), *((Form.UNTUNED,) if untuned else ()))
    choice = Choice(tuple(dict.fromkeys(scenarios)), machines, budgets, pythons, forms, peer, whole)
    try:
        if holes:
            chosen = places_from_holes(count, seed, languages, held_out=held_out)
        else:
            chosen, missing = places_from_commits(count, seed, languages, held_out=held_out)
            for sentence in missing:
                console.print(f"Left out: {sentence}")
    except CorpusProblem as problem:
        raise click.ClickException(str(problem)) from problem
    with contextlib.ExitStack() as homes:
        runs = _runs(homes, choice, console)
        found = _all(runs, chosen, Journal(BUILD / "outcomes.jsonl"), minutes, afresh=afresh)
    _report(found, console, known_as_usual=choice.usual and not holes)


def _runs(homes: contextlib.ExitStack, choice: Choice, console: Console) -> list[Run]:
    scenarios = list(choice.scenarios)
    if choice.machines:
        machines = [MACHINES[name] for name in choice.machines]
        return simulated_runs(Truth(), machines, list(choice.budgets), scenarios, whole=choice.whole)
    kinds = [
        Kind(
            " ".join(filter(None, (name, f"{budget:.0f} ms" if budget else ""))),
            python,
            f"[completion]\nlatency_budget_ms = {budget}\n" if budget else "",
            Form.UNTUNED if name else Form.PULLED,
        )
        for name, python in (
            {"": sys.executable} | dict(each.split("=", 1) for each in choice.pythons)
        ).items()
        for budget in choice.budgets or (0.0,)
    ]
    kinds += [Kind(form.name.lower(), sys.executable, form=form) for form in choice.forms]
    runs = real_runs(homes, kinds, scenarios, whole=choice.whole)
    if choice.peer:
        made = peer_run(homes, usable_cores())
        if isinstance(made, str):
            console.print(made)
        else:
            runs.append(made)
    return runs


def _all(
    runs: Sequence[Run], chosen: Sequence[Written], journal: Journal, minutes: float | None, *, afresh: bool
) -> list[Outcome]:
    """What came of every place in every column. Columns take turns; what was known is not measured again."""
    progress = Console(stderr=True)
    began, model = time.monotonic(), default_model().stat().st_size
    sources = {ours: source_hash(product=ours) for ours in (True, False)}
    found: list[Outcome] = []
    for number, written in enumerate(chosen, 1):
        if minutes is not None and time.monotonic() - began > 60 * minutes:
            progress.print(f"The time is up after {number - 1} of {len(chosen)} places.")
            break
        fresh = 0
        started = time.monotonic()
        for run in runs:
            key = key_of(run.scenario, run.variant, written, f"{run.facts} {sources[run.ours]} {model}")
            known = None if afresh else journal.known(key)
            if known is None:
                try:
                    known = _one(run, written, key)
                except (ServerProblem, OSError) as problem:
                    progress.print(f"{run.scenario} tells nothing of {written.place.name}: {problem}")
                    continue
                if known is None:
                    continue
                journal.keep(known)
                fresh += 1
            found.append(known)
        took = f"{time.monotonic() - started:.0f} s" if fresh else "known"
        progress.print(f"{number} of {len(chosen)} ({took}): {written.place.name}", highlight=False)
    return found


def _one(run: Run, written: Written, key: str) -> Outcome | None:
    done = run.play(written.place)
    if done is None:
        return None
    played, contexts = done
    place = written.place
    return Outcome(
        key,
        run.scenario,
        run.variant,
        place.name,
        place.language,
        place.held_out,
        len(place.left),
        judged(written, played, contexts),
        tuple(round(each, 1) for each in played.answer_ms),
        None if played.first_shown_s is None else round(played.first_shown_s, 3),
        played.suggestions,
        played.replaced,
        played.appeared,
        round(played.processor_s, 2),
    )


def _report(found: Sequence[Outcome], console: Console, *, known_as_usual: bool) -> None:
    """Tables of both halves and by language, the plot, and build/live.json with the half that is held out."""
    held_out = [each for each in found if each.held_out]
    for title, outcomes in (("all places", found), ("held-out places", held_out)):
        if outcomes:
            console.print(table(title, figures(outcomes)))
    if not known_as_usual or not held_out:
        return
    columns = figures(held_out)
    numbers = {
        f"{column}.{name}": value
        for column, of_column in columns.items()
        for name, value in of_column.items()
    }
    for language in sorted({each.language for each in held_out}):
        of_language = figures([each for each in held_out if each.language == language])
        for column, values in of_language.items():
            for name in ("places", "1s.exact", "exact"):
                if name in values:
                    numbers[f"{column}.{name}.{language}"] = values[name]
    known: dict[str, float] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    stale = tuple(f"{column}." for column in columns)
    kept = {name: value for name, value in known.items() if not name.startswith(stale)}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept | numbers, indent=2) + "\n", "utf-8")
    PLOT.write_text(plot("Exact lines after the last key, held-out places", columns), "utf-8")


if __name__ == "__main__":
    main()
