"""The end of `foretype models pull`: the form that is best on most machines, made while the user looks on.

It is a process of its own that is ended when its time is over. What it measured in haste is not gone on with:
the daemon tries everything while nobody needs the model (`daemon.server.background_tuning`).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...context.shared.problem import Problem
from ..tuning import record

if TYPE_CHECKING:
    from .tune import Configured

BRIEF_S = 25.0
"""Seconds that a user is kept waiting at most."""

LATER = "The daemon chooses the fastest form of it while nobody needs the model; 'foretype tune' does it now."

Run = Callable[[Path, float], "tuple[int, str] | None"]
"""Tries one form of a model file in a number of seconds: exit code and last sentence, None if too slow."""


def worth_tuning_now(path: Path, configured: Configured | None = None) -> bool:
    """Whether to look for a faster form of a model: it is wanted, and could change how the model runs."""
    from .tune import Configured as Defaults

    configured = configured or Defaults()
    try:
        return configured.tune and record.useful(path, gpu_layers=configured.gpu_layers)
    except (Problem, OSError, ImportError):
        return False  # there is no engine here, as `foretype doctor` says


def tune_briefly(path: Path, *, run: Run | None = None, within_s: float = BRIEF_S) -> str:
    """Try one form of a model file; what came of it, as a sentence for the user. Ctrl-C ends it, too.

    Args:
        path: the model file.
        run: tries it; by default the tuning worker.
        within_s: seconds that it may take.
    """
    try:
        ended = (run or run_worker)(path, within_s)
    except (OSError, KeyboardInterrupt):
        return LATER
    if ended is None or ended[0] != 0:
        return LATER
    return ended[1]


def run_worker(path: Path, within_s: float) -> tuple[int, str] | None:
    """The tuning worker; see `Run`."""
    command = [sys.executable, "-P", "-m", "foretype.models.tuning.worker", str(path), "0", "short"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as worker:
        try:
            # Not communicate: it would close stdin, and the worker ends with whoever started it.
            code = worker.wait(within_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            worker.kill()
        said = worker.stdout.read() if worker.stdout is not None else ""
    return code, said.strip().rpartition("\n")[2]
