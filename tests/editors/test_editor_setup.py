"""`foretype setup`: what it shows, what it writes, and that it takes back exactly that."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from foretype.context.shared.problem import Problem
from foretype.editors.setup import placing, snippets
from foretype.editors.setup.command import setup
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(setup, arguments, input=answer, catch_exceptions=False)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def plugin_folder() -> Path:
    write = snippets.find_editor("neovim").write
    assert write is not None
    return Path(write.path)


def test_all_editors_are_listed_and_say_whether_they_were_tested() -> None:
    listed = run().output
    for name in (
        "neovim",
        "vscode",
        "vim",
        "helix",
        "emacs",
        "lsp-mode",
        "kakoune",
        "sublime",
        "zed",
        "jetbrains",
    ):
        snippet = snippets.find_editor(name)
        assert f"  {name} " in listed
        shown = run(name).output
        assert snippet.title in shown
        assert "ested" in snippet.tested
        assert snippet.snippet.strip() in shown
        assert "@" not in shown.replace("@plugin", "")


def test_names_that_people_use_are_known() -> None:
    assert snippets.find_editor("nvim").name == "neovim"
    assert snippets.find_editor("HX").name == "helix"
    with pytest.raises(Problem, match="There is no editor 'notepad'"):
        snippets.find_editor("notepad")


def test_snippets_in_toml_and_json_are_well_formed() -> None:
    for name in snippets.editor_names():
        snippet = snippets.find_editor(name)
        if snippet.language == "toml":
            assert tomllib.loads(snippet.snippet)
        elif snippet.language == "json":
            assert json.loads(snippet.snippet)


def test_a_command_that_is_not_on_path_is_named_in_full(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "foretype").touch()
    monkeypatch.setattr("sys.executable", str(home / "bin" / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert str(home / "bin" / "foretype") in snippets.find_editor("vim").snippet


@pytest.mark.parametrize(
    "editor", ["neovim", "vim", "helix", "emacs", "lsp-mode", "kakoune", "sublime", "zed"]
)
def test_write_and_undo_leave_things_as_they_were(home: Path, editor: str) -> None:
    (home / "mine").write_text("x")
    before = tree(home)
    assert run(editor, "--write", "--yes").exit_code == 0
    assert tree(home) != before
    assert "already" in run(editor, "--write", "--yes").output
    assert run(editor, "--undo", "--yes").exit_code == 0
    assert tree(home) == before
    assert "nothing to take back" in run(editor, "--undo", "--yes").output


def test_nothing_is_written_without_a_yes(home: Path) -> None:
    output = run("vim", "--write", answer="n\n").output
    assert "+++ " in output
    assert "Nothing was changed." in output
    assert tree(home) == {}


def test_the_users_lines_stay_and_the_mode_and_the_link_too(home: Path) -> None:
    dotfiles = home / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "vimrc").write_text("set number")
    (dotfiles / "vimrc").chmod(0o600)
    (home / ".vimrc").symlink_to(dotfiles / "vimrc")
    run("vim", "--write", "--yes")
    text = (dotfiles / "vimrc").read_text()
    assert text.startswith("set number\n\n")
    assert "LspAddServer" in text
    assert (home / ".vimrc").is_symlink()
    assert (dotfiles / "vimrc").stat().st_mode & 0o777 == 0o600
    run("vim", "--undo", "--yes")
    assert (dotfiles / "vimrc").read_text() == "set number\n"


def test_a_file_that_is_there_is_taken_rather_than_a_new_one(home: Path) -> None:
    (home / ".emacs").write_text(";; mine\n")
    run("emacs", "--write", "--yes")
    assert "eglot" in (home / ".emacs").read_text()
    assert not (home / ".emacs.d").exists()


def test_a_file_that_only_its_user_understands_is_left_alone(home: Path) -> None:
    settings = home / ".config" / "zed" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{ "vim_mode": true } // mine')
    with pytest.raises(Problem, match="Add it by hand"):
        placing.plan(snippets.find_editor("zed"))
    assert settings.read_text() == '{ "vim_mode": true } // mine'


def test_what_was_changed_by_hand_is_not_undone(home: Path) -> None:
    run("helix", "--write", "--yes")
    file = home / ".config" / "helix" / "languages.toml"
    file.write_text(file.read_text() + "# mine\n")
    with pytest.raises(Problem, match="changed by hand"):
        placing.undo_plan(snippets.find_editor("helix"))


def test_neovims_folder_of_somebody_else_is_left_alone() -> None:
    target = plugin_folder()
    target.mkdir(parents=True)
    (target / "init.lua").write_text("mine")
    with pytest.raises(Problem, match="not foretype's doing"):
        placing.plan(snippets.find_editor("neovim"))
    assert not placing.undo_plan(snippets.find_editor("neovim")).changes


def test_a_newer_plugin_replaces_the_older_and_leaves_what_the_user_added() -> None:
    run("neovim", "--write", "--yes")
    target = plugin_folder()
    (target / "plugin" / "foretype.lua").write_text("old")
    (target / "mine.lua").write_text("mine")
    receipt = target / placing.RECEIPT
    receipt.write_text(json.dumps([*json.loads(receipt.read_text()), "lua/gone.lua", "../../outside"]))
    (target / "lua" / "gone.lua").write_text("old")
    (target.parent.parent / "outside").write_text("mine")
    assert "changed" in run("neovim", "--write", "--yes").output
    assert not (target / "lua" / "gone.lua").exists()
    assert (target / "plugin" / "foretype.lua").read_text() != "old"
    run("neovim", "--undo", "--yes")
    assert tree(target) == {"mine.lua": b"mine"}
    assert (target.parent.parent / "outside").exists()


def test_a_file_that_changes_between_look_and_deed_is_left_alone(home: Path) -> None:
    plan = placing.plan(snippets.find_editor("vim"))
    (home / ".vimrc").write_text("set number\n")
    with pytest.raises(Problem, match="changed meanwhile"):
        placing.carry_out(plan)
    assert (home / ".vimrc").read_text() == "set number\n"


def test_an_editor_that_puts_itself_into_place_says_so() -> None:
    with pytest.raises(Problem, match="set up by hand"):
        placing.plan(snippets.find_editor("vscode"))


@given(text=st.text(st.sampled_from('ab"\n \t#é')))
def test_a_block_comes_and_goes_without_a_trace(text: str) -> None:
    snippet = snippets.find_editor("vim")
    written = placing.with_block(text, snippet, '"')
    assert placing.with_block(written, snippet, '"') == written
    back = placing.without_block(written, snippet, '"')
    assert back == text or (back == text + "\n" and not text.endswith("\n"))


@pytest.mark.parametrize(
    ("editor", "system", "place"),
    [
        ("neovim", "win32", "LOCAL/nvim-data/site/pack/foretype/start/foretype"),
        ("neovim", "darwin", "HOME/.local/share/nvim/site/pack/foretype/start/foretype"),
        ("helix", "win32", "ROAMING/helix/languages.toml"),
        ("zed", "win32", "ROAMING/Zed/settings.json"),
        (
            "sublime",
            "darwin",
            "HOME/Library/Application Support/Sublime Text/Packages/User/LSP.sublime-settings",
        ),
        ("emacs", "win32", "ROAMING/.emacs.d/init.el"),
        ("vim", "win32", "HOME/_vimrc"),
        ("vim", "linux", "HOME/.vimrc"),
    ],
)
def test_each_system_has_the_editors_files_where_it_keeps_them(
    home: Path, monkeypatch: pytest.MonkeyPatch, editor: str, system: str, place: str
) -> None:
    monkeypatch.setenv("APPDATA", str(home / "roaming"))
    monkeypatch.setenv("LOCALAPPDATA", str(home / "local"))
    write = snippets.find_editor(editor, system).write
    assert write is not None
    shortened = write.path
    for name in ("roaming", "local"):
        shortened = shortened.replace(f"{home}/{name}", name.upper())
    assert shortened.replace(str(home), "HOME") == place


def test_a_windows_path_is_no_escape_in_an_editors_own_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """ "C:\\tools\\new" in Lua or TOML would hold a tab and a line's end."""
    monkeypatch.setattr(snippets, "command", lambda: "C:\\tools\\new\\foretype.exe")
    monkeypatch.setattr(snippets.os, "sep", "\\")
    for name in snippets.editor_names():
        snippet = snippets.find_editor(name, "win32")
        assert "C:\\tools" not in snippet.snippet
        if "foretype.exe" in snippet.snippet:
            assert "C:/tools/new/foretype.exe" in snippet.snippet
