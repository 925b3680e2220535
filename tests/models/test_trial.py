"""A llama.cpp that would end the daemon is found by a process that may end of it, once for each library."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.models.llama import trial
from foretype.models.llama.system import SystemInfo
from foretype.models.llama.trial import KEPT, cannot_compute, try_in_child

AMX = SystemInfo("0.3.36", ("AVX2", "AVX512", "AMX_INT8", "OPENMP"), False)
PLAIN = SystemInfo("0.3.36", ("AVX2", "OPENMP"), False)
HAS = ("AVX2", "AVX512", "AMX_INT8")


class Child:
    """A recorded child: ends with `code`, and counts how often it was started."""

    def __init__(self, code: int | None) -> None:
        self.code = code
        self.starts = 0

    def __call__(self) -> int | None:
        self.starts += 1
        return self.code


def ask(
    child: Child,
    folder: Path,
    info: SystemInfo = AMX,
    *,
    identity: str = "library",
    processor: tuple[str, ...] = HAS,
) -> str:
    return cannot_compute(
        info, attempt=child, memory=folder / "cache" / "trials.json", identity=identity, processor=processor
    )


def test_a_library_that_ends_its_process_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    sentence = ask(Child(-4), tmp_path)
    assert "SIGILL: Illegal instruction" in sentence
    assert (
        "CFLAGS=-U__AMX_INT8__ CXXFLAGS=-U__AMX_INT8__ pip install --force-reinstall --no-cache-dir "
        "--no-binary llama-cpp-python llama-cpp-python"
    ) in sentence


def test_a_sound_library_is_used(tmp_path: Path) -> None:
    assert ask(Child(0), tmp_path) == ""


@pytest.mark.parametrize("code", [0, -4, 0xC000001D])
def test_a_library_is_tried_once(tmp_path: Path, code: int) -> None:
    child = Child(code)
    assert len({ask(child, tmp_path) for _ in range(3)}) == 1
    assert child.starts == 1
    ask(child, tmp_path, identity="compiled anew")
    assert child.starts == 2


@pytest.mark.parametrize("code", [None, 1])
def test_a_trial_that_did_not_take_place_says_nothing_and_is_not_remembered(
    tmp_path: Path, code: int | None
) -> None:
    child = Child(code)
    assert ask(child, tmp_path) == ""
    assert ask(child, tmp_path) == ""
    assert child.starts == 2


def test_a_library_without_doubtful_features_costs_nothing(tmp_path: Path) -> None:
    child = Child(-4)
    assert ask(child, tmp_path, PLAIN) == ""
    assert child.starts == 0


def test_where_the_system_does_not_say_what_the_processor_can_do_every_library_is_tried(
    tmp_path: Path,
) -> None:
    sentence = ask(Child(0xC000001D), tmp_path, PLAIN, processor=())
    assert "exit code 0xc000001d" in sentence
    assert "CFLAGS" not in sentence
    assert "pip install --force-reinstall" in sentence


def test_only_the_last_outcomes_are_kept(tmp_path: Path) -> None:
    child = Child(0)
    for number in range(KEPT + 1):
        ask(child, tmp_path, identity=f"library {number}")
    ask(child, tmp_path, identity="library 1")
    assert child.starts == KEPT + 1
    ask(child, tmp_path, identity="library 0")
    assert child.starts == KEPT + 2


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"library": "no number"}', b"\xff"])
def test_a_damaged_memory_is_as_if_there_were_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "trials.json").write_bytes(content)
    child = Child(-4)
    assert ask(child, tmp_path)
    assert ask(child, tmp_path)
    assert child.starts == 1


def test_a_cache_that_cannot_be_written_costs_a_trial_each_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file in the folder's place")
    child = Child(-4)
    assert ask(child, tmp_path)
    assert ask(child, tmp_path)
    assert child.starts == 2


def test_the_installed_library_computes() -> None:
    assert try_in_child() == 0


def test_without_an_interpreter_nothing_is_concluded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    assert try_in_child() is None


def test_a_process_that_is_ended_while_it_computes_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the trial is for: no finally and no atexit of the child runs then."""

    def ended(command: list[str], **_options: object) -> subprocess.CompletedProcess[bytes]:
        Path(command[-1], "trial.gguf").write_bytes(b"model")
        return subprocess.CompletedProcess(command, -4)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", ended)
    assert try_in_child() == -4
    assert not list(tmp_path.iterdir())


def test_another_file_is_another_library(tmp_path: Path) -> None:
    library = tmp_path / "libggml-cpu.so"
    library.write_bytes(b"old")
    first = trial.library_identity(tmp_path)
    assert trial.library_identity(tmp_path) == first
    library.write_bytes(b"newer")
    assert trial.library_identity(tmp_path) != first


def test_loading_refuses_such_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(_info: SystemInfo) -> str:
        return "It cannot compute."

    monkeypatch.setattr(trial, "cannot_compute", cannot)
    with pytest.raises(ModelProblem, match="It cannot compute"):
        trial.check_library()
