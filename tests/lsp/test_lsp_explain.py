"""`foretype explain`: an answer's milliseconds by stage, from what was counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from foretype.context.shared.problem import Problem
from foretype.lsp.cli import explain as explaining
from foretype.lsp.cli.commands import explain_answers
from foretype.lsp.statistics import store
from foretype.lsp.statistics.store import AnswerRow, Statistics

FAST = AnswerRow(2e9, "python", "m", 50.0, 10.0, 0.0, 20.0, 5, 900, 15.0, 4, 0, 0)
SLOW = AnswerRow(1e9, "rust", "m", 900.0, 30.0, 400.0, 300.0, 700, 20, 100.0, 9, 8, 6)


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "statistics.sqlite3"
    monkeypatch.setattr(store, "statistics_file", lambda: path)
    statistics = Statistics(path, 0, flush_s=3600)
    statistics.answered(SLOW)
    statistics.answered(FAST)
    statistics.close()
    return path


def check(*arguments: str) -> list[dict[str, object]]:
    """What the command tells a program."""
    ran = CliRunner().invoke(explain_answers, [*arguments, "--json"], catch_exceptions=False)
    return json.loads(ran.output)


def test_stages_add_up_to_the_whole() -> None:
    for row in (FAST, SLOW):
        assert sum(stage.spent_ms for stage in explaining.explained(row)) == row.total_ms
    assert [round(stage.spent_ms) for stage in explaining.explained(SLOW)] == [30, 400, 300, 100, 70]
    assert "6 of 8 drafted" in explaining.explained(SLOW)[3].why


@pytest.mark.usefixtures("counted")
def test_the_last_and_the_slowest_are_found() -> None:
    assert [row["language"] for row in check()] == ["python"]
    assert [row["language"] for row in check("slowest")] == ["rust"]
    assert [row["language"] for row in check("last", "--count", "5")] == ["python", "rust"]


@pytest.mark.usefixtures("counted")
def test_people_get_a_table() -> None:
    said = CliRunner().invoke(explain_answers, ["slowest"], catch_exceptions=False).output
    assert "900 ms" in said
    assert "700 tokens of the prompt evaluated, 20 found in the cache" in said


def test_where_nothing_was_counted_a_sentence_says_why(tmp_path: Path) -> None:
    with pytest.raises(explaining.NothingCountedProblem, match="Nothing was counted"):
        explaining.answers(tmp_path / "none", "last", 1)
    (tmp_path / "broken").write_bytes(b"no database" * 100)
    with pytest.raises(Problem, match="--reset"):
        explaining.answers(tmp_path / "broken", "last", 1)
