"""The language server on a loopback port, for editors that cannot start a process.

Other users of the machine can reach a loopback port, so `initialize` must carry a token as the
initialization option `token`. Every connection is an editor of its own, with a session of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import secrets
import sys
from collections.abc import Callable
from typing import Any, cast

from ...context.shared.problem import Problem
from .server import ForetypeServer

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
MAX_CONNECTIONS = 16
TOKEN_WITHIN_S = 10.0
"""How long a connection may stay without a valid `initialize`."""


def run_tcp(make: Callable[[], ForetypeServer], port: int, token: str | None = None) -> int:
    """Serve until interrupted. Prints one line of JSON with host, port and token when it is ready.

    Raises:
        Problem: the port is taken.
    """
    try:
        asyncio.run(serve_tcp(make, port, token or secrets.token_urlsafe(24)))
    except KeyboardInterrupt:
        return 130
    return 0


async def serve_tcp(make: Callable[[], ForetypeServer], port: int, token: str) -> None:
    """Serve until cancelled; see `run_tcp`. Raises Problem when the port is taken."""
    connections: set[asyncio.Task[Any]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        if len(connections) >= MAX_CONNECTIONS:
            writer.close()
            return
        connections.add(task)
        try:
            await _one_editor(make(), reader, writer, token)
        finally:
            connections.discard(task)
            writer.close()

    try:
        server = await asyncio.start_server(connected, HOST, port)
    except OSError as error:
        raise Problem(
            f"Port {port} cannot be used ({error.strerror}). Choose another one, or 0 for any that is free."
        ) from error
    actual = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"host": HOST, "port": actual, "token": token}) + "\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


async def _one_editor(
    server: ForetypeServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
) -> None:
    protocol = server.protocol
    protocol.admits = lambda given: hmac.compare_digest(str(given).encode(), token.encode())
    protocol.set_writer(cast("Any", writer))
    loop = asyncio.get_running_loop()
    closing = loop.call_later(TOKEN_WITHIN_S, lambda: protocol.initialized or writer.close())
    try:
        with contextlib.suppress(SystemExit, asyncio.IncompleteReadError, ConnectionError, ValueError):
            await server.hear(reader)
    finally:
        closing.cancel()
        await server.aclose()
