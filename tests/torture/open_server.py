"""The real language server on stdio with a made-up model, and two requests more.

`torture/text` with `{"uri"}` answers with the document's text or null; `torture/troubles` with the errors
that were logged since the last time, and with how much is open: tasks, documents, threads, file descriptors,
and the resident memory in bytes.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from typing import Any

import psutil
from foretype.daemon.settings.settings import Settings
from foretype.lsp.server.server import ForetypeServer, TellModel, answer, run_stdio
from foretype.tests.support.lsp_inside import EchoBackend


class Troubles(logging.Handler):
    """Keeps the errors that are logged, each once with the exception's last line. Its state: those."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        where = ""
        trace = None if error is None else error.__traceback__
        while trace is not None:
            where = f" at {trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
            trace = trace.tb_next
        self.seen.append(f"{record.getMessage()}: {type(error).__name__} {error}{where}"[:400])

    def take(self) -> list[str]:
        """What came since the last time."""
        taken, self.seen = self.seen, []
        return taken


def said(prefix: str) -> str:
    """What the made-up model says: enough to be shown, checked, renamed and imported."""
    return (" value = os.path.join(base, name)\n", "return total", "x)", "items:\n    print(item)\n")[
        len(prefix) % 4
    ]


def main() -> None:
    """Be the server."""
    troubles = Troubles()
    logging.getLogger().addHandler(troubles)

    async def backend(_on_model: TellModel) -> EchoBackend:
        return EchoBackend(said)

    server = ForetypeServer(backend, Settings)

    def text(params: dict[str, Any]) -> Any:
        document = server.session.documents.get(str(params.get("uri")))
        return answer(None if document is None else document.text)

    def report(_params: dict[str, Any]) -> Any:
        gc.collect()
        process = psutil.Process()
        return answer(
            {
                "troubles": troubles.take(),
                "tasks": len(asyncio.all_tasks()),
                "documents": len(server.session.documents),
                "threads": threading.active_count(),
                "descriptors": process.num_fds() if hasattr(process, "num_fds") else 0,
                "resident": process.memory_info().rss,
            }
        )

    server.protocol.requests["torture/text"] = text
    server.protocol.requests["torture/troubles"] = report
    sys.exit(run_stdio(server))


if __name__ == "__main__":
    main()
