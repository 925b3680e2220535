"""`make bench`: runs the benchmarks, prints a table and writes build/bench.json.

Measure on a quiet machine and quote proportions from one run, not times.
"""

from __future__ import annotations

import asyncio
import json
import platform
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import click
from foretype.context.shared.figures import percentile
from foretype.models.llama.governor import usable_cores
from foretype.tests.bench import (
    closing,
    context,
    continuations,
    drafting,
    engine_costs,
    hybrid,
    keystrokes,
    lsp,
    peer,
    remote,
    serve,
    shape,
    speculation,
    team,
    tuning,
)
from foretype.tests.bench.subject import model, model_with_markers, replay
from foretype.tests.support import memory_probe
from foretype.tests.support.coder_shape import CODER_SHAPES
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parents[2] / "build" / "bench.json"


class Results:
    """Named samples, one for each repetition. `None` stands for what could not be measured."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = {}

    def add(self, name: str, value: float | None) -> None:
        samples = self.samples.setdefault(name, [])
        if value is not None:
            samples.append(float(value))

    def flat(self) -> dict[str, float | None]:
        """The median of each, as build/bench.json has it."""
        return {
            name: round(statistics.median(found), 4) if found else None
            for name, found in self.samples.items()
        }

    def table(self) -> Table:
        table = Table(title=f"foretype on {usable_cores()} cores, {platform.machine()}")
        for heading in ("figure", "min", "median", "max"):
            table.add_column(heading, justify="left" if heading == "figure" else "right")
        for name, found in self.samples.items():
            cells = (
                [f"{f(found):,.2f}" for f in (min, statistics.median, max)]
                if found
                else ["peer missing", "", ""]
            )
            table.add_row(name, *cells)
        return table


def typing(results: Results) -> None:
    """The typing replay against the peer."""
    threads, typed = usable_cores(), replay()
    file = model_with_markers(model())
    ours = asyncio.run(keystrokes.type_through(file, typed, threads))
    evaluated = [float(count) for count in ours.evaluated]
    results.add("keystroke.evaluated.p50", percentile(evaluated, 0.5))
    results.add("keystroke.evaluated.p95", percentile(evaluated, 0.95))
    results.add("keystroke.foretype.p50_ms", percentile(ours.milliseconds, 0.5))
    results.add("keystroke.foretype.p95_ms", percentile(ours.milliseconds, 0.95))
    results.add("keystroke.asked_model", len(ours.milliseconds))
    program = peer.executable()
    names = ("keystroke.peer.p50_ms", "keystroke.peer.p95_ms", "keystroke.peer.evaluated.p50")
    if program is None:
        for name in (*names, "keystroke.peer_line.p50_ms", "keystroke.cpu_ratio"):
            results.add(name, None)
        return
    with peer.running(program, file, threads) as server:
        peer.type_through(server, attrs.evolve(typed, typed=typed.typed[:5]))
        before = server.processor_seconds()
        theirs = peer.type_through(server, typed)
        spent = server.processor_seconds() - before
        line = peer.type_through(server, typed, stop_at_line=True)
    times = [key.milliseconds for key in theirs]
    results.add(names[0], percentile(times, 0.5))
    results.add(names[1], percentile(times, 0.95))
    results.add(names[2], percentile([float(key.evaluated) for key in theirs], 0.5))
    results.add("keystroke.peer_line.p50_ms", percentile([key.milliseconds for key in line], 0.5))
    results.add("keystroke.cpu_ratio", ours.processor_seconds / spent)


def costs(results: Results) -> None:
    """Overhead, cancellation, the first answer in a cold file."""
    threads, typed = usable_cores(), replay()
    file = model_with_markers(model())
    results.add("overhead.ratio", engine_costs.overhead(file, typed, threads))
    results.add("cancel.p99_ms", percentile(engine_costs.cancellation_ms(file, typed, threads), 0.99))
    results.add("cold.first_ms", engine_costs.cold_ms(file, typed, threads))


def around(results: Results) -> None:
    """What collecting and checking context costs, and the workspace's index."""
    context.measure(results.add, percentile)


def serving(results: Results) -> None:
    """The language server without its model: answers while typing through, its start, its memory."""
    lsp.measure(results.add, percentile)


def plugins(results: Results) -> None:
    """llama.vim's requests, answered by `foretype serve` and by llama-server."""
    threads, typed = usable_cores(), replay()
    file = model_with_markers(model())
    ours = asyncio.run(serve.type_through(file, typed, threads))
    results.add("serve.answered", len(ours.milliseconds) / ours.keys)
    results.add("serve.foretype.p50_ms", percentile(ours.milliseconds, 0.5))
    results.add("serve.foretype.p95_ms", percentile(ours.milliseconds, 0.95))
    program = peer.executable()
    if program is None:
        for name in ("serve.peer.p50_ms", "serve.peer.p95_ms", "serve.ratio.p50"):
            results.add(name, None)
        return
    with peer.running(program, file, threads) as server:
        theirs = [key.milliseconds for key in peer.type_through(server, typed)]
    results.add("serve.peer.p50_ms", percentile(theirs, 0.5))
    results.add("serve.peer.p95_ms", percentile(theirs, 0.95))
    results.add("serve.ratio.p50", percentile(theirs, 0.5) / percentile(ours.milliseconds, 0.5))


def tuned(results: Results) -> None:
    """What tuning brings, and both sides as their users have them."""
    tuning.measure(results.add, percentile, model_with_markers(model()), replay(), usable_cores())


def drafts(results: Results) -> None:
    """Drafts against plain decoding, and what is prefetched."""
    for name, value in speculation.measure(model(), usable_cores()).items():
        results.add(name, value)


def automatic(results: Results) -> None:
    """What drafts cost that switch themselves on, and what they gain where batches cost less than here."""
    threads = usable_cores()
    cost = speculation.auto_cost(model(), threads, files=speculation.FILES // 6)
    results.add("speculation.auto.cost", cost)
    engine = engine_costs.start(model(), threads)
    recorded = continuations.record(engine, model(), files=speculation.FILES // 2)
    engine.close()
    for name, value in drafting.simulated(recorded).items():
        results.add(name, value)


def shapes(results: Results, size: str) -> None:
    """What a model of that size costs that people really take."""
    shape.measure(results.add, percentile, size, usable_cores())


def memory(results: Results) -> None:
    """How far the estimate of the memory that the default model needs is from what it takes."""
    results.add("memory.error", memory_probe.error(model()))


def hybrids(results: Results) -> None:
    """What a key costs where memory cannot take a token back."""
    found = hybrid.evaluated(replay())
    results.add("hybrid.evaluated.p50", percentile(found, 0.5))
    results.add("hybrid.evaluated.p95", percentile(found, 0.95))


def closing_editors(results: Results) -> None:
    """How long a key waits because another editor was closed."""
    results.add("close.delay_ms", closing.delay_ms(model(), usable_cores()))


def elsewhere(results: Results) -> None:
    """An engine elsewhere: overhead, safety net, cache and aborts."""
    remote.measure(results.add, model_with_markers(model()), replay())


def teams(results: Results) -> None:
    """50 editors at one server, as foretype asks and as llama.vim does."""
    team.measure(results.add, percentile)


SECTIONS: dict[str, Callable[[Results], None]] = {
    "typing": typing,
    "costs": costs,
    "speculation": automatic,
    "drafts": drafts,
    "context": around,
    "lsp": serving,
    "serve": plugins,
    "tune": tuned,
    "memory": memory,
    "close": closing_editors,
    "remote": elsewhere,
    "team": teams,
    "hybrid": hybrids,
}


@click.command()
@click.argument("sections", nargs=-1)
@click.option(
    "--shape",
    "size",
    type=click.Choice(sorted(CODER_SHAPES)),
    help="Measure a model with the shape of Qwen2.5-Coder of this size, and nothing else unless named.",
)
@click.option("--repeat", default=3, help="Repetitions of each section.", show_default=True)
def main(sections: tuple[str, ...], repeat: int, size: str | None) -> None:
    """Run SECTIONS (all by default), print a table, keep the medians in build/bench.json."""
    unknown = set(sections) - set(SECTIONS)
    if unknown:
        raise click.UsageError(
            f"There is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}."
        )
    results = Results()
    if size is not None:
        click.echo(f"shape {size} …", err=True)
        shapes(results, size)
    for name in sections or (SECTIONS if size is None else ()):
        for turn in range(repeat):
            click.echo(f"{name}: {turn + 1} of {repeat} …", err=True)
            SECTIONS[name](results)
    Console().print(results.table())
    known: dict[str, float | None] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**known, **results.flat()}, indent=2) + "\n", encoding="utf-8")
    click.echo(
        f"Written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}"
    )


if __name__ == "__main__":
    sys.exit(main())
