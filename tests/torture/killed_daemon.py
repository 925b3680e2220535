"""The product's processes with a made-up model: `lsp` is the language server, `run` the daemon it starts.

Only the engine is fake, and what starts the daemon: sockets, locks, files and signals are the product's own.
Where the environment has `REAL`, the daemon and its engine are the product's own, too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys

from foretype.context.shared import paths
from foretype.context.shared.logs import log_to
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process import lifecycle
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.settings.settings import Settings

REAL = "FORETYPE_TORTURE_REAL"
DAEMON = "foretype.tests.torture.killed_daemon run"


def spawn(place: DaemonHome) -> subprocess.Popen[bytes]:
    """Start the daemon as `lifecycle.spawn` does."""
    if os.environ.get(REAL):
        return lifecycle.spawn(place)
    return lifecycle.spawn(place, ("-m", *DAEMON.split()))


def _serve() -> None:
    from foretype.lsp.server.server import ForetypeServer, TellModel, run_stdio

    async def start(place: DaemonHome) -> None:
        await lifecycle.start_daemon(place, spawn=spawn)

    async def backend(on_model: TellModel) -> DaemonClient:
        return DaemonClient(name="torture", start=start, on_model=on_model)

    log_to(paths.log_dir() / "lsp.log", "info")
    sys.exit(run_stdio(ForetypeServer(backend, Settings)))


def _run() -> None:
    from foretype.daemon.server.server import AlreadyRunningProblem, serve_daemon
    from foretype.tests.support.fake_engine import FakeEngine, FakeSource

    place = DaemonHome()
    log_to(place.log, "info")
    try:
        asyncio.run(
            serve_daemon(
                place, FakeSource(FakeEngine(lambda _: ("width", " * ", "height", "\n"))), idle_minutes=5
            )
        )
    except AlreadyRunningProblem as problem:
        logging.getLogger("foretype").info("%s", problem)


# Each imports what it needs itself: a thousand of them are started.
if __name__ == "__main__":
    {"lsp": _serve, "run": _run}[sys.argv[1]]()
