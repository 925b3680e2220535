"""`foretype bench`: the user's model on this machine, in figures and a small plot.

Brings together what is typed (`typing_replay`) and what measures it (`models.bench`), and shows the result.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from ...context.shared.figures import percentile

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from ...models.bench import Figures, Typing

_BARS = 40
_BUCKETS_MS = (10, 20, 40, 80, 160, 320, 640, 1280)
_INTERRUPTED = 130


@click.command(short_help="Measure your model on this machine, typing in a file of yours.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--remote", "url", metavar="URL", help="Type at the engine elsewhere at URL instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def bench(file: Path | None, url: str | None, as_json: bool) -> None:
    """Measure the configured model on this machine; takes about a minute at most and changes nothing.

    Says how fast prompts are evaluated (prefill), what batches of tokens cost, what drafting tokens brings
    or costs, and how long a suggestion takes while FILE is typed: a stretch from its middle, key after key,
    as your settings have it. Without FILE, foretype types in a source file of its own. FILE is only read.
    With --remote it is sent to that engine, as while typing, and the same keys are typed there.

    A daemon that is running keeps its own copy of the model; figures are best on a quiet machine. When they
    disappoint, 'foretype tune' looks for a faster form of the model.
    """
    try:
        if url is None:
            _measured(file, as_json=as_json)
        else:
            _measured_elsewhere(file, url, as_json=as_json)
    except KeyboardInterrupt:
        click.echo("Interrupted: nothing was measured to its end, and nothing was changed.", err=True)
        raise click.exceptions.Exit(_INTERRUPTED) from None


def _measured(file: Path | None, *, as_json: bool) -> None:
    from rich.console import Console

    from ...context.shared import paths
    from ...models import bench as measuring
    from ...models.tuning.quiet import MOST_OTHERS, Quiet
    from ..server.model_source import engine_settings, model_path, use_library
    from ..settings.file import load_settings
    from . import typing_replay

    settings, complaints = load_settings(paths.config_file())
    for complaint in complaints:
        click.echo(f"foretype: warning: {complaint}", err=True)
    subject = typing_replay.own() if file is None else typing_replay.read_replay(file)
    path = model_path(settings.model)
    use_library(settings.model)
    busy = Quiet().others() > MOST_OTHERS
    progress = Console(stderr=True)
    with progress.status("measuring") as status:
        figures = measuring.bench_model(
            path,
            engine_settings(settings),
            places=typing_replay.places(subject, settings.completion),
            keys=typing_replay.keys(subject, settings.completion),
            tell=lambda text: status.update(f"measuring: {text}"),
        )
    if as_json:
        click.echo(json.dumps(bench_record(figures, subject.path, busy=busy), ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 120
    _report(console, figures, subject.path, busy=busy)


def _measured_elsewhere(file: Path | None, url: str, *, as_json: bool) -> None:
    from rich.console import Console

    from ...context.shared import paths
    from ..settings.file import load_settings
    from . import typing_replay
    from .bench_remote import measure_remote

    settings, complaints = load_settings(paths.config_file())
    for complaint in complaints:
        click.echo(f"foretype: warning: {complaint}", err=True)
    subject = typing_replay.own() if file is None else typing_replay.read_replay(file)
    with Console(stderr=True).status("measuring: typing"):
        figures = measure_remote(settings, url, typing_replay.keys(subject, settings.completion))
    if as_json:
        record = attrs.asdict(figures)
        record["typing"].update(_percentiles(figures.typing, subject.path))
        click.echo(json.dumps(record, ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 120
    said = "it doesn't say" if figures.cached_share is None else f"{100 * figures.cached_share:.1f} %"
    console.print(f"{figures.model} at {figures.where} ({figures.protocol})", style="bold", soft_wrap=True)
    console.print(
        f"\nRound trip {figures.round_trip_ms:.1f} ms; prompts cached there: {said}; "
        f"{figures.contradicted} answers were not as typed\n",
        soft_wrap=True,
    )
    for part in _typing(figures.typing, subject.path):
        console.print(part, soft_wrap=True)


def bench_record(figures: Figures, file: Path, *, busy: bool) -> dict[str, Any]:
    """What `--json` prints: the figures, the percentiles of the typing, and what they were measured on."""
    record = attrs.asdict(figures)
    if figures.speculation is not None:
        record["speculation"]["gain"] = figures.speculation.gain
    record["typing"].update(_percentiles(figures.typing, file))
    return {**record, "busy": busy}


def _percentiles(typing: Typing, file: Path) -> dict[str, Any]:
    took = typing.milliseconds
    found = {"p50_ms": percentile(took, 0.5), "p95_ms": percentile(took, 0.95)} if took else {}
    return {"file": str(file), "p50_ms": None, "p95_ms": None, **found}


def _report(console: Console, figures: Figures, file: Path, *, busy: bool) -> None:
    """Print everything for people."""
    how = "as 'foretype tune' chose it" if figures.tuned else "not tuned: 'foretype tune' may make it faster"
    console.print(
        f"{figures.model}, {figures.parameters / 1e6:.0f} M parameters, {figures.threads} threads, {how}",
        style="bold",
        soft_wrap=True,
    )
    if busy:
        console.print("Other programs use the processor: take these figures with caution.", style="yellow")
    console.print(f"\nPrefill  {figures.prefill:.0f} tokens per second\n")
    console.print(_steps(figures.steps))
    console.print(f"\n{_drafts(figures)}\n", soft_wrap=True)
    for part in _typing(figures.typing, file):
        console.print(part, soft_wrap=True)


def _steps(steps: dict[int, float]) -> Table:
    table = _plot("tokens at once", "ms", "ms each")
    most = max(steps.values())
    for size, milliseconds in steps.items():
        table.add_row(
            str(size), f"{milliseconds:.1f}", f"{milliseconds / size:.1f}", _bar(milliseconds, most)
        )
    return table


def _drafts(figures: Figures) -> str:
    found = figures.speculation
    if found is None:
        return "Drafts   not measured: this model cannot take tokens back, or suggests nothing in this file"
    confirmed = f"{found.accepted} of {found.drafted} drafted tokens confirmed"
    return (
        f"Drafts   {found.gain:.2f} times as fast: {found.drafted_ms:.1f} ms a token instead of "
        f"{found.plain_ms:.1f}, at {found.places} places; {confirmed} ([model] speculation)"
    )


def _typing(typing: Typing, file: Path) -> list[RenderableType]:
    asked = len(typing.milliseconds)
    said = (
        f"Typing   {typing.keys} keys in {file.name}: {typing.through} typed through a suggestion, "
        f"{typing.declined} asked for none, {asked} needed the model"
    )
    if not asked:
        return [said]
    evaluated = statistics.median(typing.evaluated)
    times = (
        f"         median {percentile(typing.milliseconds, 0.5):.0f} ms, "
        f"95 % within {percentile(typing.milliseconds, 0.95):.0f} ms, "
        f"{evaluated:.0f} prompt tokens evaluated a key\n"
    )
    return [said, times, _histogram(typing.milliseconds)]


def _histogram(milliseconds: tuple[float, ...]) -> Table:
    table = _plot("up to", "keys")
    edges = [*_BUCKETS_MS, float("inf")]
    counts = [0] * len(edges)
    for value in milliseconds:
        counts[next(index for index, edge in enumerate(edges) if value <= edge)] += 1
    used = [index for index, count in enumerate(counts) if count]
    for index in range(used[0], used[-1] + 1):
        edge = f"{edges[index]} ms" if index < len(_BUCKETS_MS) else "longer"
        table.add_row(edge, str(counts[index]), _bar(counts[index], max(counts)))
    return table


def _plot(*titles: str) -> Table:
    """A table whose last column is for bars."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    return table


def _bar(value: float, most: float) -> RenderableType:
    from rich.bar import Bar

    return Bar(most, 0, value, width=_BARS, color="cyan")
