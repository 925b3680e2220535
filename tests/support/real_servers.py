"""Real servers for tests and measurements: llama-server, and vLLM where `make test-vllm` has put it.

Each is a process of its own on a free port of loopback, with what it logs in a file; ended with the context.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path

import attrs
import httpx
import pytest
from foretype.tests.support import llama_server as wheel

BUILD = Path(__file__).resolve().parents[2] / "build"
BUILT = BUILD / "peer" / "bin" / "llama-server"
VLLM = Path(os.environ.get("FORETYPE_TEST_VLLM") or BUILD / "vllm")
VLLM_MODEL = "tiny-qwen2.5-coder"

NO_LLAMA_SERVER = (
    "there is no llama-server; 'pip install xllamacpp' brings one, 'make bench-peer' builds a faster one"
)
STARTS_WITHIN_S = 240.0


@attrs.frozen
class RealServer:
    """A server that runs.

    Attributes:
        url: where.
        log: what it logs.
        process: it.
    """

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def logged(self) -> str:
        """What it has logged so far."""
        return self.log.read_text("utf-8", "replace")


def llama_server_command() -> list[str] | None:
    """How a llama-server is started: the one on PATH, the one that was built, the wheel's; else None."""
    found = shutil.which("llama-server") or (str(BUILT) if BUILT.exists() else None)
    if found:
        return [found]
    return [sys.executable, "-m", "foretype.tests.support.llama_server"] if wheel.is_there() else None


@contextlib.contextmanager
def llama_server(model: Path, folder: Path, *, slots: int = 1, context: int = 4096) -> Generator[RealServer]:
    """llama-server with a model; skips the test where there is none.

    Args:
        model: a GGUF file.
        folder: for its log.
        slots: how many requests it answers at a time.
        context: tokens of each of them.
    """
    command = llama_server_command()
    if command is None:
        pytest.skip(NO_LLAMA_SERVER)
    settings = ["-m", str(model), "-t", "2", "-np", str(slots), "-c", str(context * slots)]
    with running(command + settings, folder, {}) as server:
        yield server


def missing_vllm() -> str:
    """Why there is no vLLM here; "" where there is."""
    if (VLLM / "ready").exists():
        return ""
    try:
        return (VLLM / "missing").read_text().strip()
    except OSError:
        return "there is no vLLM; 'make test-vllm' installs it (3.5 GB)"


@contextlib.contextmanager
def vllm_server(folder: Path, *more: str) -> Generator[RealServer]:
    """vLLM for processors with a tiny model; skips the test where there is none."""
    if missing := missing_vllm():
        pytest.skip(missing)
    command = [
        str(VLLM / "venv" / "bin" / "python"),
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        str(VLLM / VLLM_MODEL),
        "--served-model-name",
        VLLM_MODEL,
        "--enforce-eager",
        "--max-model-len",
        "2048",
        "--enable-prompt-tokens-details",
        "--enable-log-requests",
        *more,
    ]
    quiet = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
    }
    with running(command, folder, quiet) as server:
        yield server


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Generator[RealServer]:
    """Start a server, wait until it answers, end it.

    Raises:
        RuntimeError: it doesn't start; what it logged last says why.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    url, log = f"http://127.0.0.1:{port}", folder / f"server-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    server = RealServer(url, log, process)
    try:
        _wait(server)
        yield server
    finally:
        _end(process)


def _wait(server: RealServer) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.url}/health", timeout=5.0).is_success:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(timeout=0.1)
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start; it logged: {server.logged()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and what it has started."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=20)
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)
