"""`foretype tune`: says what is measured, and shows what was found."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import attrs
import click
import rich.progress
from rich.console import Console
from rich.table import Table

from ..library import catalogue, store
from ..library.catalogue import size_text
from ..llama.llama import supports_gpu
from ..tuning.plan import MAX_LOSS, suggestion_ms
from ..tuning.record import Measured, find_tuned, identity, record_path
from ..tuning.tune import TuneOutcome, TuneStep, TuneWatcher
from ..tuning.tune import tune_model as run


@attrs.frozen
class Configured:
    """What the user's configuration says of the model; rooms above this one know it.

    Attributes:
        path: finds the GGUF file; raises ModelProblem where there is none.
        gpu_layers: see `interface.EngineSettings`.
        tune: whether the fastest form may be looked for unasked.
    """

    path: Callable[[], Path] = lambda: store.resolve_model(catalogue.DEFAULT_MODEL)
    gpu_layers: int = -1
    tune: bool = True


@click.command(short_help="Measure this machine, choose the fastest form of the model.")
@click.argument("name", default="")
@click.option("--threads", default=0, help="Measure with this number of threads only.")
@click.option("--forget", is_flag=True, help="Go back to the model as it was downloaded.")
@click.option("--anyway", is_flag=True, help="Measure although other programs use the processor.")
@click.option("--show", is_flag=True, help="Say what was chosen earlier; measure nothing.")
@click.pass_context
def tune(context: click.Context, name: str, threads: int, *, forget: bool, show: bool, anyway: bool) -> None:
    """Measure this machine with the model NAME (or a GGUF file) and keep the fastest form of it.

    Without NAME it is the model that your configuration names. On a GPU there is nothing to choose.
    Takes from half a minute to some minutes, and waits for other programs to leave the processor alone: on a
    busy machine nothing is kept, unless --anyway says so. The model is tried in
    other file types, with and without flash attention, and with other numbers of threads. Its own file
    is never changed. A daemon uses the result from its next start on.
    """
    configured: Configured = context.obj["model"]() if context.obj else Configured()
    path = store.resolve_model(name) if name else configured.path()
    if forget or show:
        _earlier(path, forget=forget)
        return
    if configured.gpu_layers != 0 and supports_gpu():
        click.echo(
            "There is nothing to tune: the model runs on the GPU as it is, and only the processor could be "
            "measured. 'foretype bench' says how fast it is; [model] gpu_layers = 0 leaves the GPU alone."
        )
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: nothing is left
    console = Console()
    if not console.is_terminal:
        console.width = 120
    outcome = _watched(console, path, threads, anyway=anyway)
    _report(console, outcome)


def _earlier(path: Path, *, forget: bool) -> None:
    found = find_tuned(path)
    if found is None:
        click.echo("Nothing was tuned for this model on this machine. 'foretype tune' does it.")
    elif forget:
        record_path(identity(path)).unlink(missing_ok=True)
        if Path(found.path) != path:
            Path(found.path).unlink(missing_ok=True)
        click.echo(f"The model is used as it is from the daemon's next start on: {path}")
    else:
        click.echo(f"{_described(found.choice)}: {found.path}")
        click.echo(_gain(found.original, found.choice))


def _watched(console: Console, path: Path, threads: int, *, anyway: bool) -> TuneOutcome:
    if not console.is_terminal:
        return run(path, threads=threads, anyway=anyway, watch=_line_by_line())
    with rich.progress.Progress(
        rich.progress.BarColumn(bar_width=24),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TextColumn("{task.description}"),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("loading", total=None)

        def watch(step: TuneStep) -> None:
            bar.update(task, completed=step.done, total=step.total, description=step.text)

        watcher: TuneWatcher = watch
        return run(path, threads=threads, anyway=anyway, watch=watcher)


def _line_by_line() -> TuneWatcher:
    """Says each step once, however often it is announced."""
    said = ""

    def watch(step: TuneStep) -> None:
        nonlocal said
        if step.text != said:
            said = step.text
            click.echo(f"{step.text} …")

    return watch


def _report(console: Console, outcome: TuneOutcome) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file type", no_wrap=True)
    for title in (
        "size",
        "threads",
        "flash",
        "micro-batch",
        "prefill",
        "1 token",
        "4",
        "8",
        "16",
        "loss",
        "ms",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    choice = outcome.tuned.choice
    for one in outcome.measured:
        table.add_row(*_row(one), style="bold green" if one == choice else "")
    console.print(table)
    console.print(
        "\nprefill in tokens per second, batches of 1 to 16 tokens in ms, loss of log probability per token "
        f"of source code (at most {MAX_LOSS}), ms of a typical suggestion",
        style="dim",
        highlight=False,
    )
    for note in outcome.notes:
        console.print(note, highlight=False)
    console.print(f"\n{_described(choice)}: {outcome.tuned.path}", highlight=False, soft_wrap=True)
    console.print(_gain(outcome.tuned.original, choice), highlight=False)


def _row(one: Measured) -> tuple[str, ...]:
    return (
        one.file_type,
        size_text(one.size),
        str(one.threads),
        "on" if one.flash_attention else "off",
        str(one.micro_batch),
        f"{one.prefill * 1000:.0f}",
        *(f"{one.steps[size]:.1f}" for size in (1, 4, 8, 16)),
        f"{one.loss:+.3f}",
        f"{suggestion_ms(one):.0f}",
    )


def _described(choice: Measured) -> str:
    kind = "the file as it is" if choice.file_type == "as is" else choice.file_type
    attention = "on" if choice.flash_attention else "off"
    return (
        f"Chosen: {kind}, {choice.threads} threads, flash attention {attention}, "
        f"micro-batch {choice.micro_batch}"
    )


def _gain(original: Measured, choice: Measured) -> str:
    return (
        f"Against the file as it was: prefill {choice.prefill / original.prefill:.1f} times, "
        f"decoding {original.steps[1] / choice.steps[1]:.1f} times as fast."
    )
