"""The real llama.vim in a real Neovim, at `foretype serve`'s server with a scripted model.

The plugin is not part of this repository: FORETYPE_LLAMA_VIM names a folder with a clone of it, and without
one these are skipped. What it sends is recorded in `support/http_plugin`, and `daemon/test_http_serve` and
`test_http_documents` answer that: its ring of chunks, reading ahead, requests that are taken back.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from foretype.tests.support.fake_engine import FakeEngine
from foretype.tests.support.http_plugin import serving
from foretype.tests.support.neovim import LOOK, Neovim, neovim

pytestmark = pytest.mark.editors

STARTS_S = 20.0
SHOWN = """(function()
  local ns = vim.api.nvim_create_namespace('vt_fim')
  local said = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, ns, 0, -1, { details = true })) do
    for _, part in ipairs(mark[4].virt_text or {}) do
      if part[2] == 'llama_hl_hint' then said[#said + 1] = part[1] end
    end
    for _, line in ipairs(mark[4].virt_lines or {}) do said[#said + 1] = line[1][1] end
  end
  return table.concat(said, '\\n')
end)()"""
"""Lua: the ghost text that the plugin shows."""


@contextmanager
def served(engine: FakeEngine) -> Generator[int]:
    """The server in a thread of its own; the port that it listens on."""
    started, port, stops = threading.Event(), [0], asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(engine) as one:
            port[0] = one.port
            started.set()
            await stops.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(STARTS_S)
        yield port[0]
    finally:
        loop.call_soon_threadsafe(stops.set)
        thread.join()
        loop.close()


@pytest.fixture
def engine() -> FakeEngine:
    """A model that has an answer."""
    return FakeEngine(lambda _prompt: ["return a + b\n"])


@pytest.fixture
def editor(engine: FakeEngine, tmp_path: Path) -> Generator[Neovim]:
    """An editor with the plugin, and a file."""
    plugin = os.environ.get("FORETYPE_LLAMA_VIM", "")
    if not (Path(plugin) / "autoload" / "llama.vim").is_file():
        pytest.skip("needs a clone of llama.vim, whose folder FORETYPE_LLAMA_VIM names")
    if shutil.which("curl") is None:
        pytest.skip("needs curl, which llama.vim calls")
    with served(engine) as port:
        address = f"http://127.0.0.1:{port}/infill"
        init = f"""{LOOK}
vim.g.llama_config = {{
  endpoint = '{address}', endpoint_fim = '{address}', ring_update_ms = 50, show_info = 0,
}}
vim.opt.runtimepath:append('{plugin}')
"""
        with neovim("0.11", tmp_path, init=init) as one:
            (tmp_path / "sample.py").write_text("def add(a, b):\n    \n\n\nprint(add(1, 2))\n")
            one.command(f"edit {tmp_path / 'sample.py'}")
            one.command("call llama#init()")
            yield one


def test_ghost_text_is_shown_and_taken(editor: Neovim) -> None:
    editor.keys("jA ")
    editor.wait_lua(f"{SHOWN} ~= ''")
    assert "return a + b" in editor.lua(f"return {SHOWN}")
    editor.keys("<Tab>")
    assert editor.lines[1].strip() == "return a + b"


def test_keys_that_follow_each_other_end_the_requests_before_them(editor: Neovim, engine: FakeEngine) -> None:
    for key in "jAretu":
        editor.keys(key)
    editor.wait_lua(f"{SHOWN} ~= ''")
    assert engine.running is None
    calls = [call for call in engine.of("complete") if call.prompt is not None]
    assert calls
    assert calls[-1].prompt is not None
    assert calls[-1].prompt.prefix.endswith("retu")
