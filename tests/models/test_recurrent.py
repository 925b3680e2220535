"""Models whose memory cannot drop a part: a key costs what was typed, answers are a fresh run's."""

from __future__ import annotations

import random
import statistics
from collections.abc import Generator

import attrs
import pytest
from foretype.context.shared.values import Prompt, StopReason, StopRules
from foretype.models.decoding.sampling import Sampling
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.engine.sessions import Slot
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.support.tiny_recurrent import tiny_recurrent

SOURCE = "".join(f"def area_{n}(width, height):\n    return width * {n}\n\n" for n in range(20))
RULES = StopRules(multiline=True, max_tokens=6)
TYPED = ["a", "self.", "(", ")", " = ", "return ", "é", "\n    ", "x1"]


@pytest.fixture(scope="module", params=["mamba", "lfm2", "granitehybrid"])
def engines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[LocalEngine, LocalEngine]]:
    """The one that is asked, and one that evaluates the same from nothing."""
    file = tiny_recurrent(str(request.param), tmp_path_factory.mktemp("recurrent"))
    settings = EngineSettings(context_tokens=4096, threads=1, latency_budget_ms=60000)
    pair = load_engine(file, settings, lambda _: None), load_engine(file, settings, lambda _: None)
    yield pair
    for engine in pair:
        engine.close()


def anew(engine: LocalEngine, fresh: LocalEngine, prompt: Prompt) -> tuple[str, float]:
    """What the prompt that was answered last gives without a cache: text, and the first log probability."""
    session = engine.sessions.get("a")
    assert session is not None
    slot = max(session.slots(), key=lambda slot: slot.sequence.used)
    plan = engine.planner.fit(slot.anchor, attrs.evolve(slot.tail), prompt)
    sequence = fresh.cache.acquire()
    assert plan is not None
    assert sequence is not None
    fresh.cache.sync(sequence, plan.target, Cancellation())
    made = fresh.continuation.generate(
        Slot(slot.anchor, sequence, slot.tail),
        plan,
        RULES,
        Cancellation(),
        on_text=None,
        sampling=Sampling(),
        drafts=None,
    )
    fresh.cache.release(sequence)
    return made.text, made.logprobs[0]


def test_answers_are_those_of_a_fresh_evaluation_and_a_key_costs_what_was_typed(
    engines: tuple[LocalEngine, LocalEngine],
) -> None:
    engine, fresh = engines
    chance = random.Random(5)
    before, after = SOURCE[:500], SOURCE[500:]
    costs: list[int] = []
    same = 0
    for step in range(80):
        typed = chance.random() < 0.8
        before = before + chance.choice(TYPED) if typed else before[: -chance.randrange(1, 4)]
        cancellation = Cancellation()
        if step % 9 == 8:
            cancellation.cancel()
        prompt = Prompt(before, after, "a.py", "python")
        answer = engine.complete("a", prompt, RULES, cancellation=cancellation)
        if step % 7 == 6:
            engine.idle("a", cancellation=Cancellation())
        if answer.stop is StopReason.CANCELLED:
            continue
        assert answer.stop is not StopReason.UNAVAILABLE, answer.detail
        costs.append(answer.timings.prefill_tokens)
        text, first = anew(engine, fresh, prompt)
        assert abs(answer.logprobs[0] - first) < 0.05
        same += text == answer.text
    assert same > 0.9 * len(costs), "near ties apart, which rounding decides"
    assert statistics.median(costs) <= 2
