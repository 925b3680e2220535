"""Every architecture with its own vocabulary through the same history of edits, against a fresh evaluation.

Whatever the memory of a model is like (cells of attention, with sliding windows, compressed; states of
recurrent layers; both), a key costs what was typed, and answers are those of a run that has no cache.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Generator
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.values import Prompt, StopReason, StopRules
from foretype.models.decoding.sampling import Sampling
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.engine.sessions import Slot
from foretype.models.gguf import file as gguf
from foretype.models.llama.cancellation import Cancellation
from foretype.models.prompts.formats import facts, recognise
from foretype.tests.support.tiny_architectures import architectures, tiny_architecture
from foretype.tests.support.vocabularies import fetched

SOURCE = "".join(f"def area_{n}(width, height):\n    return width * {n}\n\n" for n in range(20))
RULES = StopRules(multiline=True, max_tokens=6)
TYPED = ["a", "self.", "(", ")", " = ", "return ", "é", "\n    ", "x1"]


@attrs.frozen
class Pair:
    """The engine that is asked, and one that evaluates the same from nothing."""

    asked: LocalEngine
    fresh: LocalEngine


@pytest.fixture(scope="module", params=architectures())
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Pair]:
    file = tiny_architecture(str(request.param), tmp_path_factory.mktemp("tiny"))
    settings = EngineSettings(context_tokens=4096, threads=1, latency_budget_ms=60000)
    both = Pair(load_engine(file, settings, lambda _: None), load_engine(file, settings, lambda _: None))
    yield both
    both.asked.close()
    both.fresh.close()
    file.unlink()


def anew(pair: Pair, prompt: Prompt) -> tuple[str, float]:
    """What the prompt that was answered last gives without a cache: text, and the first log probability."""
    engine, fresh = pair.asked, pair.fresh
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


def test_answers_are_those_of_a_fresh_evaluation_and_a_key_costs_what_was_typed(pair: Pair) -> None:
    chance = random.Random(5)
    before, after = SOURCE[:500], SOURCE[500:]
    costs: list[int] = []
    same = 0
    for step in range(60):
        typed = chance.random() < 0.8
        before = before + chance.choice(TYPED) if typed else before[: -chance.randrange(1, 4)]
        if step % 20 == 19:
            before = before[:40] + "# an edit above\n" + before[40:]
        cancellation = Cancellation()
        if step % 9 == 8:
            cancellation.cancel()
        prompt = Prompt(before, after, "a.py", "python")
        answer = pair.asked.complete("a", prompt, RULES, cancellation=cancellation)
        if step % 7 == 6:
            pair.asked.idle("a", cancellation=Cancellation())
        if answer.stop is StopReason.CANCELLED:
            continue
        assert answer.stop is not StopReason.UNAVAILABLE, answer.detail
        costs.append(answer.timings.prefill_tokens)
        text, first = anew(pair, prompt)
        assert abs(answer.logprobs[0] - first) < 0.05
        same += text == answer.text
    assert same > 0.9 * len(costs), "near ties apart, which rounding decides"
    assert statistics.median(costs) <= 2


@pytest.mark.parametrize(
    ("name", "family", "format_name"),
    [
        ("qwen2", "qwen", "qwen2.5-coder"),
        ("qwen3", "qwen", "qwen2.5-coder"),
        ("starcoder2", "", "starcoder2"),
        ("gemma", "codegemma", "codegemma"),
        ("codellama", "codellama", "codellama"),
        ("deepseek-coder", "", "deepseek-coder"),
        ("deepseek2", "deepseek", "deepseek-coder"),
        ("granite", "", "granite-3.3"),
        ("granitehybrid", "", "granite-3.3"),
    ],
)
def test_each_with_its_own_vocabulary_is_recognised(
    tmp_path: Path, name: str, family: str, format_name: str
) -> None:
    if family and fetched(family) is None:
        pytest.skip("needs the vocabularies: 'make vocabularies'")
    assert recognise(facts(gguf.read_gguf(tiny_architecture(name, tmp_path))), []).format.name == format_name
