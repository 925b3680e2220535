"""`foretype replay`: which lines of a history are typed again, what ends a replay, and who is better."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from foretype.lsp.replay.confidence import sign_test
from foretype.lsp.replay.git import Repository, RepositoryProblem
from foretype.lsp.replay.history import Commit, HistoryPlace
from foretype.lsp.replay.outcome import ReplayOutcome, outcome_of, summary_of
from foretype.lsp.replay.place import Place
from foretype.lsp.replay.run import PlaceLostError, ReplayClocks, run_places
from foretype.lsp.replay.typist import Look, Replayed
from foretype.tests.support.worktree import Worktree
from hypothesis import given
from hypothesis import strategies as st

OLD = "def area(width, height):\n    return width * height\n"
NEW = "def area(width, height):\n    checked = max(width, 0)\n    return checked * height\n"


@pytest.fixture
def made(tmp_path: Path) -> Worktree:
    tree = Worktree(tmp_path)
    tree.git("init", "-q")
    tree.commit(shapes__py=OLD)
    return tree


def written(place: Place) -> str:
    return place.text[: place.offset] + place.keys + place.left + place.text[place.offset :]


def test_a_line_is_typed_where_the_commit_wrote_it(made: Worktree) -> None:
    made.commit(shapes__py=NEW)
    places, _ = made.history()
    newest = places[0].place
    assert newest.line in {"    checked = max(width, 0)", "    return checked * height"}
    assert newest.line.endswith(newest.keys + newest.left)
    assert newest.language == "python"
    assert newest.line in written(newest).split("\n")


def test_what_nobody_typed_is_left_out_and_counted(made: Worktree) -> None:
    made.commit(picture__py=b"\0\1\2" * 50)
    made.git("mv", "shapes.py", "forms.py")
    made.commit()
    made.commit(generated__py="value = compute(another_value)\n" * 100_000)
    made.git("checkout", "-q", "-b", "side", "HEAD~1")
    made.commit(side__py=OLD)
    made.git("checkout", "-q", "main")
    made.git("merge", "-q", "--no-ff", "-m", "m", "side")
    made.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    made.git("commit", "-q", "-m", "submodule")
    _, left_out = made.history()
    assert {"merges", "renames", "binary files", "submodules"} <= set(left_out)
    assert any(reason.startswith("commits of more than") for reason in left_out)


def test_a_shallow_clone_did_not_write_everything(made: Worktree, tmp_path: Path) -> None:
    made.commit(shapes__py=NEW)
    shallow = tmp_path / "shallow"
    made.git("clone", "-q", "--depth", "1", f"file://{made.folder}", str(shallow))
    places, left_out = Worktree(shallow).history()
    assert places == []
    assert left_out == {"commits cut off by a shallow clone": 1}


def test_a_longer_list_begins_with_the_shorter_one(made: Worktree) -> None:
    for number in range(4):
        made.commit(**{f"shapes_{number}__py": NEW.replace("area", f"area_{number}")})
    first, again = made.history()[0], made.history()[0]
    assert [each.place.name for each in first] == [each.place.name for each in again]
    assert len({each.commit.name for each in first}) >= 4


@pytest.mark.parametrize("kind", ["no repository", "no commits", "no folder", "no git"])
def test_what_cannot_be_read_is_one_sentence(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone" if kind == "no folder" else tmp_path
    if kind == "no commits":
        Worktree(tmp_path).git("init", "-q")
    if kind == "no git":
        monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(RepositoryProblem) as problem:
        Repository(folder)
    assert str(problem.value).endswith(".")
    assert "\n" not in str(problem.value)


# -- a run


@attrs.define
class Scripted:
    """A variant that is exact everywhere; what gets in its way comes from `troubles`."""

    name: str = "a"
    troubles: Iterator[str] = attrs.field(factory=lambda: iter(()))
    now: float = 0.0
    nap: float = 0.0
    kept: dict[str, ReplayOutcome] = attrs.field(factory=dict[str, ReplayOutcome])
    typed: int = 0
    _sentence: str = ""

    def known(self, place: str) -> ReplayOutcome | None:
        return self.kept.get(place)

    def type(self, found: HistoryPlace) -> ReplayOutcome:
        self.typed += 1
        self.now += 7
        trouble = next(self.troubles, "")
        if trouble == "lost":
            raise PlaceLostError
        if trouble == "slept":
            self.nap += 3600
        if trouble == "swapped":
            self._sentence = "The model has changed."
        return ReplayOutcome(found.place.name, "python", exact=True, shown=True, right=3, left=3)

    def keep(self, outcome: ReplayOutcome) -> None:
        self.kept[outcome.place] = outcome

    def swapped(self) -> str:
        return self._sentence

    @property
    def clocks(self) -> ReplayClocks:
        return ReplayClocks(wall=lambda: self.now + self.nap, steady=lambda: self.now)


def some_places(count: int) -> list[HistoryPlace]:
    place = Place("", Path("/srv"), Path("/srv/a.py"), "python", "", 0, "", "", "", held_out=False)
    return [HistoryPlace(attrs.evolve(place, name=f"c:{number}"), Commit("c", "")) for number in range(count)]


@pytest.mark.parametrize("trouble", ["lost", "slept"])
def test_a_place_at_which_the_machine_slept_or_the_server_ended_is_typed_again(trouble: str) -> None:
    one = Scripted(troubles=iter(["", trouble]))
    found = run_places(some_places(3), [one], expected_s=7, clocks=one.clocks)
    assert (len(found.outcomes["a"]), found.repeated, found.ended) == (3, 1, "")
    assert one.typed == 4


def test_a_place_that_never_tells_anything_is_given_up() -> None:
    one = Scripted(troubles=iter(["lost"] * 3))
    found = run_places(some_places(2), [one], expected_s=7, clocks=one.clocks)
    assert (len(found.outcomes["a"]), found.given_up) == (1, 1)


def test_a_model_that_was_swapped_ends_it_and_what_was_measured_is_kept() -> None:
    one = Scripted(troubles=iter(["", "swapped"]))
    found = run_places(some_places(3), [one], expected_s=7, clocks=one.clocks)
    assert found.ended == "The model has changed."
    assert list(one.kept) == ["c:0"]


def test_it_stops_in_time_and_goes_on_from_there() -> None:
    one = Scripted()
    found = run_places(some_places(5), [one], expected_s=7, limit_s=15, clocks=one.clocks)
    assert (len(found.outcomes["a"]), one.typed) == (2, 2)
    assert found.ended
    again = run_places(some_places(5), [one], expected_s=7, clocks=one.clocks)
    assert (len(again.outcomes["a"]), one.typed) == (5, 5)


def test_the_summary_counts_exact_lines_and_the_characters_that_need_not_be_typed() -> None:
    place = attrs.evolve(some_places(1)[0].place, line="a.b()", left="b()")
    seen = [Look(1.0, line, ghost) for line, ghost in (("a.b()", "b()"), ("a.b[]", "b[]"), (None, ""))]
    done = [Replayed(place, (look,), (10.0, 30.0), 0.5, 0, 0, 2.0) for look in seen]
    found = summary_of([outcome_of(each) for each in done])
    assert (found["places"], found["exact"], found["shown"]) == (3, 1, pytest.approx(2 / 3))
    assert found["characters_saved"] == pytest.approx(4 / 9)
    assert found["exact_of_shown"] == pytest.approx(1 / 2)
    assert (found["first_shown_s"], found["processor_s"]) == (0.5, 2)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_fair_to_both(wins: int, losses: int) -> None:
    chance = sign_test(wins, losses)
    assert 0 <= chance <= 1
    assert chance == sign_test(losses, wins)
    if wins > losses:
        assert sign_test(wins + 1, losses) <= chance
