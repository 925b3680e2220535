"""A place of every scenario from end to end: the real language server, engine and model, in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest
from foretype.lsp.replay.place import Place
from foretype.tests.live.outcome import judged
from foretype.tests.live.places import Written
from foretype.tests.live.runs import simulated_runs
from foretype.tests.live.scenarios import LOOKS_S, SCENARIOS
from foretype.tests.live.simulated import MACHINES, Truth

LINES = [f"def area_{number}(width, height):\n    return width * height\n\n" for number in range(30)]
LINES.insert(0, "\n" * 100)
HEAD = 'def area_last(width, height):\n    """The area."""\n'


@pytest.fixture(scope="module")
def truth() -> Truth:
    """The real model, with what it has computed."""
    return Truth()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The rest of "return width * height" at the end of a file that says it everywhere."""
    root = tmp_path_factory.mktemp("workspace")
    (root / "other.py").write_text("import math\n\nprint(math.pi)\n", "utf-8")
    before = "".join(LINES) + HEAD + "    "
    line = "    return width * height"
    place = Place(
        "p",
        root,
        root / "a.py",
        "python",
        before + "\n",
        len(before),
        "return wi",
        line,
        "dth * height",
        held_out=True,
    )
    return Written(place, "".join(LINES) + HEAD + line + "\n")


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_what_the_file_says_everywhere_stands_there_a_second_after_the_last_key(
    written: Written, truth: Truth, scenario: str
) -> None:
    (run,) = simulated_runs(truth, [MACHINES["tuned"]], [], [scenario])
    done = run.play(written.place)
    assert done is not None
    played, contexts = done
    looks = judged(written, played, contexts)
    assert [look.after_s for look in looks] == list(LOOKS_S)
    assert [look.exact for look in looks[2:]] == [True, True]
    assert all(look.context is not None and 0 < look.context <= 1 for look in looks if look.shown)
    assert played.processor_s > 0


def test_a_slow_machine_has_seen_less_of_the_context(written: Written, truth: Truth) -> None:
    fast, slow = simulated_runs(truth, [MACHINES["tuned"], MACHINES["shape-1.5b"]], [], ["cold"])
    shares: list[float] = []
    for run in (fast, slow):
        done = run.play(written.place)
        assert done is not None
        played, contexts = done
        last = judged(written, played, contexts)[-1]
        shares.append(last.context or 0.0)
    assert shares[1] < shares[0]


def test_the_whole_window_is_seen_where_time_does_not_matter(written: Written, truth: Truth) -> None:
    (run,) = simulated_runs(truth, [MACHINES["shape-1.5b"]], [], [], whole=True)
    done = run.play(written.place)
    assert done is not None
    played, contexts = done
    (look,) = judged(written, played, contexts)
    assert (look.exact, look.context) == (True, 1.0)


def test_machines_are_as_fast_as_they_are_called() -> None:
    for name, prefill, decode in (("shape-0.5b", (250, 300), (22, 25)), ("shape-1.5b", (76, 98), (7.5, 8.5))):
        machine = MACHINES[name]
        assert prefill[0] <= 256 * 1000 / machine.batch_ms(256) <= prefill[1]
        assert decode[0] <= 1000 / machine.batch_ms(1) <= decode[1]


def test_the_workspace_is_only_read(written: Written) -> None:
    assert sorted(path.name for path in Path(written.place.root).iterdir()) == ["other.py"]
