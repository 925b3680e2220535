"""What a workspace keeps back, end to end: no suggestions and a reason, and no word of it in any prompt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support import scripted_server
from foretype.tests.support.lsp_client import PATIENCE_S, LspClient, connected, python
from foretype.tests.support.private_home import private_home

SHOWN = "class Rectangle:\n    def widen(self, margin):\n        return margin\n"
PRIVATE = "class Rectangle:\n    def embargoed_margin(self):\n        return 7\n"
MAIN = "def grow(shape: Rectangle):\n    rectangle = \n"


@asynccontextmanager
async def editor(tmp_path: Path, narrowing: dict[str, str]) -> AsyncGenerator[LspClient]:
    """A client with a workspace that has such files at its root."""
    project = tmp_path / "project"
    project.mkdir()
    for name, text in narrowing.items():
        (project / name).write_text(text)
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"": "grow"}))
    command = python(str(scripted_server.__file__), str(script), str(tmp_path / "journal"))
    folders = [{"uri": project.as_uri(), "name": "project"}]
    options = {"status": True}
    with private_home() as home:
        async with connected(
            *command, env=home, workspaceFolders=folders, initializationOptions=options
        ) as client:
            yield client


def uri(tmp_path: Path, name: str) -> str:
    return (tmp_path / "project" / name).as_uri()


def journal(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "journal"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def inactive_because(client: LspClient) -> str:
    """Wait until the status is inactive; the reason it gives."""
    while True:
        status = (await client.expect("foretype/status"))["params"]
        if status["state"] == "inactive":
            return status["message"]


@pytest.mark.parametrize(
    ("narrowing", "name", "why"),
    [
        ({".foretypeignore": "private.py\n"}, "private.py", ".foretypeignore"),
        ({".foretype.toml": 'exclude = ["private.py"]\n'}, "private.py", ".foretype.toml"),
        ({".foretype.toml": "disable = true\n"}, "main.py", "switches suggestions off"),
        ({".foretype.toml": 'disable_languages = ["python"]\n'}, "main.py", "python"),
        ({}, ".env", "secrets"),
    ],
)
async def test_there_are_no_suggestions_and_the_status_says_why(
    tmp_path: Path, narrowing: dict[str, str], name: str, why: str
) -> None:
    async with editor(tmp_path, narrowing) as client:
        client.open(uri(tmp_path, name), MAIN)
        assert why in await inactive_because(client)
        assert await client.items(uri(tmp_path, name), 1, 16, context={"triggerKind": 1}) == []
        if "disable" not in str(narrowing):
            client.open(uri(tmp_path, "notes.py"), "grow ")
            while (await client.expect("foretype/status"))["params"]["state"] == "inactive":
                pass
    assert not [entry for entry in journal(tmp_path) if name in entry.get("session", "")]


@pytest.mark.parametrize("narrowing", [{".foretypeignore": "private.py\n"}, {}])
async def test_the_text_of_an_open_document_that_is_kept_back_reaches_no_prompt(
    tmp_path: Path, narrowing: dict[str, str]
) -> None:
    """Without the rule it does: the test would notice."""
    async with editor(tmp_path, narrowing) as client:
        client.open(uri(tmp_path, "shapes.py"), SHOWN)
        client.open(uri(tmp_path, "private.py"), PRIVATE)
        client.insert(uri(tmp_path, "private.py"), 2, 8, "return 8 # ")
        client.open(uri(tmp_path, "main.py"), MAIN)
        await client.items(uri(tmp_path, "main.py"), 1, 16, context={"triggerKind": 1})
        async with asyncio.timeout(PATIENCE_S):
            while not any("widen" in entry.get("related", "") for entry in journal(tmp_path)):  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.02)
    told = json.dumps(journal(tmp_path))
    assert ("embargoed" in told) is (not narrowing)
