"""A day with the worst files: what an editor sends while somebody works on them; and what the watchdog saw.

The server is a real process with a made-up model and a watchdog in it; see `watched_server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from foretype.tests.support import watched_server
from foretype.tests.support.loop_watch import LoopWatch
from foretype.tests.support.lsp_client import LspClient, Refused, connected, python
from foretype.tests.support.private_home import private_home
from foretype.tests.support.worst_files import FILES, KEYS, WorstFile

KEY_S = 0.03
"""Seconds between two keys: faster than anybody types, so that work piles up where it can."""

REST_S = 0.9
"""Seconds without a key: related code is chosen anew."""

_PASTED = "\n" + "pasted(text, of, many, lines);\n" * 33_000


async def work_on(client: LspClient, file: WorstFile) -> None:
    """Open a file, type in it, ask for more and for the next edit, rest, paste a megabyte, take it back."""
    line, character = file.position
    client.open(file.uri, file.text, file.language)
    await _ask(client, file, line, character)
    waiting: list[asyncio.Future[object]] = []
    for typed, key in enumerate(KEYS, 1):
        client.insert(file.uri, line, character + typed - 1, key)
        waiting.append(client.complete(file.uri, line, character + typed)[1])
        waiting.append(_next_edit(client, file, line, character + typed))
        await asyncio.sleep(KEY_S)
    await asyncio.gather(*waiting, return_exceptions=True)
    await _rename_words(client, file, line)
    end = character + len(KEYS)
    await _ask(client, file, line, end, trigger=1)
    await asyncio.sleep(REST_S)
    client.insert(file.uri, line, end, _PASTED)
    await _ask(client, file, line, end)
    await asyncio.wait({_next_edit(client, file, line, end)})
    client.change(file.uri, {"text": file.text})
    await _ask(client, file, line, character)
    client.notify("textDocument/didClose", {"textDocument": {"uri": file.uri}})


def _next_edit(client: LspClient, file: WorstFile, line: int, character: int) -> asyncio.Future[object]:
    position = {"line": line, "character": character}
    params = {"textDocument": {"uri": file.uri}, "position": position}
    return client.request("textDocument/copilotInlineEdit", params)[1]


async def _rename_words(client: LspClient, file: WorstFile, line: int) -> None:
    """Change the first word of some lines in the same way, and ask for the next edit each time."""
    waiting: list[asyncio.Future[object]] = []
    lines = file.text.split("\n")
    for number in range(line + 1, min(len(lines), line + 9)):
        word = re.search(r"[A-Za-z_]\w+", lines[number][:500])
        if word is not None:
            places = ({"line": number, "character": at} for at in word.span())
            client.change(
                file.uri, {"range": dict(zip(("start", "end"), places, strict=True)), "text": "renamed"}
            )
            waiting.append(_next_edit(client, file, number, word.start() + len("renamed")))
            await asyncio.sleep(KEY_S)
    await asyncio.gather(*waiting, return_exceptions=True)


async def _ask(client: LspClient, file: WorstFile, line: int, character: int, *, trigger: int = 2) -> None:
    """Ask and wait for the answer, whatever it is."""
    with contextlib.suppress(Refused):
        await client.items(file.uri, line, character, context={"triggerKind": trigger})


def _next_edit(client: LspClient, file: WorstFile, line: int, character: int) -> asyncio.Future[object]:
    """Ask for the next edit, as front ends do when somebody has typed; its answer to come."""
    place = {"line": line, "character": character}
    return client.request(
        "textDocument/copilotInlineEdit", {"textDocument": {"uri": file.uri}, "position": place}
    )[1]


async def a_day(files: Sequence[WorstFile] = FILES) -> LoopWatch:
    """Work on one file after another in a fresh server; what its watchdog saw."""
    with private_home() as home, tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        async with connected(*python(str(watched_server.__file__), str(report)), env=home) as client:
            for file in files:
                await work_on(client, file)
        return LoopWatch.read(report)
