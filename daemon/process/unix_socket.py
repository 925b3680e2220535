"""The daemon on a Unix socket: a file in its directory; the system says whose process is at the other end.

What Linux and macOS have. Which way is taken is decided by `reaching`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import sys

from ...context.shared.problem import DaemonProblem
from .home import BoundFile, DaemonHome
from .transport import Connected, Streams

log = logging.getLogger(__name__)

NO_UNIX_SOCKETS = (
    "This system has no Unix sockets that Python can use. Take [daemon] transport out of the configuration, "
    "or set it "
    'to "tcp".'
)


class UnixSocket:
    """The socket of a place; see `Transport`."""

    def __init__(self, place: DaemonHome) -> None:
        self._place = place

    @property
    def address(self) -> str:
        return str(self._place.socket)

    def listen(self) -> UnixListener:
        self._place.check_length()
        return UnixListener(self._place)

    async def accepts(self) -> bool:
        """Whether somebody listens on the socket. Returns at once."""
        if sys.platform == "win32":
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(os.fspath(self._place.socket))
            except BlockingIOError:
                return True  # the queue of connections is full: somebody is there, and busy
            except OSError:
                return False
            return True

    async def connect(self) -> Streams:
        self._place.check_length()
        if sys.platform == "win32":
            raise DaemonProblem(NO_UNIX_SOCKETS)
        reader, writer = await asyncio.open_unix_connection(os.fspath(self._place.socket))
        uid = peer_uid(writer.get_extra_info("socket"))
        if uid is not None and uid != os.getuid():
            writer.transport.abort()
            raise DaemonProblem(
                f"The daemon at {self.address} belongs to another user (uid {uid}). "
                "Set XDG_RUNTIME_DIR to a directory of your own."
            )
        return reader, writer


class UnixListener:
    """A bound socket; see `Listener`."""

    _socket: socket.socket
    _bound: BoundFile

    def __init__(self, place: DaemonHome) -> None:
        """Bind it.

        Raises:
            DaemonProblem: the socket cannot be made.
        """
        if sys.platform == "win32":
            raise DaemonProblem(NO_UNIX_SOCKETS)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            place.socket.unlink(missing_ok=True)
            self._socket.bind(os.fspath(place.socket))
            place.socket.chmod(0o600)
            self._socket.listen(128)
            self._socket.setblocking(False)
            place.port.unlink(missing_ok=True)
        except OSError as error:
            self._socket.close()
            raise DaemonProblem(
                f"The socket {place.socket} cannot be made ({error.strerror}). "
                "Set XDG_RUNTIME_DIR to a directory of your own on a local file system."
            ) from error
        self._bound = BoundFile(place.socket)

    async def serve(self, connected: Connected) -> asyncio.Server:
        if sys.platform == "win32":
            raise DaemonProblem(NO_UNIX_SOCKETS)

        async def mine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            uid = peer_uid(writer.get_extra_info("socket"))
            if uid is not None and uid != os.getuid():
                log.warning("a connection of another user (uid %d) was refused", uid)
                writer.transport.abort()
                return
            await connected(reader, writer)

        return await asyncio.start_unix_server(mine, sock=self._socket)

    @property
    def in_place(self) -> bool:
        return self._bound.in_place

    def close(self) -> None:
        self._bound.remove()
        self._socket.close()


def peer_uid(connection: socket.socket) -> int | None:
    """The user id at the other end of a Unix socket; None where the system does not say."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        return uid
    if sys.platform == "darwin":
        # struct xucred: version, uid, and the groups, which do not matter here; see unix(4).
        local_peercred, size = 1, 76
        _, uid = struct.unpack_from("Ii", connection.getsockopt(0, local_peercred, size))
        return uid
    return None
