"""Somebody who has just installed foretype is asked for the model's download, once and only on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from foretype.context.shared.problem import ModelProblem
from foretype.daemon.cli import first_model
from foretype.models.cli import models as models_cli


@pytest.fixture(autouse=True)
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that were pulled, in a home that has none."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    names: list[str] = []

    @click.command()
    @click.option("--name")
    @click.option("--force", is_flag=True)
    @click.option("--no-tune", is_flag=True)
    def pull(name: str, force: bool, no_tune: bool) -> None:
        assert not force
        assert not no_tune
        names.append(name)

    monkeypatch.setattr(models_cli, "pull", pull)
    return names


def offered(answer: str, *, terminal: bool = True, settings: str = "", **how: Any) -> Result:
    """What a command says that needs a model, where the user answers so."""

    @click.command()
    def needs_a_model() -> None:
        class Terminal:
            def isatty(self) -> bool:
                return terminal

            def __getattr__(self, name: str) -> Any:
                return getattr(before, name)

        import sys

        before, sys.stdin = sys.stdin, Terminal()
        try:
            first_model.offer_model(**how)
        finally:
            sys.stdin = before

    if settings:
        file = first_model.paths.config_file()
        file.parent.mkdir(parents=True)
        file.write_text(settings, encoding="utf-8")
    return CliRunner().invoke(needs_a_model, input=answer)


def test_who_agrees_gets_the_default_model(pulled: list[str]) -> None:
    said = offered("y\n")
    assert said.exit_code == 0
    assert "98 MB" in said.output
    assert "Apache-2.0" in said.output
    assert pulled == ["smollm2-135m"]


def test_who_declines_gets_nothing_and_the_next_step(pulled: list[str]) -> None:
    said = offered("n\n")
    assert isinstance(said.exception, ModelProblem)
    assert "foretype models pull smollm2-135m" in str(said.exception)
    assert pulled == []


def test_nobody_is_asked_in_a_pipe(pulled: list[str]) -> None:
    said = offered("y\n", terminal=False)
    assert isinstance(said.exception, ModelProblem)
    assert said.output == ""
    assert pulled == []


def test_who_agreed_beforehand_is_not_asked(pulled: list[str]) -> None:
    assert offered("", terminal=False, agreed=True).exit_code == 0
    assert pulled == ["smollm2-135m"]


@pytest.mark.parametrize("settings", ['path = "/models/own.gguf"', 'name = "nobody-knows-it"'])
def test_a_model_of_ones_own_is_never_fetched(pulled: list[str], settings: str) -> None:
    said = offered("y\n", settings=f"[model]\n{settings}\n")
    assert isinstance(said.exception, ModelProblem)
    assert pulled == []


def test_where_the_model_is_nobody_is_asked(pulled: list[str], tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    assert offered("", settings=f'[model]\npath = "{own}"\n').output == ""
    assert pulled == []


@pytest.mark.parametrize(("use", "asked"), [("race", False), ("always", False), ("never", True)])
def test_where_an_engine_elsewhere_answers_nobody_is_asked(pulled: list[str], use: str, asked: bool) -> None:
    said = offered("n\n", settings=f'[remote]\nurl = "https://gpu.example.org"\nuse = "{use}"\n')
    assert bool(said.output) == asked
    assert pulled == []
