"""Ends an HTTP/2 stream at the server's when its reader leaves: RFC 9113, RST_STREAM with CANCEL.

httpx's layer below, httpcore 1, forgets such a stream and lets the server go on, over a connection that all
documents share. HTTP/1.1 needs nothing of this, there leaving closes the connection. httpcore shows no way to
it, so the connection is found by names that it keeps to itself; a release that has others is noticed by
`tests/models/test_remote_transport.py`, and until then only loses this.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

SENT, LEFT = "http2.send_request_headers.started", "http2.response_closed.started"
"""What httpcore says when a stream begins, and when its reader leaves it."""


def watch(client: object) -> Callable[[str, dict[str, Any]], Awaitable[None]]:
    """What httpcore is to tell of one request, as its extension "trace": see the module's opening.

    Args:
        client: the `httpx.AsyncClient` that sends it.
    """
    sent: Any = None

    async def told(event: str, about: dict[str, Any]) -> None:
        nonlocal sent
        if event == SENT:
            sent = about.get("request")
        elif event == LEFT and sent is not None:
            await _reset(client, sent, about.get("stream_id"))

    return told


async def _reset(client: object, request: Any, number: Any) -> None:
    """Take the stream back, unless it has ended."""
    connection = next(
        (
            getattr(waiting.connection, "_connection", None)
            for transport in _transports(client)
            for waiting in getattr(getattr(transport, "_pool", None), "_requests", ())
            if getattr(waiting, "request", None) is request
        ),
        None,
    )
    state = getattr(connection, "_h2_state", None)
    write = getattr(connection, "_write_outgoing_data", None)
    if state is None or write is None:
        return
    try:
        state.reset_stream(number, ErrorCodes.CANCEL)
    except ProtocolError:
        return  # both sides have ended it, or the connection is gone
    try:
        await write(request)
    except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use, as its next reader hears
        return


def _transports(client: object) -> list[Any]:
    """That of the client, and those of its proxies."""
    return [getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()]
