"""`make edits`: types real changes again and looks at what is proposed after each.

A table for each language and kind, beside two who propose nothing and who search and replace the last edit;
the proposals that were wrong (build/edits/wrong.txt) and build/edits.json. No model.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import click
from foretype.tests.edits import large, proposers
from foretype.tests.edits.figures import of_groups, of_kinds
from foretype.tests.edits.groups import Group, groups_of
from foretype.tests.edits.replay import Played, Proposer, played
from foretype.tests.live.pairs import changes, pairs
from foretype.tests.quality.corpus import CorpusProblem
from foretype.tests.quality.holes import is_held_out
from rich.console import Console
from rich.progress import track
from rich.table import Table

BUILD = Path(__file__).resolve().parents[2] / "build" / "edits"
TABLE = Path(__file__).with_name("corpus.toml")
RESULTS = BUILD.parent / "edits.json"
WHO: dict[str, Proposer] = {
    "model_free": proposers.model_free,
    "literal": proposers.literal,
    "nothing": proposers.nothing,
}
_COLUMNS = ("groups", "shown", "precision", "recall", "recall_all", "keys_saved", "p99_ms")


@click.command()
@click.option("--held-out", is_flag=True, help="The half that rules are not made on; else the other one.")
@click.option("--both", is_flag=True, help="Both halves, one beside the other, into build/edits.json.")
@click.option("--language", "languages", multiple=True, help="Only this one; may be given several times.")
@click.option("--groups", "most", type=int, help="At most so many groups of each language.")
def main(*, held_out: bool, both: bool, languages: tuple[str, ...], most: int | None) -> None:
    """Say how good the next edits are."""
    console = Console(width=150)
    groups, missing = sampled(languages, most)
    for sentence in missing:
        console.print(f"Left out: {sentence}")
    found: dict[str, object] = {}
    for half in ("rule", "held_out") if both else ("held_out" if held_out else "rule",):
        chosen = [each for each in groups if is_held_out(each.project, each.path) == (half == "held_out")]
        for who, propose in WHO.items():
            results = [played(group, propose) for group in track(chosen, f"{who}, {half}", transient=True)]
            console.print(table(f"{who}, {half}", results))
            name = who if half == "held_out" else f"{who}.rule"
            found |= {f"{name}.{key}": value for key, value in of_groups(results).items()}
            if who == "model_free":
                found |= _details(name, results)
                _write_wrong(half, results)
    found["model_free.large_file_p99_ms"] = large.p99_ms()
    found["model_free.across_files_p99_ms"] = large.across_p99_ms()
    console.print(
        f"At the 99th percentile: {found['model_free.large_file_p99_ms']} ms in 5,000 lines, "
        f"{found['model_free.across_files_p99_ms']} ms across 10,000 indexed files"
    )
    if both and not languages and most is None:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def sampled(languages: tuple[str, ...], most: int | None) -> tuple[list[Group], list[str]]:
    """The groups of all pinned pairs, in an order by chance; a sentence for each pair that is missing."""
    found: list[Group] = []
    missing: list[str] = []
    for pair in (*pairs(), *pairs(TABLE)):
        if languages and pair.language not in languages:
            continue
        try:
            for revision in changes(pair):
                found += groups_of(pair.newer.name, f"{pair.newer.name}-{pair.newer.version}", revision)
        except CorpusProblem as problem:
            missing.append(str(problem))
    random.Random(1).shuffle(found)
    if most is not None:
        counts: dict[str, int] = {}
        for each in tuple(found):
            counts[each.language] = counts.get(each.language, 0) + 1
            if counts[each.language] > most:
                found.remove(each)
    return found, missing


def table(title: str, results: Sequence[Played]) -> Table:
    """A line for each language, and one for all."""
    shown = Table(title=title, title_justify="left", box=None)
    for column in ("language", *_COLUMNS):
        shown.add_column(column, justify="left" if column == "language" else "right")
    for language in (*sorted({each.group.language for each in results}), ""):
        figures = of_groups([each for each in results if not language or each.group.language == language])
        shown.add_row(language or "all", *(f"{figures.get(name, 0):g}" for name in _COLUMNS))
    for kind, figures in of_kinds(results).items():
        shown.add_row(f"  {kind}", "", f"{figures['shown']:g}", f"{figures['precision']:g}")
    return shown


def _details(name: str, results: Sequence[Played]) -> dict[str, object]:
    found: dict[str, object] = {f"{name}.kinds": of_kinds(results)}
    for language in sorted({each.group.language for each in results}):
        found[f"{name}.{language}"] = of_groups([each for each in results if each.group.language == language])
    return found


def _write_wrong(half: str, results: Sequence[Played]) -> None:
    wrong = [f"{each.kind}: {each.where}" for one in results for each in one.shown if not each.right]
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"wrong-{half}.txt").write_text("\n".join(wrong) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
