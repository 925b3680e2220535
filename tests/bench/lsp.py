"""What the language server costs: answers while a suggestion is typed, its start, its memory.

The real `foretype lsp` process on stdio, with a real daemon process behind it whose engine says at once what
stands in the file: what is measured is everything but the model. It measures and asserts nothing.
"""

from __future__ import annotations

import _pydecimal
import asyncio
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from foretype.context.shared.values import Prompt
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.server.server import serve_daemon
from foretype.tests.bench.context import workspace
from foretype.tests.support.fake_engine import FakeEngine, FakeSource
from foretype.tests.support.lsp_client import LspClient, connected, python
from foretype.tests.support.private_home import private_home

SERVER = python("-P", "-m", "foretype.lsp")
BARE = python("-P", "-c", "from pygls.lsp.server import LanguageServer; LanguageServer('', '1').start_io()")
DAEMON = python("-P", "-c", "from foretype.tests.bench.lsp import be_daemon; be_daemon()")
STARTS = 5
PLACES = 24
LONG = 30
"""Lines of at least so many characters are typed."""

KEY_S = 0.01
"""Between an answer and the next key: a hand that rests on a key."""

BAR_S = 60.0
_KNOWN = 160


def source() -> str:
    """A long file: the standard library's decimal arithmetic in pure Python."""
    return Path(_pydecimal.__file__).read_text(encoding="utf-8")


def be_daemon() -> None:
    """Be the daemon of this home, with an engine that knows `source` by heart."""
    text = source()

    def rest_of_line(prompt: Prompt) -> Sequence[str]:
        at = text.find(prompt.prefix[-_KNOWN:])
        start = at + len(prompt.prefix[-_KNOWN:])
        return () if at < 0 else [*text[start : text.index("\n", start)], "\n"]

    asyncio.run(serve_daemon(DaemonHome(), FakeSource(FakeEngine(rest_of_line))))


@asynccontextmanager
async def opened(home: Mapping[str, str], uri: str, **params: Any) -> AsyncGenerator[LspClient]:
    """A server and its daemon, with the long file open."""
    place = DaemonHome(Path(home["XDG_RUNTIME_DIR"]) / "foretype", Path(home["XDG_STATE_HOME"]))
    daemon = await asyncio.create_subprocess_exec(*DAEMON, env=home, stdin=DEVNULL, stderr=DEVNULL)
    try:
        while not place.socket.exists() and daemon.returncode is None:  # noqa: ASYNC110 - gives no event
            await asyncio.sleep(0.02)
        async with connected(*SERVER, env=home, **params) as client:
            client.open(uri, source())
            yield client
    finally:
        daemon.terminate()
        await daemon.wait()


def long_lines() -> list[int]:
    """Lines of code from all over the file."""
    lines = source().split("\n")
    code = [at for at, line in enumerate(lines) if len(line) > LONG and "def " in line and line.endswith(":")]
    return code[:: max(1, len(code) // PLACES)][:PLACES]


async def type_line(client: LspClient, uri: str, line: int, into: list[float]) -> None:
    """Take a line out, ask, and type through what is suggested; each typed-through answer's ms go `into`."""
    text = source().split("\n")[line]
    begun = len(text) - len(text.lstrip()) + 4
    span = {"start": {"line": line, "character": begun}, "end": {"line": line, "character": len(text)}}
    client.change(uri, {"range": span, "text": ""})
    asked = await client.items(uri, line, begun)
    for at in range(begun, len(text)):
        await asyncio.sleep(KEY_S)
        client.insert(uri, line, at, text[at])
        began = time.perf_counter()
        found = await client.items(uri, line, at + 1)
        took = (time.perf_counter() - began) * 1000
        if asked and found and found[0]["command"] == asked[0]["command"]:
            into.append(took)


async def alone() -> tuple[list[float], float]:
    """(ms of each typed-through answer, MB afterwards) without a workspace."""
    uri, took = "untitled:decimals.py", list[float]()
    with private_home() as home:
        async with opened(home, uri) as client:
            for line in long_lines():
                await type_line(client, uri, line, took)
            return took, megabytes(client)


async def while_indexing() -> tuple[list[float], float]:
    """(ms of each typed-through answer, MB afterwards) while a workspace is first indexed."""
    root, took = workspace(), list[float]()
    uri = (root / "part0" / "decimals.py").as_uri()
    params: dict[str, Any] = {
        "capabilities": {"window": {"workDoneProgress": True}},
        "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
    }
    with private_home() as home:
        async with opened(home, uri, **params) as client:
            bar = asyncio.ensure_future(index_bar(client, "begin"))
            await bar
            end = asyncio.ensure_future(index_bar(client, "end", bar.result()))
            lines = long_lines()
            while not end.done():
                await type_line(client, uri, lines[0], took)
                lines = [*lines[1:], lines[0]]
            await end
            await asyncio.sleep(1)
            return took, megabytes(client)


async def index_bar(client: LspClient, kind: str, token: Any = None) -> Any:
    """Wait for the beginning or the end of the bar that shows the index; its token."""
    until = time.monotonic() + BAR_S
    while time.monotonic() < until:
        for message in client.notifications:
            params = message["params"]
            if message["method"] != "$/progress" or params["value"]["kind"] != kind:
                continue
            if params["token"] == token or params["value"].get("title", "").startswith("Indexing"):
                return params["token"]
        await asyncio.sleep(0.02)
    raise TimeoutError(f"the index's bar did not {kind}")


def megabytes(client: LspClient) -> float:
    """Resident memory of the server's process."""
    return psutil.Process(client.process.pid).memory_info().rss / 1e6


async def hello_ms(command: tuple[str, ...], home: Mapping[str, str]) -> float:
    """From the start of a process to its answer to `initialize`."""
    began = time.perf_counter()
    async with await LspClient.start(*command, env=home) as client:
        await client.initialize()
        return (time.perf_counter() - began) * 1000


async def starts() -> list[tuple[float, float]]:
    """(bare pygls, foretype) in turns."""
    with private_home(Path("/nowhere/to/be/found.gguf")) as home:
        return [(await hello_ms(BARE, home), await hello_ms(SERVER, home)) for _ in range(STARTS)]


Add = Callable[[str, "float | None"], None]
Percentile = Callable[[list[float], float], float]


def measure(add: Add, percentile: Percentile) -> None:
    """Everything, once; a figure at a time is given to `add`."""
    pairs = asyncio.run(starts())
    add("lsp.initialize_over_pygls_ms", min(ours for _, ours in pairs) - min(bare for bare, _ in pairs))
    took, weight = asyncio.run(alone())
    add("lsp.typed_through.p50_ms", percentile(took, 0.5))
    add("lsp.typed_through.p99_ms", percentile(took, 0.99))
    add("lsp.rss_mb", weight)
    took, weight = asyncio.run(while_indexing())
    add("lsp.typed_through.indexing_p99_ms", percentile(took, 0.99) if took else None)
    add("lsp.rss_indexed_mb", weight)
