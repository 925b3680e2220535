"""The log of a process: in one file, bounded, and never in the way."""

from __future__ import annotations

import logging
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
