"""The model that the configuration names: found, watched for changes, refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.daemon.server.model_source import ConfiguredModel, model_path
from foretype.daemon.settings.settings import ModelSettings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "config.toml"


def test_a_path_wins_over_a_name(config: Path) -> None:
    model = config.with_name("mine.gguf")
    model.touch()
    assert model_path(ModelSettings(path=str(model))) == model
    assert model_path(ModelSettings(path="~/mine.gguf")) == model
    config.write_text(f"[model]\npath = '{model}'\n")
    assert ConfiguredModel(config).name() == "mine.gguf"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (ModelSettings(), "foretype models pull smollm2-135m"),
        (ModelSettings(name="no-such-model"), "no-such-model"),
        (ModelSettings(path="models/mine.gguf"), "whole path"),
        (ModelSettings(path="/nowhere/mine.gguf"), "/nowhere/mine.gguf"),
    ],
)
@pytest.mark.usefixtures("config")
def test_what_is_not_there_is_a_sentence(settings: ModelSettings, words: str) -> None:
    with pytest.raises(ModelProblem, match=words):
        model_path(settings)


def test_the_fingerprint_changes_with_the_configuration_and_with_the_file(config: Path) -> None:
    source = ConfiguredModel(config)
    model = config.with_name("mine.gguf")
    seen = [source.fingerprint()]
    config.write_text(f"[model]\npath = '{model}'\n")
    seen.append(source.fingerprint())
    model.touch()
    seen.append(source.fingerprint())
    model.write_bytes(b"GGUF")
    seen.append(source.fingerprint())
    assert len(set(seen)) == 4
    assert source.fingerprint() == seen[-1]


def test_a_damaged_file_is_refused(config: Path) -> None:
    model = config.with_name("mine.gguf")
    model.write_bytes(b"GGUF\3\0\0\0")
    config.write_text(f"[model]\npath = '{model}'\n")
    with pytest.raises(ModelProblem, match=r"mine\.gguf"):
        ConfiguredModel(config).load(lambda _fraction: None)


def test_what_a_killed_download_left_goes_at_the_next_start(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    left = tmp_path / "data" / "foretype" / "models" / ".pull-abc"
    left.mkdir(parents=True)
    (left / "model.gguf").write_bytes(b"half")
    model = config.with_name("mine.gguf")
    model.write_bytes(b"GGUF\3\0\0\0")
    config.write_text(f"[model]\npath = '{model}'\n")
    with pytest.raises(ModelProblem):
        ConfiguredModel(config).load(lambda _fraction: None)
    assert not left.exists()
