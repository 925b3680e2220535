"""`foretype tune` as a user calls it: which model it takes, and where there is nothing to tune."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from foretype.context.shared.problem import ModelProblem
from foretype.daemon.cli.main import foretype
from foretype.models.cli import tune
from foretype.tests.support.tiny_gguf import tiny_model


class Taken(ModelProblem):
    """Tuning began with this file."""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that names a model of its own; tuning itself is not done."""

    def run(path: Path, **_how: Any) -> None:
        raise Taken(str(path))

    monkeypatch.setattr(tune, "run", run)
    monkeypatch.setattr(tune, "supports_gpu", lambda: False)
    for name in ("CONFIG_HOME", "DATA_HOME", "CACHE_HOME"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path))
    path = tiny_model("starcoder", tmp_path / "own")
    configure(tmp_path, f'path = "{path}"')
    return path


def configure(home: Path, *lines: str) -> None:
    (home / "foretype").mkdir(exist_ok=True)
    (home / "foretype" / "config.toml").write_text("\n".join(["[model]", *lines]) + "\n")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(foretype, ["tune", *arguments])


def test_without_a_name_it_is_the_model_that_the_configuration_names(configured: Path) -> None:
    assert str(call().exception) == str(configured)


def test_a_model_named_by_its_name_in_the_models_folder(configured: Path, tmp_path: Path) -> None:
    folder = tmp_path / "foretype" / "models"
    folder.mkdir(parents=True)
    configured.rename(folder / "mine.gguf")
    configure(tmp_path, 'name = "mine"')
    assert str(call().exception) == str(folder / "mine.gguf")


def test_a_name_on_the_command_line_wins(configured: Path, tmp_path: Path) -> None:
    other = tiny_model("refact", tmp_path / "other")
    assert str(call(str(other)).exception) == str(other)
    configured.unlink()
    assert str(call(str(other)).exception) == str(other), "the configured one is not even looked for"


def test_a_configured_model_that_is_not_there_is_said(configured: Path) -> None:
    configured.unlink()
    assert str(configured) in str(call().exception)


def test_on_a_gpu_there_is_nothing_to_tune(
    configured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "supports_gpu", lambda: True)
    for arguments in ((), (str(configured),)):
        result = call(*arguments)
        assert result.exit_code == 0
        assert "nothing to tune" in result.output
    configure(tmp_path, f'path = "{configured}"', "gpu_layers = 0")
    assert str(call().exception) == str(configured)
