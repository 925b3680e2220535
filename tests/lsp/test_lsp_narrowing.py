"""A workspace may keep files back and switch suggestions off, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from foretype.context.ignore import is_left_out
from foretype.lsp.documents import Document
from foretype.lsp.narrowing import FRESH_S, Narrowings
from foretype.tests.support.clock import FakeClock


def check(root: Path, name: str, *, why: str = "", kept_back: bool = False, language: str = "python") -> None:
    """Whether a document at `name` of the workspace is refused with a sentence that holds `why`."""
    document = Document((root / name).as_uri(), language, 1, "x = 1\n", (str(root),))
    verdict = Narrowings(lambda: (str(root),)).verdict(document)
    assert verdict.kept_back is kept_back
    assert bool(verdict.why) is bool(why)
    assert why in verdict.why


def test_without_files_of_its_own_a_workspace_keeps_nothing_back(tmp_path: Path) -> None:
    check(tmp_path, "src/main.py")


def test_foretypeignore_keeps_documents_back_in_its_folder_and_below(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / ".foretypeignore").write_text("private/\n")
    (tmp_path / "src" / ".foretypeignore").write_text("*.gen.py\n")
    check(tmp_path, "private/deep/a.py", why=".foretypeignore", kept_back=True)
    check(tmp_path, "src/a.gen.py", why=".foretypeignore", kept_back=True)
    check(tmp_path, "a.gen.py")


def test_what_git_ignores_is_still_completed_when_somebody_edits_it(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("local.py\n")
    check(tmp_path, "local.py")


@pytest.mark.parametrize("name", [".env", "deploy/server.key", ".ssh/id_ed25519"])
def test_secrets_are_kept_back_without_being_told(tmp_path: Path, name: str) -> None:
    check(tmp_path, name, why="secrets", kept_back=True)


def test_excluded_files_are_kept_back_from_documents_and_from_the_index(tmp_path: Path) -> None:
    (tmp_path / ".foretype.toml").write_text('exclude = ["vendor/"]\n')
    check(tmp_path, "vendor/a.py", why=".foretype.toml", kept_back=True)
    check(tmp_path, "a.py")
    (tmp_path / "a.py").touch()
    assert is_left_out(tmp_path, "vendor/a.py")
    assert not is_left_out(tmp_path, "a.py")


def test_a_workspace_switches_off_everywhere_or_for_a_language(tmp_path: Path) -> None:
    (tmp_path / ".foretype.toml").write_text('disable_languages = ["markdown"]\n')
    check(tmp_path, "a.md", why="markdown", language="markdown")
    check(tmp_path, "a.py")
    (tmp_path / ".foretype.toml").write_text("disable = true\n")
    check(tmp_path, "a.py", why="switches suggestions off")


def test_anything_else_in_it_is_named_in_the_log_once_and_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".foretype.toml").write_text('disable = "yes"\n[model]\npath = "/x.gguf"\n')
    document = Document((tmp_path / "a.py").as_uri(), "python", 1, "", (str(tmp_path),))
    clock = FakeClock()
    narrowings = Narrowings(lambda: (str(tmp_path),), clock)
    for _ in range(3):
        assert narrowings.verdict(document).why == ""
        clock.advance(2 * FRESH_S)
    assert [caplog.text.count(f"'{key}'") for key in ("model", "disable")] == [1, 1]


@pytest.mark.parametrize("text", ["disable = ", "x = " + "[" * 20_000])
def test_a_file_that_is_not_understood_leaves_the_workspace_out(tmp_path: Path, text: str) -> None:
    (tmp_path / ".foretype.toml").write_text(text)
    check(tmp_path, "a.py", why=".foretype.toml", kept_back=True)


def test_a_change_holds_as_soon_as_what_was_read_is_no_longer_fresh(tmp_path: Path) -> None:
    document = Document((tmp_path / "a.py").as_uri(), "python", 1, "", (str(tmp_path),))
    clock = FakeClock()
    narrowings = Narrowings(lambda: (str(tmp_path),), clock)
    assert not narrowings.verdict(document).kept_back
    (tmp_path / ".foretypeignore").write_text("a.py\n")
    clock.advance(FRESH_S)
    assert narrowings.verdict(document).kept_back
    (tmp_path / ".foretypeignore").unlink()
    clock.advance(FRESH_S)
    assert not narrowings.verdict(document).kept_back
