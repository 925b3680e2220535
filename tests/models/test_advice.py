"""Which model is advised: the best that answers in time and fits, as one measured model tells."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner
from foretype.context.shared.problem import ModelProblem
from foretype.models.cli import advise
from foretype.models.cli.models import models
from foretype.models.cli.tune import Configured
from foretype.models.library import catalogue, store
from foretype.models.library.advice import MeasuredSpeed, Outlook, advised, computing_bytes, outlook
from foretype.tests.support.tiny_gguf import tiny_model

GB = 10**9
SMALL = MeasuredSpeed("smollm2-135m", 135_000_000, 98_362_432, 0.7, 12.0)
"""Two cores of a server."""


def machine(faster: float) -> MeasuredSpeed:
    """One so many times as fast."""
    return attrs.evolve(SMALL, prefill=SMALL.prefill * faster, step_ms=SMALL.step_ms / faster)


def best(measured: MeasuredSpeed, free_bytes: int = 64 * GB, within_ms: float = 400.0) -> str:
    found = advised([outlook(entry, measured, free_bytes) for entry in catalogue.entries()], within_ms)
    return found.entry.name if found else ""


def of(name: str, measured: MeasuredSpeed = SMALL) -> Outlook:
    return outlook(catalogue.get(name), measured, 64 * GB)


def test_what_a_model_takes_follows_from_what_another_takes() -> None:
    same, larger = of("smollm2-135m"), of("qwen2.5-coder-1.5b")
    assert same.suggestion_ms == pytest.approx(15 / 0.7 + 16 * 12.0)
    assert same.reading_s == pytest.approx(2000 / 700)
    assert larger.reading_s == pytest.approx(same.reading_s * 1540 / 135)
    # An eighth of the bits costs an eighth of the bytes, and no less of the computing.
    four, eight = of("qwen2.5-coder-1.5b-instruct-q4_k_m"), of("qwen2.5-coder-1.5b-instruct-q8_0")
    assert four.reading_s == eight.reading_s
    assert four.suggestion_ms < eight.suggestion_ms


@pytest.mark.parametrize(
    ("faster", "name"),
    [
        (0.4, ""),
        (1, "smollm2-135m"),
        (4, "qwen2.5-coder-0.5b-q8_0"),
        (12, "qwen2.5-coder-1.5b-q8_0"),
        (1000, "qwen2.5-coder-7b-q8_0"),
    ],
)
def test_the_faster_the_machine_the_larger_the_model(faster: float, name: str) -> None:
    assert best(machine(faster)) == name


def test_a_model_that_does_not_fit_into_memory_is_not_advised() -> None:
    assert best(machine(1000), free_bytes=4 * GB) == "qwen2.5-coder-1.5b-q8_0"
    assert best(machine(1000), free_bytes=GB // 2) == ""


def test_of_two_of_one_size_the_one_that_was_not_made_to_chat_is_better() -> None:
    assert "instruct" not in best(machine(4))


def test_of_a_mixture_of_experts_only_a_part_computes() -> None:
    experts = catalogue.get("qwen3-coder-30b")
    assert experts.size is not None
    assert computing_bytes(experts.parameters, experts.size) < experts.size / 8
    assert of("qwen3-coder-30b").suggestion_ms < of("qwen2.5-coder-7b").suggestion_ms
    assert not outlook(experts, SMALL, 16 * GB).fits


def test_a_model_that_is_here_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Path] = []

    def quickly(path: Path, gpu_layers: int = -1) -> MeasuredSpeed:
        assert gpu_layers == -1
        measured.append(path)
        return machine(4)

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(advise, "measure_here", quickly)
    monkeypatch.setattr("foretype.models.machine.memory.available_bytes", lambda: 64 * GB)
    none = CliRunner().invoke(models, ["advise"])
    assert isinstance(none.exception, ModelProblem)
    assert "models pull smollm2-135m" in str(none.exception)
    file = store.path_of_model(catalogue.get("smollm2-135m"))
    file.parent.mkdir(parents=True)
    file.write_bytes(b"model")
    said = CliRunner().invoke(models, ["advise"], catch_exceptions=False).output
    assert measured == [file]
    assert "qwen2.5-coder-0.5b-q8_0 is the best" in said
    assert "models use qwen2.5-coder-0.5b-q8_0" in said
    record = json.loads(CliRunner().invoke(models, ["advise", "--json"]).output)
    assert record["advised"] == "qwen2.5-coder-0.5b-q8_0"
    assert {each["name"] for each in record["models"]} == {each.name for each in catalogue.entries()}
    slow = CliRunner().invoke(models, ["advise", "--within", "1"], catch_exceptions=False).output
    assert "None of them answers within 1 ms" in slow


def test_what_is_measured_is_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in ("PREFILL_S", "STEPS_S"):
        monkeypatch.setattr(f"foretype.models.bench.{seconds}", 0.0)
    path = tiny_model("starcoder", tmp_path)
    found = advise.measure_here(path, 0)
    assert found.prefill > 0
    assert found.step_ms > 0
    assert found.size <= path.stat().st_size
    assert Configured().gpu_layers == -1
