"""A real vLLM with a tiny model with random weights: `make test-vllm` installs it and runs this."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterator

import attrs
import httpx
import pytest
from foretype.context.shared.values import Prompt, RelatedPart, StopReason, StopRules
from foretype.models.remote.engine import RemoteEngine, RemoteTarget
from foretype.models.remote.openai_completions import OpenAiCompletions
from foretype.tests.support.real_servers import VLLM_MODEL, RealServer, missing_vllm, vllm_server

pytestmark = pytest.mark.skipif(bool(missing_vllm()), reason=missing_vllm())

ABOVE = "".join(f"def add_{number}(value):\n    return value + {number}\n\n\n" for number in range(40))
BELOW = "".join(f"\n\n\ndef take_{number}(value):\n    return value - {number}\n" for number in range(20))
PROMPT = Prompt(ABOVE, BELOW, "sums.py", "python", (RelatedPart("b.py", "ONE = 1\n"),), "house")
LINE = "x = (1 + 2) * [3, 4][0] - {5: 6}[5] + (7 - 8) * (9 + 1) - ((2)) "
RULES = StopRules(multiline=True, max_tokens=4)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    folder = tmp_path_factory.mktemp("vllm")
    with vllm_server(folder, "--scheduling-policy", "priority", "--block-size", "32") as running:
        yield running


@contextlib.asynccontextmanager
async def engine_for(server: RealServer) -> AsyncGenerator[RemoteEngine]:
    engine = RemoteEngine(RemoteTarget(server.url, timeout_s=120.0), {})
    try:
        yield engine
    finally:
        await engine.aclose()


def typed(text: str) -> Prompt:
    return attrs.evolve(PROMPT, prefix=ABOVE + text)


async def test_it_is_recognised_with_its_markers_and_what_it_can(server: RealServer) -> None:
    async with engine_for(server) as engine:
        facts = await engine.recognise()
        assert (facts.protocol, facts.model, facts.context_tokens) == ("openai", VLLM_MODEL, 2048)
        assert facts.tokenises
        assert facts.sees_suffix
        assert facts.recognition is not None
        assert facts.recognition.format.name == "qwen2.5-coder"
        assert facts.recognition.ids["MIDDLE"] == 151660
        speaker = engine._speaker  # pyright: ignore[reportPrivateUsage]
        assert isinstance(speaker, OpenAiCompletions)
        assert (speaker.is_vllm, speaker.has_priorities) == (True, True)


async def test_typing_finds_nearly_all_of_the_prompt_in_its_cache(server: RealServer) -> None:
    async with engine_for(server) as engine:
        await engine.warm("s", PROMPT)
        ends = [at for at in range(1, len(LINE)) if not LINE[at - 1].isalnum() and LINE[at - 1] != " "]
        for at in ends:  # behind a bracket or an operator nothing is taken back
            completion = await engine.complete("s", typed(LINE[:at]), RULES)
            assert completion.stop is not StopReason.UNAVAILABLE
            assert completion.text
            assert len(completion.logprobs) == completion.timings.decode_tokens == 4
        assert engine.counts.cached_tokens / engine.counts.prompt_tokens >= 0.95


async def test_one_line_is_asked_for_with_as_many_stops_as_it_takes(server: RealServer) -> None:
    async with engine_for(server) as engine:
        completion = await engine.complete("s", typed("x = ("), StopRules(max_tokens=8))
        assert completion.text
        assert completion.logprobs
        assert engine.breaker.is_closed


async def test_markers_in_the_users_text_are_spelled_in_several_tokens(server: RealServer) -> None:
    async with engine_for(server) as engine:
        await engine.complete("s", typed("x = ["), RULES)
        plain = engine.counts.prompt_tokens
        await engine.complete("s", typed("x = '<|fim_middle|>["), RULES)
        with_marker = engine.counts.prompt_tokens - plain
        assert with_marker - plain >= 5


async def test_leaving_is_logged_as_an_abort_at_once(server: RealServer) -> None:
    async with engine_for(server) as engine:
        await engine.recognise()
        started = asyncio.Event()
        rules = StopRules(multiline=True, max_tokens=600)
        asking = asyncio.ensure_future(
            engine.complete("s", typed("x = ("), rules, on_text=lambda _text: started.set())
        )
        await asyncio.wait(
            {asking, asyncio.ensure_future(started.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        assert started.is_set()
        before = server.logged().lower().count("abort")
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        began = time.monotonic()
        while server.logged().lower().count("abort") == before:
            assert time.monotonic() - began < 10, "it goes on"
            await asyncio.sleep(0.01)
        assert engine.counts.aborted == 1


async def test_it_still_refuses_a_suffix_and_finds_markers_in_text(server: RealServer) -> None:
    """What the adapter is built on; where this fails, look at `openai_completions` again."""
    asked = {"model": VLLM_MODEL, "prompt": "a", "max_tokens": 1}
    async with httpx.AsyncClient(base_url=server.url, timeout=60.0) as client:
        refused = await client.post("/v1/completions", json={**asked, "suffix": "b"})
        assert refused.status_code == 400
        many = await client.post("/v1/completions", json={**asked, "stop": list("abcde")})
        assert many.status_code == 400
        found = await client.post("/tokenize", json={"model": VLLM_MODEL, "prompt": "<|fim_prefix|>a"})
        assert found.json()["tokens"][0] == 151659
