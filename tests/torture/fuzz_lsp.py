"""LSP messages against the real server over real stdio, with an oracle for every document's text.

Every request is answered once, with a result or as cancelled or unknown; nothing is logged as an error; after
every part of a session each open document is what the oracle says.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import psutil
from foretype.tests.support.lsp_client import LspClient, python
from foretype.tests.support.private_home import private_home
from foretype.tests.torture import open_server
from foretype.tests.torture.lsp_messages import BadDay, is_request
from foretype.tests.torture.model_documents import ModelDocuments
from foretype.tests.torture.section import Found, Section

STEPS = 3000
STEP_S = 0.1
"""How long an answer may take, counted in steps: a machine that stood still counts as one."""

PART = 250
"""Messages between two looks at the texts."""

ALLOWED = (-32800, -32601)
"""Cancelled, and a method that nobody knows."""

ENCODINGS: tuple[list[str | None], ...] = (
    ["utf-16"],
    ["utf-8", "utf-16"],
    ["utf-32"],
    [],
    ["utf-7", None, "utf-8"],
)


class Counting(LspClient):
    """A client that notes the code of every error. Its state, beside a client's: those, by id."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__(process)
        self.codes: dict[Any, int] = {}
        self._number = 1 << 40  # beyond every id that is made up

    async def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message and message.get("error"):
            self.codes[message.get("id")] = message["error"].get("code")
        if "method" not in message and "id" not in message:
            self.codes[None] = 0
            return
        await super()._take(message)
        self.notifications.clear()
        self.requests.clear()

    async def drained(self) -> None:
        """Wait until what was sent has gone out."""
        assert self.process.stdin is not None
        await self.process.stdin.drain()


class Session:
    """One server and one bad day. Its state: the requests that were sent, and what was broken."""

    def __init__(self, client: Counting, seed: int, *, large: bool) -> None:
        self.client = client
        self.documents = ModelDocuments()
        self.day = BadDay(seed, self.documents, large=large)
        self.sent: list[int | str] = []
        self.wrong: list[str] = []

    async def begin(self, seed: int) -> None:
        """The handshake."""
        params = {
            "processId": None,
            "capabilities": {
                "general": {"positionEncodings": ENCODINGS[seed % len(ENCODINGS)]},
                "workspace": {"configuration": seed % 2 == 0, "applyEdit": True},
            },
            "initializationOptions": {"betterSuggestions": True, "status": True},
        }
        self.documents.hear({"id": 0, "method": "initialize", "params": params})
        await patiently(self.client.request("initialize", params)[1])
        self.client.notify("initialized")

    async def play(self, count: int) -> None:
        """Send so many messages and look at everything after each part."""
        sent = 0
        while sent < count and not self.wrong:
            part = min(PART, count - sent)
            for message in self.day.messages(part):
                if is_request(message):
                    self.sent.append(message["id"])
                self.client.send(message)
            sent += part
            await self.client.drained()
            await self._look()

    async def _look(self) -> None:
        troubles = await patiently(self.client.request("torture/troubles")[1])
        self.wrong += [f"an error was logged: {each}" for each in troubles["troubles"]]
        for uri, text in list(self.documents.texts.items()):
            held = await patiently(self.client.request("torture/text", {"uri": uri})[1])
            if held != text and not (held is None and uri in self.documents.cells):
                self.wrong.append(f"{uri} is not what the editor has: {differs(held, text)}")
            if held is None:
                del self.documents.texts[uri]

    async def end(self) -> None:
        """Every request must have had its one answer by now."""
        for _ in range(STEPS):
            if all(number in self.client.answers for number in self.sent):
                break
            await asyncio.sleep(STEP_S)
        answered = Counter({number: self.client.answers.get(number, 0) for number in self.sent})
        self.wrong += [
            f"request {number!r} was answered {times} times"
            for number, times in answered.items()
            if times != 1
        ]
        self.wrong += [
            f"request {number!r} was answered with error {code}"
            for number, code in self.client.codes.items()
            if code not in ALLOWED
        ]


async def patiently(future: asyncio.Future[Any]) -> Any:
    """The result of a request; TimeoutError when it doesn't come."""
    for _ in range(STEPS):
        done, _ = await asyncio.wait({future}, timeout=STEP_S)
        if done:
            return future.result()
    raise TimeoutError


def differs(held: Any, wanted: str) -> str:
    """Where two texts part, for a sentence."""
    if not isinstance(held, str):
        return "the server has none"
    at = next(
        (i for i, (a, b) in enumerate(zip(held, wanted, strict=False)) if a != b), min(len(held), len(wanted))
    )
    ours, theirs = held[at : at + 12], wanted[at : at + 12]
    return f"{len(held)} and {len(wanted)} characters, from {at} on {ours!r}, {theirs!r}"


async def session(seed: int, count: int, *, large: bool = False) -> tuple[str, ...]:
    """A server, so many messages, and what was broken."""
    with private_home() as home:
        client = await Counting.start(*python("-P", str(open_server.__file__)), env=home)
        async with client:
            played = Session(client, seed, large=large)
            try:
                await played.begin(seed)
                await played.play(count)
                await played.end()
            except (TimeoutError, ConnectionError, OSError) as error:
                played.wrong.append(f"the server did not answer any more ({type(error).__name__} {error})")
            code = await client.close()
        if code != 0:
            played.wrong.append(f"the server ended with {code}")
    return tuple(f"seed {seed}: {each}" for each in played.wrong)


def play(seed: int, count: int = 5000) -> Found:
    """A round."""
    wrong = asyncio.run(session(seed, count, large=seed % 20 == 19))
    left = [
        child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE
    ]
    if left:
        wrong = (*wrong, f"seed {seed}: {len(left)} processes were left")
    return Found({"fuzz.lsp.messages": count}, wrong=wrong)


SECTION = Section("lsp", "fuzz.lsp.messages", 1_000_000, "fuzz.lsp.violations", play)
