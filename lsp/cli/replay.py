"""`foretype replay`: the user's own history, typed again on this machine.

The command line, the progress bar and where results go. Which places, who types them and what that says is
decided in `lsp/replay`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...context.shared import paths
from ...context.shared.problem import Problem
from ...daemon.process.release import release
from ...daemon.settings.file import load_settings
from ..replay.checkout import Checkout
from ..replay.confidence import compare_pairs
from ..replay.contestant import PLACE_S, running
from ..replay.git import Repository
from ..replay.history import History, HistoryPlace
from ..replay.journal import ReplayJournal, journal_folder
from ..replay.outcome import summary_of
from ..replay.plan import VariantPlan, plan_variants
from ..replay.report import left_out_sentence, replay_picture, replay_record, replay_table
from ..replay.run import INTERRUPTED, Standings, run_places

_PRINTED = Path("-")


@attrs.frozen
class ReplayRequest:
    """What the user asked for; see the command's options."""

    count: int
    minutes: float | None
    languages: tuple[str, ...]
    seed: int
    resume: bool
    code: bool
    json_file: Path | None
    plot_file: Path | None


@click.command()
@click.argument(
    "repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    required=False,
)
@click.option("--model", "models", multiple=True, metavar="MODEL", help="A variant with this model.")
@click.option(
    "--settings",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A variant with the settings of this TOML file over yours.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting for all variants, such as completion.multiline=never; a key that is named more than once "
    "makes a variant of each value.",
)
@click.option(
    "--remote",
    "remotes",
    multiple=True,
    metavar="URL",
    help="A variant with the engine elsewhere at this address, beside one without; see [remote].",
)
@click.option("--places", "count", type=click.IntRange(1, 10_000), default=40, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.1), help="End after so long; a later run goes on there.")
@click.option("--language", "languages", multiple=True, metavar="LANGUAGE", help="Only these languages.")
@click.option("--seed", default=7, show_default=True, help="Decides which lines.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True, path_type=Path),
    help="Also write everything to this file; '-' prints it instead of the table.",
)
@click.option(
    "--plot",
    "plot_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Also draw a picture (SVG).",
)
@click.option("--resume/--afresh", default=True, show_default=True, help="Go on where an earlier run ended.")
@click.option("--include-code", "code", is_flag=True, help="Keep the lines and suggestions in the results.")
def replay(  # noqa: PLR0917 - click passes them by name
    repository: Path,
    models: tuple[str, ...],
    files: tuple[Path, ...],
    changes: tuple[str, ...],
    remotes: tuple[str, ...],
    **options: Any,
) -> None:
    """Let your own git history judge models and settings, on this machine.

    Takes lines that the commits of REPOSITORY wrote (by default the one you are in), newest first, puts the
    files as they stood then, types the last 8 to 20 keys of each line into the real language server and
    compares what is suggested a second later with how the line went on. Every line is typed in every variant:
    each combination of the models, files and settings that you name, or yours as it is.

    Says how many lines came out exactly, how many of the characters that were left need not have been typed,
    how long answers took, and with what confidence one variant is better. A place takes about 7 seconds in
    each variant. Your daemon, settings and files are left alone; results hold no code and stay here, and only
    an engine elsewhere that you set or name is sent any. Ctrl-C
    ends it; the same command goes on.
    """
    if sys.platform == "win32":
        raise Problem("'foretype replay' needs a home of its own, and on Windows it cannot have one yet.")
    asked = ReplayRequest(**options)
    found = Repository(repository)
    plans = plan_variants(load_settings(paths.config_file())[0], models, files, changes, remotes)
    history = History(found, seed=asked.seed, languages=asked.languages)
    progress = Console(stderr=True)
    standings = _run(asked, found, history, plans, progress)
    _report(asked, found, history, standings)
    if standings.ended:
        progress.print(standings.ended, highlight=False, soft_wrap=True)
    if standings.ended == INTERRUPTED:
        sys.exit(130)


def _run(
    asked: ReplayRequest,
    repository: Repository,
    history: History,
    plans: list[VariantPlan],
    console: Console,
) -> Standings:
    """Type all places, with a bar that says how far it is.

    Raises:
        Problem: there is nothing to type, or a variant cannot run.
    """
    columns = (TextColumn("places"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    began = time.monotonic()
    with contextlib.ExitStack() as homes:
        base = Path(homes.enter_context(tempfile.TemporaryDirectory(prefix="foretype-replay-")))
        checkout = Checkout(repository, base / (repository.name or "repository"))
        checkout.root.mkdir()
        places = _places(asked, history, checkout.root)
        contestants = [
            homes.enter_context(
                running(plan, checkout, _journal(asked, repository, plan), with_code=asked.code)
            )
            for plan in plans
        ]
        bar = homes.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
        task = bar.add_task("", total=len(places) * len(plans))
        return run_places(
            places,
            contestants,
            expected_s=PLACE_S,
            limit_s=None if asked.minutes is None else 60 * asked.minutes - (time.monotonic() - began),
            advance=lambda count: bar.advance(task, count),
        )


def _places(asked: ReplayRequest, history: History, root: Path) -> list[HistoryPlace]:
    """The places to type; a history that is too short for as many has fewer."""
    found = list(islice(history.places(root), asked.count))
    if not found:
        raise Problem(
            f"There is no line to type in this history. {left_out_sentence(history.left_out)}".strip()
        )
    return found


def _journal(asked: ReplayRequest, repository: Repository, plan: VariantPlan) -> ReplayJournal:
    facts = {
        "head": repository.head,
        "seed": str(asked.seed),
        "languages": " ".join(sorted(asked.languages)),
        "code": str(asked.code),
        "release": release(),
        **plan.facts(),
    }
    return ReplayJournal(journal_folder(), facts, afresh=not asked.resume)


def _report(asked: ReplayRequest, repository: Repository, history: History, standings: Standings) -> None:
    """Print what was measured, and write it where the user wants it.

    Raises:
        Problem: a file cannot be written.
    """
    summaries = {name: summary_of(each) for name, each in standings.outcomes.items()}
    verdicts = compare_pairs(standings.outcomes)
    facts = {
        "repository": repository.name,
        "head": repository.head,
        "seed": asked.seed,
        "release": release(),
        "left_out": dict(history.left_out),
        "repeated": standings.repeated,
        "given_up": standings.given_up,
        "ended": standings.ended,
    }
    title = f"{repository.name}, {repository.head[:12]}"
    as_json = json.dumps(replay_record(facts, summaries, verdicts, standings.outcomes), indent=2) + "\n"
    if asked.json_file == _PRINTED:
        click.echo(as_json, nl=False)
    else:
        console = Console(highlight=False)
        console.print(replay_table(title, summaries))
        for said in (*map(str, verdicts), left_out_sentence(history.left_out), _repeated(standings)):
            if said:
                console.print(said, soft_wrap=True, markup=False)
        if asked.json_file is not None:
            _write(asked.json_file, as_json)
    if asked.plot_file is not None:
        _write(asked.plot_file, replay_picture(title, summaries))


def _repeated(standings: Standings) -> str:
    if not standings.repeated:
        return ""
    given_up = f"; {standings.given_up} places were given up" if standings.given_up else ""
    return f"Typed again, since the machine slept or a server ended: {standings.repeated} times{given_up}."


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Problem(
            f"{path} cannot be written ({error.strerror}). What was measured is kept: run the same again."
        ) from error
