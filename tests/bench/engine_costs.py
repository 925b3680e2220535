"""What the engine itself costs: overhead over bare llama_decode, time to stop, the first answer in a file."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from foretype.context.prompt.assemble import assemble
from foretype.context.prompt.size import LARGEST
from foretype.context.shared.values import Prompt, StopRules
from foretype.context.syntax.snapshot import Snapshot
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import DecodeResult
from foretype.tests.bench.subject import Replay

CANCELLED_PREFILL_TOKENS = 1500
CANCELLATIONS = 100


def start(model: Path, threads: int) -> LocalEngine:
    """An engine as the daemon would have it."""
    return load_engine(model, EngineSettings(threads=threads), lambda _fraction: None)


def prompt_of(replay: Replay, count: int) -> Prompt:
    """The prompt that the language server would make."""
    before, after = replay.at(count)
    snapshot = Snapshot("", "argparse.py", "python", before + after, 1, None)
    return assemble(snapshot, len(before), LARGEST, None)[0]


class Stopwatch:
    """Adds up the time that an engine spends inside llama_decode."""

    def __init__(self, engine: LocalEngine) -> None:
        self.seconds = 0.0
        cells = engine.cache.cells
        decode = cells.decode

        def timed(tokens: Sequence[int], sequence: int, position: int, *, logits: int = 1) -> DecodeResult:
            started = time.perf_counter()
            try:
                return decode(tokens, sequence, position, logits=logits)
            finally:
                self.seconds += time.perf_counter() - started

        setattr(cells, "decode", timed)  # noqa: B010 - a measurement, not a use of the interface


def overhead(model: Path, replay: Replay, threads: int) -> float:
    """Time of whole requests, typing, over the time of the llama_decode calls they made: 1.05 is 5 % more."""
    engine = start(model, threads)
    watch = Stopwatch(engine)
    engine.warm("a", prompt_of(replay, 0), cancellation=Cancellation())
    watch.seconds = 0.0
    rules = StopRules(max_tokens=32)
    spent = 0.0
    for count in range(len(replay.typed)):
        prompt = prompt_of(replay, count)
        started = time.perf_counter()
        engine.complete("a", prompt, rules, cancellation=Cancellation())
        spent += time.perf_counter() - started
    engine.close()
    return spent / watch.seconds


def cancellation_ms(model: Path, replay: Replay, threads: int) -> list[float]:
    """From the cancellation to an idle engine, in ms, at random moments of a long prefill."""
    engine = start(model, threads)
    chance = random.Random(5)
    text = replay.before[-CANCELLED_PREFILL_TOKENS * 4 :]
    lasts_s = CANCELLED_PREFILL_TOKENS / engine.cache.speed.tokens_per_ms / 1000
    found: list[float] = []
    for number in range(CANCELLATIONS):
        cancellation = Cancellation()
        fired: list[float] = []

        def fire(cancellation: Cancellation = cancellation, fired: list[float] = fired) -> None:
            fired.append(time.perf_counter())
            cancellation.cancel()

        timer = threading.Timer(chance.uniform(0.005, min(0.6, lasts_s * 0.8)), fire)
        timer.start()
        # The same text never helps: every prompt begins with another line.
        engine.warm("a", Prompt(f"# {number} {chance.random()}\n{text}"), cancellation=cancellation)
        ended = time.perf_counter()
        timer.join()
        engine.forget("a")
        if ended > fired[0]:
            found.append((ended - fired[0]) * 1000)
    engine.close()
    return found


def cold_ms(model: Path, replay: Replay, threads: int) -> float:
    """The first answer in a file that was never seen, less its decoding: median of some places, in ms."""
    engine = start(model, threads)
    text = replay.before + replay.after
    found: list[float] = []
    for number, part in enumerate((0.2, 0.35, 0.5, 0.65, 0.8)):
        at = text.index("\n", int(len(text) * part)) + 1
        snapshot = Snapshot("", f"cold{number}.py", "python", text, 1, None)
        prompt = assemble(snapshot, at, LARGEST, None)[0]
        started = time.perf_counter()
        answer = engine.complete(str(number), prompt, StopRules(max_tokens=16), cancellation=Cancellation())
        found.append((time.perf_counter() - started) * 1000 - answer.timings.decode_ms)
        engine.forget(str(number))
    engine.close()
    return statistics.median(found)
