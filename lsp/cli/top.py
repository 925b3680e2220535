"""`foretype top`: what the daemon is doing, once a second: sessions, queue, tokens a second, reuse.

Only looks: it never starts a daemon.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import attrs
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ...context.shared.problem import Problem
from ...daemon.cli.remote_rows import remote_rows
from ...daemon.client.client import DaemonClient
from ...daemon.server.latencies import took_in_words
from ...daemon.wire.messages import ModelState, reading_in_words

if TYPE_CHECKING:
    from ...daemon.wire.messages import DaemonStatus


@attrs.frozen
class Sample:
    """The daemon's status at one time.

    Attributes:
        when: seconds of a monotonic clock.
        status: None while no daemon runs.
        trouble: why there is no status.
    """

    when: float
    status: DaemonStatus | None
    trouble: str = ""


@attrs.frozen
class Rates:
    """What happened between two samples: tokens and requests a second, shares from 0 to 1 or None."""

    prefill: float = 0.0
    decode: float = 0.0
    requests: float = 0.0
    reuse: float | None = None
    acceptance: float | None = None


def rates(older: Sample | None, newer: Sample) -> Rates:
    """The rates between two samples of the same daemon; the shares are over its whole life."""
    now = newer.status
    if now is None:
        return Rates()
    seen = now.prefill_tokens + now.cached_tokens
    reuse = now.cached_tokens / seen if seen else None
    acceptance = now.accepted_tokens / now.draft_tokens if now.draft_tokens else None
    before = older.status if older is not None else None
    seconds = newer.when - older.when if older is not None else 0.0
    if before is None or before.pid != now.pid or seconds <= 0:
        return Rates(reuse=reuse, acceptance=acceptance)
    return Rates(
        (now.prefill_tokens - before.prefill_tokens) / seconds,
        (now.decode_tokens - before.decode_tokens) / seconds,
        (now.requests - before.requests) / seconds,
        reuse,
        acceptance,
    )


def view(sample: Sample, speed: Rates) -> RenderableType:
    """One sample, for a terminal."""
    status = sample.status
    if status is None:
        return Text(sample.trouble)
    model = status.model
    state = (
        f"{model.state.value} {100 * model.fraction:.0f} %"
        if model.state is ModelState.LOADING
        else model.state.value
    )
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column()
    for name, value in (
        ("model", f"{model.name or '-'}, {state}"),
        *([("reading", reading)] if (reading := reading_in_words(model.reading)) else []),
        ("memory", f"{status.memory_bytes / 2**20:.0f} MiB"),
        ("editors", f"{status.clients}, with {status.sessions} documents in the cache"),
        ("queue", str(status.queued)),
        ("requests", f"{status.requests}, {speed.requests:.1f} a second"),
        ("prefill", f"{speed.prefill:.0f} tokens a second, {_share(speed.reuse)} found in the cache"),
        ("decode", f"{speed.decode:.0f} tokens a second, {_share(speed.acceptance)} of the drafts accepted"),
        ("answers took", took_in_words(status) or "-"),
        ("idle", f"{status.idle_s:.0f} s"),
        ("restarts", f"{status.restarts} after a crash or a kill"),
        *remote_rows(status.remote),
    ):
        table.add_row(name, value)
    head = Text(f"foretype {status.release}, process {status.pid}, up {status.uptime_s:.0f} s", style="bold")
    return Group(head, Text(model.detail), table) if model.detail else Group(head, table)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def run_top(*, interval_s: float, once: bool) -> None:
    """Show the daemon until interrupted; one sample where `once` is set or this is no terminal.

    Raises:
        Problem: one sample was wanted and no daemon runs.
    """
    console = Console()
    once = once or not console.is_terminal
    asyncio.run(_watch(console, interval_s, once))


async def _watch(console: Console, interval_s: float, once: bool) -> None:
    client = DaemonClient(name="foretype top")
    try:
        sample = await _sample(client)
        if once:
            if sample.status is None:
                raise Problem(sample.trouble)
            console.print(view(sample, rates(None, sample)))
            return
        with Live(view(sample, Rates()), console=console, auto_refresh=False, transient=False) as live:
            while True:
                await asyncio.sleep(interval_s)
                older, sample = sample, await _sample(client)
                live.update(view(sample, rates(older, sample)), refresh=True)
    finally:
        await client.aclose()


async def _sample(client: DaemonClient) -> Sample:
    try:
        return Sample(time.monotonic(), await client.status())
    except Problem as problem:
        return Sample(time.monotonic(), None, str(problem))
