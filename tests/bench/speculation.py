"""Drafts against plain decoding in the same engine, on the tuned file.

Spans of real source files (the standard library's) are completed twice: plainly and with drafts, from the
same cells. Each file is one session, as for a user: what its drafts win or lose stays with it.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
import random
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import attrs
from foretype.context.shared.values import Prompt, StopRules
from foretype.models.cache.kv_cache import Sequence
from foretype.models.decoding.loop import generate
from foretype.models.drafting.drafts import Drafts
from foretype.models.engine.interface import EngineSettings, SpeculationMode
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.llama.cancellation import Cancellation
from foretype.models.tuning.record import find_tuned
from foretype.models.tuning.tune import tune_model
from foretype.tests.bench.engine_costs import Stopwatch
from foretype.tests.bench.subject import BUILD

FILES = 60
SPANS = 3
ROUNDS = 2
CONTEXT_TOKENS = 512
GENERATED = 32
SUFFIX_CHARACTERS = 2000
RULES = StopRules(multiline=True, reference_indent=-1, max_tokens=GENERATED)


@attrs.frozen
class Span:
    """A place in a file.

    Attributes:
        before: tokens of the text before it.
        below: the text below it.
    """

    before: list[int]
    below: str


def source_files(count: int) -> list[Path]:
    """Source files of moderate length, always the same ones on one Python."""
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(path for path in folder.glob("*.py") if 6000 < path.stat().st_size < 80_000)
    random.Random(7).shuffle(files)
    return files[:count]


def spans(engine: LocalEngine, path: Path) -> list[Span]:
    """`SPANS` places at the indentation of a line, spread over the file."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    found: list[Span] = []
    for number in range(1, SPANS + 1):
        at = len(lines) * number // (SPANS + 1)
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip(" \t"))]
        before = engine.vocabulary.encode(("".join(lines[:at]) + indent).encode())
        found.append(Span(before[-CONTEXT_TOKENS:], "".join(lines[at + 1 :])[:SUFFIX_CHARACTERS]))
    return found


def decode_ms(engine: LocalEngine, sequence: Sequence, span: Span, drafts: Drafts | None) -> float:
    """Milliseconds of `GENERATED` tokens behind a span that is in the cache."""
    engine.cache.truncate(sequence, len(span.before) - 1)
    engine.cache.extend(sequence, span.before[-1:])
    sequence.track = None
    started = time.perf_counter()
    if drafts is not None:
        drafts.begin(span.before, span.before, [])
    generate(
        engine.cache,
        sequence,
        prompt_length=len(span.before),
        vocabulary=engine.vocabulary,
        ends=frozenset(),
        required=b"",
        completes_character=False,
        rules=RULES,
        cancellation=Cancellation(),
        drafter=drafts,
    )
    spent = (time.perf_counter() - started) * 1000
    if drafts is not None:
        drafts.end()
    return spent


def ratio(engine: LocalEngine, places: list[Span]) -> float:
    """Time of plain decoding over time with drafts, over the places of one session.

    The session is lived through `ROUNDS` times from the same beginnings, so that no round drafts from what
    an earlier one wrote; of each place and side the fastest round counts. Batch costs are learned all the
    while, so the rounds may draft differently.
    """
    before = engine.speculation
    if before is None:
        raise ValueError("the model has no drafts")
    plain: list[list[float]] = [[] for _ in places]
    drafted: list[list[float]] = [[] for _ in places]
    for turn in range(ROUNDS):
        engine.speculation = copy.deepcopy(before)
        drafts = engine.speculation.session()
        for number, span in enumerate(places):
            sequence = engine.cache.acquire()
            if sequence is None:
                raise ValueError("no sequence is free")
            engine.cache.sync(sequence, span.before, Cancellation())
            drafts.follow_suffix(span.below, lambda text: engine.vocabulary.encode(text.encode()))
            # In turns, so that a machine that gets busy or idle favours neither side.
            for with_drafts in (False, True) if (number + turn) % 2 else (True, False):
                spent = decode_ms(engine, sequence, span, drafts if with_drafts else None)
                (drafted if with_drafts else plain)[number].append(spent)
            engine.cache.release(sequence)
    return sum(map(min, plain)) / sum(map(min, drafted))


def auto_cost(model: Path, threads: int, *, files: int) -> float:
    """Time with speculation as it is set by default over time without any: 1.01 is 1 % more.

    Both engines are there at once and take turns, place by place; of each place the fastest round counts.
    """
    spent: dict[SpeculationMode, float] = {}
    paths = source_files(files)
    with tempfile.TemporaryDirectory(dir=BUILD) as states:
        engines = {
            mode: load_engine(
                model,
                EngineSettings(threads=threads, speculation=mode, states=Path(states)),
                lambda _fraction: None,
            )
            for mode in (SpeculationMode.NEVER, SpeculationMode.AUTO)
        }
        for path in paths:
            best = {mode: [math.inf] * SPANS for mode in engines}
            for turn in range(ROUNDS + 1):
                for mode, engine in sorted(engines.items(), reverse=bool(turn % 2)):
                    best[mode] = list(map(min, best[mode], _round(engine, spans(engine, path))))
            for mode, times in best.items():
                spent[mode] = spent.get(mode, 0.0) + sum(times)
        for engine in engines.values():
            engine.close()
    return spent[SpeculationMode.AUTO] / spent[SpeculationMode.NEVER]


def _round(engine: LocalEngine, places: list[Span]) -> list[float]:
    """Milliseconds of each place, with drafts as far as the engine makes any."""
    shared = engine.speculation
    drafts = None if shared is None else shared.session()
    found: list[float] = []
    for span in places:
        sequence = engine.cache.acquire()
        if sequence is None:
            raise ValueError("no sequence is free")
        engine.cache.sync(sequence, span.before, Cancellation())
        attends = shared is not None and shared.watch.benefit().attends()
        found.append(decode_ms(engine, sequence, span, drafts if attends else None))
        engine.cache.release(sequence)
    return found


def repeated_edits(engine: LocalEngine, path: Path) -> list[Span]:
    """The same three lines typed at three places of a file, the last time up to a third of the first line."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    middle = len(lines) // 2
    code = [line for line in lines[:middle] if len(line.strip()) > 30 and "#" not in line]
    edit = "".join(code[len(code) // 2 : len(code) // 2 + 3])
    first = edit[: len(edit.splitlines()[0]) // 3]
    text = "".join(
        [
            *lines[middle - 30 : middle],
            edit,
            *lines[middle : middle + 8],
            edit,
            *lines[middle + 8 : middle + 14],
        ]
    )
    before = engine.vocabulary.encode((text + first).encode())
    return [Span(before[-CONTEXT_TOKENS:], "".join(lines[middle + 14 :])[:SUFFIX_CHARACTERS])]


@contextlib.contextmanager
def tuned_engine(model: Path, threads: int) -> Generator[LocalEngine]:
    """An engine on the tuned file; tunes in a data directory of the benchmark's own when it is the first."""
    before = os.environ.get("XDG_DATA_HOME")
    os.environ["XDG_DATA_HOME"] = str(BUILD / "data")
    try:
        if find_tuned(model) is None:
            tune_model(model, threads=threads)
        engine = load_engine(
            model, EngineSettings(threads=threads, speculation=SpeculationMode.ALWAYS), lambda _fraction: None
        )
    finally:
        if before is None:
            del os.environ["XDG_DATA_HOME"]
        else:
            os.environ["XDG_DATA_HOME"] = before
    yield engine
    engine.close()


def measure(model: Path, threads: int, *, files: int = FILES) -> dict[str, float]:
    """Everything about drafts, by the names that build/bench.json has."""
    with tuned_engine(model, threads) as engine:
        watch = Stopwatch(engine)
        paths = source_files(files)
        ratios = sorted(ratio(engine, spans(engine, path)) for path in paths)
        repeats = [ratio(engine, repeated_edits(engine, path)) for path in paths[: files // 3]]
        waits = next_ms(engine, paths[: files // 3])
        share = overhead_share(engine, watch, paths[: files // 6])
    return {
        "speculation.median": statistics.median(ratios),
        "speculation.p90": ratios[min(len(ratios) - 1, int(0.9 * len(ratios)))],
        "speculation.min": ratios[0],
        "speculation.repeat.median": statistics.median(repeats),
        "speculation.overhead_share": share,
        "prefetch.next_ms": statistics.median(waits),
    }


def next_ms(engine: LocalEngine, paths: list[Path]) -> list[float]:
    """From accepting a suggestion, when idle work is done, to the next one: milliseconds for each place."""
    found: list[float] = []
    rules = StopRules(max_tokens=24)
    for path in paths:
        text = path.read_text(encoding="utf-8")
        at = text.index("\n", len(text) // 2) + 1
        before, after = text[max(0, at - 2000) : at], text[at : at + 1000]
        shown = engine.complete(
            "next", Prompt(before, after, path.name, "python"), rules, cancellation=Cancellation()
        )
        while engine.idle("next", cancellation=Cancellation()):
            pass
        if shown.text:
            accepted = Prompt(before + shown.text + "\n", after, path.name, "python")
            started = time.perf_counter()
            engine.complete("next", accepted, rules, cancellation=Cancellation())
            found.append((time.perf_counter() - started) * 1000)
        engine.forget("next")
    return found


def overhead_share(engine: LocalEngine, watch: Stopwatch, paths: list[Path]) -> float:
    """The part of decoding with drafts that is not llama_decode."""
    if engine.speculation is None:
        raise ValueError("the model has no drafts")
    spent = inside = 0.0
    for path in paths:
        drafts = engine.speculation.session()
        for span in spans(engine, path):
            sequence = engine.cache.acquire()
            if sequence is None:
                raise ValueError("no sequence is free")
            engine.cache.sync(sequence, span.before, Cancellation())
            watch.seconds = 0.0
            started = time.perf_counter()
            decode_ms(engine, sequence, span, drafts)
            spent += time.perf_counter() - started
            inside += watch.seconds
            engine.cache.release(sequence)
    return (spent - inside) / spent
