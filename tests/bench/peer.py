"""The strongest local peer: llama-server, asked just as llama.vim asks it at every keystroke.

The server is one on PATH or the one that `make bench-peer` built; without either there are no figures.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import attrs
import httpx
import psutil
from foretype.tests.bench.subject import Replay

BUILT = Path(__file__).resolve().parents[2] / "build" / "peer" / "bin" / "llama-server"
FLAGS = ["-np", "1", "-b", "1024", "-ub", "1024", "--cache-reuse", "256"]
LINES_BEFORE, LINES_AFTER = 256, 64
STARTS_WITHIN_S = 60.0


def executable() -> Path | None:
    """The peer's program, or None."""
    found = shutil.which("llama-server")
    if found:
        return Path(found)
    return BUILT if BUILT.exists() else None


def infill_body(before: str, after: str) -> dict[str, Any]:
    """What llama.vim asks: whole lines around, the cursor's line apart, 250 ms of generation."""
    above, _, line = before.rpartition("\n")
    lines = above.split("\n")[-LINES_BEFORE:]
    rest, _, below = after.partition("\n")
    indent = len(line) - len(line.lstrip(" \t"))
    return {
        "input_prefix": "\n".join(lines) + "\n",
        "input_suffix": rest + "\n" + "\n".join(below.split("\n")[:LINES_AFTER]) + "\n",
        "prompt": line,
        "n_predict": 128,
        "n_indent": indent,
        "top_k": 40,
        "top_p": 0.9,
        "samplers": ["top_k", "top_p", "infill"],
        "cache_prompt": True,
        "t_max_predict_ms": 250,
        "stream": False,
    }


@attrs.frozen
class Keystroke:
    """One answer: ms until it was there, prompt tokens evaluated for it."""

    milliseconds: float
    evaluated: int


@attrs.define
class Peer:
    """A running llama-server."""

    process: subprocess.Popen[bytes]
    client: httpx.Client

    def infill(self, before: str, after: str, *, stop_at_line: bool = False, tokens: int = 0) -> Keystroke:
        """Ask as llama.vim does, and wait; with `tokens` for just so many, whatever the model wants."""
        body = infill_body(before, after)
        if tokens:
            del body["t_max_predict_ms"]
            body |= {"n_predict": tokens, "ignore_eos": True, "samplers": ["top_k", "top_p"]}
        if stop_at_line:
            body["stop"] = ["\n"]
        started = time.perf_counter()
        answer = self.client.post("/infill", json=body)
        milliseconds = (time.perf_counter() - started) * 1000
        answer.raise_for_status()
        return Keystroke(milliseconds, int(answer.json()["timings"]["prompt_n"]))

    def processor_seconds(self) -> float:
        """Seconds of processor time so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return times.user + times.system


@contextlib.contextmanager
def running(program: Path, model: Path, threads: int) -> Generator[Peer]:
    """Start it, wait until it answers, end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [
        str(program),
        "-m",
        str(model),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "-t",
        str(threads),
        *FLAGS,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
    )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120.0)
    try:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                if client.get("/health").status_code == 200:  # noqa: PLR2004 - HTTP OK
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("llama-server did not start")
            time.sleep(0.1)
        yield Peer(process, client)
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=20)


def type_through(
    peer: Peer, replay: Replay, *, stop_at_line: bool = False, tokens: int = 0
) -> list[Keystroke]:
    """Every keystroke of the replay, one after the other; the first, cold one is not counted."""
    asked = [
        peer.infill(*replay.at(count), stop_at_line=stop_at_line, tokens=tokens)
        for count in range(len(replay.typed) + 1)
    ]
    return asked[1:]
