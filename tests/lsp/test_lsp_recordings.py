"""Sessions that were recorded with real editors, replayed against a real process with a scripted model.

Messages go out in the recorded order. Where the editor had an answer before it went on, so does the replay;
the times between messages are not replayed, so nothing here depends on the machine's speed.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from foretype.lsp.protocol.fields import as_map
from foretype.tests.support import recorder, scripted_server
from foretype.tests.support.lsp_client import PATIENCE_S, LspClient, Refused, python

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.jsonl"))
SCRIPT = {f"def {name}(a, b):": f"\n    return a {sign} b" for name, sign in zip(
    ("add", "sub", "mul", "div"), "+-*/", strict=True
)}  # fmt: skip
CANCELLED = -32800


async def replay(client: LspClient, entries: list[dict[str, Any]]) -> dict[Any, Any]:
    """Send what the editor sent; the result of each of its requests, or the code of the error, by its id."""
    sent: dict[Any, tuple[int, asyncio.Future[Any]]] = {}
    for entry in entries:
        message = entry["message"]
        method, number = message.get("method"), message.get("id")
        if entry["from"] == "server":
            if method is None and number in sent:
                await asyncio.wait({sent[number][1]}, timeout=PATIENCE_S)
        elif method is None or method in ("shutdown", "exit"):
            continue
        elif number is not None:
            sent[number] = client.request(method, message.get("params"))
        elif method == "$/cancelRequest":
            client.cancel(sent[message["params"]["id"]][0])
        else:
            client.notify(method, message.get("params"))
    results: dict[Any, Any] = {}
    for number, (_, future) in sent.items():
        try:
            results[number] = await asyncio.wait_for(future, PATIENCE_S)
        except Refused as refused:
            results[number] = refused.code
    assert all(client.answers[ours] == 1 for ours, _ in sent.values()), "a request was not answered once"
    return results


def texts(result: Any) -> list[str]:
    """The suggestions in an answer; [] for answers of another kind."""
    return [item["insertText"] for item in as_map(result).get("items", [])]


def test_there_are_recordings_of_neovim_and_vs_code() -> None:
    assert {path.stem for path in RECORDINGS} >= {"neovim", "vscode"}


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
async def test_a_recorded_session_is_answered_once_each_and_without_errors(
    recording: Path, tmp_path: Path
) -> None:
    entries = recorder.read(recording)
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    home = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    command = python(str(scripted_server.__file__), str(tmp_path / "script.json"), str(tmp_path / "journal"))
    async with await LspClient.start(*command, env={**os.environ, **home}) as client:
        results = await replay(client, entries)
    recorded = {
        one["message"]["id"]: one["message"].get("result")
        for one in entries
        if one["from"] == "server" and "method" not in one["message"]
    }
    assert [result for result in results.values() if isinstance(result, int) and result != CANCELLED] == []
    shown = {number for number in results if texts(results[number])}
    both = shown & {number for number, result in recorded.items() if texts(result)}
    assert both, "nothing was suggested that the editor had been shown"
    for number in both:
        assert texts(results[number]) == texts(recorded[number])
