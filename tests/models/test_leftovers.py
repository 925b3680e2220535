"""What killed processes and abandoned models leave behind goes; what is in use, or not ours, stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result
from foretype.context.shared import leftovers
from foretype.context.shared.problem import ModelProblem
from foretype.models.cache.saved_states import StateStore
from foretype.models.cli.models import models
from foretype.models.library import removal
from foretype.models.tuning import record as tuned
from foretype.models.tuning.record import Measured, Tuned
from foretype.tests.support.tiny_gguf import tiny_model

FORM = Measured("as is", True, 2, 128, 0.4, {1: 5.0})


@pytest.fixture(scope="module")
def dead() -> int:
    """The id of a process that has ended."""
    ran = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.parametrize("place", ["kv", "tuned"])
def test_half_written_files_of_killed_processes_go_at_the_next_start(
    tmp_path: Path, dead: int, place: str
) -> None:
    left = [f"{leftovers.writer(dead)}abc", ".writing-abc", ".writing-x_-y", ".writing-"]
    kept = [f"{leftovers.writer()}abc", ".writing-0badcafe-1-abc", "0.kv2", ".other"]
    for name in (*left, *kept):
        (tmp_path / name).write_bytes(b"half")
    if place == "kv":
        StateStore(tmp_path, bytes(32))
    else:
        tuned.sweep_tuned(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_another_machines_half_written_files_go_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / ".writing-0badcafe-1-abc"
    path.touch()
    os.utime(path, (0, 0))
    leftovers.sweep_leftovers(tmp_path)
    assert not path.exists()


def test_a_folder_that_is_not_there_is_swept_as_well(tmp_path: Path) -> None:
    leftovers.sweep_leftovers(tmp_path / "none")
    tuned.sweep_tuned(tmp_path / "none")


def test_a_file_that_cannot_be_completed_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    leftovers.write_marked(path, (b"one",))

    def parts() -> list[bytes]:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        leftovers.write_marked(path, (part for part in [b"two", *parts()]))
    assert path.read_bytes() == b"one"
    assert [one.name for one in tmp_path.iterdir()] == ["state"]
    assert path.stat().st_mode & 0o777 == 0o600


@attrs.define
class House:
    """A models folder and a folder of choices."""

    models: Path
    tuned: Path

    def tune(self, model: Path) -> Path:
        """As if the model had been tuned: its choice names a file of its own."""
        identity = tuned.identity(model)
        file = self.tuned / f"{model.stem}-{identity[:8]}-Q8_0.gguf"
        self.tuned.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"tuned")
        os.utime(file, (0, 0))
        tuned.keep(Tuned(identity, tuned.machine(), str(file), FORM, FORM, source=str(model)), self.tuned)
        return file


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "foretype"
    return House(folder / "models", folder / "tuned")


def test_what_was_tuned_goes_with_its_model(house: House) -> None:
    first, second = tiny_model("starcoder", house.models), tiny_model("refact", house.models)
    gone, kept = house.tune(first), house.tune(second)
    tuned.sweep_tuned(house.tuned)
    assert gone.exists()
    first.unlink()
    tuned.sweep_tuned(house.tuned)
    assert not gone.exists()
    assert kept.exists()
    assert len(list(house.tuned.glob("*.json"))) == 1


def test_a_disk_that_is_not_there_just_now_costs_nothing(house: House, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    kept = house.tune(tiny_model("starcoder", disk))
    disk.rename(tmp_path / "elsewhere")
    tuned.sweep_tuned(house.tuned)
    assert kept.exists()


def test_a_tuned_file_that_no_choice_names_goes_unless_it_has_just_come(house: House) -> None:
    house.tuned.mkdir(parents=True)
    old, new = house.tuned / "a-1234-Q8_0.gguf", house.tuned / "b-1234-Q8_0.gguf"
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    tuned.sweep_tuned(house.tuned)
    assert not old.exists()
    assert new.exists()


def call(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(models, ["rm", *arguments], input=answer)


def test_a_model_is_removed_with_all_that_was_made_of_it(house: House) -> None:
    path = tiny_model("starcoder", house.models)
    made = house.tune(path)
    assert call(path.stem, answer="n\n").exit_code == 1
    assert path.exists()
    assert call(path.stem, answer="y\n").exit_code == 0
    assert not path.exists()
    assert not made.exists()
    assert not list(house.tuned.iterdir())


def test_a_split_model_goes_with_all_its_parts_and_nothing_else(house: House) -> None:
    first = tiny_model("starcoder", house.models)
    names = ["big-00001-of-00002.gguf", "big-00002-of-00002.gguf", "big-00001-of-00003.gguf", "bigger.gguf"]
    for name in names:
        (house.models / name).write_bytes(first.read_bytes())
    assert call(names[0], "--yes").exit_code == 0
    assert sorted(path.name for path in house.models.iterdir()) == sorted([*names[2:], first.name])


def test_files_elsewhere_are_never_removed(house: House, tmp_path: Path) -> None:
    path = tiny_model("starcoder", tmp_path / "mine")
    with pytest.raises(ModelProblem, match="delete it yourself"):
        removal.find_removable(str(path))
    link = house.models / "linked.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(path)
    assert call("linked", "--yes").exit_code == 0
    assert not link.exists()
    assert path.exists()


def test_a_model_that_is_not_there_is_said(house: House) -> None:
    del house
    assert isinstance(call("smollm2-135m", "--yes").exception, ModelProblem)
    assert isinstance(call("nonsense", "--yes").exception, ModelProblem)
