"""`foretype acp`, the real process: one message a line on stdin and stdout, and nothing else is started."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from pathlib import Path

import pytest
from foretype.tests.support.acp_client import COMMAND, URI, acp_process, rename
from foretype.tests.support.lsp_client import Refused
from foretype.tests.support.private_home import private_home


@pytest.fixture
def home() -> Generator[dict[str, str]]:
    with private_home(Path("/nowhere/to/be/found.gguf")) as environment:
        yield environment


def sockets(home: dict[str, str]) -> list[Path]:
    """Where a daemon listens."""
    return [path for path in Path(home["XDG_RUNTIME_DIR"]).rglob("*") if path.is_socket()]


async def test_a_rename_is_followed_and_counted_and_no_daemon_is_started_for_it(home: dict[str, str]) -> None:
    async with acp_process(home) as agent:
        (suggestion,) = await rename(agent)
        assert suggestion["edits"][0]["newText"] == "width"
        agent.tell("nes/accept", id=suggestion["id"])
        await agent.ask("nes/suggest", uri=URI, version=0, position={"line": 0, "character": 0})
        assert await agent.close() == 0, "it ends with its stdin"
    assert sockets(home) == []
    stats = await asyncio.create_subprocess_exec(
        *COMMAND[:-1], "stats", "--json", env=home, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await stats.communicate()
    assert "rename" in json.dumps(json.loads(printed))


async def test_a_large_document_is_one_line_and_a_broken_one_is_answered(home: dict[str, str]) -> None:
    async with acp_process(home) as agent:
        agent.open(URI, "x = 1\n" * 500_000)
        assert await agent.suggestions(URI, 0, 0) == []
        agent.send_line(b"{")
        with pytest.raises(Refused) as refused:
            await agent.answer(None)
        assert refused.value.code == -32700
        assert await agent.ask("nes/close") == {}
