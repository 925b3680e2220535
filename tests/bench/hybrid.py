"""What a key costs with a hybrid model, whose recurrent layers cannot take a token back.

The weights are tiny and random, the memory is llama.cpp's own: tokens are counted, nothing is timed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from foretype.context.shared.values import StopRules
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.llama.cancellation import Cancellation
from foretype.tests.bench.engine_costs import prompt_of
from foretype.tests.bench.subject import BUILD, Replay
from foretype.tests.support.tiny_recurrent import tiny_recurrent

RULES = StopRules(max_tokens=8)


def evaluated(replay: Replay) -> list[float]:
    """Prompt tokens that each key had evaluated, the file being open for a while."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        file = tiny_recurrent("granitehybrid", Path(folder))
        engine = load_engine(file, EngineSettings(threads=1, tuned=False), lambda _part: None)
        engine.warm("a", prompt_of(replay, 0), cancellation=Cancellation())
        found: list[float] = []
        for count in range(1, len(replay.typed)):
            answer = engine.complete("a", prompt_of(replay, count), RULES, cancellation=Cancellation())
            found.append(float(answer.timings.prefill_tokens))
        engine.close()
    return found
