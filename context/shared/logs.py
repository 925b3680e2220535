"""Where a process writes its log: a file of the user's that never grows beyond twice its bound, or nowhere.

A log holds no source code; who may write some, because the user said so, decides that itself (`code_log`).
"""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from .files import never_waiting
from .locks import lock, open_for_lock

MOST_BYTES = 1_000_000
"""From then on a new file is begun, and one old one kept."""

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_CHATTY = ("pygls",)  # at INFO it writes out every answer


class SharedLogFile(RotatingFileHandler):
    """A log that several processes write: whoever finds it too long begins a new one, and the others follow.

    Its state: the open file, which may have been moved meanwhile. Nobody ever waits for another process here.
    """

    def shouldRollover(self, record: logging.LogRecord) -> int:  # noqa: N802 - logging's name
        self._follow()
        return super().shouldRollover(record)

    def doRollover(self) -> None:  # noqa: N802 - logging's name
        descriptor = open_for_lock(Path(self.baseFilename).parent)
        try:
            lock(descriptor)
            self._follow()
            if Path(self.baseFilename).stat().st_size * 2 >= self.maxBytes:  # else another has just done it
                super().doRollover()
        except OSError:
            pass  # another process is at it; the line goes where the others go
        finally:
            os.close(descriptor)

    def _follow(self) -> None:
        """Write where the log's name leads, not where the file went that had it."""
        stream: Any = self.stream
        if stream is None:
            self.stream = self._open()
            return
        try:
            there, ours = Path(self.baseFilename).stat(), os.fstat(stream.fileno())
            moved = (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)
        except OSError:
            moved = True
        if moved:
            stream.close()
            self.stream = self._open()

    def _open(self) -> Any:
        return open(
            self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=never_waiting
        )  # noqa: PTH123, SIM115 - closed by logging


def log_to(file: Path, level: str) -> OSError | None:
    """Send everything that is logged in this process to a file, and nothing anywhere else.

    Args:
        file: where; its folder is made for the user alone.
        level: the least that is logged: "debug", "info", "warning" or "error".

    Returns:
        None; or why the file can't be written, and then nothing is logged at all.
    """
    problem: OSError | None = None
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler: logging.Handler = SharedLogFile(
            file, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
    except OSError as error:
        problem, handler = error, logging.NullHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logging.getLogger().handlers[:] = [handler]
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    log_from(level)
    logging.raiseExceptions = False  # a full disk must neither end a process nor print into a protocol
    return problem


def log_from(level: str) -> None:
    """Change the level from which foretype's messages are logged."""
    logging.getLogger("foretype").setLevel(level.upper())
