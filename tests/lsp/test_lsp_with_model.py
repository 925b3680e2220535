"""The whole path with the real model: editors' processes, the daemon, llama.cpp."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support.lsp_client import PATIENCE_S, LspClient, Refused, connected, python
from foretype.tests.support.private_home import default_model, foretype, private_home

pytestmark = pytest.mark.model

URI = "untitled:numbers.py"
SERVER = python("-P", "-m", "foretype.lsp")
FIBONACCI = "def fibonacci(n):\n    if n < 2:\n        return n\n    "


@pytest.fixture
def home() -> Generator[dict[str, str]]:
    with private_home(default_model()) as environment:
        yield environment


async def first_item(client: LspClient, uri: str, line: int, character: int) -> dict[str, Any]:
    """The suggestion at a place, asked for as by a key, so that only the trigger rules are out of play."""
    items = await client.items(uri, line, character, context={"triggerKind": 1})
    assert items, "the model said nothing"
    return items[0]


def status(home: dict[str, str]) -> dict[str, Any]:
    return json.loads(foretype(home, "daemon", "status", "--json").stdout)


async def test_a_function_and_its_body_are_completed(home: dict[str, str]) -> None:
    async with connected(*SERVER, env=home) as client:
        client.open(URI, "def fibonacci(n):")
        head = await first_item(client, URI, 0, 17)
        client.open(URI, FIBONACCI)
        body = await first_item(client, URI, 3, 4)
    assert head["insertText"].strip()
    assert body["insertText"].strip()


async def test_two_editors_share_one_daemon(home: dict[str, str]) -> None:
    async with connected(*SERVER, env=home) as one, connected(*SERVER, env=home) as other:
        for client in (one, other):
            client.open(URI, FIBONACCI)
        texts = await asyncio.gather(*(first_item(client, URI, 3, 4) for client in (one, other)))
        known = status(home)
    assert texts[0]["insertText"].strip()
    assert texts[1]["insertText"].strip()
    assert known["clients"] >= 2
    assert known["sessions"] == 2


async def test_a_request_is_cancelled_in_the_middle_of_its_prefill(home: dict[str, str]) -> None:
    source = "".join(
        f"def function_{number}(value):\n    return value * {number}\n\n" for number in range(200)
    )
    lines = source.count("\n")
    async with connected(*SERVER, env=home) as client:
        client.open(URI, source + "x = ")
        await first_item(client, URI, lines, 4)  # the model is loaded from here on
        codes: set[int] = set()
        waited: list[float] = []
        for line in (lines // 4, lines // 3, lines // 2):
            number, answer = client.complete(URI, line // 3 * 3 + 1, 4, context={"triggerKind": 1})
            await asyncio.sleep(0.03)  # into the prefill; an earlier or later stage must be as quick
            began = time.perf_counter()
            client.cancel(number)
            try:
                await asyncio.wait_for(answer, 10)
            except Refused as refused:
                codes.add(refused.code)
                waited.append(time.perf_counter() - began)
    assert codes == {-32800}, "every answer came before its cancellation"
    assert min(waited) < 0.05


async def test_a_killed_daemon_costs_no_more_than_one_answer(home: dict[str, str]) -> None:
    async with connected(*SERVER, env=home) as client:
        client.open(URI, FIBONACCI)
        await first_item(client, URI, 3, 4)
        os.kill(status(home)["pid"], signal.SIGKILL)
        client.insert(URI, 3, 4, "a = 1\n    ")
        await client.items(URI, 4, 4, context={"triggerKind": 1})
        client.insert(URI, 4, 4, "b = 2\n    ")
        item = await first_item(client, URI, 5, 4)
    assert item["insertText"].strip()


async def test_another_model_in_the_configuration_takes_over_without_a_restart(
    home: dict[str, str], tmp_path: Path
) -> None:
    other = tmp_path / "other.gguf"
    shutil.copyfile(default_model(), other)
    async with connected(*SERVER, env=home) as client:
        client.open(URI, FIBONACCI)
        await first_item(client, URI, 3, 4)
        before = status(home)
        config = Path(home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
        config.write_text(f'[model]\npath = "{other}"\n')
        client.notify("workspace/didChangeConfiguration", {"settings": {}})
        async with asyncio.timeout(PATIENCE_S):
            while (after := status(home))["model"]["name"] != "other":  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        client.insert(URI, 3, 4, "a = 1\n    ")
        item = await first_item(client, URI, 4, 4)
    assert item["insertText"].strip()
    assert before["model"]["name"] != "other"
    assert after["pid"] == before["pid"]


def test_the_command_line_completes_and_says_where_the_time_went(
    home: dict[str, str], tmp_path: Path
) -> None:
    source = tmp_path / "numbers.py"
    source.write_text(FIBONACCI)
    run = foretype(home, "complete", f"{source}:4:5", "--json")
    assert run.returncode == 0, run.stderr
    record = json.loads(run.stdout)
    assert record["text"].strip()
    assert record["timings"]["decode_tokens"] > 0
    assert record["timings"]["context_ms"] > 0
