"""What every test of the daemon needs: a place of its own, with a path short enough for a socket."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from foretype.daemon.process.home import DaemonHome
from foretype.tests.support.fake_daemon import place_in


@pytest.fixture
def place() -> Iterator[DaemonHome]:
    directory = Path(tempfile.mkdtemp(prefix="ft-"))
    yield place_in(directory)
    shutil.rmtree(directory, ignore_errors=True)
