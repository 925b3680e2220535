"""Starting the language server's process: its log, its settings, its backend.

The edge between the command line and `server`. Imports as little as `initialize` needs.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from ...context.shared import paths
from ...context.shared.logs import log_from, log_to

if TYPE_CHECKING:
    from ...daemon.client.backend import Backend
    from ...daemon.settings.settings import Settings
    from ..session.session import TellModel


def serve_stdio(*, log_level: str | None = None, in_process: bool = False, tcp: int | None = None) -> int:
    """Serve on stdin and stdout, or on a loopback port, until the editor leaves; returns the exit code."""
    from ...daemon.process.release import release
    from .server import ForetypeServer, run_stdio

    log_to(paths.log_dir() / "lsp.log", log_level or "warning")
    include_code = False

    def settings() -> Settings:
        nonlocal include_code
        found = user_settings()
        include_code = found.log.include_code
        if log_level is None:
            log_from(found.log.level)
        return found

    async def backend(on_model: TellModel) -> Backend:
        from ..session.code_log import CodeLog

        return CodeLog(make_backend(on_model, in_process=in_process), lambda: include_code)

    def server() -> ForetypeServer:
        return ForetypeServer(backend, settings, release=release())

    if tcp is not None:
        from .tcp import run_tcp

        return run_tcp(server, tcp, os.environ.get("FORETYPE_TOKEN"))
    return run_stdio(server())


def user_settings() -> Settings:
    """The settings of the user's file; each complaint about it goes to the log."""
    from ...daemon.settings.file import load_settings

    settings, complaints = load_settings(paths.config_file())
    for complaint in complaints:
        logging.getLogger("foretype").warning("%s", complaint)
    return settings


def make_backend(on_model: TellModel | None = None, *, in_process: bool = False) -> Backend:
    """The daemon's client, or the engine in this process. Call it inside the event loop."""
    if in_process:
        from ...daemon.server.in_process import InProcess

        return InProcess(on_model=on_model)
    from ...daemon.client.client import DaemonClient

    return DaemonClient(name="foretype lsp", on_model=on_model)
