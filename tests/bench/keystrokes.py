"""foretype's side of the typing replay: an editor's messages to the real language server and daemon.

Every keystroke is a didChange and a request, answered before the next. Keys that the trigger rules
decline, and those answered from the suggestion on the screen, cost nothing and are left out of the
percentiles: only keys that needed the model count.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import attrs
import psutil
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.wire.messages import DaemonStatus
from foretype.tests.bench.subject import Replay
from foretype.tests.support.lsp_client import LspClient, connected, python
from foretype.tests.support.private_home import private_home

URI = "untitled:replay.py"
SETTLE_S = 0.6


@attrs.frozen
class Typed:
    """What a replay cost.

    Attributes:
        milliseconds: of every key that needed the model, from the request to its answer.
        evaluated: prompt tokens evaluated for each of them.
        keys: all keys.
        processor_seconds: of daemon and language server together.
    """

    milliseconds: list[float]
    evaluated: list[int]
    keys: int
    processor_seconds: float


async def type_through(
    model: Path, replay: Replay, threads: int, *, data: Path | None = None, most_tokens: int = 0
) -> Typed:
    """Open the file, let it be warmed as for a user who looks at it, type.

    Args:
        model: the file that the configuration names.
        replay: what is typed.
        threads: for the engine.
        data: the user's data directory, with what was tuned; None is an empty one.
        most_tokens: of an answer; 0 leaves the setting as it comes.
    """
    with private_home(model) as home:
        if data is not None:
            home["XDG_DATA_HOME"] = str(data)
        config = Path(home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
        limit = f"[completion]\nmax_tokens = {most_tokens}\n" if most_tokens else ""
        config.write_text(f"{config.read_text()}threads = {threads}\n{limit}")
        async with connected(*python("-P", "-m", "foretype.lsp"), env=home) as client:
            client.open(URI, replay.before + replay.after)
            daemon = DaemonClient(
                DaemonHome(Path(home["XDG_RUNTIME_DIR"]) / "foretype", Path(home["XDG_STATE_HOME"]))
            )
            try:
                return await _keys(client, daemon, replay)
            finally:
                await daemon.aclose()


async def _settled(daemon: DaemonClient, client: LspClient) -> None:
    """Wait until the daemon has nothing left to do: the processor time of both processes stands still."""
    last = -1.0
    for _ in range(200):
        await asyncio.sleep(SETTLE_S)
        now = _processor_seconds(client, await daemon.status())
        if now - last < SETTLE_S * 0.05:
            return
        last = now


async def _keys(client: LspClient, daemon: DaemonClient, replay: Replay) -> Typed:
    lines = replay.before.split("\n")
    line, character = len(lines) - 1, len(lines[-1])
    await client.items(URI, line, character)
    await _settled(daemon, client)
    known = await daemon.status()
    before = _processor_seconds(client, known)
    milliseconds: list[float] = []
    evaluated: list[int] = []
    for key in replay.typed:
        client.insert(URI, line, character, key)
        line, character = (line + 1, 0) if key == "\n" else (line, character + 1)
        started = time.perf_counter()
        await client.items(URI, line, character)
        took = (time.perf_counter() - started) * 1000
        now = await daemon.status()
        if now.requests > known.requests:
            milliseconds.append(took)
            evaluated.append(now.prefill_tokens - known.prefill_tokens)
        known = now
    spent = _processor_seconds(client, known) - before
    return Typed(milliseconds, evaluated, len(replay.typed), spent)


def _processor_seconds(client: LspClient, daemon: DaemonStatus) -> float:
    total = 0.0
    for pid in (client.process.pid, daemon.pid):
        times = psutil.Process(pid).cpu_times()
        total += times.user + times.system
    return total
