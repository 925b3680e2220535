"""Starting `foretype acp`: its log, its settings, its backend, and stdin and stdout.

The edge between the command line and `agent`; it knows no method.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, BinaryIO

from ...context.shared import paths
from ...context.shared.logs import log_to
from ..protocol.stdin import open_reader
from .agent import Agent
from .lines import LONGEST, LineConnection

if TYPE_CHECKING:
    from ...daemon.client.backend import Backend
    from ..session.session import Session, TellModel


def serve_acp(*, log_level: str | None = None) -> int:
    """Serve on stdin and stdout until the editor closes them; returns the exit code.

    Whatever else prints goes to stderr.
    """
    log_to(paths.log_dir() / "acp.log", log_level or "warning")
    stdin, stdout = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        asyncio.run(_serve(stdin, stdout))
    except KeyboardInterrupt:
        return 130
    return 0


async def _serve(stdin: BinaryIO, stdout: BinaryIO) -> None:
    from ...daemon.process.release import release

    def write(message: bytes) -> None:
        with contextlib.suppress(OSError):  # an editor that is gone; its end of stdin is the news
            stdout.write(message)
            stdout.flush()

    agent = Agent(make_session, release())
    connection = LineConnection(write)
    connection.requests.update(agent.requests)
    connection.notifications.update(agent.notifications)
    reader, close = await open_reader(stdin, stdout, LONGEST)
    try:
        await connection.hear(reader)
    finally:
        close()
        await agent.aclose()


def make_session() -> Session:
    """A session for an editor that is told nothing and asked nothing but what it asks itself."""
    from ..protocol.editor import Editor
    from ..server.stdio import make_backend, user_settings
    from ..session.session import Session

    async def backend(on_model: TellModel) -> Backend:
        return make_backend(on_model)

    return Session(backend, user_settings, Editor(_unheard, _unasked))


def _unheard(_method: str, _params: Any) -> None:
    """News that the client didn't ask for."""


def _unasked(_method: str, _params: Any) -> Future[Any]:
    """A request that the client has no capability for."""
    never: Future[Any] = Future()
    never.cancel()
    return never
