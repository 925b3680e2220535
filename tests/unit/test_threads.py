"""How many threads compute while others want the processor, too."""

from __future__ import annotations

import attrs
import pytest
from foretype.models.threads import Governor, available, choose, runnable_threads


@attrs.define
class Machine:
    """A clock and a run queue to set."""

    now: float = 100.0
    runnable: int | None = 1

    def governor(self, most: int) -> Governor:
        return Governor(most, runnable=lambda: self.runnable, clock=lambda: self.now)

    def step(self, governor: Governor, milliseconds: float, tokens: int = 1) -> int:
        threads = governor.before()
        self.now += milliseconds / 1000
        governor.after(tokens)
        return threads


@pytest.mark.parametrize(
    ("most", "runnable", "own", "threads"),
    [(2, 1, 1, 2), (2, 2, 1, 1), (8, 3, 1, 6), (8, 8, 8, 8), (8, 10, 8, 6), (2, 9, 1, 1), (4, None, 1, 4)],
)
def test_busy_cores_are_left_to_their_owners(most: int, runnable: int | None, own: int, threads: int) -> None:
    assert choose(most, runnable, own) == threads


def test_our_own_spinning_threads_are_not_taken_for_others() -> None:
    machine = Machine()
    governor = machine.governor(4)
    machine.step(governor, 5)
    machine.runnable = 4
    assert machine.step(governor, 5) == 4
    machine.now += 1.0
    assert machine.step(governor, 5) == 1, "after a pause they sleep, so four runnable threads are others"


def test_a_slow_step_is_taken_as_a_sign_where_nobody_can_be_asked() -> None:
    machine = Machine(runnable=None)
    governor = machine.governor(2)
    for _ in range(5):
        assert machine.step(governor, 7) == 2
    machine.step(governor, 90)
    assert machine.step(governor, 8) == 1
    machine.now += 0.5
    assert machine.step(governor, 7) == 2


def test_long_prefills_are_no_sign() -> None:
    machine = Machine(runnable=None)
    governor = machine.governor(2)
    machine.step(governor, 7)
    machine.step(governor, 900, tokens=256)
    assert machine.step(governor, 7) == 2


def test_this_machine_has_cores_and_says_who_runs() -> None:
    assert available() >= 1
    runnable = runnable_threads()()
    assert runnable is None or runnable >= 1
