"""Where a process writes its log: a file of the user's that never grows beyond twice its bound, or nowhere.

A log holds no source code; who may write some, because the user said so, decides that itself (`code_log`).
"""

from __future__ import annotations

import logging
from pathlib import Path

MOST_BYTES = 1_000_000
"""From then on a new file is begun, and one old one kept."""

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_CHATTY = ("pygls",)  # at INFO it writes out every answer


def log_to(file: Path, level: str) -> OSError | None:
    """Send everything that is logged in this process to a file, and nothing anywhere else.

    Args:
        file: where; its folder is made for the user alone.
        level: the least that is logged: "debug", "info", "warning" or "error".

    Returns:
        None; or why the file can't be written, and then nothing is logged at all.
    """
    from logging.handlers import RotatingFileHandler

    problem: OSError | None = None
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
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
