"""`foretype bench`: how fast the user's model is on the user's machine, measured through the engine itself.

Prefill, batches of a few tokens, decoding with and without drafts, and a replay of typing. Each part has its
share of the time and reports what it has when that is over: a slow machine gets fewer samples, not a longer
wait. Which keys are typed and what the model sees at each is decided elsewhere; nothing is kept, and nothing
is chosen: that is `tune`'s.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from ..context.shared.problem import ModelProblem
from ..context.shared.values import Completion, Prompt, StopReason, StopRules
from .cache.kv_cache import Sequence as Cells
from .drafting.benefit import worth_building
from .drafting.drafts import Speculation
from .drafting.events import DraftWatch
from .drafting.experience import DraftExperience
from .engine.interface import EngineSettings, SpeculationMode
from .engine.loading import load_engine
from .engine.local import LocalEngine
from .llama.cancellation import Cancellation
from .tuning.measuring import BATCHES
from .tuning.record import find_tuned
from .tuning.sample import tuning_sample

PREFILL_S = 5.0
STEPS_S = 6.0
SPECULATION_S = 12.0
WARM_S = 12.0
TYPING_S = 15.0
"""Seconds that each part may begin new work in; with the model's loading about a minute at most."""

_DEPTH = 256
"""Tokens of a prefill, and of the context that batches are measured behind, where the machine can."""

AT_MOST_MS = 2000.0
"""A prefill that would take longer is measured on fewer tokens."""

LEAST_DEPTH = 32
TURNS = 8
DRAFTED_TOKENS = 32

_Clock = Callable[[], float]
Tell = Callable[[str], None]


@attrs.frozen
class ReplayedKey:
    """One key of a replay.

    Attributes:
        text: what it types.
        prompt: what the model would be shown after it; None where no suggestion would be asked for.
        rules: for that suggestion.
    """

    text: str
    prompt: Prompt | None
    rules: StopRules = attrs.field(factory=StopRules)


@attrs.frozen
class DraftGain:
    """Decoding with and without drafts, over the same places.

    Attributes:
        plain_ms: median ms per token without drafts.
        drafted_ms: median ms per token with drafts.
        places: how many were completed both ways.
        drafted: tokens that were drafted.
        accepted: of them, those the model confirmed.
    """

    plain_ms: float
    drafted_ms: float
    places: int
    drafted: int
    accepted: int

    @property
    def gain(self) -> float:
        """How many times as fast drafts make decoding."""
        return self.plain_ms / self.drafted_ms


@attrs.frozen
class Typing:
    """What a replay of typing cost.

    Attributes:
        milliseconds: of every key that needed the model, in order: from the prompt to the whole suggestion.
        evaluated: prompt tokens evaluated for each of these.
        keys: all keys typed.
        through: keys that a shown suggestion already said.
        declined: keys after which no suggestion is asked for.
    """

    milliseconds: tuple[float, ...]
    evaluated: tuple[int, ...]
    keys: int
    through: int
    declined: int


@attrs.define
class TypingCourse:
    """A replay as it goes on, whoever answers. Its state: what stands on the screen, and the counts so far.

    Attributes:
        shown: what is left of the suggestion.
    """

    shown: str = ""
    _keys: int = 0
    _through: int = 0
    _declined: int = 0
    _milliseconds: list[float] = attrs.field(factory=list[float])
    _evaluated: list[int] = attrs.field(factory=list[int])

    def _needs_model(self, key: ReplayedKey) -> bool:
        """Type a key; whether it is neither said already nor one after which nothing is asked for."""
        self._keys += 1
        said = self.shown.startswith(key.text)
        self.shown = self.shown[len(key.text) :] if said else ""
        self._through += bool(self.shown)
        self._declined += not self.shown and key.prompt is None
        return not self.shown and key.prompt is not None

    def asked(self, keys: Iterable[ReplayedKey], clock: _Clock) -> Iterator[tuple[Prompt, StopRules, bool]]:
        """Type the keys, for `TYPING_S` after the first one that needs the model.

        Yields what the model is asked, and whether it is asked for the first time. A file is open for a
        moment before somebody types in it: that key says nothing of the others.
        """
        until = 0.0
        for key in keys:
            if until and clock() >= until:
                return
            if self._needs_model(key) and key.prompt is not None:
                yield key.prompt, key.rules, not until
                until = until or clock() + TYPING_S

    def answered(self, answer: Completion, milliseconds: float, *, counts: bool) -> None:
        """The last key got its suggestion; whether its time counts."""
        if counts:
            self._milliseconds.append(milliseconds)
            self._evaluated.append(answer.timings.prefill_tokens)
        self.shown = answer.text

    def typing(self) -> Typing:
        """What it has cost."""
        return Typing(
            tuple(self._milliseconds), tuple(self._evaluated), self._keys, self._through, self._declined
        )


@attrs.frozen
class Figures:
    """Everything that was measured.

    Attributes:
        model: its name.
        path: the file that the user named.
        parameters: number of weights.
        tuned: whether `foretype tune` chose how it runs.
        threads: that computed at last.
        prefill: tokens per second.
        steps: ms of a batch, by its number of tokens.
        speculation: None where the model cannot take tokens back, or no place gave enough of them.
        typing: the replay.
    """

    model: str
    path: str
    parameters: int
    tuned: bool
    threads: int
    prefill: float
    steps: dict[int, float]
    speculation: DraftGain | None
    typing: Typing


def bench_model(
    path: Path,
    settings: EngineSettings,
    *,
    places: Sequence[tuple[Prompt, StopRules]],
    keys: Iterable[ReplayedKey],
    tell: Tell = lambda _text: None,
    clock: _Clock = time.perf_counter,
) -> Figures:
    """Measure a model.

    Args:
        path: its file.
        settings: how the user runs it. Drafts are measured whether they are on or not; the replay uses them
            where they are.
        places: what is completed with and without drafts.
        keys: what is typed, one after the other; taken only as far as time allows.
        tell: called with what is measured next.
        clock: seconds.

    Raises:
        ModelProblem: the model cannot be loaded, or cannot answer.
    """
    tell("loading the model")
    drafting = attrs.evolve(settings, speculation=SpeculationMode.ALWAYS, states=None)
    engine = load_engine(path, drafting, lambda _fraction: None)
    with contextlib.closing(engine):
        drafts = engine.speculation
        tell("prefill")
        tokens = engine.vocabulary.encode(tuning_sample())
        prefill = prefill_speed(engine, tokens, clock)
        tell("batches of 1 to 16 tokens")
        steps = step_costs(engine, tokens, clock)
        tell("decoding with and without drafts")
        speculation = None if drafts is None else speculation_gain(engine, places, clock)
        tell("typing")
        engine.speculation = _in_use(drafts, settings.speculation, engine)
        typing = type_through(engine, keys, clock)
        info = engine.info()
        return Figures(
            info.name,
            str(path),
            info.parameters,
            settings.tuned and find_tuned(path) is not None,
            engine.cache.cells.threads,
            prefill,
            steps,
            speculation,
            typing,
        )


def _in_use(drafts: Speculation | None, mode: SpeculationMode, engine: LocalEngine) -> Speculation | None:
    """The drafts that the user's setting makes; with "auto" nothing is known of them yet."""
    if drafts is None or mode is SpeculationMode.ALWAYS:
        return drafts
    if mode is SpeculationMode.NEVER or not worth_building(drafts.costs().ratios()):
        return None
    known = DraftExperience()
    return attrs.evolve(
        drafts,
        watch=DraftWatch(lambda: known.benefit(engine.cache.cells.threads)),
        acceptance=known.acceptance,
    )


def prefill_speed(engine: LocalEngine, tokens: list[int], clock: _Clock = time.perf_counter) -> float:
    """Tokens per second of a prefill, the best of some turns."""
    depth = _depth(engine)
    with _sequence(engine) as sequence:

        def once() -> float:
            engine.cache.truncate(sequence, 0)
            started = clock()
            engine.cache.sync(sequence, tokens[:depth], Cancellation())
            return clock() - started

        return depth / _best(once, clock() + PREFILL_S, clock)


def step_costs(engine: LocalEngine, tokens: list[int], clock: _Clock = time.perf_counter) -> dict[int, float]:
    """Milliseconds of batches of 1 to 16 tokens, by size: the best of some turns, as far as time allows."""
    until = clock() + STEPS_S
    depth = _depth(engine)
    found: dict[int, float] = {}
    with _sequence(engine) as sequence:
        for size in BATCHES:

            def once(size: int = size) -> float:
                if not engine.cache.truncate(sequence, depth):
                    engine.cache.sync(sequence, tokens[:depth], Cancellation())
                started = clock()
                engine.cache.extend(sequence, tokens[depth : depth + size], logits=size)
                return clock() - started

            if not found or clock() < until:
                found[size] = _best(once, until, clock) * 1000
    return found


def speculation_gain(
    engine: LocalEngine, places: Sequence[tuple[Prompt, StopRules]], clock: _Clock = time.perf_counter
) -> DraftGain | None:
    """Complete the places with and without drafts, in turns; None when that gave nothing to compare.

    Each place is a session of its own, as if the file had just been opened, and starts from the same cells.
    """
    drafts = engine.speculation
    until = clock() + SPECULATION_S
    times: dict[bool, list[float]] = {False: [], True: []}
    drafted = accepted = 0
    try:
        for number, (prompt, rules) in enumerate(places):
            if clock() >= until:
                break
            pair: dict[bool, float] = {}
            longer = attrs.evolve(rules, max_tokens=DRAFTED_TOKENS, budget_ms=0.0)
            # In turns, so that a machine that gets busy or idle favours neither side.
            for with_drafts in (False, True) if number % 2 else (True, False):
                engine.speculation = drafts if with_drafts else None
                answer = _answered(engine, "drafts", prompt, longer)
                engine.forget("drafts")
                if answer.timings.decode_tokens > 1:
                    pair[with_drafts] = answer.timings.decode_ms / answer.timings.decode_tokens
                drafted += answer.timings.draft_tokens
                accepted += answer.timings.accepted_tokens
            if len(pair) == len(times):
                for with_drafts, value in pair.items():
                    times[with_drafts].append(value)
    finally:
        engine.speculation = drafts
    if not times[True]:
        return None
    plain, faster = statistics.median(times[False]), statistics.median(times[True])
    return DraftGain(plain, faster, len(times[True]), drafted, accepted)


def type_through(
    engine: LocalEngine, keys: Iterable[ReplayedKey], clock: _Clock = time.perf_counter
) -> Typing:
    """Type, key after key without a rest, and have every suggestion made that an editor would ask for.

    A suggestion stays on the screen while what is typed is what it says. Suggestions are not trimmed and go
    through no editor: it is the engine's time alone.
    """
    course = TypingCourse()
    for prompt, rules, first in course.asked(keys, clock):
        if first:
            _warm(engine, prompt)
        started = clock()
        answer = _answered(engine, "typing", prompt, rules)
        course.answered(answer, (clock() - started) * 1000, counts=not first)
    engine.forget("typing")
    return course.typing()


def _warm(engine: LocalEngine, prompt: Prompt) -> None:
    """Evaluate the prompt, for `WARM_S` at most: what is finished by then stays."""
    cancellation = Cancellation()
    timer = threading.Timer(WARM_S, cancellation.cancel)
    timer.daemon = True
    timer.start()
    try:
        engine.warm("typing", prompt, cancellation=cancellation)
    finally:
        timer.cancel()


def _answered(engine: LocalEngine, session: str, prompt: Prompt, rules: StopRules) -> Completion:
    answer = engine.complete(session, prompt, rules, cancellation=Cancellation())
    if answer.stop is StopReason.UNAVAILABLE:
        raise ModelProblem(answer.detail)
    return answer


def _depth(engine: LocalEngine) -> int:
    room = min(_DEPTH, engine.cache.size // 2)
    return max(LEAST_DEPTH, min(room, int(engine.cache.speed.tokens_per_ms * AT_MOST_MS)))


def _best(once: Callable[[], float], until: float, clock: _Clock) -> float:
    """The shortest of `TURNS` turns, or of those that began in time; one in any case. Seconds."""
    best = once()
    for _ in range(TURNS - 1):
        if clock() >= until:
            break
        best = min(best, once())
    return max(best, 1e-9)


@contextlib.contextmanager
def _sequence(engine: LocalEngine) -> Generator[Cells]:
    sequence = engine.cache.acquire()
    if sequence is None:
        raise ModelProblem("The KV cache has no room for a measurement. Set a larger [model] context_tokens.")
    try:
        yield sequence
    finally:
        engine.cache.release(sequence)
