"""The Neovim plugin as a release branch holds it, installed by the real vim.pack and as a plain package."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from foretype.tests.support.neovim import LAZY, LOOK, PLUGIN, ROOT, Neovim, neovim, scripted_command

pytestmark = pytest.mark.editors

ANSWERS = {"def add(a, b):": "\n    return a + b"}
YES = "vim.fn.confirm = function() return 1 end -- what a user presses when asked whether to install\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


def write_release(folder: Path) -> Path:
    subprocess.run([str(ROOT / "editors" / "neovim-release.sh"), str(folder)], check=True, timeout=60)
    return folder


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """A repository with the release on its branch `neovim`, as a host would serve it."""
    folder = write_release(tmp_path / "host" / "foretype")
    git(folder, "init", "--quiet", "--initial-branch", "neovim")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "the plugin")
    return folder


def check_it_suggests(editor: Neovim, tmp_path: Path) -> None:
    """Ghost text comes, is accepted, and help is there."""
    editor.edit(tmp_path / "sample.py")
    editor.wait_lua("require('foretype').status().state == 'ready'")
    editor.keys("idef add(a, b):")
    editor.wait_for_ghost("⟦    return a + b⟧")
    editor.keys("<Tab>")
    assert editor.lines == ["def add(a, b):", "    return a + b"]
    editor.keys("<Esc>")
    editor.command("help foretype-keys")


def test_the_tree_is_the_plugin_and_what_explains_it(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "out")
    (folder / "stale.lua").touch()
    git(folder, "init", "--quiet")
    write_release(folder)
    ours = {path.relative_to(PLUGIN).as_posix() for path in PLUGIN.rglob("*") if path.is_file()}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in there if not name.startswith(".git/")} == {*ours, "LICENSE", "README.md"}
    assert (folder / ".git").is_dir()


def test_vim_pack_installs_it_from_the_branch(tmp_path: Path, branch: Path) -> None:
    wanted = f"{{ src = 'file://{branch}', name = 'foretype', version = 'neovim' }}"
    settings = f"vim.g.foretype = {{ cmd = {scripted_command(tmp_path, ANSWERS)} }}"
    init = f"{LOOK}\n{settings}\n{YES}vim.pack.add({{ {wanted} }})"
    with neovim("0.12", tmp_path, init=init) as editor:
        # Neovim listens to others while vim.pack waits for git.
        editor.wait(lambda: editor.lua("return vim.v.vim_did_enter") == 1, "the end of the start")
        (installed,) = editor.lua("return vim.pack.get({ 'foretype' })")
        assert Path(installed["path"]).is_relative_to(tmp_path / "data")
        check_it_suggests(editor, tmp_path)


def test_vim_pack_updates_it(tmp_path: Path, branch: Path) -> None:
    wanted = f"{{ src = 'file://{branch}', name = 'foretype', version = 'neovim' }}"
    init = f"{LOOK}\n{YES}vim.pack.add({{ {wanted} }})"
    with neovim("0.12", tmp_path, init=init) as editor:
        # Neovim listens to others while vim.pack waits for git.
        editor.wait(lambda: editor.lua("return vim.v.vim_did_enter") == 1, "the end of the start")
        (installed,) = editor.lua("return vim.pack.get({ 'foretype' })")
        (branch / "lua" / "foretype" / "newer.lua").write_text("return 'newer'\n")
        git(branch, "add", "--all")
        git(branch, "commit", "--quiet", "--message", "a newer one")
        editor.lua("vim.pack.update({ 'foretype' }, { force = true })")
        there = Path(installed["path"]) / "lua" / "foretype" / "newer.lua"
        editor.wait_lua(f"vim.uv.fs_stat('{there}') ~= nil")
        assert editor.lua("return require('foretype.newer')") == "newer"


@pytest.mark.parametrize("version", ["0.11", "0.12"])
def test_a_clone_of_the_branch_is_a_plain_package(tmp_path: Path, branch: Path, version: str) -> None:
    start = tmp_path / "data" / "nvim" / "site" / "pack" / "foretype" / "start"
    start.mkdir(parents=True)
    git(tmp_path, "clone", "--quiet", "--branch", "neovim", f"file://{branch}", str(start / "foretype"))
    init = f"{LOOK}\nvim.g.foretype = {{ cmd = {scripted_command(tmp_path, ANSWERS)} }}"
    with neovim(version, tmp_path, init=init) as editor:
        check_it_suggests(editor, tmp_path)


def test_a_plugin_manager_that_loads_late_finds_it_at_the_root(tmp_path: Path, branch: Path) -> None:
    """What lazy.nvim does with a folder that it cloned; lazy.nvim itself lies in no package registry."""
    init = LOOK + LAZY % (branch, branch, f"{{ cmd = {scripted_command(tmp_path, ANSWERS)} }}")
    with neovim("0.11", tmp_path, init=init) as editor:
        editor.command(f"edit {tmp_path / 'sample.py'}")
        editor.keys("i")
        editor.wait_lua("require('foretype').status().state == 'ready'")
        editor.wait_lua("#vim.lsp.get_clients({ bufnr = 0, name = 'foretype' }) > 0")
        editor.keys("def add(a, b):")
        editor.wait_for_ghost("⟦    return a + b⟧")
