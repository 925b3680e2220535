"""`foretype bench`: what is typed, what is counted, that every part keeps to its time, and what is shown."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from foretype.context.shared.problem import Problem
from foretype.context.shared.values import Prompt, StopRules
from foretype.daemon.cli import bench as bench_command
from foretype.daemon.cli import typing_replay
from foretype.daemon.cli.bench import bench_record
from foretype.daemon.cli.bench_remote import measure_remote
from foretype.daemon.cli.typing_replay import Subject, TypingProblem, keys, own, places, read_replay
from foretype.daemon.settings.settings import CompletionSettings, ModelSettings, Settings
from foretype.models import bench as measuring
from foretype.models.bench import DraftGain, Figures, ReplayedKey, Typing, bench_model, type_through
from foretype.models.engine.interface import EngineSettings, SpeculationMode
from foretype.models.engine.loading import load_engine
from foretype.models.engine.local import LocalEngine
from foretype.models.tuning.measuring import BATCHES
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.remote_server import remote_server
from foretype.tests.support.tiny_gguf import tiny_model

SOURCE = """import os

# a comment that is no code to type
def total(values):
    result = 0
    for value in values:
        result = result + value
    return result


def mean(values):
    return total(values) / len(values)
"""
SETTINGS = CompletionSettings(max_tokens=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("starcoder", tmp_path_factory.mktemp("models"))


@pytest.fixture
def engine(model: Path) -> Iterator[LocalEngine]:
    loaded = load_engine(
        model,
        EngineSettings(threads=1, tuned=False, speculation=SpeculationMode.ALWAYS),
        lambda _fraction: None,
    )
    yield loaded
    loaded.close()


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    path = tmp_path / "sums.py"
    path.write_bytes(SOURCE.encode())
    return read_replay(path)


def check_refused(path: Path, sentence: str) -> None:
    with pytest.raises(TypingProblem, match=sentence):
        read_replay(path)


async def test_the_same_keys_are_typed_at_an_engine_elsewhere(subject: Subject) -> None:
    async with remote_server() as served:
        found = await asyncio.to_thread(measure_remote, Settings(), served.url, keys(subject, SETTINGS))
        assert (found.protocol, found.model) == ("llama-server", "tiny-starcoder")
        assert found.typing.milliseconds
        assert found.typing.keys > found.typing.through
        assert found.cached_share is not None
        assert 0 < found.cached_share <= 1
        assert len(served.asked) >= len(found.typing.milliseconds)
    with pytest.raises(Problem, match="cannot be reached"):
        await asyncio.to_thread(measure_remote, Settings(), served.url, keys(subject, SETTINGS))


def test_the_keys_are_the_file_s_own_text(subject: Subject) -> None:
    typed = list(keys(subject, SETTINGS))
    text = "".join(key.text for key in typed)
    assert text
    assert text in SOURCE
    assert not text[0].isspace()
    for number, key in enumerate(typed):
        if key.prompt is not None:
            assert key.prompt.prefix.endswith("".join(one.text for one in typed[: number + 1]))
            assert SOURCE.endswith(key.prompt.suffix)


def test_a_line_end_of_two_characters_is_one_key(tmp_path: Path) -> None:
    path = tmp_path / "windows.py"
    path.write_bytes(SOURCE.replace("\n", "\r\n").encode())
    typed = [key.text for key in keys(read_replay(path), SETTINGS)]
    assert "\r\n" in typed
    assert not {"\r", "\n"} & set(typed)


def test_places_lack_the_line_that_is_to_be_written(subject: Subject) -> None:
    for prompt, _ in places(subject, SETTINGS):
        assert SOURCE.startswith(prompt.prefix)
        assert SOURCE.endswith(prompt.suffix)
        assert len(prompt.prefix) + len(prompt.suffix) < len(SOURCE)


def test_what_cannot_be_typed_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "blank.py").write_text(" \n\n")
    (tmp_path / "binary.py").write_bytes(b"\x00\x01")
    (tmp_path / "latin.py").write_bytes("straße".encode("latin-1"))
    with (tmp_path / "large.py").open("wb") as file:
        file.truncate(typing_replay.MAX_FILE_BYTES + 1)
    check_refused(tmp_path / "blank.py", "no line of code")
    check_refused(tmp_path / "binary.py", "no text in UTF-8")
    check_refused(tmp_path / "latin.py", "no text in UTF-8")
    check_refused(tmp_path / "large.py", "larger than 4 MiB")
    check_refused(tmp_path / "missing.py", "There is no file")
    check_refused(tmp_path, "cannot be read")


def test_without_a_file_the_same_bytes_are_typed_whatever_becomes_of_the_project() -> None:
    subject = own()
    digest = hashlib.sha256(subject.text.encode()).hexdigest()
    assert digest == "f0bd21c8a4af92cefe3c0a843260570ce167168d3533189acf853b5cc89ac3ba"
    assert (subject.path.name, subject.language) == ("cache.py", "python")
    assert len([key for key in keys(subject, SETTINGS) if key.prompt]) > 100


def test_a_short_or_unknown_file_can_be_typed(tmp_path: Path) -> None:
    path = tmp_path / "words"
    path.write_text("one\n")
    assert [key.text for key in keys(read_replay(path), SETTINGS)] == ["o", "n", "e", "\n"]


def test_a_real_model_is_measured_in_every_part(
    model: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "TURNS", 1)
    told: list[str] = []
    typed = list(keys(subject, SETTINGS))
    found = bench_model(
        model,
        EngineSettings(threads=1, tuned=False),
        places=places(subject, SETTINGS)[:2],
        keys=typed,
        tell=told.append,
    )
    assert found.prefill > 0
    assert list(found.steps) == list(BATCHES)
    assert all(milliseconds > 0 for milliseconds in found.steps.values())
    assert found.typing.keys == len(typed)
    # The first key that needs the model warms the file up and is not counted.
    counted = len(found.typing.milliseconds) + found.typing.through + found.typing.declined
    assert counted == found.typing.keys - 1
    assert told[0] == "loading the model"


def test_measuring_leaves_no_cells_behind(engine: LocalEngine, subject: Subject) -> None:
    tokens = engine.vocabulary.encode(SOURCE.encode() * 8)
    measuring.prefill_speed(engine, tokens)
    measuring.step_costs(engine, tokens)
    measuring.speculation_gain(engine, places(subject, SETTINGS)[:1])
    assert not engine.cache.sequences
    assert engine.speculation is not None


def test_a_replay_ends_when_its_time_is_over(engine: LocalEngine) -> None:
    clock = FakeClock()

    def typed() -> Iterator[ReplayedKey]:
        for number in range(100):
            clock.advance(measuring.TYPING_S / 4)
            # Never what the suggestion says, so every key asks the model.
            yield ReplayedKey("\0", Prompt(f"value_{number} = "), StopRules(max_tokens=2))

    found = type_through(engine, typed(), clock)
    assert found.keys == 4
    assert len(found.milliseconds) == 3


FIGURES = Figures(
    "tiny",
    "tiny.gguf",
    135_000_000,
    tuned=False,
    threads=2,
    prefill=640.0,
    steps={1: 8.0, 4: 16.0},
    speculation=DraftGain(8.0, 5.0, 6, 40, 30),
    typing=Typing((12.0, 30.0, 500.0), (1, 2, 1), 40, 30, 7),
)


def run_with(figures: Figures, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *options: str) -> str:
    def measured(*_arguments: object, **_options: object) -> Figures:
        return figures

    def path_of(_model: ModelSettings) -> Path:
        return Path("tiny.gguf")

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(measuring, "bench_model", measured)
    monkeypatch.setattr("foretype.daemon.server.model_source.model_path", path_of)
    ran = CliRunner().invoke(bench_command.bench, options)
    assert ran.exit_code == 0, ran.output
    return ran.stdout


def test_the_report_says_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = run_with(FIGURES, monkeypatch, tmp_path)
    assert "640 tokens per second" in said
    assert "1.60 times as fast" in said
    assert "30 of 40 drafted tokens confirmed ([model] speculation)" in said
    assert "median 30 ms, 95 % within 500 ms" in said
    assert "█" in said


def test_the_report_does_without_what_could_not_be_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    empty = Figures("tiny", "t", 1, False, 1, 10.0, {1: 8.0}, None, Typing((), (), 3, 0, 3))
    said = run_with(empty, monkeypatch, tmp_path)
    assert "not measured" in said
    assert "0 needed the model" in said


def test_json_is_one_object_with_percentiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    record = json.loads(run_with(FIGURES, monkeypatch, tmp_path, "--json"))
    assert record["typing"]["p50_ms"] == 30.0
    assert record["speculation"]["gain"] == 1.6
    assert record == json.loads(
        json.dumps(bench_record(FIGURES, Path(record["typing"]["file"]), busy=record["busy"]))
    )


def test_an_interruption_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench_command, "_measured", interrupted)
    ran = CliRunner().invoke(bench_command.bench, [])
    assert ran.exit_code == 130
    assert "Interrupted" in ran.stderr
    assert "Traceback" not in ran.output
