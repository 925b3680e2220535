"""The Neovim plugin as people install it: plain packages, plugin managers, health, help, old Neovims.

lazy.nvim itself lies in no package registry; `LAZY` does what it does with a plugin: plugins off at the
start, the folder put on 'runtimepath' later, its plugin/ files sourced, then setup(opts).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from foretype.editors.setup import placing, snippets
from foretype.tests.support.neovim import (
    LAZY,
    LOOK,
    PLUGIN,
    Neovim,
    executable,
    init_lua,
    neovim,
    scripted_command,
)
from foretype.tests.support.private_home import default_model, private_home

pytestmark = pytest.mark.editors


@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_a_plain_package_works_without_setup(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    placing.carry_out(placing.plan(snippets.find_editor("neovim")))
    command = scripted_command(tmp_path, {"def add(a, b):": "\n    return a + b"})
    init = f"{LOOK}\nvim.g.foretype = {{ cmd = {command} }}"
    with neovim(version, tmp_path, init=init) as editor:
        editor.edit(tmp_path / "sample.py")
        editor.wait_lua("require('foretype').status().state == 'ready'")
        editor.keys("idef add(a, b):")
        editor.wait_for_ghost("⟦    return a + b⟧")
        editor.keys("<Tab>")
        assert editor.lines == ["def add(a, b):", "    return a + b"]
        editor.keys("<Esc>")
        editor.command("help foretype-keys")


@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_a_plugin_manager_may_load_it_late(tmp_path: Path, version: str) -> None:
    command = scripted_command(tmp_path, {"def add(a, b):": "\n    return a + b"})
    init = LOOK + LAZY % (PLUGIN, PLUGIN, f"{{ cmd = {command} }}")
    sample = tmp_path / "sample.py"
    with neovim(version, tmp_path, init=init) as editor:
        editor.command(f"edit {sample}")
        editor.keys("i")
        editor.wait_lua("#vim.lsp.get_clients({ name = 'foretype', bufnr = 0 }) == 1")
        editor.wait_lua("require('foretype').status().state == 'ready'")
        editor.keys("def add(a, b):")
        editor.wait_for_ghost("⟦    return a + b⟧")
        assert editor.lua("return vim.fn.exists(':Foretype')") == 2


def test_settings_that_make_no_sense_are_named_and_the_rest_holds(tmp_path: Path) -> None:
    wrong = """{
      debounce_ms = 'fast', menu = 'sometimes', colour = 'red', filetypes = { python = 1 },
      keys = { accept = 5, jump = '<C-j>', dismiss = '<C-x>' },
    }"""
    before = "vim.notify = function(text) Said = (Said or '') .. text .. '\\n' end"
    with neovim("0.11", tmp_path, init=init_lua(wrong, before=before)) as editor:
        said = editor.lua("return Said")
        for name in ("debounce_ms", "menu", "colour", "filetypes", "keys.accept", "jump"):
            assert f"'{name}'" in said
        keys = editor.lua("return require('foretype.config').current.keys")
        assert keys["accept"] == "<Tab>"
        assert keys["dismiss"] == "<C-x>"


def health(editor: Neovim) -> str:
    editor.command("checkhealth foretype")
    return "\n".join(editor.lines)


def program(tmp_path: Path, findings: list[dict[str, str]]) -> dict[str, str]:
    """An environment with a `foretype` on PATH whose doctor says this."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "foretype").write_text(f"#!/bin/sh\necho '{json.dumps(findings)}'\n")
    (folder / "foretype").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_checkhealth_has_nothing_to_complain_about(tmp_path: Path, version: str) -> None:
    environment = program(tmp_path, [{"subject": "model", "found": "there", "remedy": ""}])
    # The program is looked for, the server that runs is the scripted one.
    init = init_lua(after="require('foretype.config').current.cmd = { 'foretype', 'lsp' }")
    init += "\nif vim.lsp.config then vim.lsp.config('foretype', { cmd = { 'foretype', 'lsp' } }) end"
    with neovim(version, tmp_path, init=init, environment=environment) as editor:
        report = health(editor)
    assert "model: there" in report
    assert "<Tab>: accept" in report
    assert "WARNING" not in report
    assert "ERROR" not in report


def test_checkhealth_names_what_is_wrong(tmp_path: Path) -> None:
    environment = program(tmp_path, [{"subject": "model", "found": "none", "remedy": "pull one"}])
    after = "vim.lsp.config('foretype', { cmd = { 'foretype', 'lsp' } }) vim.keymap.set('i', '<Tab>', 'x')"
    with neovim(
        "0.11", tmp_path, init=init_lua("{ menu = 1 }", after=after), environment=environment, rows=40
    ) as editor:
        report = health(editor)
        editor.lua("vim.lsp.config('foretype', { cmd = { '/nowhere/foretype' } })")
        missing = health(editor)
    assert "'menu' must be" in report
    assert "<Tab> (accept) has been mapped by somebody else" in report
    assert "pull one" in report
    assert "'/nowhere/foretype' cannot be found" in missing


def test_help_is_there_and_every_setting_command_and_key_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    subprocess.run(["cp", "-r", str(PLUGIN), str(folder)], check=True)
    with neovim("0.11", tmp_path, init=f"vim.opt.runtimepath:append('{folder}')") as editor:
        editor.command(f"helptags {folder}/doc")
        golden = PLUGIN / "doc" / "tags"  # kept, so that :help works in a plain package at once
        if os.environ.get("FORETYPE_UPDATE_GOLDENS") == "1":
            golden.write_bytes((folder / "doc" / "tags").read_bytes())
        assert golden.read_bytes() == (folder / "doc" / "tags").read_bytes()
        for subject in ("foretype", "foretype-settings", ":Foretype", "foretype-limits", "b:foretype"):
            editor.command(f"help {subject}")
        text = "\n".join(editor.lines)
        config = editor.lua("return vim.tbl_keys(require('foretype.config').defaults)")
        keys = editor.lua("return vim.tbl_values(require('foretype.config').defaults.keys)")
        commands = editor.lua("return vim.tbl_keys(require('foretype.command').subcommands)")
    assert [name for name in config if f"\t  {name} =" not in text] == []
    assert [key for key in keys if f"\t{key}\t" not in text] == []
    assert [name for name in commands if f":Foretype {name}" not in text and f"[{name}]" not in text] == []


def test_an_old_neovim_gets_a_polite_refusal(tmp_path: Path) -> None:
    nvim = executable("0.7")
    libraries = nvim.parents[1] / "lib" / "x86_64-linux-gnu"
    runtime = nvim.parents[1] / "share" / "nvim" / "runtime"
    script = tmp_path / "look.vim"
    script.write_text(
        f"set runtimepath+={PLUGIN}\nruntime plugin/foretype.lua\nsleep 50m\nForetype\n"
        f"redir! > {tmp_path / 'said'}\nsilent messages\nredir END\nqa!\n"
    )
    run = subprocess.run(
        [str(nvim), "--headless", "--clean", "-S", str(script), str(tmp_path / "x.py")],
        env={**os.environ, "LD_LIBRARY_PATH": str(libraries), "VIMRUNTIME": str(runtime)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = (tmp_path / "said").read_text() + run.stderr
    assert "foretype needs Neovim 0.10 or newer" in said
    assert "Error" not in said
    assert run.returncode == 0


@pytest.mark.model
def test_the_real_thing_suggests_and_is_accepted(tmp_path: Path) -> None:
    with private_home(default_model()) as home:
        command = f"{{ '{sys.executable}', '-P', '-m', 'foretype.lsp' }}"
        setup = f"require('foretype').setup({{ cmd = {command} }})"
        init = f"{LOOK}\nvim.opt.runtimepath:append('{PLUGIN}')\n{setup}"
        with neovim("0.11", Path(home["XDG_RUNTIME_DIR"]).parent, init=init, environment=home) as editor:
            editor.edit(tmp_path / "sample.py", "def fibonacci(n):\n    if n < 2:\n        return n\n")
            editor.wait_lua("require('foretype').status().model ~= ''")
            editor.wait_lua("require('foretype').status().state == 'ready'")
            editor.keys("Go<C-U>    return fibonacci(")
            editor.keys("<M-Bslash>")
            editor.wait_for_ghost()
            editor.keys("<Tab>")
            assert editor.lines[-1].startswith("    return fibonacci(")
            assert len("\n".join(editor.lines[3:])) > len("    return fibonacci(")
