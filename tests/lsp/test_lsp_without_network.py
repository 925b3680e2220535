"""Invariant 10, no network unless the user configured it: everything runs where there is no route anywhere.

The processes are the real ones, in a network namespace of their own that has not even a loopback. Each of
them writes down every attempt to reach another machine, so that none passes unnoticed because it failed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.tests.support.lsp_client import connected, python
from foretype.tests.support.private_home import foretype, private_home
from foretype.tests.support.tiny_gguf import tiny_model

ALONE = ("unshare", "--map-root-user", "--net")
WATCH = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        if event == "socket.connect" and not isinstance(arguments[1], tuple):
            return  # a socket in the file system
        with open(os.environ["ATTEMPTS"], "a") as file:
            file.write(f"{event} {arguments[1 if event == 'socket.connect' else 0]}\\n")

sys.addaudithook(watch)
"""
NOWHERE = "203.0.113.7"
"""An address for documentation (RFC 5737)."""


def can_be_alone() -> bool:
    """Whether this machine gives a process a network of its own."""
    try:
        return subprocess.run([*ALONE, "true"], capture_output=True, check=False, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


pytestmark = pytest.mark.skipif(
    not can_be_alone(), reason="this system gives a process no network of its own (unshare --net)"
)


@attrs.frozen
class Watched:
    """An environment whose Python processes write down whom they try to reach."""

    variables: dict[str, str]
    file: Path

    @property
    def attempts(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("starcoder", tmp_path_factory.mktemp("model"))


@pytest.fixture
def watched(model: Path, tmp_path: Path) -> Iterator[Watched]:
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    file = tmp_path / "attempts"
    with private_home(model) as home:
        also = os.environ.get("PYTHONPATH")
        home["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *([also] if also else [])])
        home["ATTEMPTS"] = str(file)
        yield Watched(home, file)


async def typed(watched: Watched) -> dict[str, Any]:
    """A file is opened and completed; what the daemon says of itself afterwards."""
    server = (*ALONE, *python("-P", "-m", "foretype.lsp"))
    async with connected(*server, env=watched.variables) as client:
        client.open("untitled:a.py", "def add(a, b):\n    return a + ")
        for _ in range(2):
            await client.items("untitled:a.py", 1, 15, context={"triggerKind": 1})
        return json.loads(foretype(watched.variables, "daemon", "status", "--json").stdout)


def test_who_tries_to_reach_another_machine_is_written_down(watched: Watched) -> None:
    code = f"import socket; socket.create_connection(('{NOWHERE}', 9), 1)"
    command = [*ALONE, sys.executable, "-c", code]
    tried = subprocess.run(command, env=watched.variables, capture_output=True, check=False, timeout=60)
    assert tried.returncode != 0
    assert any(NOWHERE in attempt for attempt in watched.attempts)


async def test_without_any_network_all_works_and_nobody_tries_to_reach_anybody(watched: Watched) -> None:
    status = await typed(watched)
    assert status["model"]["state"] == "ready"
    assert status["requests"] >= 1
    assert watched.attempts == []


async def test_a_configured_engine_that_cannot_be_reached_is_the_only_one_that_is_tried(
    watched: Watched,
) -> None:
    config = Path(watched.variables["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
    config.write_text(config.read_text() + f'[remote]\nurl = "https://{NOWHERE}"\nkey = "env:GPU_KEY"\n')
    watched.variables["GPU_KEY"] = "hunter2"
    status = await typed(watched)
    assert status["model"]["state"] == "ready"
    assert NOWHERE in status["remote"]["trouble"]
    assert watched.attempts
    assert all(NOWHERE in attempt for attempt in watched.attempts)
    assert "hunter2" not in json.dumps(status)
