"""The real `foretype lsp` process: how soon it answers, what it weighs, what it leaves behind."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest
from foretype.lsp.completions.suggestions import Suggestion, Suggestions, around
from foretype.tests.support.lsp_client import LspClient, connected, python
from foretype.tests.support.private_home import private_home

SERVER = python("-P", "-m", "foretype.lsp")
BARE = python("-c", "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()")
URI = "untitled:x.py"

PAIRS = 12
"""A shared machine's speed moves by half from one second to the next: the quickest of so many starts is
what a start costs; fewer are made where that is known sooner."""


@pytest.fixture
def home() -> Generator[dict[str, str]]:
    with private_home(Path("/nowhere/to/be/found.gguf")) as environment:
        yield environment


async def seconds_to_hello(command: tuple[str, ...], home: dict[str, str]) -> float:
    began = time.perf_counter()
    async with await LspClient.start(*command, env=home) as client:
        await client.initialize()
        return time.perf_counter() - began


async def test_initialize_is_answered_almost_as_soon_as_by_a_bare_server(home: dict[str, str]) -> None:
    bare = ours = math.inf
    for _ in range(PAIRS):
        bare = min(bare, await seconds_to_hello(BARE, home))
        ours = min(ours, await seconds_to_hello(SERVER, home))
        if ours - bare < 0.150:
            break
    assert ours - bare < 0.150


async def test_without_a_model_there_are_no_suggestions_and_no_errors(home: dict[str, str]) -> None:
    options = {"status": True}
    async with connected(*SERVER, env=home, initializationOptions=options) as client:
        client.open(URI, "def f(x):\n    ")
        assert await client.items(URI, 1, 4, context={"triggerKind": 1}) == []
        state, message = "", ""
        while state != "error":
            status = (await client.expect("foretype/status"))["params"]
            state, message = status["state"], status["message"]
        memory = psutil.Process(client.process.pid).memory_info().rss
    assert "/nowhere/to/be/found.gguf" in message
    assert memory < 90_000_000
    assert not [one for one in client.notifications if one["method"].startswith("window/")]


def test_typing_through_stays_quick_in_a_large_file() -> None:
    """The store of suggestions is asked in well under the 3 ms that an answer may take."""
    text = "".join(f"    value_{number} = compute(value_{number - 1})\n" for number in range(20_000))
    known = Suggestions()
    for number in range(40):
        place = len(text) // 2 + 41 * number
        before, replaces, after = around(text, place)
        known.remember(Suggestion(str(number), URI, before, "x" * 200, after, replaces))
    place = len(text) // 2
    took: list[float] = []
    for typed in range(200):
        now = text[:place] + "x" * typed + text[place:]
        began = time.perf_counter()
        known.find(URI, now, place + typed)
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.003
