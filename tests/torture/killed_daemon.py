"""The product's processes with a made-up model: `lsp` is the language server, `run` the daemon it starts.

Only the engine is fake, and what starts the daemon: sockets, locks, files and signals are the product's own.
Where the environment has `REAL`, the daemon and its engine are the product's own, too; with `FORGETFUL` the
made-up engine keeps no books of what it was asked, so that hours of it take no memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys

from foretype.context.shared import paths
from foretype.context.shared.logs import log_to
from foretype.context.shared.problem import Problem
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process import lifecycle
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.settings.settings import Settings

FORGETFUL = "FORETYPE_TORTURE_FORGETFUL"
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


def _said(_prompt: object) -> tuple[str, ...]:
    return "width", " * ", "height", "\n"


def _run() -> None:
    from foretype.daemon.server.server import AlreadyRunningProblem, serve_daemon
    from foretype.models.llama.cancellation import Cancellation
    from foretype.tests.support.fake_engine import FakeEngine, FakeSource

    class ForgetfulEngine(FakeEngine):
        def forget(self, session: str) -> None:
            super().forget(session)
            for kept in (self.calls, self.forgotten):
                kept.clear()
            for known in (self._idle_left, self._warmed):
                known.pop(session, None)

        def idle(self, session: str, *, cancellation: Cancellation) -> bool:
            self.calls.clear()
            return super().idle(session, cancellation=cancellation)

    place = DaemonHome()
    log_to(place.log, "info")
    engine = (ForgetfulEngine if os.environ.get(FORGETFUL) else FakeEngine)(_said)
    try:
        asyncio.run(serve_daemon(place, FakeSource(engine), idle_minutes=5))
    except AlreadyRunningProblem as problem:
        logging.getLogger("foretype").info("%s", problem)
    except Problem as problem:  # said as the product's own program says it
        sys.exit(f"foretype: {problem}")


# Each imports what it needs itself: a thousand of them are started.
if __name__ == "__main__":
    {"lsp": _serve, "run": _run}[sys.argv[1]]()
