"""A real llama-server with a tiny model: its cache is kept while one types, leaving ends its work."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import attrs
import httpx
import pytest
from foretype.context.shared.values import Prompt, RelatedPart, StopReason, StopRules
from foretype.models.remote.engine import RemoteEngine, RemoteTarget
from foretype.tests.support.private_home import default_model
from foretype.tests.support.real_servers import RealServer, llama_server
from foretype.tests.support.tiny_gguf import tiny_model

ABOVE = "".join(f"def add_{number}(value):\n    return value + {number}\n\n\n" for number in range(40))
BELOW = "".join(f"\n\n\ndef take_{number}(value):\n    return value - {number}\n" for number in range(20))
PROMPT = Prompt(ABOVE, BELOW, "sums.py", "python", (RelatedPart("b.py", "ONE = 1\n"),), "house")
LINE = "x = (1 + 2) * [3, 4][0] - {5: 6}[5] + (7 - 8) * (9 + 1) - ((2)) "
RULES = StopRules(multiline=True, max_tokens=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("starcoder", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with llama_server(model, tmp_path_factory.mktemp("log"), slots=2) as running:
        yield running


@contextlib.asynccontextmanager
async def engine_for(server: RealServer) -> AsyncGenerator[RemoteEngine]:
    engine = RemoteEngine(RemoteTarget(server.url, timeout_s=60.0), {})
    try:
        yield engine
    finally:
        await engine.aclose()


async def test_typing_evaluates_what_was_typed_and_hardly_more(server: RealServer) -> None:
    async with engine_for(server) as engine:
        facts = await engine.recognise()
        assert facts.protocol == "llama-server"
        assert facts.recognition is not None
        assert facts.recognition.ids["MIDDLE"] == 2
        await engine.warm("s", PROMPT)
        ends = [at for at in range(1, len(LINE)) if not LINE[at - 1].isalnum() and LINE[at - 1] != " "]
        for at in ends:  # behind a bracket or an operator nothing is taken back
            completion = await engine.complete("s", attrs.evolve(PROMPT, prefix=ABOVE + LINE[:at]), RULES)
            assert completion.stop is not StopReason.UNAVAILABLE
            assert completion.text
            assert completion.timings.prefill_tokens <= 4
        assert engine.counts.cached_tokens / engine.counts.prompt_tokens >= 0.95


async def test_what_looks_like_a_marker_is_none_for_the_server(server: RealServer) -> None:
    async with engine_for(server) as engine:
        plain = attrs.evolve(PROMPT, prefix=f"{ABOVE}x = '<fim_middle>")
        await engine.complete("s", plain, RULES)
        marked = engine.counts.prompt_tokens
        engine.counts.prompt_tokens = 0
        await engine.complete("t", attrs.evolve(PROMPT, prefix=f"{ABOVE}x = '"), RULES)
        assert marked - engine.counts.prompt_tokens >= 4  # spelled in several tokens


async def test_leaving_ends_the_servers_work(server: RealServer) -> None:
    async with engine_for(server) as engine:
        await engine.recognise()
        started = asyncio.Event()
        rules = StopRules(multiline=True, max_tokens=4000)
        prompt = attrs.evolve(PROMPT, prefix=f"{ABOVE}x = (")
        asking = asyncio.ensure_future(
            engine.complete("s", prompt, rules, on_text=lambda _text: started.set(), temperature=5.0, seed=1)
        )
        await asyncio.wait(
            {asking, asyncio.ensure_future(started.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=server.url) as client:
            while any(slot["is_processing"] for slot in (await client.get("/slots")).json()):
                assert time.monotonic() - began < 10, "it goes on"
        assert engine.counts.requests == 1


@pytest.mark.parametrize("protocol", ["llama-server", "openai"])
async def test_both_of_its_protocols_say_the_same_with_chances(server: RealServer, protocol: str) -> None:
    """OpenAI's completions are asked of a llama-server where one is set so, or stands behind a router."""
    engine = RemoteEngine(RemoteTarget(server.url, protocol=protocol, timeout_s=60.0), {})
    try:
        facts = await engine.recognise()
        assert facts.protocol == protocol
        prompt = attrs.evolve(PROMPT, prefix=f"{ABOVE}x = (")
        texts: list[str] = []
        completion = await engine.complete("s", prompt, RULES, on_text=texts.append)
        assert completion.text.startswith("".join(texts))
        assert completion.text
        assert completion.timings.decode_tokens == 4
        assert len(completion.logprobs) == 4
        line = await engine.complete("s", prompt, StopRules(max_tokens=8))
        assert "\n" not in line.text
        await engine.warm("s", prompt)
        assert engine.breaker.is_closed
    finally:
        await engine.aclose()


async def test_a_real_server_fills_in_by_itself_as_it_is_asked(server: RealServer) -> None:
    """`/infill` is for models whose markers only the server knows; a real one takes what we send there."""
    async with httpx.AsyncClient(base_url=server.url, timeout=60.0) as client:
        body = {"input_prefix": "def f(", "prompt": "x", "input_suffix": ")", "n_predict": 2, "stream": False}
        extra = [{"filename": "b.py", "text": "ONE = 1\n"}]
        answer = await client.post("/infill", json={**body, "input_extra": extra, "id_slot": 1})
        assert answer.status_code == 200
        assert answer.json()["tokens_predicted"] == 2


@pytest.mark.model
async def test_the_default_model_goes_on_as_it_does_here(tmp_path: Path) -> None:
    """It has no markers, so what stands before the cursor is all that it is shown."""
    with llama_server(default_model(), tmp_path) as running:
        async with engine_for(running) as engine:
            facts = await engine.recognise()
            assert not facts.sees_suffix
            prompt = Prompt("def fibonacci(n):\n    if n < 2:\n        return ", "", "a.py", "python")
            first = await engine.complete("s", prompt, StopRules(max_tokens=12))
            assert first.text.startswith("n") or first.text.startswith("1")
            further = attrs.evolve(prompt, prefix=prompt.prefix + first.text[:1])
            second = await engine.complete("s", further, StopRules(max_tokens=12))
            assert (first.text[:1] + second.text)[:6] == first.text[:6]
            assert engine.counts.cached_tokens > 0
