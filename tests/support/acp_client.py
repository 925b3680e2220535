"""A client of the Agent Client Protocol for tests: `foretype acp` on real stdio, one message a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from foretype.tests.support.lsp_client import PATIENCE_S, Refused, python

COMMAND = python("-P", "-c", "from foretype.daemon.cli.main import main; main()", "acp")


class AcpClient:
    """One agent process. Its state: the process, what it answered to requests that nobody has read yet."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.answers: dict[Any, dict[str, Any]] = {}
        self.session = ""
        self._number = 0
        self._versions: dict[str, int] = {}

    def send(self, message: Any) -> None:
        """Send one message."""
        self.send_line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def send_line(self, line: bytes) -> None:
        """Send a line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")

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
        assert self.process.stdout is not None
        while number not in self.answers:
            line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
            assert line, "the agent has ended"
            message = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            assert message["id"] not in self.answers, "a request has one response"
            self.answers[message["id"]] = message
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

    async def close(self) -> int:
        """Close stdin, and wait for the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            return await asyncio.wait_for(self.process.wait(), PATIENCE_S)
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()


@asynccontextmanager
async def acp_agent(
    env: Mapping[str, str], *, start: bool = True, **capabilities: Any
) -> AsyncGenerator[AcpClient]:
    """A process that was greeted, with a session unless `start` is false."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=env, limit=2**26
    )
    client = AcpClient(process)
    try:
        await client.ask("initialize", protocolVersion=1, clientCapabilities=capabilities)
        if start:
            client.session = (await client.ask("nes/start"))["sessionId"]
        yield client
    finally:
        await client.close()
