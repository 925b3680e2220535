"""How language servers and the daemon reach each other: what both sides need of a way to do so.

`unix_socket` and `loopback` are the two ways, `reaching` chooses. What is said over them is the business of
`wire`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Serves one connection of this user's until it ends."""


class Listener(Protocol):
    """An address where the daemon can be reached, made by the one that holds the lock."""

    async def serve(self, connected: Connected) -> asyncio.Server:
        """Accept connections, those of this user alone."""
        ...

    @property
    def in_place(self) -> bool:
        """Whether clients can still find it."""
        ...

    def close(self) -> None:
        """Stop listening, and remove what clients find it by, unless that is another daemon's by now."""
        ...


class Transport(Protocol):
    """One way to reach the daemon of a place."""

    @property
    def address(self) -> str:
        """Where that is, for people."""
        ...

    def listen(self) -> Listener:
        """Make the address, in place of a stale one of either kind. The caller holds the place's lock.

        Raises:
            DaemonProblem: it cannot be made.
        """
        ...

    async def accepts(self) -> bool:
        """Whether this user's daemon listens there."""
        ...

    async def connect(self) -> Streams:
        """Connect to this user's daemon.

        Raises:
            FileNotFoundError: nobody listens.
            ConnectionRefusedError: nobody listens any more, or somebody else does.
            TimeoutError: the daemon is there, and does nothing.
            OSError: it cannot be reached, for another reason.
            DaemonProblem: whoever is there cannot be trusted.
        """
        ...
