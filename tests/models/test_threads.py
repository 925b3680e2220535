"""How many threads compute while others want the processor, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.governor import (
    Governor,
    ProcessorLoad,
    competing_threads,
    runnable_threads,
    thread_count,
    usable_cores,
)
from foretype.models.llama.llama import Context, DecodeResult, Model
from foretype.models.machine.cores import Cores
from foretype.models.machine.yielding import yielding_cores
from foretype.tests.support.tiny_gguf import tiny_model
from hypothesis import given
from hypothesis import strategies as st


@attrs.define
class Machine:
    """A clock and a run queue to set."""

    now: float = 100.0
    runnable: int | None = 1

    def governor(self, most: int) -> Governor:
        return Governor(
            most,
            shape=Cores(most, most, most),
            load=ProcessorLoad(lambda: self.runnable, lambda: 0.0),
            clock=lambda: self.now,
        )

    def step(self, governor: Governor, milliseconds: float, tokens: int = 1, *, finished: bool = True) -> int:
        threads = governor.before()
        self.now += milliseconds / 1000
        governor.after(tokens, finished=finished)
        return threads


@pytest.mark.parametrize(
    ("most", "runnable", "own", "threads"),
    [(2, 1, 1, 2), (2, 2, 1, 1), (8, 3, 1, 6), (8, 8, 8, 8), (8, 10, 8, 6), (2, 9, 1, 1)],
)
def test_busy_cores_are_left_to_their_owners(most: int, runnable: int, own: int, threads: int) -> None:
    assert thread_count(most, runnable - own) == threads


@pytest.mark.parametrize(
    ("wanted", "shape", "others", "inside", "threads"),
    [
        (4, Cores(16, 16, 32), 5, 0, 4),
        (4, Cores(16, 16, 32), 13, 0, 3),
        (16, Cores(16, 16, 32), 5, 0, 11),
        (2, Cores(64, 2, 2), 30, 0, 2),
        (2, Cores(64, 2, 2), 63, 0, 1),
        (2, Cores(64, 2, 2), 30, 1.0, 1),
        (2, Cores(64, 2, 2), 0, 0.3, 2),
        (8, Cores(4, 4, 8), 0, 0, 8),
        (8, Cores(4, 4, 8), 1, 0, 7),
        (6, Cores(8, 8, 8), 100, 0, 1),
    ],
)
def test_threads_are_taken_from_the_cores_that_are_free(
    wanted: int, shape: Cores, others: int, inside: float, threads: int
) -> None:
    assert thread_count(wanted, others, shape=shape, inside=inside) == threads


@pytest.mark.parametrize(
    ("runnable", "yielding", "counted"), [(2, 1, 1), (3, 1, 2), (1, 3, 0), (None, 2, None)]
)
def test_programs_that_give_way_are_not_counted(
    runnable: int | None, yielding: int, counted: int | None
) -> None:
    assert competing_threads(lambda: runnable, lambda: yielding)() == counted


@attrs.define
class Counters:
    """The kernel's counters of processor time, and a clock."""

    file: Path
    now: float = 50.0
    ticks: float = 1000.0

    def spend(self, seconds: float, cores: float) -> None:
        self.now += seconds
        self.ticks += seconds * cores * 100
        self.file.write_text(f"cpu  9000 {int(self.ticks)} 800 70000 0 0 0 0\ncpu0 1 2 3\n", encoding="ascii")

    def asked(self) -> Callable[[], int]:
        self.spend(0.0, 0.0)
        ask = yielding_cores(self.file, clock=lambda: self.now)
        assert ask() == 0, "of the past nothing is known"
        return ask


def test_programs_of_a_low_priority_are_seen_by_what_they_use(tmp_path: Path) -> None:
    counters = Counters(tmp_path / "stat")
    ask = counters.asked()
    counters.spend(0.05, 1.0)
    assert ask() == 0, "a twentieth of a second says nothing"
    counters.spend(0.1, 1.0)
    assert ask() == 1
    counters.spend(0.2, 2.0)
    assert ask() == 2
    counters.spend(0.2, 0.0)
    assert ask() == 2, "our own threads hold the cores, so they get nothing"
    counters.spend(2.0, 0.0)
    assert ask() == 0, "they are gone"
    counters.spend(60.0, 1.0)
    assert ask() == 0, "what was a minute ago says nothing about now"


def test_where_nobody_counts_all_others_are_taken_for_equals(tmp_path: Path) -> None:
    assert yielding_cores(tmp_path / "absent")() == 0
    (tmp_path / "stat").write_text("intr 12\n", encoding="ascii")
    assert yielding_cores(tmp_path / "stat")() == 0


def test_a_governor_computes_beside_a_program_that_gives_way() -> None:
    machine = Machine(runnable=2)
    load = ProcessorLoad(competing_threads(lambda: machine.runnable, lambda: 1), lambda: 0.0)
    governor = attrs.evolve(machine.governor(2), load=load)
    assert machine.step(governor, 7) == 2
    machine.runnable = 3
    machine.now += 1.0
    assert machine.step(governor, 7) == 1, "the other one doesn't give way"


def test_our_own_spinning_threads_are_not_taken_for_others() -> None:
    machine = Machine()
    governor = machine.governor(4)
    machine.step(governor, 5)
    machine.runnable = 4
    assert machine.step(governor, 5) == 4
    machine.now += 1.0
    assert machine.step(governor, 5) == 1, "after a pause they sleep, so four runnable threads are others"


def test_whoever_takes_the_last_token_is_not_taken_for_a_competitor() -> None:
    machine = Machine()
    governor = machine.governor(2)
    assert governor.before() == 2
    machine.runnable = 2
    governor.after(1)
    machine.runnable = 3
    assert governor.before() == 2, "nobody ran beside the step itself"
    governor.after(1)
    assert governor.before() == 1, "somebody still does"


@pytest.mark.parametrize(("looks", "threads"), [((2, 1), 2), ((2, 2), 1), ((3, 2), 1), ((1,), 2)])
def test_after_a_pause_others_are_looked_for_twice(looks: tuple[int, ...], threads: int) -> None:
    seen, waited = iter(looks), list[float]()
    load = ProcessorLoad(lambda: next(seen), lambda: 0.0)
    governor = Governor(2, shape=Cores(2, 2, 2), load=load, clock=lambda: 100.0, pause=waited.append)
    assert governor.before() == threads
    assert len(waited) == len(looks) - 1


def test_a_slow_step_is_taken_as_a_sign_where_nobody_can_be_asked() -> None:
    machine = Machine(runnable=None)
    governor = machine.governor(2)
    for _ in range(5):
        assert machine.step(governor, 7) == 2
    machine.step(governor, 90)
    assert machine.step(governor, 8) == 1
    machine.now += 0.5
    assert machine.step(governor, 7) == 2


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 500.0)), max_size=40))
def test_steps_that_never_finished_teach_nothing(steps: list[tuple[bool, float]]) -> None:
    """Whatever was aborted between them, finished steps of an even pace compute with every thread."""
    machine = Machine(runnable=None)
    governor = machine.governor(4)
    for aborted, milliseconds in steps:
        if aborted:
            machine.step(governor, milliseconds, finished=False)
        assert machine.step(governor, 7) == 4


def test_a_context_tells_which_steps_were_aborted(tmp_path: Path) -> None:
    said: list[bool] = []

    class Listening(Governor):
        def after(self, tokens: int, *, finished: bool = True) -> None:
            super().after(tokens, finished=finished)
            said.append(finished)

    model = Model(tiny_model("starcoder", tmp_path), gpu_layers=0)
    context = Context(model, size=256, sequences=2, governor=Listening(1))
    cancelled = Cancellation()
    cancelled.cancel()
    with context.abortable(cancelled):
        assert context.decode([5], 0, 0) is DecodeResult.ABORTED
    assert context.decode([5], 0, 0) is DecodeResult.DONE
    assert context.decode([5] * 200, 0, 1) is DecodeResult.DONE
    assert context.decode([5] * 100, 1, 0) is DecodeResult.NO_SLOT
    assert said == [False, True, True, False]
    context.close()
    model.close()


def test_long_prefills_are_no_sign() -> None:
    machine = Machine(runnable=None)
    governor = machine.governor(2)
    machine.step(governor, 7)
    machine.step(governor, 900, tokens=256)
    assert machine.step(governor, 7) == 2


def test_this_machine_has_cores_and_says_who_runs() -> None:
    assert usable_cores() >= 1
    runnable = runnable_threads()()
    assert runnable is None or runnable >= 1
