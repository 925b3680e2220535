"""`make quality`: cuts holes, asks the model, scores every stage; a table, a plot, build/quality.json.

Answers are kept in build/quality: an interrupted run goes on where it was, and scoring again takes a minute.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from foretype.tests.quality import humaneval
from foretype.tests.quality.answers import Answers, sees_suffix
from foretype.tests.quality.corpus import BUILD, CorpusProblem
from foretype.tests.quality.holes import KINDS, sample
from foretype.tests.quality.report import plot, table, verdicts
from foretype.tests.quality.score import Scored, figures, scored
from foretype.tests.quality.stages import passage, repository
from rich.console import Console
from rich.progress import track

RESULTS = BUILD.parent / "quality.json"
PLOT = BUILD.parent / "quality.svg"


@click.command()
@click.option("--holes", default=520, show_default=True, help="How many holes; 0 leaves them out.")
@click.option("--tasks", default=200, show_default=True, help="How many HumanEval tasks; 0 leaves them out.")
@click.option("--seed", default=7, show_default=True, help="Decides which.")
@click.option("--details", type=click.Path(path_type=Path), help="Write every hole's outcome as JSON lines.")
def main(holes: int, tasks: int, seed: int, details: Path | None) -> None:
    """Measure what each stage between the model and the screen is worth."""
    console = Console()
    answers = Answers()
    suffix = sees_suffix()
    found: dict[str, float] = {}
    results: list[Scored] = []
    try:
        if holes:
            chosen = track(sample(holes, seed), "holes", console=Console(stderr=True))
            results = [
                scored(passage(hole, answers.complete, suffix=suffix), repository(hole.source)[0])
                for hole in chosen
            ]
            found = _all_figures(results)
            _show(console, found, results)
        if tasks:
            alone, passed = (
                [
                    humaneval.solved(task, answers.complete, suffix=suffix, related=related)
                    for task in track(humaneval.tasks(tasks, seed), label, console=Console(stderr=True))
                ]
                for related, label in ((False, "HumanEval, window alone"), (True, "HumanEval"))
            )
            found["humaneval.single_line.window_pass"] = round(sum(alone) / len(alone), 4)
            found["humaneval.single_line.pass"] = round(sum(passed) / len(passed), 4)
            found["humaneval.single_line.tasks"] = float(len(passed))
            console.print(f"HumanEval, single line: {sum(passed)} of {len(passed)} pass.")
            console.print(f"With the window alone {sum(alone)} do.")
    except CorpusProblem as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        answers.close()
    known: dict[str, float] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**known, **found}, indent=2) + "\n", encoding="utf-8")
    if details is not None:
        details.write_text("".join(json.dumps(_row(each)) + "\n" for each in results), encoding="utf-8")


def _all_figures(results: list[Scored]) -> dict[str, float]:
    """Of all holes; of each language, each kind and each half under a prefix of its own."""
    found = figures(results)
    for language in dict.fromkeys(each.passage.hole.language for each in results):
        part = figures(results, lambda hole, wanted=language: hole.language == wanted)
        found.update({f"{language}.{name}": value for name, value in part.items()})
    for kind in KINDS:
        part = figures(results, lambda hole, wanted=kind: hole.kind == wanted)
        found.update({f"{kind}.{name}": value for name, value in part.items()})
    for name, half in (("seen", False), ("held_out", True)):
        part = figures(results, lambda hole, wanted=half: hole.held_out == wanted)
        found.update({f"{name}.{figure}": value for figure, value in part.items()})
    return found


def _show(console: Console, found: dict[str, float], results: list[Scored]) -> None:
    console.print(table("all", found))
    languages = dict.fromkeys(each.passage.hole.language for each in results)
    for name in (*languages, *KINDS, "seen", "held_out"):
        part = {
            key.removeprefix(f"{name}."): value for key, value in found.items() if key.startswith(f"{name}.")
        }
        if part.get("holes"):
            console.print(table(name, part))
    for line in verdicts(found):
        console.print(line)
    PLOT.write_text(plot(f"What each stage is worth, {found['holes']:.0f} holes", found), encoding="utf-8")


def _row(each: Scored) -> dict[str, object]:
    hole = each.passage.hole
    return {
        "hole": hole.name,
        "held_out": hole.held_out,
        "expected": hole.expected,
        "related": each.passage.related,
        "mean_logprob": round(each.passage.mean_logprob, 3),
        "stages": {
            stage: {
                "text": each.passage.shown[stage].text,
                "reasons": each.passage.shown[stage].reasons,
                "exact": outcome.exact,
                "similarity": round(outcome.similarity, 3),
                "undefined": outcome.undefined,
            }
            for stage, outcome in each.outcomes.items()
        },
    }


if __name__ == "__main__":
    sys.exit(main())
