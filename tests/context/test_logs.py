"""The log of a process: in one file, bounded, and never in the way."""

from __future__ import annotations

import logging
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from foretype.context.shared.logs import log_from, log_to


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("foretype")
    before = root.handlers[:], own.level, logging.raiseExceptions
    yield
    root.handlers[:], level, logging.raiseExceptions = before
    own.setLevel(level)


def test_what_is_logged_stands_in_the_file_from_the_level_on(tmp_path: Path) -> None:
    assert log_to(tmp_path / "logs" / "a.log", "warning") is None
    log = logging.getLogger("foretype.somewhere")
    log.info("too quiet")
    log.warning("loud enough")
    log_from("info")
    log.info("now it counts")
    text = (tmp_path / "logs" / "a.log").read_text()
    assert "loud enough" in text
    assert "now it counts" in text
    assert "too quiet" not in text


def test_where_no_file_can_be_there_is_a_reason_and_no_log(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    problem = log_to(tmp_path / "logs" / "a.log", "info")
    assert isinstance(problem, OSError)
    logging.getLogger("foretype.somewhere").warning("nobody hears this")


_WRITER = """
import logging, sys
from pathlib import Path
from foretype.context.shared import logs
logs.MOST_BYTES = 20_000
logs.log_to(Path(sys.argv[1]), "info")
log = logging.getLogger("foretype.x")
for number in range(600):
    log.info("%s line %d of many", sys.argv[2], number)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can't be moved there")
def test_several_processes_share_a_log_and_lose_no_line(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "a.log"
    processes = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(log), f"p{number}"], stderr=subprocess.PIPE)
        for number in range(4)
    ]
    said = [process.communicate(timeout=60)[1] for process in processes]
    assert said == [b""] * 4
    files = [log.with_name("a.log.1"), log]
    assert sorted(log.parent.iterdir()) == sorted(files)
    assert all(20_000 / 2 - 200 < file.stat().st_size < 22_000 for file in files[:1])
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    lines = [line for file in files for line in file.read_text().splitlines()]
    for number in range(4):
        mine = [
            int(found[1]) for line in lines if (found := re.search(rf"p{number} line (\d+) of many$", line))
        ]
        assert sorted(mine) == list(range(min(mine, default=0), min(mine, default=0) + len(mine)))
    assert all(line.endswith("of many") for line in lines)
