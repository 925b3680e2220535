"""`foretype replay` beside its history: variants, the files they see, what is kept, the command."""

from __future__ import annotations

import json
import tempfile
import tomllib
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner
from foretype.context.shared.problem import ModelProblem, Problem
from foretype.daemon.settings.settings import Settings, apply
from foretype.lsp.cli.replay import replay
from foretype.lsp.replay.checkout import Checkout, stays_inside, tree_files
from foretype.lsp.replay.git import Repository
from foretype.lsp.replay.history import Commit
from foretype.lsp.replay.journal import ReplayJournal
from foretype.lsp.replay.outcome import ReplayOutcome, TypedCode
from foretype.lsp.replay.plan import MOST_VARIANTS, PlanProblem, as_toml, plan_variants
from foretype.tests.support.private_home import default_model
from foretype.tests.support.worktree import Worktree
from hypothesis import given
from hypothesis import strategies as st

# -- variants


@pytest.fixture
def user(tmp_path: Path) -> Settings:
    """Settings with a model of one byte."""
    return Settings(model=attrs.evolve(Settings().model, path=str(gguf(tmp_path, "own"))))


def gguf(folder: Path, name: str) -> Path:
    file = folder / f"{name}.gguf"
    file.write_text(name, encoding="utf-8")
    return file


def test_without_a_wish_there_is_the_users_own_variant(user: Settings) -> None:
    (plan,) = plan_variants(user, [], [], [])
    assert plan.name == "own.gguf"
    assert plan.settings.completion == user.completion
    assert not plan.settings.model.tune
    assert not plan.settings.statistics.enabled


def test_an_engine_elsewhere_is_compared_with_the_one_here(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(b"GGUF" + bytes(100))
    user, _ = apply(Settings(), {"model": {"path": str(model)}, "remote": {"headers": {"X-Team": "a"}}})
    here, there = plan_variants(user, [], [], [], ["https://gpu.example.org"])
    assert (here.name, there.name) == ("here", "https://gpu.example.org")
    assert (here.settings.remote.use, there.settings.remote.use) == ("never", "always")
    again, flaws = apply(Settings(), tomllib.loads(as_toml(there.settings)))
    assert (again.remote, flaws) == (there.settings.remote, [])


def test_every_model_meets_every_value_of_a_setting(user: Settings, tmp_path: Path) -> None:
    models = [str(gguf(tmp_path, "small")), str(gguf(tmp_path, "large"))]
    changes = ["completion.multiline=never", "completion.multiline=auto", "completion.latency_budget_ms=200"]
    plans = plan_variants(user, models, [], changes)
    multiline = ["never", "auto"] * 2
    assert [each.settings.completion.multiline for each in plans] == multiline
    assert {each.settings.completion.latency_budget_ms for each in plans} == {200}
    assert len({each.name for each in plans}) == 4, "by what differs"
    assert [each.model.name for each in plans] == ["small.gguf"] * 2 + ["large.gguf"] * 2


def test_files_of_settings_hold_over_the_users(user: Settings, tmp_path: Path) -> None:
    for name, budget in (("fast", 100), ("slow", 900)):
        (tmp_path / f"{name}.toml").write_text(f"[completion]\nlatency_budget_ms = {budget}\n", "utf-8")
    plans = plan_variants(user, [], [tmp_path / "fast.toml", tmp_path / "slow.toml"], [])
    assert [(each.name, each.settings.completion.latency_budget_ms) for each in plans] == [
        ("fast", 100),
        ("slow", 900),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        ["completion"],
        ["multiline=never"],
        ["completion.multiline=sometimes"],
        ["completion.latency_budget_ms=soon"],
        ["completion.multiline=never", "completion.multiline=never"],
        [f"completion.latency_budget_ms={100 + each}" for each in range(MOST_VARIANTS + 1)],
    ],
)
def test_what_makes_no_sense_is_one_sentence(user: Settings, changes: list[str]) -> None:
    with pytest.raises(PlanProblem) as problem:
        plan_variants(user, [], [], changes)
    assert str(problem.value).endswith(".")
    assert problem.value.exit_code == 2


def test_a_model_or_a_file_that_is_not_there_is_one_sentence(user: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelProblem):
        plan_variants(user, ["no-such-model"], [], [])
    with pytest.raises(ModelProblem):
        plan_variants(user, [str(tmp_path / "gone.gguf")], [], [])
    broken = tmp_path / "broken.toml"
    broken.write_text("[completion\n", encoding="utf-8")
    for file in (broken, tmp_path / "gone.toml"):
        with pytest.raises(PlanProblem, match=file.name):
            plan_variants(user, [], [file], [])


def test_what_would_change_a_result_makes_it_another_result(user: Settings, tmp_path: Path) -> None:
    own = plan_variants(user, [], [], [])[0].facts()
    assert plan_variants(user, [], [], ["completion.multiline=never"])[0].facts() != own
    assert plan_variants(user, [str(gguf(tmp_path, "other"))], [], [])[0].facts() != own
    (tmp_path / "elsewhere").mkdir()
    moved = gguf(tmp_path / "elsewhere", "own")
    assert plan_variants(user, [str(moved)], [], [])[0].facts() == own, "the same file elsewhere"


@given(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    st.booleans(),
    st.integers(50, 5000),
    st.lists(st.sampled_from(["python", "markdown", "c"]), unique=True),
)
def test_settings_are_the_same_after_they_were_written_and_read(
    name: str, enabled: bool, budget: int, languages: list[str]
) -> None:
    settings = Settings()
    settings = attrs.evolve(
        settings,
        model=attrs.evolve(settings.model, name=name),
        statistics=attrs.evolve(settings.statistics, enabled=enabled),
        completion=attrs.evolve(
            settings.completion, latency_budget_ms=float(budget), disabled_languages=tuple(languages)
        ),
    )
    read, flaws = apply(Settings(), tomllib.loads(as_toml(settings)))
    assert not flaws
    assert read == settings


# -- files


@pytest.fixture
def made(tmp_path: Path) -> Worktree:
    folder = tmp_path / "repository"
    folder.mkdir()
    tree = Worktree(folder)
    tree.git("init", "-q")
    return tree


def commits(made: Worktree) -> list[Commit]:
    """The newest first."""
    printed = Repository(made.folder).read("log", "--format=%H %P", "HEAD").decode().split("\n")
    return [Commit(*(*line.split(" "), "")[:2]) for line in printed if line]


def files_in(folder: Path) -> dict[str, str]:
    return {
        each.relative_to(folder).as_posix(): each.read_text(encoding="utf-8")
        for each in folder.rglob("*")
        if each.is_file()
    }


def test_the_folder_is_what_the_repository_was_before_each_commit(made: Worktree, tmp_path: Path) -> None:
    (made.folder / "inner").mkdir()
    made.commit(a__py="one", **{"inner/b__py": "two"})
    made.commit(a__py="three", c__py="four")
    (made.folder / "inner" / "b.py").unlink()
    made.commit(a__py="five")
    (tmp_path / "stand").mkdir()
    stand = Checkout(Repository(made.folder), tmp_path / "stand")
    newest, middle, first = commits(made)
    stand.stand_before(newest)
    assert files_in(stand.root) == {"a.py": "three", "c.py": "four", "inner/b.py": "two"}
    stand.stand_before(first)
    assert files_in(stand.root) == {}
    assert not (stand.root / "inner").exists()
    stand.stand_before(middle)
    assert files_in(stand.root) == {"a.py": "one", "inner/b.py": "two"}
    assert (made.folder / "a.py").read_text(encoding="utf-8") == "five", "the repository stays as it is"


def test_secrets_links_and_submodules_are_not_written(made: Worktree, tmp_path: Path) -> None:
    (made.folder / "link.py").symlink_to("/etc/hostname")
    made.commit(a__py="one", __env="TOKEN=1", id_rsa="key")
    made.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    made.git("commit", "-q", "-m", "submodule")
    made.git("commit", "-q", "--allow-empty", "-m", "last")
    (tmp_path / "stand").mkdir()
    stand = Checkout(Repository(made.folder), tmp_path / "stand")
    stand.stand_before(commits(made)[0])
    assert files_in(stand.root) == {"a.py": "one"}


@pytest.mark.parametrize("path", ["../a.py", "/etc/a.py", ".git/config", "a/.GIT/hooks/x", "a/../../b", ""])
def test_a_path_of_a_hostile_tree_stays_unwritten(path: str) -> None:
    assert not stays_inside(path)
    assert tree_files(f"100644 blob {'1' * 40} 3\t{path}\0".encode()) == []


# -- what is kept


def outcome(place: str, code: TypedCode | None = None) -> ReplayOutcome:
    return ReplayOutcome(
        place, "python", exact=True, shown=True, right=3, left=5, answer_ms=(1.5, 20.0), code=code
    )


def test_what_was_measured_is_there_for_the_next_run(tmp_path: Path) -> None:
    facts = {"head": "a"}
    journal = ReplayJournal(tmp_path, facts)
    journal.keep(outcome("one"))
    journal.keep(outcome("two", TypedCode("x = 1", "x =", " 1")))
    again = ReplayJournal(tmp_path, facts)
    assert again.known("one") == outcome("one")
    assert again.known("two") == outcome("two", TypedCode("x = 1", "x =", " 1"))
    assert len(ReplayJournal(tmp_path, {"head": "b"})) == 0, "another history"
    assert again.path.stat().st_mode & 0o777 == 0o600
    assert len(ReplayJournal(tmp_path, facts, afresh=True)) == 0


@given(st.integers(0, 400), st.binary(max_size=20))
def test_a_journal_that_was_cut_off_anywhere_goes_on(cut: int, garbage: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = ReplayJournal(Path(folder), {})
        journal.keep(outcome("one"))
        content = journal.path.read_bytes()
        head = content.index(b"\n") + 1
        journal.path.write_bytes(content[: max(head, len(content) - cut)] + garbage)
        again = ReplayJournal(Path(folder), {})
        again.keep(outcome("two"))
        assert ReplayJournal(Path(folder), {}).known("two") == outcome("two")


def test_a_journal_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Problem, match="cannot be written"):
        ReplayJournal(tmp_path / "file" / "folder", {})


# -- the command


BEFORE = '''"""Shapes and their areas."""

import math


def area_of_circle(radius):
    return math.pi * radius * radius
'''
AFTER = f"""{BEFORE}

def area_of_square(side):
    return side * side


def area_of_rectangle(width, height):
    return width * height
"""


def test_a_history_is_typed_and_told_of_and_the_next_run_only_tells(
    made: Worktree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = default_model()
    for name in ("CONFIG", "CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    made.commit(shapes__py=BEFORE)
    made.commit(shapes__py=AFTER)
    json_file, plot_file = tmp_path / "found.json", tmp_path / "found.svg"
    arguments = [str(made.folder), "--model", str(model), "--places", "2"]
    files = ["--json", str(json_file), "--plot", str(plot_file)]
    first = CliRunner().invoke(replay, [*arguments, *files], catch_exceptions=False)
    assert first.exit_code == 0, first.output
    assert "exact lines" in first.output
    found = json.loads(json_file.read_text(encoding="utf-8"))
    (outcomes,) = found["outcomes"].values()
    assert len(outcomes) == 2
    assert all(each["answer_ms"] for each in outcomes)
    assert "side * side" not in json_file.read_text(encoding="utf-8")
    assert "code" not in outcomes[0]
    assert plot_file.read_text(encoding="utf-8").startswith("<svg")
    assert {each.name for each in made.folder.iterdir()} == {".git", "shapes.py"}
    again = CliRunner().invoke(replay, [*arguments, "--json", "-"], catch_exceptions=False)
    assert json.loads(again.stdout)["outcomes"] == found["outcomes"], "nothing was typed again"
