"""llama.vim's requests at every key, answered by `foretype serve` and by llama-server: one model behind both.

Both get the first request and the time to settle; it isn't counted. Then each key is one request after the
other, whatever the answer before it said, since llama.vim asks so.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import attrs
import httpx
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process.home import DaemonHome
from foretype.tests.bench import peer
from foretype.tests.bench.subject import Replay
from foretype.tests.support.private_home import private_home

_PROGRAM = "from foretype.daemon.cli.main import main; main()"
_SETTLE_S = 0.6
_MOST_LOOKS = 100
_QUIET_LOOKS = 5
"""The second stage of a window is read without being told of; it takes about a second."""


@attrs.frozen
class ServedKeys:
    """What the keys cost that were answered with something; an answer that says nothing is there at once.

    Attributes:
        milliseconds: from each request to its answer.
        keys: all keys.
    """

    milliseconds: list[float]
    keys: int


async def type_through(model: Path, replay: Replay, threads: int) -> ServedKeys:
    """Every keystroke of the replay at `foretype serve`, as a user starts it, with a daemon of its own."""
    with private_home(model) as home:
        config = Path(home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
        config.write_text(config.read_text() + f"threads = {threads}\n")
        place = DaemonHome(Path(home["XDG_RUNTIME_DIR"]) / "foretype", Path(home["XDG_STATE_HOME"]))
        daemon = DaemonClient(place, name="bench")
        command = [sys.executable, "-P", "-c", _PROGRAM, "serve", "--port", "0"]
        process = await asyncio.create_subprocess_exec(*command, env=home, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            said = (await process.stdout.readline()).decode()
            address = said.split("Listening at ", 1)[1].split("/infill", 1)[0]
            async with httpx.AsyncClient(base_url=address, timeout=120.0) as asking:
                return await _keys(asking, daemon, replay)
        finally:
            process.terminate()
            await process.wait()
            await daemon.aclose()


async def _keys(asking: httpx.AsyncClient, daemon: DaemonClient, replay: Replay) -> ServedKeys:
    await asking.post("/infill", json=peer.infill_body(*replay.at(0)))
    await _settled(daemon)
    milliseconds: list[float] = []
    for count in range(1, len(replay.typed) + 1):
        body = peer.infill_body(*replay.at(count))
        started = time.perf_counter()
        answer = await asking.post("/infill", json=body)
        took = (time.perf_counter() - started) * 1000
        if answer.raise_for_status().json()["content"]:
            milliseconds.append(took)
    return ServedKeys(milliseconds, len(replay.typed))


async def _settled(daemon: DaemonClient) -> None:
    """Wait until the whole window is read, which the first answer of the other side has to wait for."""
    quiet = 0
    for _ in range(_MOST_LOOKS):
        await asyncio.sleep(_SETTLE_S)
        quiet = quiet + 1 if (await daemon.status()).model.reading >= 1.0 else 0
        if quiet == _QUIET_LOOKS:
            return
