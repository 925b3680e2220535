"""A small language client: starts a language server and speaks to it as an editor does.

What the demo and the replay need and no more: requests that can be cancelled, notifications, a document that
is typed into, and an end that leaves no process behind. Everything waits for a bounded time.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ...context.shared.problem import Problem

LANGUAGE_SERVER = (sys.executable, "-P", "-m", "foretype.lsp")
"""The command line of foretype's own server, from the installation that runs now."""

GOODBYE_S = 3.0
"""How long a server may take to end by itself."""


class ServerProblem(Problem):
    """The language server ended or does not answer."""


class RequestFailedError(Exception):
    """The server answered with an error; `code` says which."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Client:
    """One server process.

    Its state: the requests that wait for their answers, what came unasked, the versions of open documents.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.notifications: list[dict[str, Any]] = []
        self._process = process
        self._versions: dict[str, int] = {}
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(
        cls, command: Sequence[str] = LANGUAGE_SERVER, *, env: Mapping[str, str] | None = None
    ) -> Client:
        """Start a server, in another environment than this process's where `env` says so.

        Its stderr goes nowhere.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=env,
        )
        return cls(process)

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def request(self, method: str, params: dict[str, Any]) -> tuple[int, asyncio.Future[Any]]:
        """Send a request; returns its number, and the future of its result.

        The future raises RequestFailedError for an error answer and ServerProblem when the server is gone.
        """
        self._number += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._reading.done():
            future.set_exception(ServerProblem(_GONE))
            return self._number, future
        self._waiting[self._number] = future
        self._send({"id": self._number, "method": method, "params": params})
        return self._number, future

    async def ask(self, method: str, params: dict[str, Any], within_s: float = 20.0) -> Any:
        """Send a request and wait for its result.

        Raises:
            ServerProblem: there was none in time.
        """
        try:
            return await asyncio.wait_for(self.request(method, params)[1], within_s)
        except TimeoutError:
            raise ServerProblem(
                f"The language server did not answer within {within_s:.0f} seconds."
            ) from None

    def cancel(self, number: int) -> None:
        """Take a request back; it is still answered."""
        self.notify("$/cancelRequest", {"id": number})

    async def initialize(self, **params: Any) -> None:
        """The handshake.

        Raises:
            ServerProblem: the server does not answer.
        """
        await self.ask("initialize", {"processId": None, "capabilities": {}, **params})
        self.notify("initialized", {})

    def open(self, uri: str, text: str, language: str) -> None:
        """Open a document."""
        self._versions[uri] = 1
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def insert(self, uri: str, line: int, character: int, text: str) -> int:
        """Type at a position; returns the document's new version."""
        self._versions[uri] += 1
        place = {"line": line, "character": character}
        change = {"range": {"start": place, "end": place}, "text": text}
        document = {"uri": uri, "version": self._versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        return self._versions[uri]

    async def close(self) -> None:
        """Say goodbye and see the process end, by force if need be."""
        try:
            await self.ask("shutdown", {}, GOODBYE_S)
            self.notify("exit", {})
        except (ServerProblem, RequestFailedError):
            pass
        finally:
            await self._end()

    async def _end(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), GOODBYE_S)
        except (TimeoutError, asyncio.CancelledError):
            self._process.kill()
            await self._process.wait()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        try:
            while True:
                header = await stdout.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in header.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                )
                self._take(json.loads(await stdout.readexactly(length)))
        except asyncio.IncompleteReadError:
            pass
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(ServerProblem(_GONE))
            self._waiting.clear()

    def _take(self, message: dict[str, Any]) -> None:
        if "method" in message:
            if "id" in message:  # nothing that a server asks of us has an answer
                self._send({"id": message["id"], "result": None})
            else:
                self.notifications.append(message)
            return
        future = self._waiting.pop(message.get("id", 0), None)
        if future is None or future.done():
            return
        if error := message.get("error"):
            future.set_exception(RequestFailedError(error.get("code", 0), error.get("message", "")))
        else:
            future.set_result(message.get("result"))


_GONE = "The language server has ended. Its log says why; 'foretype doctor' tells where it lies."
