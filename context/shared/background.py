"""Idle priority for the process that asks for it: what runs in the background gives way to everything else.

For worker processes. It starts none, and there is no way back.
"""

from __future__ import annotations

import os
import sys


def give_way() -> None:
    """Leave the processor to everybody else, as far as the system lets a process say so."""
    if sys.platform != "win32":
        os.nice(19)
    if sys.platform == "linux":
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        except OSError:
            pass  # not allowed here: being nice must do
