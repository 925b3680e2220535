"""What the server does beside inline completion, end to end with a scripted model."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support import scripted_server
from foretype.tests.support.lsp_client import PATIENCE_S, LspClient, python

URI = "file:///srv/space/example.py"
INVOKED: dict[str, Any] = {"triggerKind": 1}


@asynccontextmanager
async def server(tmp_path: Path, script: dict[str, Any], **params: Any) -> AsyncGenerator[LspClient]:
    (tmp_path / "script.json").write_text(json.dumps(script))
    home = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    command = python(str(scripted_server.__file__), str(tmp_path / "script.json"), str(tmp_path / "journal"))
    async with await LspClient.start(*command, env={**os.environ, **home}) as client:
        await client.initialize(**params)
        yield client


def journal(tmp_path: Path, event: str) -> list[dict[str, Any]]:
    lines = (tmp_path / "journal").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["event"] == event]


async def command(client: LspClient, name: str, *arguments: Any) -> Any:
    return await client.ask(
        "workspace/executeCommand", {"command": f"foretype.{name}", "arguments": list(arguments)}
    )


async def test_the_first_lines_come_within_the_budget_and_the_rest_follows(tmp_path: Path) -> None:
    script = {"if x:": ["\n    print(x)\n    p", "rint(1)\n", None]}
    options = {"completion": {"latencyBudgetMs": 20, "multiline": "always"}}
    async with server(tmp_path, script, initializationOptions=options) as client:
        client.open(URI, "x = 1\nif x:\n")
        (first,) = await client.items(URI, 1, 5)
        client.insert(URI, 1, 5, "\n    print(x)")
        (rest,) = await client.items(URI, 2, 12)
    assert first["insertText"].startswith("\n    print(x)")
    assert rest["insertText"] == "\n    print(1)"
    assert len(journal(tmp_path, "complete")) == 1


async def test_an_explicit_request_gets_several_candidates(tmp_path: Path) -> None:
    async with server(tmp_path, {"x = ": "1", "#1 x = ": "2", "#2 x = ": "1"}) as client:
        client.open(URI, "x = ")
        items = await client.items(URI, 0, 4, context=INVOKED)
    assert sorted(item["insertText"] for item in items) == ["1", "2"]


async def test_the_popup_menus_entry_is_extended_in_its_range(tmp_path: Path) -> None:
    async with server(tmp_path, {"print": "(x)"}) as client:
        client.open(URI, "x = 1\npri")
        selected = {
            "range": {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}},
            "text": "print",
        }
        context = {"triggerKind": 2, "selectedCompletionInfo": selected}
        (item,) = await client.items(URI, 1, 3, context=context)
    assert item["insertText"] == "print(x)"
    assert item["range"] == selected["range"]
    assert item["filterText"].startswith("pri")


async def test_clients_without_ghost_text_get_completion_items(tmp_path: Path) -> None:
    async with server(tmp_path, {"ret": "urn 1"}) as client:
        assert client.hello["capabilities"]["completionProvider"]
        client.open(URI, "def one():\n    ret")
        place = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 7}}
        answer = await client.ask("textDocument/completion", place)
    (item,) = answer["items"]
    assert answer["isIncomplete"] is True
    assert item["textEdit"] == {
        "range": {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 7}},
        "newText": "return 1",
    }
    assert item["filterText"].startswith("ret")


async def test_clients_with_ghost_text_are_not_offered_the_fallback(tmp_path: Path) -> None:
    async with server(tmp_path, {}, capabilities={"textDocument": {"inlineCompletion": {}}}) as client:
        assert "completionProvider" not in client.hello["capabilities"]


async def test_settings_take_effect_at_once_and_never_from_a_wrong_value(tmp_path: Path) -> None:
    async with server(tmp_path, {"x = ": "1", "y = ": "2"}) as client:
        client.open(URI, "x = ")
        client.notify(
            "workspace/didChangeConfiguration",
            {"settings": {"foretype": {"completion": {"disabledLanguages": ["python"], "maxTokens": "x"}}}},
        )
        assert await client.items(URI, 0, 4) == []
        client.notify("workspace/didChangeConfiguration", {"settings": {"foretype": {}}})
        assert len(await client.items(URI, 0, 4)) == 1


async def test_settings_are_pulled_from_clients_that_like_that(tmp_path: Path) -> None:
    async with server(tmp_path, {}, capabilities={"workspace": {"configuration": True}}) as client:
        request = await client.expect("workspace/configuration")
    assert request["params"]["items"] == [{"section": "foretype"}]


@pytest.mark.parametrize("scope", ["everywhere", "language", "workspace"])
async def test_suggestions_can_be_switched_off_and_on(tmp_path: Path, scope: str) -> None:
    roots = [{"uri": "file:///srv/space", "name": "space"}]
    async with server(tmp_path, {"x = ": "1"}, workspaceFolders=roots) as client:
        client.open(URI, "x = ")
        assert "off" in await command(client, "disable", scope, URI)
        assert await client.items(URI, 0, 4) == []
        assert "on" in await command(client, "enable", scope, URI)
        assert len(await client.items(URI, 0, 4)) == 1


async def test_a_dismissed_suggestion_does_not_come_again(tmp_path: Path) -> None:
    async with server(tmp_path, {"x = ": "1"}) as client:
        client.open(URI, "x = ")
        (item,) = await client.items(URI, 0, 4)
        await command(client, "dismissed", *item["command"]["arguments"])
        assert await client.items(URI, 0, 4) == []


async def test_the_context_can_be_looked_at(tmp_path: Path) -> None:
    async with server(tmp_path, {}) as client:
        client.open(URI, "first = 1\nsecond = 2\n")
        text = await command(client, "showContext", URI, {"line": 1, "character": 3})
    assert "sec\n```" in text
    assert "```\nond = 2" in text


async def test_odd_commands_are_answered(tmp_path: Path) -> None:
    async with server(tmp_path, {}) as client:
        odd: list[list[Any]] = [[], [None], [3, {}], ["file:///none", {"line": "x"}]]
        for name in ("accepted", "dismissed", "showContext", "disable", "nonsense", "log", "status"):
            for arguments in odd:
                await command(client, name, *arguments)
        await client.ask("workspace/executeCommand", {"command": None})


async def test_status_is_told_to_those_who_ask(tmp_path: Path) -> None:
    async with server(tmp_path, {"x = ": "1"}, initializationOptions={"status": True}) as client:
        client.open(URI, "x = ")
        await client.items(URI, 0, 4)
        states = [(await client.expect("foretype/status"))["params"]["state"] for _ in range(5)]
    assert states[0] == "ready"
    assert "loading" in states
    assert "busy" in states


async def test_what_was_shown_and_accepted_is_counted(tmp_path: Path) -> None:
    async with server(tmp_path, {"x = ": "12345", "y = ": "67"}) as client:
        client.open(URI, "x = \ny = ")
        (item,) = await client.items(URI, 0, 4)
        client.notify("textDocument/didShowCompletion", {"item": item})
        client.notify("textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": 3})
        (other,) = await client.items(URI, 1, 4)
        await command(client, "accepted", *other["command"]["arguments"])
        text = await command(client, "statistics")
    assert "2 suggestions, 100 % accepted, 5 characters" in text


async def test_statistics_can_be_switched_off(tmp_path: Path) -> None:
    options = {"statistics": {"enabled": False}}
    async with server(tmp_path, {"x = ": "1"}, initializationOptions=options) as client:
        client.open(URI, "x = ")
        await client.items(URI, 0, 4)
    assert not (tmp_path / "XDG_DATA_HOME").exists()


async def test_a_notebooks_cells_are_documents(tmp_path: Path) -> None:
    cell = "vscode-notebook-cell:/srv/space/n.ipynb#1"
    async with server(tmp_path, {"x = ": "1", "y = ": "2"}) as client:
        document = {"uri": cell, "languageId": "python", "version": 1, "text": "x = "}
        client.notify("notebookDocument/didOpen", {"notebookDocument": {}, "cellTextDocuments": [document]})
        assert len(await client.items(cell, 0, 4)) == 1
        change = {
            "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}},
            "text": "y",
        }
        content = [{"document": {"uri": cell, "version": 2}, "changes": [change]}]
        client.notify("notebookDocument/didChange", {"change": {"cells": {"textContent": content}}})
        (item,) = await client.items(cell, 0, 4)
        client.notify("notebookDocument/didClose", {"cellTextDocuments": [{"uri": cell}]})
        gone = await client.items(cell, 0, 4)
    assert item["insertText"] == "2"
    assert gone == []


async def test_the_server_ends_with_its_editor(tmp_path: Path) -> None:
    editor = await asyncio.create_subprocess_exec(*python("-c", "input()"), stdin=asyncio.subprocess.PIPE)
    async with server(tmp_path, {}, processId=editor.pid) as client:
        editor.kill()
        await editor.wait()
        assert await asyncio.wait_for(client.process.wait(), PATIENCE_S) == 1
