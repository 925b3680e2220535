"""A real daemon process around a fake engine: the product's own `serve`, only the model is made up.

Run as `python -m foretype.tests.support.fake_daemon DIRECTORY [auto|unix|tcp] [hold]`. With "hold" no
completion ever ends by itself.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from foretype.context.shared.problem import Problem
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.process.reaching import chosen_transport
from foretype.daemon.server.server import AlreadyRunningProblem, serve_daemon
from foretype.tests.support.fake_engine import FakeEngine, FakeSource


def place_in(directory: Path) -> DaemonHome:
    """The place of a test's daemon."""
    return DaemonHome(directory / "run", directory / "logs")


def spawn_fake(place: DaemonHome, *options: str) -> subprocess.Popen[bytes]:
    """Start one; the caller ends it."""
    place.logs.mkdir(exist_ok=True)
    with place.output.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, str(place.directory.parent), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def main() -> None:
    """Be the daemon."""
    engine = FakeEngine()
    if "hold" in sys.argv[2:]:
        engine.hold()
    place = place_in(Path(sys.argv[1]))
    setting = next((each for each in ("unix", "tcp") if each in sys.argv[2:]), "auto")
    try:
        asyncio.run(serve_daemon(place, FakeSource(engine), transport=chosen_transport(place, setting)))
    except AlreadyRunningProblem:
        print("already running")
    except Problem as problem:
        print(f"foretype: {problem}")
        sys.exit(1)


if __name__ == "__main__":
    main()
