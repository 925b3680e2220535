"""The process that tunes in the background: `tune` at idle priority, for the daemon.

Started as `python -m foretype.models.tuning.worker FILE THREADS [short]`. With "short" somebody waits: it
tries one form only and does not give way to other programs. It says its outcome in one sentence on stdout and
exits with 0 when a choice was kept, with 1 when not. It may be killed at any instant: what it was writing is
removed later (`record.sweep_tuned`). When its stdin closes, whoever started it is gone, and so it ends as
well. When to tune is decided in the daemon, and by `foretype models pull`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path

from ...context.shared.background import give_way
from ...context.shared.problem import Problem
from .tune import tune_model


def _main(arguments: list[str]) -> int:
    """Tune the file that the arguments name; the exit code."""
    name, threads, *how = arguments
    short = "short" in how
    if not short:
        give_way()
    threading.Thread(target=_end_with_the_daemon, daemon=True).start()
    try:
        outcome = tune_model(Path(name), threads=int(threads), short=short)
    except Problem as problem:
        print(problem)  # noqa: T201 - the daemon reads it
        return 1
    print(f"Tuned: {outcome.tuned.choice.file_type}, used from the daemon's next start on.")  # noqa: T201
    return 0


def _end_with_the_daemon() -> None:
    # Not through sys.stdin: its lock would be held when the interpreter ends.
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    os._exit(1)


if __name__ == "__main__":
    logging.raiseExceptions = False
    sys.exit(_main(sys.argv[1:]))
