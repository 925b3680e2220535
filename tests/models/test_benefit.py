"""Speculation that switches itself on: in the shadow first, on while it saves time for certain, and kept.

A simulated clock is charged what batches cost. Drafts come from a text that repeats itself, and the model
follows them as often as a test says.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.models.cache.step_costs import CostCurve
from foretype.models.drafting import benefit as benefits
from foretype.models.drafting.benefit import Benefit, Saving, worth_building
from foretype.models.drafting.drafts import Drafts, Speculation
from foretype.models.drafting.events import DraftWatch
from foretype.models.drafting.experience import DraftExperience
from foretype.models.engine import loading
from foretype.models.engine.interface import EngineSettings, SpeculationMode
from foretype.models.engine.loading import load_engine
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.tiny_gguf import tiny_model
from foretype.tests.support.tiny_recurrent import tiny_recurrent
from hypothesis import given
from hypothesis import strategies as st

STEP_MS = 10.0
MANY_CORES = CostCurve.from_measured({1: STEP_MS, 4: 1.15 * STEP_MS, 16: 1.4 * STEP_MS})
TWO_CORES = CostCurve.from_measured({1: 20.6, 2: 28.9, 3: 40.9, 4: 51.1, 6: 72.0, 8: 90.3, 16: 173.6})
PERIOD = list(range(1, 40))


@attrs.define
class Machine:
    """A machine on which batches cost what `curve` says, and a model that follows drafts by chance."""

    experience: DraftExperience = attrs.field(factory=DraftExperience)
    curve: CostCurve = MANY_CORES
    dearer: float = 1.0  # real batches, against what the curve says
    threads: int = 2
    clock: FakeClock = attrs.field(factory=FakeClock)
    chance: random.Random = attrs.field(factory=lambda: random.Random(4))
    batches: int = 0
    looked: int = 0
    plain_between: list[int] = attrs.field(factory=list[int])

    def drafts(self) -> Drafts:
        return Speculation(
            frozenset({0}),
            lambda: self.curve,
            DraftWatch(lambda: self.experience.benefit(self.threads), self.clock),
            self.experience.acceptance,
        ).session()

    def generate(self, drafts: Drafts, *, follows: float, tokens: int = 48) -> float:
        """One generation behind a text that repeats itself; ms that it took."""
        began = self.clock()
        if not drafts.shared.watch.benefit().attends():
            self.clock.advance(tokens * STEP_MS / 1000)
            return tokens * STEP_MS
        self.looked += 1
        drafts.begin(PERIOD * 3, PERIOD[-4:], [])
        done, free, at, since = 0, 0, 0, 0
        while done < tokens:
            token = (
                PERIOD[at % len(PERIOD)]
                if self.chance.random() < follows
                else 1000 + self.chance.randrange(1 << 30)
            )
            done, at = done + 1, at + 1
            drafts.chose(token)
            if free:
                free -= 1
                continue
            draft = drafts.propose(15)
            right = next((n for n in range(len(draft)) if self.chance.random() >= follows), len(draft))
            ratio = self.curve.ratios()[len(draft)]
            self.clock.advance((1 + (ratio - 1) * self.dearer) * STEP_MS / 1000)
            drafts.verified(len(draft), right)
            for drafted in draft[:right]:
                drafts.chose(drafted)
                done, at = done + 1, at + 1
            self.batches += bool(draft)
            if draft:
                since += 1
            else:
                self.plain_between.append(since)
                since = 0
        drafts.end()
        return (self.clock() - began) * 1000

    @property
    def benefit(self) -> Benefit:
        return self.experience.benefit(self.threads)


def live(machine: Machine, generations: int, *, follows: float) -> None:
    drafts = machine.drafts()
    for _ in range(generations):
        machine.generate(drafts, follows=follows)


def test_nothing_is_verified_before_it_is_certain_to_save_time() -> None:
    machine = Machine()
    drafts = machine.drafts()
    while not machine.benefit.verifying:
        machine.generate(drafts, follows=0.95, tokens=8)
        assert machine.batches == 0 or machine.benefit.verifying
        assert machine.looked < 100, "it never went on"
    assert machine.benefit.saving.count >= benefits.LEAST_EVENTS
    assert machine.benefit.saving.at_least > 0
    machine.generate(drafts, follows=0.95)
    assert machine.batches > 0


def test_drafts_that_never_come_true_stay_in_the_shadow_and_are_looked_for_less_and_less() -> None:
    machine = Machine()
    live(machine, 400, follows=0.0)
    assert machine.batches == 0
    assert machine.looked < 60
    assert not machine.benefit.verifies


def test_batches_that_cost_more_than_they_were_measured_to_switch_it_off_again() -> None:
    machine = Machine()
    live(machine, 40, follows=0.95)
    assert machine.benefit.verifying
    machine.dearer = 60.0
    for _ in range(60):
        live(machine, 1, follows=0.9)  # files of their own, which have lost nothing yet
        if not machine.benefit.verifying:
            break
    assert not machine.benefit.verifying
    assert machine.benefit.wanted > benefits.LEAST_EVENTS, "it takes longer to be believed again"


def test_about_one_step_in_sixteen_stays_plain_to_compare_with() -> None:
    machine = Machine()
    live(machine, 20, follows=1.0)
    machine.plain_between.clear()
    live(machine, 60, follows=1.0)
    assert machine.benefit.verifying
    assert machine.plain_between
    assert max(machine.plain_between) < benefits.BASELINE_EVERY


def test_what_is_saved_is_measured_and_not_only_expected() -> None:
    """Another program makes every batch take twice its time: what was counted as saved shrinks with it."""
    quiet, busy = Machine(), Machine()
    for machine in (quiet, busy):
        live(machine, 40, follows=0.95)
    busy.dearer = 8.0
    for machine in (quiet, busy):
        machine.benefit.saving = Saving()
        live(machine, 6, follows=0.95)
    assert busy.benefit.saving.mean < quiet.benefit.saving.mean - 2.0


@pytest.mark.parametrize(
    ("curve", "worth"), [(MANY_CORES, True), (TWO_CORES, False)], ids=["many cores", "two cores"]
)
def test_drafts_are_built_where_batches_are_cheap(curve: CostCurve, worth: bool) -> None:
    assert worth_building(curve.ratios()) is worth


EVENTS = st.lists(st.floats(-50, 50), min_size=2, max_size=60)


@given(EVENTS)
def test_a_mean_is_what_it_says(events: list[float]) -> None:
    saving = Saving()
    for event in events:
        saving.add(event)
    mean = sum(events) / len(events)
    assert saving.mean == pytest.approx(mean, abs=1e-6)
    variance = sum((event - mean) ** 2 for event in events) / len(events)
    assert saving.error == pytest.approx((variance / len(events)) ** 0.5, abs=1e-6)
    assert saving.at_least <= saving.mean <= saving.at_most


def test_what_was_long_ago_counts_less() -> None:
    saving = Saving()
    for _ in range(2000):
        saving.add(-5.0)
    for _ in range(2000):
        saving.add(5.0)
    assert saving.at_least > 0


# ── kept ─────────────────────────────────────────────────────────────────────────────────────────────


def save(experience: DraftExperience) -> None:
    experience.save()
    assert experience.wait(10.0)


def test_what_was_learned_is_there_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "drafts" / "model.json"
    machine = Machine(DraftExperience(path))
    live(machine, 40, follows=0.95)
    save(machine.experience)
    again = DraftExperience(path)
    assert again.benefit(2).verifying
    assert not again.benefit(4).verifying, "other threads, other costs"
    assert again.acceptance.shift("prompt", first=False) == pytest.approx(
        machine.experience.acceptance.shift("prompt", first=False)
    )


def test_nothing_is_written_where_nothing_was_learned(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    machine = Machine(DraftExperience(path))
    live(machine, 3, follows=0.9)
    save(machine.experience)
    before = path.stat().st_mtime_ns
    save(DraftExperience(path))
    save(machine.experience)
    assert path.stat().st_mtime_ns == before


def damage(path: Path, change: Callable[[Any], object]) -> None:
    data: Any = json.loads(path.read_text(encoding="utf-8"))
    changed = change(data)
    path.write_text(changed if isinstance(changed, str) else json.dumps(data), encoding="utf-8")


def check_begun_anew(path: Path) -> None:
    found = DraftExperience(path)
    assert not found.benefit(2).verifying
    assert found.benefit(2).saving.count == 0


def _not_a_number(data: Any) -> None:
    data["kept"][0]["saving"]["squares"] = float("nan")


def _negative(data: Any) -> None:
    data["outcomes"][0]["tally"]["hits"] = -3.0


def _becomes(text: str) -> Callable[[Any], object]:
    def change(_data: Any) -> str:
        return text

    return change


def _newer(data: Any) -> None:
    data["version"] = 99


@pytest.mark.parametrize(
    "change",
    [_not_a_number, _negative, _newer, _becomes(""), _becomes("[1"), _becomes('{"version": 1}')],
    ids=["no number", "negative", "newer", "empty", "cut short", "incomplete"],
)
def test_a_damaged_record_is_begun_anew(tmp_path: Path, change: Callable[[Any], object]) -> None:
    path = tmp_path / "model.json"
    machine = Machine(DraftExperience(path))
    live(machine, 40, follows=0.95)
    save(machine.experience)
    assert DraftExperience(path).benefit(2).verifying
    damage(path, change)
    check_begun_anew(path)


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mode", "cheap", "built"),
    [
        (SpeculationMode.AUTO, True, True),
        (SpeculationMode.AUTO, False, False),
        (SpeculationMode.ALWAYS, False, True),
        (SpeculationMode.NEVER, True, False),
    ],
)
def test_a_model_is_loaded_with_drafts_where_they_could_pay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: SpeculationMode, cheap: bool, built: bool
) -> None:
    def worth(_ratios: Sequence[float]) -> bool:
        return cheap

    monkeypatch.setattr(loading, "worth_building", worth)
    settings = EngineSettings(threads=1, tuned=False, speculation=mode)
    engine = load_engine(tiny_model("starcoder", tmp_path), settings, lambda _part: None)
    assert (engine.speculation is not None) is built
    if engine.speculation is not None:
        assert engine.speculation.watch.benefit().verifies is (mode is SpeculationMode.ALWAYS)
    engine.close()


def test_a_memory_that_cannot_take_tokens_back_has_no_drafts(tmp_path: Path) -> None:
    settings = EngineSettings(threads=1, speculation=SpeculationMode.ALWAYS)
    engine = load_engine(tiny_recurrent("mamba", tmp_path), settings, lambda _part: None)
    assert engine.speculation is None
    engine.close()
