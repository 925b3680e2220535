"""`foretype uninstall` removes what foretype keeps, asks first, and leaves models only when told."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from foretype.daemon.cli import uninstall as command
from foretype.daemon.process.home import DaemonHome

NAMES = ("CONFIG_HOME", "CACHE_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR")


@pytest.fixture(params=["apart", "together"])
def home(place: DaemonHome, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A home in which foretype has been at work; all of its folders may be one, as on some systems."""
    home = place.directory.parent
    monkeypatch.setenv("HOME", str(home))
    for name in NAMES:
        folder = home / name if request.param == "apart" else home / "one"
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv(f"XDG_{name}", str(folder))
    for file in (
        command.paths.config_file(),
        command.paths.data_dir() / "models" / "big.gguf",
        command.paths.data_dir() / "statistics.db",
        command.paths.cache_dir() / "index" / "a",
        command.paths.log_dir() / "lsp.log",
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 100)
    (home / "mine.txt").write_text("mine")
    return home


def call(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(command.uninstall, arguments, input=answer)


def left(home: Path) -> set[str]:
    return {path.name for path in home.rglob("*") if path.is_file()}


def test_all_of_it_goes_after_a_yes(home: Path) -> None:
    said = call(answer="y\n")
    assert said.exit_code == 0, said.output
    assert str(command.paths.data_dir()) in said.output
    assert left(home) == {"mine.txt"}
    assert "There is nothing of it here." in call("--yes").output


def test_a_no_leaves_everything(home: Path) -> None:
    before = left(home)
    assert call(answer="n\n").exit_code == 1
    assert left(home) == before


def test_models_stay_when_told_to(home: Path) -> None:
    assert call("--keep-models", "--yes").exit_code == 0
    assert "big.gguf" in left(home)
    assert "mine.txt" in left(home)
    assert "statistics.db" not in left(home)


def test_what_a_link_leads_to_is_not_touched(home: Path) -> None:
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    models = command.paths.data_dir() / "models"
    (models / "big.gguf").unlink()
    models.rmdir()
    models.symlink_to(elsewhere)
    assert call("--yes").exit_code == 0
    assert (elsewhere / "precious").exists()
