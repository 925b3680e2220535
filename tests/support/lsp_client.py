"""A small language client for tests: starts a server on real stdio and counts every answer.

Every wait is bounded. A message that nobody expected stays in `notifications` or `requests`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

PATIENCE_S = 20.0
"""How long a test waits before it calls something lost."""


class Refused(Exception):
    """The server answered with an error; `code` is its number."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message"))
        self.code: int = error["code"]


class LspClient:
    """One server process, spoken to as an editor would.

    Its state: the process, the requests that wait for an answer, and what came unasked.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.notifications: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.answers: dict[Any, int] = {}
        self.hello: dict[str, Any] = {}
        self._waiting: dict[Any, asyncio.Future[Any]] = {}
        self._news = asyncio.Condition()
        self._number = 0
        self._versions: dict[str, int] = {}
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, *command: str, env: Mapping[str, str] | None = None) -> Self:
        """Start a server; the command defaults to nothing useful, name one."""
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=env, limit=2**26
        )
        return cls(process)

    async def __aenter__(self) -> LspClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- messages

    def send(self, message: dict[str, Any]) -> None:
        """Send a raw message."""
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: Any = None) -> None:
        """Send a notification."""
        self.send({"method": method, "params": {} if params is None else params})

    def request(self, method: str, params: Any = None) -> tuple[int, asyncio.Future[Any]]:
        """Send a request; returns its id and the future of its result (or `Refused`)."""
        self._number += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_seen)
        self._waiting[self._number] = future
        self.send({"id": self._number, "method": method, "params": {} if params is None else params})
        return self._number, future

    async def ask(self, method: str, params: Any = None) -> Any:
        """Send a request and wait for its result."""
        return await asyncio.wait_for(self.request(method, params)[1], PATIENCE_S)

    def cancel(self, number: int) -> None:
        """Take a request back."""
        self.notify("$/cancelRequest", {"id": number})

    async def expect(self, method: str) -> dict[str, Any]:
        """Wait for a notification or request of the server and take it out of its list."""

        def take() -> dict[str, Any] | None:
            for box in (self.notifications, self.requests):
                for message in box:
                    if message["method"] == method:
                        box.remove(message)
                        return message
            return None

        async with self._news:
            found = take()
            while found is None:
                await asyncio.wait_for(self._news.wait(), PATIENCE_S)
                found = take()
            return found

    async def _read(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        try:
            while header := await stdout.readuntil(b"\r\n\r\n"):
                length = int(header.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await self._take(json.loads(await stdout.readexactly(length)))
        except asyncio.IncompleteReadError:
            pass
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the server has ended"))

    async def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            number = message["id"]
            self.answers[number] = self.answers.get(number, 0) + 1
            future = self._waiting.pop(number, None)
            if future is not None and not future.done():
                if "error" in message and message["error"] is not None:
                    future.set_exception(Refused(message["error"]))
                else:
                    future.set_result(message.get("result"))
            return
        if "id" in message:
            self.send({"id": message["id"], "result": None})
        async with self._news:
            (self.requests if "id" in message else self.notifications).append(message)
            self._news.notify_all()

    # -- what editors do

    async def initialize(self, **params: Any) -> dict[str, Any]:
        """The handshake; returns the server's answer."""
        self.hello = await self.ask("initialize", {"processId": None, "capabilities": {}, **params})
        self.notify("initialized")
        return self.hello

    def open(self, uri: str, text: str, language: str = "python") -> None:
        """Open a document."""
        self._versions[uri] = 1
        self.notify(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": language, "version": 1, "text": text}},
        )

    def insert(self, uri: str, line: int, character: int, text: str) -> int:
        """Type at a position; returns the new version."""
        place = {"line": line, "character": character}
        return self.change(uri, {"range": {"start": place, "end": place}, "text": text})

    def change(self, uri: str, *changes: dict[str, Any]) -> int:
        """Send a didChange; returns the new version."""
        self._versions[uri] += 1
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": self._versions[uri]}, "contentChanges": list(changes)},
        )
        return self._versions[uri]

    def complete(self, uri: str, line: int, character: int, **extra: Any) -> tuple[int, asyncio.Future[Any]]:
        """Ask for inline completions at a position."""
        return self.request("textDocument/inlineCompletion", inline_params(uri, line, character, **extra))

    async def items(self, uri: str, line: int, character: int, **extra: Any) -> list[dict[str, Any]]:
        """The inline completions at a position."""
        result = await asyncio.wait_for(self.complete(uri, line, character, **extra)[1], PATIENCE_S)
        return result["items"]

    def hang_up(self) -> None:
        """Close the server's stdin without a word."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def close(self) -> int:
        """Say goodbye as editors do, or end the process when it does not listen. Returns the exit code."""
        if self.process.returncode is None:
            try:
                await asyncio.wait_for(self.request("shutdown")[1], PATIENCE_S)
                self.notify("exit")
            except (Refused, ConnectionError, TimeoutError):
                pass
            assert self.process.stdin is not None
            self.process.stdin.close()
            try:
                await asyncio.wait_for(self.process.wait(), PATIENCE_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        await self._reader
        assert self.process.returncode is not None
        return self.process.returncode


def _seen(future: asyncio.Future[Any]) -> None:
    """Many tests leave an answer unread, and that is no accident."""
    if not future.cancelled():
        future.exception()


def inline_params(uri: str, line: int, character: int, **extra: Any) -> dict[str, Any]:
    """The parameters of an automatic request."""
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": 2},
        **extra,
    }


@asynccontextmanager
async def connected(
    *command: str, env: Mapping[str, str] | None = None, **params: Any
) -> AsyncGenerator[LspClient]:
    """A started and initialized server."""
    client = await LspClient.start(*command, env=env)
    async with client:
        await client.initialize(**params)
        yield client


def python(*arguments: str) -> tuple[str, ...]:
    """A command line of this Python."""
    return (sys.executable, *arguments)
