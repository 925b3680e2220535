"""A server for tests that speaks HTTP/2 alone: it streams the same tokens to everybody until they leave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncGenerator

import attrs
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset


@attrs.define
class Http2Server:
    """Its state: connections so far, requests by path, and the streams that were taken back.

    Attributes:
        endless: an answer goes on until it is taken back.
        silent: not even its headers come.
    """

    port: int = 0
    endless: bool = False
    silent: bool = False
    connections: int = 0
    asked: list[str] = attrs.field(factory=list[str])
    reset: list[int] = attrs.field(factory=list[int])
    _speaking: dict[int, asyncio.Task[None]] = attrs.field(factory=dict[int, "asyncio.Task[None]"])

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        wire = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        wire.initiate_connection()
        writer.write(wire.data_to_send())
        paths: dict[int, str] = {}
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                for event in wire.receive_data(data):
                    self._took(wire, writer, paths, event)
                writer.write(wire.data_to_send())
        writer.close()

    def _took(
        self, wire: H2Connection, writer: asyncio.StreamWriter, paths: dict[int, str], event: object
    ) -> None:
        if isinstance(event, RequestReceived):
            headers = {str(name): str(value) for name, value in event.headers or ()}
            paths[event.stream_id or 0] = headers[":path"]
        elif isinstance(event, DataReceived):
            wire.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        elif isinstance(event, StreamReset):
            number = event.stream_id or 0
            self.reset.append(number)
            if number in self._speaking:
                self._speaking.pop(number).cancel()
        elif isinstance(event, StreamEnded):
            number = event.stream_id or 0
            self.asked.append(paths[number])
            self._speaking[number] = asyncio.ensure_future(self._speak(wire, writer, number, paths[number]))

    async def _speak(self, wire: H2Connection, writer: asyncio.StreamWriter, number: int, path: str) -> None:
        if self.silent and path == "/v1/completions":
            await asyncio.Event().wait()
        wire.send_headers(number, [(":status", "200"), ("content-type", "application/json")])
        if path == "/v1/completions":
            tokens = ["return", " ", "42", "\n"] if not self.endless else ["x"] * 100_000
            for token in tokens:
                choice = {"text": token, "finish_reason": "stop" if token == "\n" else None}
                wire.send_data(number, b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")
                writer.write(wire.data_to_send())
                await asyncio.sleep(0.001)
        else:
            wire.send_data(number, json.dumps({"data": [{"id": "tiny-starcoder"}]}).encode())
        wire.end_stream(number)
        writer.write(wire.data_to_send())


@contextlib.asynccontextmanager
async def http2_server(
    tls: ssl.SSLContext, *, endless: bool = False, silent: bool = False
) -> AsyncGenerator[Http2Server]:
    """A server that runs in this event loop."""
    served = Http2Server(endless=endless, silent=silent)
    listening = await asyncio.start_server(served.connected, "127.0.0.1", 0, ssl=tls)
    served.port = listening.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        listening.close()
