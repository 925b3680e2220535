"""The end of `foretype models pull`: a form is tried for a bounded time, and no outcome is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from foretype.models.cli.brief_tuning import BRIEF_S, LATER, run_worker, tune_briefly, worth_tuning_now
from foretype.models.cli.tune import Configured
from foretype.tests.support.tiny_gguf import tiny_model


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ((0, "Tuned: Q8_0+Q4_K."), "Tuned: Q8_0+Q4_K."),
        ((1, "Other programs are using the processor."), LATER),
        ((-9, ""), LATER),
        (None, LATER),
    ],
)
def test_what_came_of_it_is_one_sentence(ended: tuple[int, str] | None, said: str) -> None:
    asked: list[tuple[Path, float]] = []

    def run(path: Path, within_s: float) -> tuple[int, str] | None:
        asked.append((path, within_s))
        return ended

    assert tune_briefly(Path("model.gguf"), run=run) == said
    assert asked == [(Path("model.gguf"), BRIEF_S)]


@pytest.mark.parametrize("trouble", [OSError("no process"), KeyboardInterrupt()])
def test_who_interrupts_it_or_cannot_start_it_has_the_daemon_do_it_later(trouble: BaseException) -> None:
    def run(_path: Path, _within_s: float) -> tuple[int, str] | None:
        raise trouble

    assert tune_briefly(Path("model.gguf"), run=run) == LATER


def test_the_real_worker_says_what_is_wrong_in_a_sentence(tmp_path: Path) -> None:
    ended = run_worker(tmp_path / "missing.gguf", 60.0)
    assert ended is not None
    assert ended[0] == 1
    assert "missing.gguf" in ended[1]


def test_a_worker_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    assert run_worker(tmp_path / "missing.gguf", 0.001) is None


def test_who_switched_tuning_off_is_not_kept_waiting(tmp_path: Path) -> None:
    model = tiny_model("starcoder", tmp_path)
    assert worth_tuning_now(model, Configured(gpu_layers=0))
    assert not worth_tuning_now(model, Configured(gpu_layers=0, tune=False))
