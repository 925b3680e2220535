"""Tuning: what is measured and kept, what a choice depends on, and that nothing is lost on the way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.gguf.file import read_gguf
from foretype.models.llama import quantise as requantise
from foretype.models.llama.governor import Governor
from foretype.models.llama.llama import Context, Model
from foretype.models.tuning import journal as tune_journal
from foretype.models.tuning import measuring
from foretype.models.tuning import plan as tune_plan
from foretype.models.tuning import record as tuned
from foretype.models.tuning import tune as tuning
from foretype.models.tuning.journal import Journal
from foretype.models.tuning.plan import (
    MAX_LOSS,
    TunePlan,
    fastest_form,
    finalists,
    knows_as_much,
    same_form,
    suggestion_ms,
    worth_having,
    worth_trying_first,
)
from foretype.models.tuning.quiet import Clocks, Quiet, TimedTurn, settled
from foretype.models.tuning.record import Measured, Tuned, find_tuned, identity, keep, useful
from foretype.models.tuning.sample import tuning_sample
from foretype.models.tuning.tune import TuneStep, TuneWatcher
from foretype.tests.support.tiny_gguf import tiny_model

STEPS = {1: 5.0, 2: 8.0, 3: 10.0, 4: 10.0, 6: 15.0, 8: 14.0, 12: 18.0, 16: 19.0}
FORM = Measured("as is", True, 2, 128, 0.4, STEPS)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_model("starcoder", tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_TURNS", 1)
    monkeypatch.setattr(tune_plan, "MICRO_BATCHES", (64,))
    for module in (tuning, measuring):
        monkeypatch.setattr(module, "QUALITY_TOKENS", 64)


def alone(*, runnable: int = 1, share: float = 1.0) -> Quiet:
    """A machine with counted clocks: each look is a second later; others take what `share` leaves."""
    now = iter(range(1 << 60))
    seconds = {"wall": 0.0, "processor": 0.0}

    def wall() -> float:
        seconds["wall"] = float(next(now))
        return seconds["wall"]

    def processor() -> float:
        return seconds["wall"] * share

    return Quiet(
        runnable=lambda: runnable, sleep=lambda _seconds: None, clocks=Clocks(wall, processor), spare=0
    )


def check_nothing_left(folder: Path) -> None:
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_choice_is_found_again(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    steps: list[TuneStep] = []
    outcome = tuning.tune_model(model, directory=folder, threads=1, quiet=alone(), watch=steps.append)
    assert find_tuned(model, folder) == outcome.tuned
    assert {one.file_type for one in outcome.measured} >= {"as is", "Q4_0", "Q8_0"}
    assert outcome.tuned.choice.loss <= MAX_LOSS
    assert Path(outcome.tuned.path).is_file()
    assert steps
    assert all(step.done < step.total for step in steps)
    check_nothing_left(folder)


def test_the_original_is_never_touched(model: Path, tmp_path: Path) -> None:
    before = model.read_bytes()
    tuning.tune_model(model, directory=tmp_path / "tuned", threads=1, quiet=alone())
    assert model.read_bytes() == before


def interrupted(step: TuneStep) -> None:
    if step.done == 2:
        raise KeyboardInterrupt


def test_an_interruption_leaves_the_old_choice(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    old = Tuned(identity(model), tuned.machine(), str(model), FORM, FORM)
    keep(old, folder)
    with pytest.raises(KeyboardInterrupt):
        tuning.tune_model(model, directory=folder, threads=1, quiet=alone(), watch=interrupted)
    assert find_tuned(model, folder) == old
    check_nothing_left(folder)


def test_a_model_that_changes_meanwhile_is_said_and_nothing_kept(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    other = tmp_path / "other"
    other.mkdir()
    changed = tiny_model("starcoder", other, seed=1)

    def watch(step: TuneStep) -> None:
        if step.done == 1:
            shutil.copy(changed, model)

    with pytest.raises(ModelProblem, match="changed while it was measured"):
        tuning.tune_model(model, directory=folder, threads=1, quiet=alone(), watch=watch)
    assert find_tuned(model, folder) is None
    check_nothing_left(folder)


def test_a_full_disk_leaves_file_types_out(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nearly_full(_path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1000)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    outcome = tuning.tune_model(model, directory=tmp_path / "tuned", threads=1, quiet=alone())
    assert {one.file_type for one in outcome.measured} == {"as is"}
    assert all("disk" in note for note in outcome.notes)
    assert outcome.notes


def test_a_file_that_cannot_be_written_is_left_out(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_source: Path, target: Path, *_how: object, importance: object) -> bool:
        del importance
        target.write_bytes(b"GGUF half of it")
        return False

    monkeypatch.setattr(tuning, "quantise", fails)
    outcome = tuning.tune_model(model, directory=tmp_path / "tuned", threads=1, quiet=alone())
    assert outcome.tuned.path == str(model)
    assert "could not write it" in outcome.notes[0]
    check_nothing_left(tmp_path / "tuned")


def test_a_folder_that_cannot_be_made_is_one_sentence(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelProblem, match="What was there is unchanged"):
        tuning.tune_model(model, directory=tmp_path / "file" / "tuned", threads=1, quiet=alone())


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"model": 1}', '{"version": 99}'])
def test_a_damaged_choice_is_ignored(model: Path, tmp_path: Path, damage: str) -> None:
    old = Tuned(identity(model), tuned.machine(), str(model), FORM, FORM)
    keep(old, tmp_path).write_text(damage)
    assert find_tuned(model, tmp_path) is None


def test_a_choice_holds_for_the_same_model_and_machine_only(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(Tuned(identity(model), tuned.machine(), str(model), FORM, FORM), tmp_path)
    assert find_tuned(model, tmp_path) is not None
    monkeypatch.setattr(tuned, "_processor", lambda: "another")
    assert find_tuned(model, tmp_path) is None
    monkeypatch.undo()
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    assert find_tuned(model, tmp_path) is None


def test_a_choice_whose_file_is_gone_is_ignored(model: Path, tmp_path: Path) -> None:
    keep(Tuned(identity(model), tuned.machine(), str(tmp_path / "gone.gguf"), FORM, FORM), tmp_path)
    assert find_tuned(model, tmp_path) is None


def test_an_engine_honours_the_choice_unless_told_otherwise(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "tuned.gguf"
    shutil.copy(model, other)
    choice = attrs.evolve(FORM, threads=1, micro_batch=64, flash_attention=False)
    keep(Tuned(identity(model), tuned.machine(), str(other), choice, FORM))
    loaded: list[tuple[Path, int]] = []
    for settings in (EngineSettings(), EngineSettings(threads=2), EngineSettings(tuned=False)):
        one = load_engine(model, settings, lambda _fraction: None)
        context = one.cache.cells
        assert isinstance(context, Context)
        loaded.append((context.model_path, context.micro_batch))
        assert one.info().path == str(model)
        one.close()
    assert loaded == [(other, 64), (other, 64), (model, 128)]


def test_the_fastest_wins_where_quality_holds() -> None:
    fast = attrs.evolve(FORM, file_type="Q4_0", prefill=1.2)
    faster = attrs.evolve(FORM, file_type="IQ4_NL", prefill=2.4, loss=MAX_LOSS * 2)
    assert fastest_form([FORM, fast, faster]) == fast
    assert fastest_form([FORM, attrs.evolve(FORM, file_type="Q8_0", prefill=0.401)]) == FORM, (
        "noise decides nothing"
    )


def test_single_tokens_weigh_most_in_a_suggestion() -> None:
    assert suggestion_ms(FORM) == pytest.approx(15 / 0.4 + 16 * 5.0)


def test_forms_that_noise_may_have_kept_back_are_measured_again_beside_the_original() -> None:
    slower = attrs.evolve(FORM, file_type="Q4_0", prefill=1.2, steps={**STEPS, 1: 3.0})
    close = attrs.evolve(slower, file_type="Q8_0", prefill=1.1)
    worse = attrs.evolve(slower, file_type="IQ4_NL", loss=MAX_LOSS * 2)
    assert finalists([FORM, slower, close, worse]) == [FORM, slower, close]
    assert finalists([FORM, slower, worse]) == []
    assert finalists([FORM]) == []


def test_a_short_run_tries_the_one_form_that_is_best_on_most_machines() -> None:
    assert worth_trying_first(("Q4_0", "Q8_0", "Q8_0+Q4_K")) == ("Q8_0+Q4_K",)
    assert worth_trying_first(("Q4_0", "IQ4_NL")) == ("Q4_0",)
    assert worth_trying_first(()) == ()
    plan = TunePlan(("Q8_0+Q4_K",), 2, (1,), short=True)
    assert [form.file_type for form, _ in plan.trials([FORM])] == ["as is", "Q8_0+Q4_K"]


def test_keys_and_values_in_8_bits_are_tried_with_the_fastest_form() -> None:
    fast = attrs.evolve(FORM, file_type="Q4_0", prefill=1.2, steps={**STEPS, 1: 2.0})
    for possible in (True, False):
        plan = TunePlan(("Q4_0",), 2, (), eight_bits=possible)
        tried = [form for form, _ in plan.trials([FORM, fast]) if form.eight_bits]
        assert [(form.file_type, form.flash_attention) for form in tried] == [("Q4_0", True)] * possible


def test_what_8_bits_lose_is_measured_for_itself() -> None:
    rounded = attrs.evolve(FORM, eight_bits=True)
    assert not knows_as_much(FORM, rounded)
    assert not same_form(FORM, rounded)
    assert knows_as_much(FORM, attrs.evolve(FORM, flash_attention=False, threads=7))


def test_a_choice_of_8_bits_is_loaded_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    file = tiny_model("starcoder", tmp_path, embedding=128, heads=4, key_value_heads=4)
    kept: list[bool] = []
    for eight_bits in (False, True):
        choice = attrs.evolve(FORM, threads=1, eight_bits=eight_bits)
        keep(Tuned(identity(file), tuned.machine(), str(file), choice, FORM))
        one = load_engine(file, EngineSettings(), lambda _fraction: None)
        assert isinstance(one.cache.cells, Context)
        kept.append(one.cache.cells.eight_bits)
        one.close()
    assert kept == [False, True]


def test_what_a_short_run_chose_is_used_until_everything_was_tried(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    short = tuning.tune_model(model, directory=folder, threads=1, short=True, quiet=alone())
    assert len(short.measured) <= 2
    assert find_tuned(model, folder) == short.tuned
    assert useful(model, directory=folder)
    whole = tuning.tune_model(model, directory=folder, threads=1, quiet=alone())
    assert len(whole.measured) > 2
    assert find_tuned(model, folder) == whole.tuned
    assert not useful(model, directory=folder)
    check_nothing_left(folder)


def test_only_types_that_may_win_are_tried(model: Path) -> None:
    file = read_gguf(model)
    assert worth_having(file, 135_000_000, 8 << 30) == [
        "Q4_0",
        "IQ4_NL",
        "Q8_0",
        "Q8_0+Q4_0",
        "Q8_0+Q4_K",
        "Q8_0+IQ4_NL",
        "BF16",
    ]
    large = attrs.evolve(file, size=4_400_000_000)
    assert worth_having(large, 7_000_000_000, 32 << 30) == ["Q4_0", "IQ4_NL"]
    assert worth_having(large, 7_000_000_000, 4 << 30) == []


def test_turns_are_repeated_until_they_agree() -> None:
    times = iter([90.0, 5.0, 70.0, 5.1, 5.2, 60.0, 5.05, 1.0])
    assert settled(lambda: TimedTurn(next(times))).milliseconds == 5.0
    assert next(times) == 1.0


def test_a_busy_machine_is_not_measured(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="Other programs are using the processor"):
        tuning.tune_model(model, directory=tmp_path / "tuned", threads=1, quiet=alone(runnable=3))
    check_nothing_left(tmp_path / "tuned")


def test_a_busy_machine_is_waited_for(model: Path, tmp_path: Path) -> None:
    left = iter([3] * 40)
    steps: list[TuneStep] = []
    quiet = attrs.evolve(alone(), runnable=lambda: next(left, 1))
    tuning.tune_model(model, directory=tmp_path / "tuned", threads=1, quiet=quiet, watch=steps.append)
    assert "waiting" in steps[0].text
    assert find_tuned(model, tmp_path / "tuned") is not None


def test_figures_that_others_spoiled_are_refused_and_the_old_choice_stays(
    model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tuned"
    old = Tuned(identity(model), tuned.machine(), str(model), FORM, FORM)
    keep(old, folder)
    with pytest.raises(ModelProblem, match="Other programs took 40% of the processor"):
        tuning.tune_model(model, directory=folder, threads=1, quiet=alone(share=0.6))
    assert find_tuned(model, folder) == old
    check_nothing_left(folder)


def test_figures_that_others_spoiled_are_kept_with_a_note_where_that_is_wanted(
    model: Path, tmp_path: Path
) -> None:
    outcome = tuning.tune_model(
        model, directory=tmp_path / "tuned", threads=1, quiet=alone(runnable=3, share=0.6), anyway=True
    )
    assert any("caution" in note for note in outcome.notes)
    assert find_tuned(model, tmp_path / "tuned") == outcome.tuned


def test_each_form_is_listed_once_although_it_is_measured_in_rounds(model: Path, tmp_path: Path) -> None:
    outcome = tuning.tune_model(model, directory=tmp_path / "tuned", threads=1, quiet=alone())
    forms = [(one.file_type, one.flash_attention, one.threads, one.micro_batch) for one in outcome.measured]
    assert len(forms) == len(set(forms))


def test_the_sample_has_enough_tokens_of_several_languages(model: Path) -> None:
    loaded = Model(model, gpu_layers=0)
    assert len(loaded.tokenise(tuning_sample())) >= 2000
    loaded.close()
    assert all(word in tuning_sample() for word in (b"#include", b"interface", b"func ", b"fn ", b"def "))


_WITH_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from foretype.models.tuning import measuring, plan, quiet, tune

measuring.MOST_TURNS, plan.MICRO_BATCHES, plan.ROUNDS = 1, (), 1
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
alone = quiet.Quiet(runnable=lambda: 1, spare=0)
outcome = tune.tune_model(Path(sys.argv[1]), directory=Path(sys.argv[2]), threads=1, anyway=True, quiet=alone)
print(outcome.tuned.choice.file_type)
print(*outcome.notes, sep="\\n")
"""


def test_a_disk_that_fills_up_while_requantising_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    done = subprocess.run(
        [sys.executable, "-c", _WITH_LITTLE_ROOM, str(model), str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("as is\n")
    assert "Q8_0 was left out: llama.cpp could not write it" in done.stdout
    check_nothing_left(folder)
    assert not list(folder.glob("*.gguf"))


def ended_at(number: int) -> TuneWatcher:
    """Ends the run as a kill would, when so many steps were announced."""
    steps = 0

    def watch(_step: TuneStep) -> None:
        nonlocal steps
        steps += 1
        if steps > number:
            raise KeyboardInterrupt

    return watch


def test_what_was_ended_goes_on_where_it_was(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is ended, no form is measured or written again and again."""
    written: list[str] = []
    measured = 0
    quantise, measure = requantise.quantise, measuring.measure

    def counted(source: Path, target: Path, *rest: Any, **more: Any) -> bool:
        written.append(target.stem)
        return quantise(source, target, *rest, **more)

    def counting(*arguments: Any, **more: Any) -> Any:
        nonlocal measured
        measured += 1
        return measure(*arguments, **more)

    monkeypatch.setattr(tuning, "quantise", counted)
    monkeypatch.setattr(tuning, "measure", counting)

    def two(*_arguments: object) -> list[str]:
        return ["Q8_0", "BF16"]

    monkeypatch.setattr(tuning, "worth_having", two)
    starts = 0
    while True:
        starts += 1
        assert starts < 20
        try:
            outcome = tuning.tune_model(
                model, directory=tmp_path / "tuned", threads=1, quiet=alone(), watch=ended_at(4)
            )
            break
        except KeyboardInterrupt:
            pass
    assert starts > 2, "it was ended"
    once = 2 * 3 + 2 * 3 + 1 + 1  # rounds and finals of three forms, without flash attention, micro-batch
    assert measured <= once + starts
    assert len(written) <= 2 * starts
    assert find_tuned(model, tmp_path / "tuned") == outcome.tuned
    assert not list((tmp_path / "tuned").glob("*.journal"))


@pytest.mark.parametrize("damage", ["", "{}", "[]", "{", '{"measured": 5}', "nonsense"])
def test_a_damaged_journal_is_as_if_there_were_none(tmp_path: Path, damage: str) -> None:
    tune_journal.journal_path("0" * 64, tmp_path).write_text(damage)
    assert tune_journal.read_journal("0" * 64, tmp_path) == Journal()


def test_an_old_journal_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(starts=3)
    journal.note(FORM, -1.5)
    tune_journal.write_journal(journal, "0" * 64, tmp_path)
    assert tune_journal.read_journal("0" * 64, tmp_path) == journal
    assert journal.known(FORM, 1) == FORM
    assert journal.known(FORM, 2) is None
    os.utime(tune_journal.journal_path("0" * 64, tmp_path), (0, 0))
    assert tune_journal.read_journal("0" * 64, tmp_path) == Journal()


def test_forms_are_measured_where_people_type(tmp_path: Path) -> None:
    """Behind about a thousand tokens, beside other files that were open."""
    file = tiny_model("starcoder", tmp_path, embedding=128, heads=4, key_value_heads=4)
    timed: list[tuple[int, int]] = []
    kept: set[bool] = set()
    decode = Context.decode

    def noted(context: Context, tokens: list[int], sequence: int, position: int, *, logits: int = 1) -> Any:
        timed.append((position, len(tokens)))
        kept.add(context.eight_bits)
        return decode(context, tokens, sequence, position, logits=logits)

    for brief in (False, True):
        timed.clear()
        loaded = Model(file, gpu_layers=0)
        context = Context(
            loaded,
            size=measuring.cells_needed(),
            sequences=1 + measuring.OTHER_SEQUENCES,
            governor=Governor(1),
        )
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Context, "decode", noted)
            measuring.measure(context, measuring.sample_tokens(loaded), alone(), 1, brief=brief)
        context.close()
        loaded.close()
        (_, before), (begin, count), *steps = timed
        assert before == begin
        assert begin + count == measuring.DEPTH
        ends = [position for position, size in steps if size in measuring.BATCHES]
        assert set(ends) == {measuring.DEPTH}
    engine = load_engine(file, EngineSettings(threads=1), lambda _part: None)
    cells = engine.cache.cells
    assert isinstance(cells, Context)
    assert kept == {cells.eight_bits}
    engine.close()


def test_a_model_of_few_positions_is_measured_where_they_end(tmp_path: Path) -> None:
    file = tiny_model("starcoder", tmp_path, context=256)
    outcome = tuning.tune_model(file, directory=tmp_path / "tuned", threads=1, quiet=alone())
    assert outcome.measured[0].prefill > 0
