"""`make bench SHAPE=0.5b` (or 1.5b, 3b): what the models cost that people really take.

The model has the shape of Qwen2.5-Coder of that size and random weights (`support/coder_shape`). Typing is
replayed as for the default model, against llama-server on the same file; and the first answers in a file that
was just opened are timed until one saw the whole window, beside what llama-server needs for its first.

Where a line ends foretype stops, which random weights never say, and llama.vim has the server stop after 250
ms, or where its sampler finds nothing likely, which is at once. So both sides make just as many tokens a key.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import attrs
from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.size import AUTOMATIC, ContextSize, context_size
from foretype.context.shared.values import Prompt, StopRules
from foretype.context.syntax.snapshot import Snapshot
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.bench import engine_costs, keystrokes, peer
from foretype.tests.bench.subject import BUILD, Replay, replay
from foretype.tests.support.coder_shape import coder_shape

Add = Callable[[str, float | None], None]
Percentile = Callable[[list[float], float], float]

KEYS = {"0.5b": 60, "1.5b": 30, "3b": 20}
"""Keys of the replay: llama-server takes seconds for each of the larger ones."""

LINES = 600

TOKENS = 6
"""Of an answer: about what two cores generate with 0.5b in the 250 ms that llama.vim gives."""


def measure(add: Add, percentile: Percentile, size: str, threads: int) -> None:
    """Add the figures of one run, by names that begin with "shape." and the size.

    Args:
        add: takes a name and a figure; None for what could not be measured.
        percentile: of a list of figures.
        size: "0.5b", "1.5b" or "3b".
        threads: for both sides.
    """
    file = coder_shape(size, BUILD)
    whole = replay()
    typed = attrs.evolve(whole, typed=whole.typed[: KEYS[size]])
    name = f"shape.{size}"
    theirs = _asked_peer(add, name, file, typed, threads)
    ours = asyncio.run(keystrokes.type_through(file, typed, threads, most_tokens=TOKENS))
    add(f"{name}.keystroke.foretype.p50_ms", percentile(ours.milliseconds, 0.5))
    add(f"{name}.keystroke.foretype.p95_ms", percentile(ours.milliseconds, 0.95))
    add(f"{name}.keystroke.evaluated.p50", percentile([float(one) for one in ours.evaluated], 0.5))
    add(f"{name}.keystroke.asked_model", len(ours.milliseconds))
    first = opened(file, threads)
    add(f"{name}.first_ms", first.first_ms)
    add(f"{name}.first_context", first.context)
    add(f"{name}.first_whole_ms", first.whole_ms)
    add(f"{name}.token_ms", first.token_ms)
    _compare(add, percentile, name, theirs, ours.milliseconds)
    # Both sides generate the same tokens at about the same speed: without any other work it would be this.
    generating = TOKENS * first.token_ms
    add(f"{name}.keystroke.ratio.limit", _p50(theirs) / generating if theirs and generating else None)


@attrs.frozen
class Opened:
    """The first answers in a file that was just opened, in ms from opening it.

    Attributes:
        first_ms: until the first answer was there, which was asked for at once.
        context: which part of the window it saw.
        whole_ms: until an answer was there that saw the whole window; nobody typed meanwhile.
        token_ms: to generate one token behind the whole window.
    """

    first_ms: float
    context: float
    whole_ms: float
    token_ms: float


def six_hundred_lines() -> tuple[str, str]:
    """The standard library's argparse before and after the middle of its first lines."""
    lines = Path(argparse.__file__).read_text(encoding="utf-8").splitlines(keepends=True)[:LINES]
    return "".join(lines[: LINES // 2]), "".join(lines[LINES // 2 :])


def opened(file: Path, threads: int) -> Opened:
    """Open a file of 600 lines in the middle, ask at once, and again when idle work is done."""
    engine = engine_costs.start(file, threads)
    before, after = six_hundred_lines()
    wanted = ContextSize(AUTOMATIC, AUTOMATIC, AUTOMATIC)
    size = context_size(wanted, engine.info().tokens_per_s)
    snapshot = Snapshot("", "argparse.py", "python", before + after, 1, None)
    prompt: Prompt = assemble(snapshot, len(before), size, None)[0]
    rules = StopRules(max_tokens=16)
    started = time.perf_counter()
    answer = engine.complete("a", prompt, rules, cancellation=Cancellation())
    first = (time.perf_counter() - started) * 1000
    context = answer.context
    while answer.context < 1:
        engine.idle("a", cancellation=Cancellation())
        answer = engine.complete("a", prompt, rules, cancellation=Cancellation())
    whole = (time.perf_counter() - started) * 1000
    engine.close()
    timings = answer.timings
    return Opened(first, context, whole, timings.decode_ms / max(1, timings.decode_tokens))


def _asked_peer(add: Add, name: str, file: Path, typed: Replay, threads: int) -> list[peer.Keystroke]:
    """llama-server's answers to the same keys; none where there is no llama-server."""
    program = peer.executable()
    if program is None:
        add(f"{name}.peer.first_ms", None)
        return []
    with peer.running(program, file, threads) as server:
        add(f"{name}.peer.first_ms", server.infill(*six_hundred_lines()).milliseconds)
        return peer.type_through(server, typed, tokens=TOKENS)


def _p50(keys: list[peer.Keystroke]) -> float:
    return statistics.median(key.milliseconds for key in keys)


def _compare(
    add: Add, percentile: Percentile, name: str, theirs: list[peer.Keystroke], ours: list[float]
) -> None:
    figures = ("peer.p50_ms", "peer.p95_ms", "peer.evaluated.p50", "ratio.p50", "ratio.p95")
    if not theirs or not ours:
        for figure in figures:
            add(f"{name}.keystroke.{figure}", None)
        return
    times = [key.milliseconds for key in theirs]
    found = (
        percentile(times, 0.5),
        percentile(times, 0.95),
        percentile([float(key.evaluated) for key in theirs], 0.5),
        percentile(times, 0.5) / percentile(ours, 0.5),
        percentile(times, 0.95) / percentile(ours, 0.95),
    )
    for figure, value in zip(figures, found, strict=True):
        add(f"{name}.keystroke.{figure}", value)
