"""The daemon's figures for Prometheus, over HTTP on a loopback port, where the user's settings name one.

Counts, times and sizes alone: no text, no path, no name but the model's. It answers one request a connection
and nobody whose request names another host than this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterator

from ..wire.messages import DaemonStatus

log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_HOSTS = frozenset({_LOOPBACK, "localhost"})
_MOST_BYTES = 8192
_WITHIN_S = 5.0
_GAUGES = ("uptime_s", "idle_s", "clients", "sessions", "queued", "memory_bytes")
_COUNTERS = (
    "restarts",
    "requests",
    "prefill_tokens",
    "cached_tokens",
    "decode_tokens",
    "draft_tokens",
    "accepted_tokens",
)

_REMOTE_COUNTERS = (
    "requests",
    "answered",
    "aborted",
    "contradicted",
    "late",
    "prompt_tokens",
    "cached_tokens",
    "decode_tokens",
    "wasted_tokens",
)
"""Of an engine elsewhere, where one is set; see `remote_status.RemoteStatus`. It is not named here."""


def exposition(status: DaemonStatus) -> str:
    """The figures in Prometheus' text format, version 0.0.4; times in seconds."""
    return "".join(f"{line}\n" for line in _lines(status))


def _lines(status: DaemonStatus) -> Iterator[str]:
    for name in _GAUGES:
        called = name.removesuffix("_s") + "_seconds" if name.endswith("_s") else name
        yield f"# TYPE foretype_{called} gauge"
        yield (
            f"foretype_{called} {getattr(status, name):g}"
            if name != "memory_bytes"
            else (f"foretype_{called} {status.memory_bytes}")
        )
    for name in _COUNTERS:
        yield f"# TYPE foretype_{name}_total counter"
        yield f"foretype_{name}_total {getattr(status, name)}"
    for name in _REMOTE_COUNTERS if status.remote is not None else ():
        yield f"# TYPE foretype_remote_{name}_total counter"
        yield f"foretype_remote_{name}_total {getattr(status.remote, name)}"
    yield "# TYPE foretype_model_state gauge"
    yield f'foretype_model_state{{state="{status.model.state.value}"}} 1'
    yield "# TYPE foretype_answer_seconds histogram"
    for histogram in status.latencies:
        label, seen = f'stage="{histogram.stage}"', 0
        for bound, count in zip((*histogram.bounds_ms, None), histogram.counts, strict=True):
            seen += count
            le = "+Inf" if bound is None else f"{bound / 1000:g}"
            yield f'foretype_answer_seconds_bucket{{{label},le="{le}"}} {seen}'
        yield f"foretype_answer_seconds_sum{{{label}}} {histogram.sum_ms / 1000:.6f}"
        yield f"foretype_answer_seconds_count{{{label}}} {seen}"


def response(request: bytes, status: Callable[[], DaemonStatus]) -> bytes:
    """The HTTP answer to the head of a request."""
    first, *fields = request.decode("latin-1").split("\r\n")
    named = dict(field.lower().split(":", 1) for field in fields if ":" in field)
    host = named.get("host", "").strip()
    if host.rsplit(":", 1)[0] not in _HOSTS:  # a web page that found a name for this machine
        return _http("403 Forbidden", "This is for this machine alone.\n")
    if not first.startswith(("GET /metrics ", "GET / ")):
        return _http("404 Not Found", "The figures are at /metrics.\n")
    return _http("200 OK", exposition(status()))


def _http(code: str, body: str) -> bytes:
    data = body.encode()
    head = f"HTTP/1.1 {code}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(data)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + data


@contextlib.asynccontextmanager
async def figures_at(port: int, status: Callable[[], DaemonStatus]) -> AsyncGenerator[bool]:
    """Answer on a loopback port meanwhile; False, and a line in the log, where it can't be had or is 0."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _WITHIN_S)
            writer.write(response(head, status))
            await asyncio.wait_for(writer.drain(), _WITHIN_S)
        except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError):
            pass  # nobody who asks for figures
        finally:
            writer.close()

    server: asyncio.Server | None = None
    if port:
        try:
            server = await asyncio.start_server(connected, _LOOPBACK, port, limit=_MOST_BYTES)
        except OSError as error:
            log.warning("the figures cannot be had at port %d (%s); set another one", port, error)
    try:
        yield server is not None
    finally:
        if server is not None:
            server.close()
