"""How much longer a key waits in one editor because another one was closed just before.

Both are clients of one service. The other one has files open whose states are worth keeping, so closing it
has them saved in the meantime. The same key is asked for again and again, with and without files being closed
before, and after the same rests; the delay is what it takes beyond keys without that evaluate as many tokens.
(After a rest that is one token in any case: idle work has taken the place of its numbers.)
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import attrs
from foretype.context.shared.values import Completion, Prompt, StopRules
from foretype.daemon.server.service import IDLE_AFTER_S, Service
from foretype.daemon.wire.messages import CompletionRequest, ModelStatus, WarmRequest
from foretype.models.engine.interface import EngineLike, EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.tests.bench.subject import BUILD, replay

FILES = 2
CHARACTERS = 4000
"""Of each file that is closed: some 1,000 tokens."""

MOMENTS_S = tuple(IDLE_AFTER_S * part for part in (0.0, 0.5, 1.0, 1.02, 1.05, 1.1, 1.3))
"""How long after the closing the key comes; saving begins after a time without any."""

KEYS = 3
"""Keys typed after each rest while nothing is saved, for comparison."""

RULES = StopRules(max_tokens=1)


@attrs.frozen
class _OneModel:
    """A `ModelProvider` of one file."""

    path: Path
    settings: EngineSettings

    def name(self) -> str:
        return self.path.stem

    def fingerprint(self) -> object:
        return self.path

    def load(self, on_progress: Callable[[float], None]) -> EngineLike:
        return load_engine(self.path, self.settings, on_progress)


def delay_ms(model: Path, threads: int) -> float:
    """The most that a key took longer than is usual for as many tokens to evaluate, in ms."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as states:
        return asyncio.run(_delay_ms(_OneModel(model, EngineSettings(threads=threads, states=Path(states)))))


async def _delay_ms(source: _OneModel) -> float:
    service = Service(source)
    status: ModelStatus = await service.load()
    if status.detail:
        raise ValueError(status.detail)
    text = replay().before
    typed = CompletionRequest("typed", Prompt(text[-3000:], "", "typed.py", "python"), RULES)
    await _ask(service, "typist", WarmRequest(typed.session, typed.prompt))
    usual = await _usual_ms(service, typed)
    delays: list[float] = []
    for number, moment in enumerate(MOMENTS_S):
        for file in range(FILES):
            # A line that differs: no state of an earlier turn makes this one pointless.
            begin = f"# turn {number}, file {file}\n" + text[file * CHARACTERS : (file + 1) * CHARACTERS]
            await _ask(service, "closed", WarmRequest(str(file), Prompt(begin, "", f"{file}.py", "python")))
        service.forget_owner("closed")
        await asyncio.sleep(moment)
        evaluated, took = await _key(service, typed)
        delays.append(took - usual[min(evaluated, max(usual))])  # more tokens than ever are a delay, too
    await service.close()
    return max(0.0, *delays)


async def _usual_ms(service: Service, typed: CompletionRequest) -> dict[int, float]:
    """What the key takes where nothing is saved, in ms, by how many tokens were evaluated for it."""
    took: dict[int, list[float]] = {}
    for moment in MOMENTS_S * KEYS:
        await asyncio.sleep(moment)
        evaluated, milliseconds = await _key(service, typed)
        took.setdefault(evaluated, []).append(milliseconds)
    return {evaluated: statistics.median(found) for evaluated, found in took.items()}


async def _key(service: Service, request: CompletionRequest) -> tuple[int, float]:
    """The tokens that were evaluated for the key, and its ms."""
    started = time.perf_counter()
    answer = await _ask(service, "typist", request)
    return answer.timings.prefill_tokens, (time.perf_counter() - started) * 1000


async def _ask(service: Service, owner: str, request: CompletionRequest | WarmRequest) -> Completion:
    answered: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
    service.submit(owner, request, answered.set_result)
    return await answered
