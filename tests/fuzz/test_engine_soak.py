"""20,000 random edits and requests on a real llama context: memory stays, and the books are right."""

from __future__ import annotations

import gc
import random
from pathlib import Path

import psutil
from foretype.context.shared.values import Prompt, StopReason, StopRules
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.support.tiny_gguf import tiny_model

STEPS = 20_000
SETTLED = 5_000
GROWTH_BYTES = 12_000_000
"""A leak of one kilobyte a step would show as 15 MB; allocators move by a few."""

SOURCE = "".join(f"def f{number}(a, b):\n    c = a + {number}\n    return c * b\n\n" for number in range(12))
TYPED = ["a", "self.", "(", ")", " = ", "return ", "é", "\n    ", "\t", "x1", "👍"]
RULES = StopRules(multiline=True, max_tokens=3)


def resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def test_memory_stays_constant_over_twenty_thousand_requests(tmp_path: Path) -> None:
    file = tiny_model(
        "starcoder", tmp_path, layers=1, embedding=32, heads=2, key_value_heads=1, feed_forward=32
    )
    engine = load_engine(file, EngineSettings(context_tokens=2048), lambda _fraction: None)
    chance = random.Random(11)
    documents = {f"d{number}": (SOURCE, chance.randrange(len(SOURCE))) for number in range(8)}
    settled = 0
    for step in range(STEPS):
        name = chance.choice(list(documents))
        text, cursor = documents[name]
        action = chance.random()
        if action < 0.75:
            typed = chance.choice(TYPED)
            text, cursor = text[:cursor] + typed + text[cursor:], cursor + len(typed)
        elif action < 0.9:
            text, cursor = text[: max(0, cursor - 3)] + text[cursor:], max(0, cursor - 3)
        elif action < 0.97:
            cursor = chance.randrange(len(text) + 1)
        else:
            engine.forget(name)
            text, cursor = SOURCE, chance.randrange(len(SOURCE))
        documents[name] = (text[:2000], min(cursor, 2000))
        cancellation = Cancellation()
        if chance.random() < 0.05:
            cancellation.cancel()
        answer = engine.complete(name, Prompt(text[:cursor], text[cursor:]), RULES, cancellation=cancellation)
        assert answer.stop is not StopReason.UNAVAILABLE, answer.detail
        if chance.random() < 0.1:
            engine.idle(name, cancellation=Cancellation())
        if step == SETTLED:
            settled = resident()
    grown = resident() - settled
    for sequence in engine.cache.sequences:
        assert engine.cache.cells.last_position(sequence.number) + 1 == len(sequence.tokens)
    engine.close()
    assert grown < GROWTH_BYTES, f"{grown / 1e6:.1f} MB more than after {SETTLED} steps"
