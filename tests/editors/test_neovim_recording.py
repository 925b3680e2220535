"""A whole session in Neovim, recorded between it and a real language server with a scripted model.

`make recordings` keeps what was recorded as tests/lsp/recordings/neovim.jsonl, for the language server's own
tests to replay.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from foretype.tests.support import recorder
from foretype.tests.support.neovim import LOOK, PLUGIN, ROOT, neovim

pytestmark = pytest.mark.editors

SUPPORT = ROOT / "tests" / "support"
KEPT = ROOT / "tests" / "lsp" / "recordings" / "neovim.jsonl"

SCRIPT = {
    "def add(a, b):": "\n    return a + b",
    "def sub(a, b):": "\n    return a - b",
    "def mul(a, b):": "\n    return a * b",
    "def div(a, b):": "\n    return a / b",
}


def methods(recording: Path, sender: str) -> list[str]:
    """The methods of what one side sent, in order; "" for an answer."""
    return [one["message"].get("method", "") for one in recorder.read(recording) if one["from"] == sender]


def test_a_session_is_recorded_both_ways(tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text(json.dumps(SCRIPT))
    recording = tmp_path / "session.jsonl"
    python = [sys.executable, "-P"]
    server = [*python, str(SUPPORT / "scripted_server.py"), str(tmp_path / "script.json")]
    words = [*python, str(SUPPORT / "recorder.py"), "run", str(recording), *server, str(tmp_path / "journal")]
    command = "{ " + ", ".join(f"'{word}'" for word in words) + " }"
    plain = "vim.cmd('filetype indent off') vim.o.autoindent = false"
    setup = f"vim.opt.runtimepath:append('{PLUGIN}') require('foretype').setup({{ cmd = {command} }})"
    init = f"{LOOK}\n{plain}\n{setup}"
    work = tmp_path / "work"
    work.mkdir()
    with neovim("0.11", tmp_path, init=init) as editor:
        editor.edit(work / "sample.py")
        editor.wait_lua("require('foretype').status().state == 'ready'")
        editor.keys("idef add(a, b):")
        editor.wait_for_ghost("⟦    return a + b⟧")
        editor.keys("<Tab>")
        editor.keys("<Esc>odef sub(a, b):")
        editor.wait_for_ghost("⟦    return a - b⟧")
        editor.lua("require('foretype').accept_word()")
        editor.lua("require('foretype').accept_word()")
        editor.keys("<Esc>odef mul(a, b):")
        editor.wait_for_ghost("⟦    return a * b⟧")
        editor.keys("<CR>    return")  # through the suggestion
        editor.keys("<Esc>odef div(a, b):")
        editor.wait_for_ghost("⟦    return a / b⟧")
        editor.lua("require('foretype').dismiss()")
        editor.command("Foretype disable")
        editor.keys("<BS>:")
        editor.command("Foretype enable")
        editor.keys("<BS>:")
        editor.lua("require('foretype').trigger()")
        editor.wait_lua("not require('foretype.suggest').waiting()")
        editor.command("stopinsert")
        editor.command("write")
        editor.lua("for _, one in ipairs(vim.lsp.get_clients({ name = 'foretype' })) do one:stop() end")
        editor.wait_lua("#vim.lsp.get_clients({ name = 'foretype' }) == 0")
    sent = methods(recording, "client")
    for method in (
        "initialize",
        "initialized",
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/inlineCompletion",
        "textDocument/didShowCompletion",
        "textDocument/didPartiallyAcceptCompletion",
        "workspace/executeCommand",
        "shutdown",
        "exit",
    ):
        assert method in sent
    assert every_request_has_one_answer(recorder.read(recording))
    if os.environ.get("FORETYPE_UPDATE_GOLDENS") == "1":
        names = [(str(work), "/project"), (str(tmp_path), "/home/user"), (str(ROOT), "/opt/foretype")]
        recorder.publish(recording, KEPT, names)


def every_request_has_one_answer(entries: list[dict[str, Any]]) -> bool:
    """Whether each of the client's requests has exactly one answer, and no answer is without a request."""
    asked = [
        one["message"]["id"]
        for one in entries
        if one["from"] == "client" and "method" in one["message"] and "id" in one["message"]
    ]
    answered = [
        one["message"]["id"] for one in entries if one["from"] == "server" and "method" not in one["message"]
    ]
    return sorted(asked, key=str) == sorted(answered, key=str)
