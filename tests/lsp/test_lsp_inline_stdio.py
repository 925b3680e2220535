"""Inline completion end to end: a real process on real stdio, with a scripted model behind it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support import scripted_server
from foretype.tests.support.lsp_client import PATIENCE_S, LspClient, Refused, inline_params, python

URI = "file:///srv/space/example.py"


@asynccontextmanager
async def server(tmp_path: Path, script: dict[str, Any], **params: Any) -> AsyncGenerator[LspClient]:
    """A connected client whose model says what `script` says."""
    (tmp_path / "script.json").write_text(json.dumps(script))
    async with await start(tmp_path) as client:
        await client.initialize(**params)
        yield client


async def start(tmp_path: Path) -> LspClient:
    """A started server with the script of `tmp_path`, in a home of its own."""
    home = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    return await LspClient.start(
        *python(str(scripted_server.__file__), str(tmp_path / "script.json"), str(tmp_path / "journal")),
        env={**os.environ, **home},
    )


def journal(tmp_path: Path, event: str) -> list[dict[str, Any]]:
    path = tmp_path / "journal"
    lines = path.read_text().splitlines() if path.exists() else []
    return [entry for entry in map(json.loads, lines) if entry["event"] == event]


async def happened(tmp_path: Path, event: str, count: int = 1) -> None:
    """Wait until the backend's journal has `count` entries of `event`."""
    until = time.monotonic() + PATIENCE_S
    while len(journal(tmp_path, event)) < count:
        assert time.monotonic() < until, f"the backend never saw {count} times {event}"
        await asyncio.sleep(0.005)


def place(start: tuple[int, int], end: tuple[int, int]) -> dict[str, Any]:
    return {
        "start": {"line": start[0], "character": start[1]},
        "end": {"line": end[0], "character": end[1]},
    }


async def test_a_completion_arrives_with_its_place(tmp_path: Path) -> None:
    async with server(tmp_path, {"return ": "a + b"}) as client:
        client.open(URI, "def add(a, b):\n    return ")
        (item,) = await client.items(URI, 1, 11)
    assert item["insertText"] == "a + b"
    assert item["range"] == place((1, 11), (1, 11))
    assert item["command"]["arguments"]


async def test_the_capabilities_are_said_at_once_and_statically(tmp_path: Path) -> None:
    async with server(tmp_path, {}, capabilities={"general": {"positionEncodings": ["utf-8"]}}) as client:
        told = client.hello["capabilities"]
    assert told["inlineCompletionProvider"] == {"workDoneProgress": False}
    assert told["positionEncoding"] == "utf-8"
    assert client.requests == []


@pytest.mark.parametrize(
    ("encoding", "character", "end"), [("utf-8", 10, 11), ("utf-16", 7, 8), ("utf-32", 6, 7), (None, 7, 8)]
)
async def test_positions_count_what_was_negotiated(
    tmp_path: Path, encoding: str | None, character: int, end: int
) -> None:
    offered = {"general": {"positionEncodings": [encoding]}} if encoding else {}
    async with server(tmp_path, {"x(é𝒙": "y)"}, capabilities=offered) as client:
        client.open(URI, "\n  x(é𝒙)\n")
        (item,) = await client.items(URI, 1, character)
    assert item["range"] == place((1, character), (1, end))


async def test_what_was_typed_is_completed_without_asking_the_model_again(tmp_path: Path) -> None:
    async with server(tmp_path, {"re": "turn a + b"}) as client:
        client.open(URI, "def add(a, b):\n    re")
        await client.items(URI, 1, 6)
        client.insert(URI, 1, 6, "tur")
        (item,) = await client.items(URI, 1, 9)
        assert item["insertText"] == "n a + b"
        assert item["range"] == place((1, 9), (1, 9))
        client.change(URI, {"range": place((1, 8), (1, 9)), "text": ""})
        (item,) = await client.items(URI, 1, 8)
        assert item["insertText"] == "rn a + b"
    assert len(journal(tmp_path, "complete")) == 1


async def test_a_cancelled_request_is_answered_at_once_and_the_backend_hears_of_it(tmp_path: Path) -> None:
    async with server(tmp_path, {"": [None]}) as client:
        client.open(URI, "x = ")
        number, answer = client.complete(URI, 0, 4)
        await happened(tmp_path, "complete")
        began = time.perf_counter()
        client.cancel(number)
        with pytest.raises(Refused) as refused:
            await asyncio.wait_for(answer, PATIENCE_S)
        waited = time.perf_counter() - began
        await happened(tmp_path, "cancelled")
    assert refused.value.code == -32800
    assert waited < 0.5


async def test_a_newer_request_replaces_the_older(tmp_path: Path) -> None:
    async with server(tmp_path, {"x = ": [None], "x = 4": "2"}) as client:
        client.open(URI, "x = ")
        number, older = client.complete(URI, 0, 4)
        await happened(tmp_path, "complete")
        client.insert(URI, 0, 4, "4")
        (item,) = await client.items(URI, 0, 5)
        with pytest.raises(Refused) as refused:
            await asyncio.wait_for(older, PATIENCE_S)
        await happened(tmp_path, "cancelled")
    assert item["insertText"] == "2"
    assert refused.value.code == -32800
    assert client.answers[number] == 1


async def test_typing_what_the_model_is_saying_joins_the_running_generation(tmp_path: Path) -> None:
    async with server(tmp_path, {"x = ": ["42", None]}) as client:
        client.open(URI, "x = ")
        client.complete(URI, 0, 4)
        await happened(tmp_path, "complete")
        client.insert(URI, 0, 4, "4")
        number, _ = client.complete(URI, 0, 5)
        client.cancel(number)
        await happened(tmp_path, "cancelled")
    assert len(journal(tmp_path, "complete")) == 1


async def test_an_answer_for_a_text_that_has_changed_is_empty(tmp_path: Path) -> None:
    async with server(tmp_path, {"x = ": ["1", "2"]}) as client:
        client.open(URI, "x = ")
        _, answer = client.complete(URI, 0, 4)
        client.insert(URI, 0, 0, "#")
        result = await asyncio.wait_for(answer, PATIENCE_S)
    assert result["items"] == [] or result["items"][0]["insertText"] == "12"


async def test_a_document_closed_meanwhile_is_answered_as_cancelled_and_forgotten(tmp_path: Path) -> None:
    async with server(tmp_path, {"": [None]}) as client:
        client.open(URI, "x = ")
        _, answer = client.complete(URI, 0, 4)
        await happened(tmp_path, "complete")
        client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        with pytest.raises(Refused) as refused:
            await asyncio.wait_for(answer, PATIENCE_S)
        await happened(tmp_path, "forget")
    assert refused.value.code == -32800


@pytest.mark.parametrize(
    "params",
    [
        {},
        None,
        [],
        {"textDocument": None, "position": 3, "context": "no"},
        inline_params("file:///never/opened.py", 0, 0),
        inline_params(URI, -1, -1),
        inline_params(URI, 10**9, 10**9),
        {**inline_params(URI, 0, 4), "context": {"triggerKind": 0}},
        {**inline_params(URI, 0, 4), "context": {"triggerKind": "often"}},
        {**inline_params(URI, 0, 4), "context": {"triggerKind": 2, "selectedCompletionInfo": {"range": 1}}},
        {"textDocument": {"uri": URI, "version": 77}, "position": {"line": 0, "character": 4}},
        {**inline_params(URI, 0, 4), "formattingOptions": {"tabSize": "wide", "insertSpaces": 1}},
    ],
)
async def test_an_odd_request_is_answered(tmp_path: Path, params: Any) -> None:
    async with server(tmp_path, {"x = ": "1"}) as client:
        client.open(URI, "x = ")
        client.send({"id": 99, "method": "textDocument/inlineCompletion", "params": params})
        await client.items(URI, 0, 4, context={"triggerKind": 1})
        assert client.answers.get(99) == 1


async def test_requests_out_of_order_are_refused_politely(tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text("{}")
    async with await start(tmp_path) as client:
        with pytest.raises(Refused) as early:
            await client.ask("textDocument/inlineCompletion", inline_params(URI, 0, 0))
        await client.initialize()
        with pytest.raises(Refused) as unknown:
            await client.ask("textDocument/rainbow")
        await client.ask("shutdown")
        with pytest.raises(Refused) as late:
            await client.ask("textDocument/inlineCompletion", inline_params(URI, 0, 0))
        client.notify("exit")
        assert await asyncio.wait_for(client.process.wait(), PATIENCE_S) == 0
    assert (early.value.code, unknown.value.code, late.value.code) == (-32002, -32601, -32600)


async def test_leaving_without_shutdown_or_by_closing_stdin_ends_the_process(tmp_path: Path) -> None:
    for leave in ("exit", "close"):
        async with server(tmp_path, {"": [None]}) as client:
            client.open(URI, "x = ")
            client.complete(URI, 0, 4)
            if leave == "exit":
                client.notify("exit")
            else:
                client.hang_up()
            assert await asyncio.wait_for(client.process.wait(), PATIENCE_S) == 1


async def test_loading_the_model_is_shown_as_progress_to_clients_that_can(tmp_path: Path) -> None:
    async with server(tmp_path, {}, capabilities={"window": {"workDoneProgress": True}}) as client:
        client.open(URI, "x = ")
        create = await client.expect("window/workDoneProgress/create")
        kinds = [(await client.expect("$/progress"))["params"]["value"]["kind"] for _ in range(3)]
    assert create["params"]["token"]
    assert kinds == ["begin", "report", "end"]
