"""The language server on a loopback port: nobody without the token, everybody with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from foretype.context.shared.problem import Problem
from foretype.daemon.client.backend import OnModel
from foretype.daemon.settings.settings import Settings, StatisticsSettings
from foretype.lsp.server import tcp
from foretype.lsp.server.server import ForetypeServer
from foretype.tests.support.lsp_inside import EchoBackend

TOKEN = "open sesame"


def make() -> ForetypeServer:
    async def backend(_on_model: OnModel) -> EchoBackend:
        return EchoBackend(lambda prefix: f"a{len(prefix)}")

    return ForetypeServer(backend, lambda: Settings(statistics=StatisticsSettings(enabled=False)))


@asynccontextmanager
async def listening(capsys: pytest.CaptureFixture[str]) -> AsyncGenerator[int]:
    """A server on a free port."""
    serving = asyncio.ensure_future(tcp.serve_tcp(make, 0, TOKEN))
    line = ""
    while not line:
        await asyncio.sleep(0.001)
        line = capsys.readouterr().out
    said: dict[str, Any] = json.loads(line)
    assert (said["host"], said["token"]) == ("127.0.0.1", TOKEN)
    try:
        yield said["port"]
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


class Connection:
    """One editor's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def ask(self, number: int, method: str, **params: Any) -> dict[str, Any]:
        self.send({"id": number, "method": method, "params": params})
        header = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 10)
        length = int(header.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        return json.loads(await self._reader.readexactly(length))

    async def hello(self, token: Any = TOKEN) -> dict[str, Any]:
        return await self.ask(1, "initialize", capabilities={}, initializationOptions={"token": token})

    async def closed(self) -> bool:
        return await asyncio.wait_for(self._reader.read(1), 10) == b""


@pytest.mark.parametrize("token", ["", "open", None, 3, "open sesame ", "🔑"])
async def test_a_wrong_token_opens_nothing(capsys: pytest.CaptureFixture[str], token: Any) -> None:
    async with listening(capsys) as port:
        connection = await Connection.to(port)
        assert (await connection.hello(token))["error"]["code"] == -32600
        answer = await connection.ask(2, "workspace/executeCommand", command="foretype.log")
    assert answer["error"]["code"] == -32002


async def test_two_editors_have_documents_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(capsys) as port:
        one, other = await Connection.to(port), await Connection.to(port)
        for connection, text in ((one, "x"), (other, "xyz")):
            assert "result" in await connection.hello()
            document = {"uri": "untitled:a", "languageId": "text", "version": 1, "text": text}
            connection.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        answers = [
            await connection.ask(
                2,
                "textDocument/inlineCompletion",
                textDocument={"uri": "untitled:a"},
                position={"line": 0, "character": 9},
                context={"triggerKind": 2},
            )
            for connection in (one, other)
        ]
    texts = [answer["result"]["items"][0]["insertText"] for answer in answers]
    assert texts == ["a1", "a3"]


async def test_an_editor_that_leaves_takes_nobody_along(capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(capsys) as port:
        one, other = await Connection.to(port), await Connection.to(port)
        await one.hello()
        one.send({"method": "exit"})
        assert await one.closed()
        assert "result" in await other.hello()


async def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(capsys) as port:
        with pytest.raises(Problem, match=str(port)):
            await tcp.serve_tcp(make, port, TOKEN)
