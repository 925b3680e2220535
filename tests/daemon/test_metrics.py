"""The daemon's figures: as histograms in its status, and for Prometheus where the settings name a port."""

from __future__ import annotations

import asyncio
import socket

import attrs
from foretype.context.shared.values import Completion, Prompt, StopReason, StopRules, Timings
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.server.latencies import BOUNDS_MS, Latencies, quantile_ms, took_in_words
from foretype.daemon.server.metrics import exposition, figures_at, response
from foretype.daemon.server.server import Server, serve_daemon
from foretype.daemon.wire.messages import CompletionRequest, DaemonStatus, ModelStatus, RemoteStatus
from foretype.tests.support.fake_engine import FakeSource

STATUS = DaemonStatus(1, "0", 2.0, 3.0, 1, 1, 0, ModelStatus(name="a name"), 1000)


def counted(*totals_ms: float) -> DaemonStatus:
    latencies = Latencies()
    for total_ms in totals_ms:
        latencies.add(
            Completion("x", StopReason.END, timings=Timings(queue_ms=1, prefill_ms=60)), total_ms / 1000
        )
    return attrs.evolve(STATUS, latencies=latencies.histograms())


def test_each_answer_falls_into_one_bucket_of_each_stage() -> None:
    latencies = {each.stage: each for each in counted(3, 90, 90_000).latencies}
    assert all(sum(each.counts) == 3 for each in latencies.values())
    assert latencies["total"].counts[0] == latencies["total"].counts[-1] == 1
    assert latencies["prefill"].counts[BOUNDS_MS.index(100.0)] == 3
    assert latencies["total"].sum_ms == 90_093


def test_what_got_no_answer_counts_nowhere() -> None:
    latencies = Latencies()
    latencies.add(Completion("", StopReason.CANCELLED), 9.0)
    assert not any(sum(each.counts) for each in latencies.histograms())


def test_quantiles_are_bounds() -> None:
    status = counted(*[20] * 18, 300, 90_000)
    total = status.latencies[-1]
    assert (quantile_ms(total, 0.5), quantile_ms(total, 0.95), quantile_ms(total, 1.0)) == (25.0, 400.0, None)
    assert took_in_words(status) == "half of them at most 25 ms, 95 % at most 400 ms"
    assert took_in_words(STATUS) == ""


def test_buckets_are_cumulative_as_prometheus_wants_them() -> None:
    lines = exposition(counted(3, 90, 90_000)).splitlines()
    assert 'foretype_answer_seconds_bucket{stage="total",le="0.005"} 1' in lines
    assert 'foretype_answer_seconds_bucket{stage="total",le="0.1"} 2' in lines
    assert 'foretype_answer_seconds_bucket{stage="total",le="+Inf"} 3' in lines
    assert 'foretype_answer_seconds_count{stage="total"} 3' in lines
    assert "foretype_memory_bytes 1000" in lines
    assert not any("a name" in line for line in lines)


def test_only_who_asks_this_machine_for_figures_gets_them() -> None:
    def ask(line: str, host: str) -> bytes:
        return response(f"{line}\r\nHost: {host}\r\n\r\n".encode(), lambda: STATUS).split(b"\r\n")[0]

    assert ask("GET /metrics HTTP/1.1", "127.0.0.1:9") == b"HTTP/1.1 200 OK"
    assert ask("GET /metrics HTTP/1.1", "evil.example") == b"HTTP/1.1 403 Forbidden"
    assert ask("POST /metrics HTTP/1.1", "localhost") == b"HTTP/1.1 404 Not Found"


async def test_a_port_that_is_taken_costs_the_figures_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with figures_at(taken.getsockname()[1], lambda: STATUS) as served:
            assert not served


async def test_a_daemon_tells_its_figures_over_http_and_in_its_status(place: DaemonHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ready: asyncio.Future[Server] = asyncio.get_running_loop().create_future()
    daemon = asyncio.create_task(
        serve_daemon(place, FakeSource(), metrics_port=port, on_ready=ready.set_result, tick_s=0.05)
    )
    server = await ready
    client = DaemonClient(place)
    await client.complete(CompletionRequest("a", Prompt("x"), StopRules()))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    said = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    status = await client.status()
    await client.aclose()
    server.stopping.set()
    await daemon
    assert 'foretype_answer_seconds_count{stage="total"} 1' in said
    assert sum(status.latencies[-1].counts) == status.requests == 1


def test_an_engine_elsewhere_is_counted_apart_and_not_named() -> None:
    remote = RemoteStatus("gpu.example.org", model="a name", requests=9, aborted=3, prompt_tokens=100)
    lines = exposition(attrs.evolve(STATUS, remote=attrs.evolve(remote, cached_tokens=97))).splitlines()
    assert "foretype_remote_requests_total 9" in lines
    assert "foretype_remote_cached_tokens_total 97" in lines
    assert not any("gpu.example.org" in line or "a name" in line for line in lines)
    assert not any("remote" in line for line in exposition(STATUS).splitlines())
