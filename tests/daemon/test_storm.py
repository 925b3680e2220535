"""A request every 15 ms, each cancelled by the next, against the real daemon and the default model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs
import pytest
from foretype.context.shared.values import Completion, Prompt, StopReason, StopRules
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.wire.messages import CompletionRequest
from foretype.tests.support.private_home import default_model, foretype, private_home

EVERY_S = 0.015
REQUESTS = 150
TYPED = (
    "def area(width, height):\n    return width * height\n\n\ndef volume(width, height, depth):\n    return "
)


def request(text: str, session: str = "storm") -> CompletionRequest:
    return CompletionRequest(session, Prompt(text, "\n", "area.py", "python"), StopRules(max_tokens=16))


async def answer_or_none(task: asyncio.Task[Completion]) -> Completion | None:
    try:
        return await task
    except asyncio.CancelledError:
        return None


@pytest.mark.model
async def test_after_a_storm_the_next_answer_is_right_and_prompt() -> None:
    with private_home(default_model()) as home:
        assert foretype(home, "daemon", "start").returncode == 0
        place = DaemonHome(Path(home["XDG_RUNTIME_DIR"]) / "foretype", Path(home["XDG_STATE_HOME"]))
        client = DaemonClient(place)
        await client.load()
        tasks: list[asyncio.Task[Completion]] = []
        for number in range(REQUESTS):
            if tasks:
                tasks[-1].cancel()
            tasks.append(asyncio.ensure_future(client.complete(request(TYPED[: number % len(TYPED) + 1]))))
            await asyncio.sleep(EVERY_S)  # the storm's own pace; nothing is decided by it
        tasks[-1].cancel()
        ended = [await answer_or_none(task) for task in tasks]
        after = await client.complete(request(TYPED))
        calm = await client.complete(attrs.evolve(request(TYPED), session="another document"))
        known = await client.status()
        await client.aclose()
    assert all(answer is None or answer.stop is not StopReason.UNAVAILABLE for answer in ended)
    assert after.text == calm.text
    assert after.text.strip()
    assert after.timings.queue_ms < 500, "the engine was free"
    assert after.timings.prefill_tokens < 80, "what the storm finished was kept, or the prompt is short"
    assert known.queued == 0
