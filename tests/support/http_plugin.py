"""A plugin of llama-server at our server: what llama.vim sends for a document, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import attrs
import httpx
from foretype.daemon.http.server import HttpServer
from foretype.daemon.server.in_process import InProcess
from foretype.tests.support.fake_engine import FakeEngine, FakeSource

LINES_BEFORE, LINES_AFTER = 256, 64
RESPONSE_FIELDS = [
    "content",
    "timings/prompt_n",
    "timings/prompt_ms",
    "timings/prompt_per_token_ms",
    "timings/prompt_per_second",
    "timings/predicted_n",
    "timings/predicted_ms",
    "timings/predicted_per_token_ms",
    "timings/predicted_per_second",
    "truncated",
    "tokens_cached",
]


@attrs.frozen
class Chunk:
    """A piece of code that the plugin picked somewhere."""

    text: str
    filename: str = ""


def llama_vim(text: str, offset: int, chunks: Sequence[Chunk] = (), **changes: Any) -> dict[str, Any]:
    """The body of llama.vim's request at a place: as its source makes it, with its own settings.

    A line of blanks is sent as if the cursor stood at its beginning.
    """
    above, _, line = text[:offset].rpartition("\n")
    rest, _, below = text[offset:].partition("\n")
    if not (line + rest).strip():
        line = rest = ""
    lines = above.split("\n")[-LINES_BEFORE:] if "\n" in text[:offset] else []
    return {
        "input_prefix": "\n".join(lines) + "\n",
        "input_suffix": rest + "\n" + "\n".join(below.split("\n")[:LINES_AFTER]) + "\n",
        "input_extra": [{"text": each.text, "time": [1, 2], "filename": each.filename} for each in chunks],
        "prompt": line,
        "n_predict": 256,
        "n_indent": len(line) - len(line.lstrip()),
        "top_k": 40,
        "top_p": 0.99,
        "stream": False,
        "samplers": ["top_k", "top_p", "infill"],
        "cache_prompt": True,
        "t_max_prompt_ms": 500,
        "t_max_predict_ms": 1500,
        "response_fields": RESPONSE_FIELDS,
        **changes,
    }


RING_UPDATE = {
    "input_prefix": "",
    "input_suffix": "",
    "input_extra": [{"text": "x = 1\n", "time": [1, 2], "filename": "a.py"}],
    "prompt": "",
    "n_predict": 0,
    "temperature": 0.0,
    "stream": False,
    "samplers": [],
    "cache_prompt": True,
    "t_max_prompt_ms": 1,
    "t_max_predict_ms": 1,
    "response_fields": [""],
}
"""What llama.vim sends when it has picked a chunk: read it, answer nothing."""


@attrs.frozen
class Served:
    """A running server."""

    port: int
    client: httpx.AsyncClient
    engine: FakeEngine
    server: HttpServer


@contextlib.asynccontextmanager
async def serving(engine: FakeEngine | None = None, token: str = "") -> AsyncGenerator[Served]:
    """A server around a fake engine, on a port of its own, and a client that has connected to it."""
    engine = engine or FakeEngine()
    backend = InProcess(FakeSource(engine))
    server = HttpServer(backend, token)
    backend.on_model = server.on_model
    port = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(server.serve(0, port.set_result))
    try:
        listens = await port
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listens}", timeout=20.0) as client:
            yield Served(listens, client, engine, server)
    finally:
        engine.run_freely()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await backend.aclose()
