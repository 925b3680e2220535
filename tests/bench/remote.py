"""An engine elsewhere: foretype's own share of the time, the safety net, what a server's cache keeps, a team.

What foretype adds and how soon the engine here answers are measured with the tests' own server, which takes
no time; the rest with a real llama-server, and vLLM where `make test-vllm` has put one. It measures and
asserts nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
from foretype.context.shared import paths
from foretype.context.shared.values import Completion, Prompt, StopReason, StopRules
from foretype.daemon.client.client import DaemonClient
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.server.racing import Racing
from foretype.daemon.server.remote_source import ConfiguredRemote, RemoteWish
from foretype.daemon.server.server import serve_daemon
from foretype.daemon.wire.messages import CompletionRequest
from foretype.models.remote.address import checked_address
from foretype.models.remote.engine import RemoteEngine, RemoteTarget
from foretype.models.remote.recognising import recognise_server
from foretype.models.remote.speaking import Wish
from foretype.models.remote.text_prompt import TextPrompts
from foretype.models.remote.transport import Access, RemoteConnection
from foretype.tests.bench.subject import Replay
from foretype.tests.support.fake_engine import FakeEngine, FakeSource
from foretype.tests.support.lsp_client import python
from foretype.tests.support.private_home import private_home
from foretype.tests.support.real_servers import (
    RealServer,
    llama_server,
    llama_server_command,
    missing_vllm,
    vllm_server,
)
from foretype.tests.support.remote_server import Fault, RemoteServer, remote_server

BUDGET_S = 0.4
"""The latency budget as it is shipped."""

KEYS = 60
LINES_ABOVE, LINES_BELOW = 160, 40
RULES = StopRules(max_tokens=8)
SERVER = python("-P", "-c", "from foretype.tests.bench.remote import be_server; be_server()")
DAEMON = python("-P", "-c", "from foretype.tests.bench.remote import be_daemon; be_daemon()")

Add = Callable[[str, float | None], None]


def measure(add: Add, model: Path, replay: Replay) -> None:
    """Everything but the team; figures that need a server are None without one."""
    add("remote.overhead_ms", asyncio.run(overhead_ms()))
    add("remote.fallback_ms", asyncio.run(fallback_ms()))
    with tempfile.TemporaryDirectory() as folder:
        if llama_server_command() is None:
            add("remote.cached_share", None)
            add("remote.aborted_ms", None)
        else:
            with llama_server(model, Path(folder)) as server:
                add("remote.cached_share", asyncio.run(cached_share(server, replay)))
                add("remote.aborted_ms", asyncio.run(aborted_ms(server, "cancel task")))
        if not missing_vllm():
            with vllm_server(Path(folder), "--block-size", "32") as server:
                add("remote.vllm.cached_share", asyncio.run(cached_share(server, replay, lines=30)))
                add("remote.vllm.aborted_ms", asyncio.run(aborted_ms(server, "abort")))


# What foretype adds.


def be_server() -> None:
    """Be the tests' own server, which answers at once."""

    async def serve() -> None:
        async with remote_server(protocol="vllm") as served:
            print(served.port, flush=True)
            await asyncio.Event().wait()

    asyncio.run(serve())


def be_daemon() -> None:
    """Be the daemon of this home, whose engine here is never asked."""
    remote = ConfiguredRemote(paths.config_file())
    asyncio.run(serve_daemon(DaemonHome(), FakeSource(FakeEngine()), remote=remote))


@contextlib.asynccontextmanager
async def daemon_for(url: str) -> AsyncGenerator[DaemonClient]:
    """A daemon in a process and a home of its own that asks there."""
    with private_home() as home:
        config = Path(home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(f'[remote]\nurl = "{url}"\nuse = "always"\n')
        place = DaemonHome(Path(home["XDG_RUNTIME_DIR"]) / "foretype", Path(home["XDG_STATE_HOME"]))
        daemon = await asyncio.create_subprocess_exec(*DAEMON, env=home, stdin=DEVNULL, stderr=DEVNULL)
        client = DaemonClient(place, name="bench")
        try:
            while not place.socket.exists() and daemon.returncode is None:  # noqa: ASYNC110 - gives no event
                await asyncio.sleep(0.02)
            yield client
        finally:
            await client.aclose()
            daemon.terminate()
            await daemon.wait()


async def overhead_ms() -> float:
    """What a key takes longer through the daemon than when a bare socket says the same to the same server."""
    server = await asyncio.create_subprocess_exec(*SERVER, stdin=DEVNULL, stdout=PIPE)
    try:
        assert server.stdout is not None
        port = int(await server.stdout.readline())
        url = f"http://127.0.0.1:{port}"
        connection = RemoteConnection(Access(checked_address(url)))
        speaker = await recognise_server(connection, "auto", "", [])
        prompts = TextPrompts(speaker.facts.recognition)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        more: list[float] = []
        async with daemon_for(url) as client:
            await client.load()
            for count in range(KEYS):
                prompt = Prompt("x = 1\n" * 300 + "def f(" + "(" * count, ")\n" * 60, "a.py", "python")
                asked = prompts.of("bench", prompt)
                assert asked is not None
                call = await speaker.call(asked, Wish(RULES.max_tokens, stops=("\n",)))
                began = time.perf_counter()
                await _said(reader, writer, call.path, call.body)
                between = time.perf_counter()
                completion = await client.complete(CompletionRequest("bench", prompt, RULES))
                ended = time.perf_counter()
                if completion.remote:  # else this machine was so slow that the engine here was asked
                    more.append(1000 * ((ended - between) - (between - began)))
        writer.close()
        await connection.aclose()
        return statistics.median(more[5:])
    finally:
        server.terminate()
        await server.wait()


async def _said(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, body: Mapping[str, Any]
) -> None:
    """Ask over a bare socket, and read the answer to its end."""
    data = json.dumps(body).encode()
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
    await writer.drain()
    await reader.readuntil(b"\r\n0\r\n\r\n")


# The safety net.


@attrs.define
class SetTarget:
    """A `RemoteProvider` for one target."""

    target: RemoteTarget
    alone: bool = False
    budget_s: float = BUDGET_S

    def fingerprint(self) -> object:
        return 1

    def wish(self) -> RemoteWish:
        return RemoteWish(self.target, self.target.shown, self.alone, self.budget_s)

    def make(self, target: RemoteTarget) -> RemoteEngine:
        return RemoteEngine(target, {})


async def fallback_ms() -> float:
    """The longest that anybody waits for the engine here, which answers at once, when the other is dead.

    Dead are: nobody listens, somebody listens and never answers, the stream stands still in mid-answer.
    """
    took: list[float] = []
    for fault in (None, Fault("hang"), Fault("stall", number=1)):
        async with remote_server() as served:
            url = served.url if fault else "http://127.0.0.1:9"
            target = RemoteTarget(url, timeout_s=60.0)
            racing = Racing(FakeSource(FakeEngine()), SetTarget(target))
            await racing.load()
            for turn in range(10):
                served.always = fault or Fault()
                took.append(1000 * await _asked(racing, f"s{turn}", Prompt(f"x{turn} = (", ")\n")))
            await racing.close()
    return max(took)


async def _asked(racing: Racing, session: str, prompt: Prompt) -> float:
    """Seconds until a request is answered."""
    answered: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
    began = time.perf_counter()
    racing.submit("bench", CompletionRequest(session, prompt, RULES), answered.set_result)
    assert (await answered).stop is not StopReason.UNAVAILABLE
    return time.perf_counter() - began


# What a server keeps, and when it stops.


@contextlib.asynccontextmanager
async def asking(server: RealServer | RemoteServer) -> AsyncGenerator[RemoteEngine]:
    """An engine that asks there."""
    engine = RemoteEngine(RemoteTarget(server.url, timeout_s=300.0), {})
    try:
        yield engine
    finally:
        await engine.aclose()


def prompt_of(replay: Replay, count: int, lines: int = LINES_ABOVE) -> Prompt:
    """What the model sees when so many characters have been typed."""
    above, below = replay.at(count)
    start = replay.before.rsplit("\n", lines + 1)
    cut = len(replay.before) - len("\n".join(start[1:])) if len(start) > lines + 1 else 0
    return Prompt(above[cut:], "\n".join(below.split("\n")[: lines // 4]) + "\n", "a.py", "python")


async def cached_share(server: RealServer, replay: Replay, *, lines: int = LINES_ABOVE) -> float:
    """The part of the prompts that the server had in its cache, every key of the replay asked for."""
    async with asking(server) as engine:
        await engine.warm("typing", prompt_of(replay, 0, lines))
        for count in range(1, len(replay.typed) + 1):
            await engine.complete("typing", prompt_of(replay, count, lines), RULES)
        return engine.counts.cached_tokens / engine.counts.prompt_tokens


async def aborted_ms(server: RealServer, word: str) -> float:
    """From leaving an answer to the server's own log of that, which says `word` then."""
    took: list[float] = []
    async with asking(server) as engine:
        await engine.recognise()
        for turn in range(5):
            started = asyncio.Event()
            rules = StopRules(multiline=True, max_tokens=1000)
            work = asyncio.ensure_future(
                engine.complete(
                    f"left{turn}",
                    Prompt(f"x{turn} = (", ")\n"),
                    rules,
                    on_text=lambda _text, said=started: said.set(),
                    temperature=2.0,
                    seed=turn,
                )
            )
            begun = asyncio.ensure_future(started.wait())
            await asyncio.wait({work, begun}, return_when=asyncio.FIRST_COMPLETED)
            before = server.logged().lower().count(word)
            left = time.perf_counter()
            if work.cancel():
                await asyncio.gather(work, return_exceptions=True)
                limit = left + 10.0
                while server.logged().lower().count(word) == before and time.perf_counter() < limit:  # noqa: ASYNC110 - a file gives no event
                    await asyncio.sleep(0.001)
                took.append(1000 * (time.perf_counter() - left))
            begun.cancel()
    return statistics.median(took)
