"""How long the language server's event loop is held by one piece of work, over the worst files."""

from __future__ import annotations

import asyncio

from foretype.tests.support.loop_watch import LoopWatch
from foretype.tests.support.worst_day import a_day
from foretype.tests.support.worst_files import FILES, WorstFile

TRIES = 2
"""A file is worked on so often; what held the loop by a whim of the machine does so once."""


def blocked() -> dict[str, float]:
    """`loop.blocked.max_ms`, and the same for each file."""
    longest = {file.name: min(_watch(file).max_ms for _ in range(TRIES)) for file in FILES}
    return {
        "loop.blocked.max_ms": round(max(longest.values()), 2),
        **{f"loop.blocked.{name.replace(' ', '_')}.max_ms": round(ms, 2) for name, ms in longest.items()},
    }


def _watch(file: WorstFile) -> LoopWatch:
    return asyncio.run(a_day([file]))
