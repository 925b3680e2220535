"""A client of the Agent Client Protocol for tests: `foretype acp` on real stdio, or without a process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any

from foretype.daemon.client.backend import Backend
from foretype.daemon.settings.settings import Settings, StatisticsSettings
from foretype.lsp.acp.agent import Agent
from foretype.lsp.acp.lines import LineConnection
from foretype.lsp.protocol.editor import Editor
from foretype.lsp.session.session import Session, TellModel
from foretype.tests.support.lsp_client import PATIENCE_S, Refused, python
from foretype.tests.support.lsp_inside import EchoBackend

COMMAND = python("-P", "-c", "from foretype.daemon.cli.main import main; main()", "acp")


class AcpClient:
    """What an editor says, wherever the agent is. Its state: answers that nobody has read, and numbers."""

    def __init__(self) -> None:
        self.answers: dict[Any, dict[str, Any]] = {}
        self.session = ""
        self._number = 0
        self._versions: dict[str, int] = {}

    def send(self, message: Any) -> None:
        """Send one message."""
        self.send_line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def send_line(self, line: bytes) -> None:
        """Send a line as it is."""
        raise NotImplementedError

    async def hear(self) -> None:
        """Wait for something that the agent says, and take it in."""
        raise NotImplementedError

    def take(self, line: bytes) -> None:
        """Take one message of the agent's in."""
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        assert message["id"] not in self.answers, "a request has one response"
        self.answers[message["id"]] = message

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification of the session."""
        self.send({"method": method, "params": {"sessionId": self.session, **params}})

    def request(self, method: str, **params: Any) -> int:
        """Send a request of the session; returns its id."""
        self._number += 1
        self.send(
            {"id": self._number, "method": method, "params": {"sessionId": self.session, **params}},
        )
        return self._number

    async def answer(self, number: Any) -> Any:
        """The result of a request, or `Refused`."""
        while number not in self.answers:
            await self.hear()
        found = self.answers.pop(number)
        if "error" in found:
            raise Refused(found["error"])
        return found["result"]

    async def ask(self, method: str, **params: Any) -> Any:
        """Send a request of the session and wait for its result."""
        return await self.answer(self.request(method, **params))

    # -- what editors do

    def open(self, uri: str, text: str, language: str = "python") -> None:
        """Open a document."""
        self._versions[uri] = 1
        self.tell("document/didOpen", uri=uri, languageId=language, version=1, text=text)

    def replace(self, uri: str, line: int, first: int, last: int, text: str) -> None:
        """Put a text in the place of a piece of a line."""
        place = {"start": {"line": line, "character": first}, "end": {"line": line, "character": last}}
        self.change(uri, {"range": place, "text": text})

    def change(self, uri: str, *changes: dict[str, Any]) -> None:
        """Change a document."""
        self._versions[uri] += 1
        self.tell("document/didChange", uri=uri, version=self._versions[uri], contentChanges=list(changes))

    async def suggestions(self, uri: str, line: int, character: int, **extra: Any) -> list[Any]:
        """What is suggested at a place."""
        asked = {"version": self._versions[uri], "triggerKind": "automatic", **extra}
        place = {"line": line, "character": character}
        return (await self.ask("nes/suggest", uri=uri, position=place, **asked))["suggestions"]


class AcpProcess(AcpClient):
    """An agent that is a process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self.process = process

    def send_line(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")

    async def hear(self) -> None:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
        assert line, "the agent has ended"
        self.take(line)

    async def close(self) -> int:
        """Close stdin, and wait for the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            return await asyncio.wait_for(self.process.wait(), PATIENCE_S)
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()


class AcpInside(AcpClient):
    """An agent without a process: what it does in this event loop."""

    def __init__(self, agent: Agent) -> None:
        super().__init__()
        self._news = asyncio.Event()
        self._connection = LineConnection(self._said)
        self._connection.requests.update(agent.requests)
        self._connection.notifications.update(agent.notifications)

    def send_line(self, line: bytes) -> None:
        self._connection.take(line)

    async def hear(self) -> None:
        await asyncio.wait_for(self._news.wait(), PATIENCE_S)
        self._news.clear()

    def _said(self, line: bytes) -> None:
        self.take(line)
        self._news.set()


@asynccontextmanager
async def acp_process(env: Mapping[str, str]) -> AsyncGenerator[AcpProcess]:
    """A process that was greeted, with a session."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=env, limit=2**26
    )
    client = AcpProcess(process)
    try:
        await client.ask("initialize", protocolVersion=1, clientCapabilities={})
        client.session = (await client.ask("nes/start"))["sessionId"]
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def acp_inside(**capabilities: Any) -> AsyncGenerator[AcpInside]:
    """An agent without a process that was greeted, with a session and a model that says nothing."""
    agent = Agent(_session, "0")
    client = AcpInside(agent)
    await client.ask("initialize", protocolVersion=1, clientCapabilities=capabilities)
    client.session = (await client.ask("nes/start"))["sessionId"]
    yield client
    await agent.aclose()


def _session() -> Session:
    async def backend(_on_model: TellModel) -> Backend:
        return EchoBackend(lambda _prefix: "")

    settings = Settings(statistics=StatisticsSettings(enabled=False))
    return Session(backend, lambda: settings, Editor(_unheard, _unasked))


def _unheard(_method: str, _params: Any) -> None:
    raise AssertionError("the client asked for no news")


def _unasked(_method: str, _params: Any) -> Future[Any]:
    raise AssertionError("the client has no capability for that")


URI, OTHER = "file:///work/shapes.py", "file:///work/uses.py"
SOURCE = "def area(w, height):\n    if w < 0:\n        raise ValueError(w)\n    return w * height\n"


async def rename(agent: AcpClient) -> list[Any]:
    """Rename the parameter of a document that is opened for it; what is suggested then."""
    agent.open(URI, SOURCE)
    agent.replace(URI, 0, 9, 10, "width")
    return await agent.suggestions(URI, 0, 14)
