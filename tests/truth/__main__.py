"""`make truth`: cuts holes into real code and answers them with what their authors wrote.

A table, a plot, the first examples of each fault (build/truth/examples.md) and build/truth.json. No model.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import click
from foretype.tests.truth import report
from foretype.tests.truth.blocked import blocked
from foretype.tests.truth.corpus import BUILD, SUFFIXES, File, fetched, files
from foretype.tests.truth.cuts import KINDS
from foretype.tests.truth.figures import Tally, figures, merged
from foretype.tests.truth.work import index_of, of_file
from rich.console import Console
from rich.progress import track

RESULTS = BUILD.parent / "truth.json"
PLOT = BUILD.parent / "truth.svg"
EXAMPLES = BUILD / "examples.md"
FILES = {"full": 60, "quick": 12}
EACH = {"full": 2, "quick": 1}


@click.command()
@click.option("--quick", is_flag=True, help="A small sample of every language, in a minute or two.")
@click.option(
    "--language", "languages", multiple=True, help="Only this language; may be given several times."
)
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(tuple(KINDS)), help="Only holes of this kind."
)
@click.option("--answer", "answers", multiple=True, help="Only answers of this kind.")
@click.option("--files", "most", type=int, help="Files of each language.")
@click.option("--seed", default=0, show_default=True, help="Another one cuts other holes in other files.")
@click.option("--processes", default=2, show_default=True)
def main(  # noqa: PLR0917 - one for each option
    quick: bool,
    languages: tuple[str, ...],
    kinds: tuple[str, ...],
    answers: tuple[str, ...],
    most: int | None,
    seed: int,
    processes: int,
) -> None:
    """Compare what accepting a suggestion makes of a file with what its authors wrote."""
    console, size = Console(width=150), "quick" if quick else "full"
    meant = [each for each in SUFFIXES if not languages or any(each == _LONG.get(n, n) for n in languages)]
    folders, missing = fetched(meant)
    for sentence in missing:
        console.print(f"Left out: {sentence}")
    wanted = [
        file
        for language in meant
        for file in files(language, folders, most or FILES[size], f" {seed}" if seed else "")
    ]
    work = partial(
        of_file, each=EACH[size], kinds=kinds, wanted=answers, roots=_indexed(folders, wanted, console)
    )
    began = time.monotonic()
    tally = merged(_each(work, wanted, processes))
    found = {**figures(tally), "seconds": round(time.monotonic() - began), "missing_sources": len(missing)}
    for title in ("language", "kind", "answer"):
        console.print(report.table(tally, title))
    console.print(report.names(tally))
    console.print(report.faults(tally))
    console.print({name: value for name, value in found.items() if name.count(".") < 2})
    EXAMPLES.write_text(report.examples(tally), encoding="utf-8")
    if not (quick or languages or kinds or answers or most):
        console.print("The event loop, over the worst files")
        found.update(blocked())
        known: dict[str, float] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps({**known, **found}, indent=2) + "\n", encoding="utf-8")
    PLOT.write_text(report.plot(tally, found), encoding="utf-8")


_LONG = {
    "ts": "typescript",
    "tsx": "typescriptreact",
    "js": "javascript",
    "sh": "shellscript",
    "cs": "csharp",
}


def _indexed(folders: dict[str, Path], wanted: list[File], console: Console) -> dict[str, Path]:
    """The folders of the releases that are cut, their indexes made ready."""
    roots = {name: folders[name] for name in dict.fromkeys(file.source for file in wanted)}
    with console.status("indexing"):
        for root in roots.values():
            index_of(root)
    return roots


def _each(work: partial[Tally], wanted: list[File], processes: int) -> Iterable[Tally]:
    progress = Console(stderr=True)
    if processes <= 1:
        yield from track(map(work, wanted), "files", total=len(wanted), console=progress)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from track(
            pool.imap_unordered(work, wanted, chunksize=2), "files", total=len(wanted), console=progress
        )


if __name__ == "__main__":
    sys.exit(main())
