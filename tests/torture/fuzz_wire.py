"""Frames against the daemon's socket: truncated, huge, garbage, slow, of other versions, half closed.

The daemon is a real process around a fake engine. Meanwhile a client that keeps the rules gets every answer;
afterwards the daemon lives, has let go of every connection, has grown by little and has logged no error.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

import msgpack
import psutil
from foretype.context.shared.values import Prompt, StopReason, StopRules
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.process.lifecycle import start_daemon
from foretype.daemon.wire import messages as wire
from foretype.tests.support.fake_daemon import place_in, spawn_fake
from foretype.tests.torture.mutation import NUMBERS, broken_bytes, broken_value
from foretype.tests.torture.section import Found, Section

AT_ONCE = 20
GROWTH_BYTES = 40_000_000
"""What the daemon may hold more after a round; one connection may hold 16 MB while it lasts."""

_PROMPT = Prompt("def f(a, b):\n    return ", "\n", "a.py", "python")


def _whole(chance: random.Random, number: int) -> bytes:
    """A frame as a client sends it."""
    request = wire.CompletionRequest(
        chance.choice(("a", "b")), _PROMPT, StopRules(), stream=chance.random() < 0.5
    )
    return chance.choice(
        (
            lambda: wire.encode_request(number, wire.Method.COMPLETE, request),
            lambda: wire.encode_request(number, wire.Method.WARM, wire.WarmRequest("a", _PROMPT)),
            lambda: wire.encode_request(number, wire.Method.FORGET, wire.ForgetRequest("a")),
            lambda: wire.encode_request(number, wire.Method.STATUS),
            lambda: wire.encode_request(number, wire.Method.LOAD),
            lambda: wire.encode_notification(wire.Method.CANCEL, wire.Cancel(max(0, number - 1))),
            lambda: wire.encode_request(number, wire.Method.HELLO, wire.Hello(1, "again", 1)),
        )
    )()


def _broken(chance: random.Random, number: int) -> bytes:
    """A frame that no client should send."""
    whole = _whole(chance, number)
    kind = chance.randrange(7)
    if kind == 0:
        return whole[: chance.randrange(len(whole))]
    if kind == 1:
        return broken_bytes(chance, whole)
    if kind == 2:
        return chance.randbytes(chance.choice((1, 10, 1000)))
    if kind == 3:
        head = chance.choice((b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9"))
        return (
            head + (chance.choice(NUMBERS) & 0xFFFFFFFF).to_bytes(4, "big") + b"x" * chance.choice((0, 100))
        )
    if kind == 4:
        return b"\x91" * chance.choice((100, 2000, 100_000))
    if kind == 5:
        return b"\xdb\x00\xff\xff\xff" + bytes(chance.choice((1 << 10, 1 << 20)))
    return _odd(chance, whole)


def _odd(chance: random.Random, whole: bytes) -> bytes:
    """A well-formed frame in which one value is odd; never one that stops the daemon."""
    packer = cast("Any", msgpack)
    frame = broken_value(chance, packer.unpackb(whole))
    try:
        return packer.packb(frame, unicode_errors="surrogatepass")
    except (OverflowError, ValueError):
        return whole


async def _misbehave(place: DaemonHome, seed: int, frames: int) -> int:
    """One connection that sends so many frames in its own way, until it is cut; how many were sent."""
    chance = random.Random(seed)
    reader, writer = await asyncio.open_unix_connection(str(place.socket))
    sent = 0
    reading = asyncio.ensure_future(_read_all(reader)) if chance.random() < 0.8 else None
    try:
        if chance.random() < 0.85:
            version = chance.choice((wire.VERSION,) * 6 + (0, 2, -1))
            writer.write(wire.encode_request(1 << 31, wire.Method.HELLO, wire.Hello(version, "x" * 40, 7)))
        broken_from = chance.randrange(frames + 1)
        while sent < frames and not writer.is_closing():
            await _send(chance, writer, (_broken if sent >= broken_from else _whole)(chance, sent))
            sent += 1
        await _leave(chance, writer)
    except OSError:
        pass  # it cut the connection, as it should
    finally:
        writer.close()
        if reading is not None:
            reading.cancel()
    return sent


async def _send(chance: random.Random, writer: asyncio.StreamWriter, data: bytes) -> None:
    """All at once, or a few bytes at a time as somebody slow does."""
    if chance.random() < 0.1:
        for at in range(0, min(len(data), 300), 7):
            if writer.is_closing():
                return
            writer.write(data[at : at + 7])
            await asyncio.sleep(0)
    else:
        writer.write(data)
    if chance.random() < 0.2:
        await writer.drain()


async def _leave(chance: random.Random, writer: asyncio.StreamWriter) -> None:
    """Half close, hang up, or say nothing more."""
    if chance.random() < 0.3 and writer.can_write_eof():
        writer.write_eof()
        await asyncio.sleep(0)
    elif chance.random() < 0.3:
        writer.transport.abort()
    else:
        await writer.drain()


async def _read_all(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(65536):
            pass
    except OSError:
        pass


async def _keep_the_rules(place: DaemonHome, ended: asyncio.Event, wrong: list[str]) -> int:
    """Ask again and again until `ended`; how often."""
    client, asked = DaemonClient(place), 0
    try:
        while not ended.is_set():
            answer = await client.complete(wire.CompletionRequest("calm", _PROMPT, StopRules()))
            asked += 1
            if answer.stop not in (StopReason.END, StopReason.LENGTH) or answer.text != "return 42\n":
                wrong.append(f"a client that keeps the rules was answered {answer.stop} {answer.detail}")
                return asked
            await asyncio.sleep(0.002)
    finally:
        await client.aclose()
    return asked


async def attacked(seed: int, connections: int, frames: int) -> tuple[int, tuple[str, ...]]:
    """A daemon, and so many connections with so many frames each, unless they are cut before.

    Returns:
        how many frames were sent, and what was broken.
    """
    directory = Path(tempfile.mkdtemp(prefix="ft"))
    place = place_in(directory)
    wrong: list[str] = []
    sent = 0
    await start_daemon(place, spawn=spawn_fake)
    client = DaemonClient(place)
    try:
        pid = (await client.status()).pid
        daemon = psutil.Process(pid)
        before = daemon.memory_info().rss, daemon.num_fds()
        settled = connections // 3
        ended = asyncio.Event()
        calm = asyncio.ensure_future(_keep_the_rules(place, ended, wrong))
        for start in range(0, connections, AT_ONCE):
            if start >= settled > 0:  # the first third shows how much it needs, the rest whether that is all
                before, settled = (daemon.memory_info().rss, before[1]), 0
            numbers = range(start, min(start + AT_ONCE, connections))
            sent += sum(
                await asyncio.gather(*(_misbehave(place, seed * 100_003 + each, frames) for each in numbers))
            )
        ended.set()
        if not await calm:
            wrong.append("a client that keeps the rules got no answer at all")
        wrong += await _looked_at(client, daemon, before)
        await client.stop()
    except (OSError, psutil.Error, RuntimeError) as error:
        wrong.append(f"the daemon did not live through it: {type(error).__name__} {error}")
    finally:
        await client.aclose()
    printed = place.output.read_text("utf-8", "replace")
    if "Traceback" in printed:
        wrong.append(f"the daemon printed {printed[printed.index('Traceback') :][-500:]}")
    if place.socket.exists():
        wrong.append("the socket was left")
    shutil.rmtree(directory, ignore_errors=True)
    return sent, tuple(f"seed {seed}: {each}" for each in wrong)


async def _looked_at(client: DaemonClient, daemon: psutil.Process, before: tuple[int, int]) -> list[str]:
    """What is wrong with the daemon when all have gone."""
    status = await client.status()
    for _ in range(200):
        if status.clients <= 1 and daemon.num_fds() <= before[1] + 2:
            break
        await asyncio.sleep(0.05)
        status = await client.status()
    grown, kept = daemon.memory_info().rss - before[0], daemon.num_fds() - before[1]
    found: list[str] = []
    if status.queued or status.clients > 1 or kept > 2:
        found.append(f"left: {status.queued} requests, {status.clients} clients, {kept} descriptors")
    if grown > GROWTH_BYTES:
        found.append(f"the daemon has grown by {grown / 1e6:.0f} MB")
    return found


def play(seed: int, connections: int = 300, frames: int = 40) -> Found:
    """A round."""
    sent, wrong = asyncio.run(attacked(seed, connections, frames))
    return Found({"fuzz.wire.frames": sent}, wrong=wrong)


SECTION = Section("wire", "fuzz.wire.frames", 100_000, "fuzz.wire.violations", play)
