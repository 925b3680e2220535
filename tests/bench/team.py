"""A team at one server: 50 simulated editors, as foretype asks and as llama.vim asks.

Everybody types lines of a real file, pauses where a bracket or a comma stands and waits there for the answer.
Both sides ask the same server for the same places with the same lines around. foretype keeps the prompt's
beginning, closes what was overtaken and sends nothing where somebody types what was said; llama.vim's way is
the whole prompt at each key, every answer waited for. The server has seen each place once before.

The model is a small one with random weights: with the default model two cores have 50 people who ask at each
key and close nothing wait for half an hour. How fast a larger one is, `bench --remote` says.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import attrs
import httpx
from foretype.context.shared.values import Completion, Prompt, StopRules
from foretype.daemon.server.racing import Racing
from foretype.daemon.wire.messages import CompletionRequest
from foretype.models.remote.engine import RemoteTarget
from foretype.models.remote.transport import RemoteConnection
from foretype.tests.bench.peer import infill_body
from foretype.tests.bench.remote import Add, SetTarget
from foretype.tests.support.fake_engine import FakeEngine, FakeSource
from foretype.tests.support.real_servers import RealServer, llama_server, llama_server_command
from foretype.tests.support.tiny_gguf import tiny_model

Percentile = Callable[[list[float], float], float]

EDITORS = 50
PAUSES = 3
KEY_S = 0.15
"""Between two keys: 80 words a minute."""

REST_S = 1.0
"""Between an answer and the next key."""

SLOTS = 8
LINES_ABOVE, LINES_BELOW = 30, 8
RULES = StopRules(max_tokens=24)
FIGURES = (
    "p50_ms",
    "p95_ms",
    "cached_share",
    "aborted_share",
    "wasted_tokens",
    "typed_through_share",
    "peer.p50_ms",
    "peer.p95_ms",
    "p95_ratio",
)


@attrs.frozen
class Place:
    """Where one editor types.

    Attributes:
        above: the lines above.
        line: what is typed.
        below: the lines below.
        pauses: after how many characters its typist waits for an answer.
    """

    above: str
    line: str
    below: str
    pauses: tuple[int, ...]


@attrs.define
class Waited:
    """What the pauses of one side brought: ms until the answer, and how many keys asked for nothing."""

    milliseconds: list[float] = attrs.field(factory=list[float])
    keys: int = 0
    typed_through: int = 0


def places(editors: int) -> list[Place]:
    """Lines of the standard library's argparse with places to pause at, each once, seeded."""
    lines = Path(argparse.__file__).read_text(encoding="utf-8").split("\n")
    found: list[Place] = []
    for at in range(LINES_ABOVE, len(lines) - LINES_BELOW - 1):
        line = lines[at]
        ends = [end for end in range(8, len(line)) if line[end - 1] in "(,.=[:" and line[end] != " "]
        spread = [end for number, end in enumerate(ends) if number == 0 or end - ends[number - 1] > 3]
        if len(spread) >= PAUSES:
            above, below = lines[at - LINES_ABOVE : at], lines[at + 1 : at + 1 + LINES_BELOW]
            whole = "\n".join(above) + "\n", line, "\n" + "\n".join(below) + "\n"
            found.append(Place(*whole, tuple(spread[:PAUSES])))
    chosen = random.Random(17)
    return [found[number % len(found)] for number in chosen.sample(range(max(len(found), editors)), editors)]


def measure(add: Add, percentile: Percentile, *, editors: int = EDITORS) -> None:
    """Both sides at one llama-server."""
    name = f"remote.{editors}_editors"
    if llama_server_command() is None:
        for figure in FIGURES:
            add(f"{name}.{figure}", None)
        return
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = tiny_model("starcoder", folder, layers=4, embedding=128, feed_forward=512)
        server = stack.enter_context(llama_server(model, folder, slots=SLOTS))
        with mock.patch.object(RemoteConnection, "is_here", new=False):  # a team's server is elsewhere
            ours, figures = asyncio.run(as_foretype(server, places(editors)))
        theirs = asyncio.run(as_llama_vim(server, places(editors)))
    mine, peers = percentile(ours.milliseconds, 0.95), percentile(theirs.milliseconds, 0.95)
    figures |= {
        "p50_ms": percentile(ours.milliseconds, 0.5),
        "p95_ms": mine,
        "typed_through_share": ours.typed_through / max(1, ours.keys),
        "peer.p50_ms": percentile(theirs.milliseconds, 0.5),
        "peer.p95_ms": peers,
        "p95_ratio": peers / mine,
    }
    for figure in FIGURES:
        add(f"{name}.{figure}", figures[figure])


async def as_foretype(server: RealServer, where: list[Place]) -> tuple[Waited, dict[str, float]]:
    """Everybody with a foretype of their own; what they waited, and what their engines counted."""
    waited = Waited()
    target = RemoteTarget(server.url, timeout_s=600.0)
    desks = [Racing(FakeSource(FakeEngine()), SetTarget(target, alone=True, budget_s=3600.0)) for _ in where]
    for desk, place in zip(desks, where, strict=True):
        await desk.load()
        await _opened(desk, place)
    before = [desk.remote for desk in desks]
    await asyncio.gather(
        *(
            _types(desk, place, waited, number)
            for number, (desk, place) in enumerate(zip(desks, where, strict=True))
        )
    )
    sums = dict.fromkeys(("requests", "aborted", "prompt_tokens", "cached_tokens", "wasted_tokens"), 0)
    for desk, earlier in zip(desks, before, strict=True):
        for name in sums:
            sums[name] += getattr(desk.remote, name) - getattr(earlier, name)
        await desk.close()
    return waited, {
        "cached_share": sums["cached_tokens"] / max(1, sums["prompt_tokens"]),
        "aborted_share": sums["aborted"] / max(1, sums["requests"]),
        "wasted_tokens": float(sums["wasted_tokens"]),
    }


async def _opened(desk: Racing, place: Place) -> None:
    """A file was opened: its prompt is evaluated once."""
    opened: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
    prompt = Prompt(place.above, place.below, "a.py", "python")
    desk.submit("editor", CompletionRequest("a", prompt, StopRules(max_tokens=1)), opened.set_result)
    await opened


async def _types(desk: Racing, place: Place, waited: Waited, number: int) -> None:
    """One typist, whose editor asks at each key unless what is typed was suggested."""
    await asyncio.sleep(number * KEY_S / 7)
    said, at = "", 0
    for count in range(1, place.pauses[-1] + 1):
        typed = place.line[at:count]
        resting = count in place.pauses
        waited.keys += 1
        if said.startswith(typed) and len(said) > len(typed):
            waited.typed_through += 1
            await asyncio.sleep(KEY_S)
            continue
        prompt = Prompt(place.above + place.line[:count], place.below, "a.py", "python")
        answered: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        desk.submit("editor", CompletionRequest("a", prompt, RULES), _once(answered))
        await asyncio.wait({answered}, timeout=None if resting else KEY_S)
        if answered.done():
            said, at = answered.result().text, count
        if resting:
            waited.milliseconds.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(REST_S if resting else max(0.0, KEY_S - (time.perf_counter() - began)))


def _once(answered: asyncio.Future[Completion]) -> Callable[[Completion], None]:
    return lambda completion: None if answered.done() else answered.set_result(completion)


async def as_llama_vim(server: RealServer, where: list[Place]) -> Waited:
    """Everybody with llama.vim's requests: all of the prompt at each key, and every answer waited for.

    Each has a connection of its own, since llama.vim starts curl for it.
    """
    waited = Waited()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=server.url, timeout=1800.0, limits=limits) as client:
        for place in where:
            await client.post("/infill", json=_body(place, 0) | {"n_predict": 0})
        await asyncio.gather(*(_asks(client, place, waited, number) for number, place in enumerate(where)))
    return waited


async def _asks(client: httpx.AsyncClient, place: Place, waited: Waited, number: int) -> None:
    await asyncio.sleep(number * KEY_S / 7)
    others: list[asyncio.Task[httpx.Response]] = []
    for count in range(1, place.pauses[-1] + 1):
        waited.keys += 1
        began = time.perf_counter()
        asked = asyncio.ensure_future(client.post("/infill", json=_body(place, count)))
        if count in place.pauses:
            (await asked).raise_for_status()
            waited.milliseconds.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(REST_S)
        else:
            others.append(asked)
            await asyncio.sleep(KEY_S)
    await asyncio.gather(*others, return_exceptions=True)  # nobody looks at these answers


def _body(place: Place, count: int) -> dict[str, object]:
    return infill_body(place.above + place.line[:count], place.below)
