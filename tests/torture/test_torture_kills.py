"""Small rounds of the kills that `make torture` deals out, and of what it weighs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from foretype.tests.support.private_home import default_model
from foretype.tests.torture import kills, memory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no daemon to kill there")


def test_whoever_is_killed_the_next_suggestions_come_and_nothing_is_left() -> None:
    found = kills.play(1, kills=3)
    assert found.wrong == ()
    assert found.counts["kills"] > 0


def test_what_is_left_or_half_written_is_seen(tmp_path: Path) -> None:
    (tmp_path / ".writing-1-2-x").write_bytes(b"half")
    (tmp_path / "statistics.sqlite3").write_bytes(b"no database at all")
    assert len(kills.unfinished(tmp_path)) == 2


def test_an_indexed_workspace_is_weighed() -> None:
    found = memory.indexed(120)
    assert found.wrong == ()
    assert 20 < found.worst["memory.lsp.mb.120"] < 200


def test_a_daemon_is_weighed_beside_its_model() -> None:
    assert 0 < asyncio.run(memory.excess(default_model())) < 0.5
