"""The daemon on a port of this machine, for systems without Unix sockets.

Any user of the machine can reach a loopback port, and any program can take one that a daemon has left. So a
file that only this user can read says which port it is and holds a secret; both sides prove that they know it
before anything else is said, and neither ever sends it. Which way is taken is decided by `reaching`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import secrets
import socket
import stat
import sys
from typing import Any, cast

import attrs

from ...context.shared.atomic import write_atomically
from ...context.shared.problem import DaemonProblem
from .home import BoundFile, DaemonHome, holder
from .transport import Connected, Streams

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
PROVEN_WITHIN_S = 2.0
"""How long either side may take to prove what it knows; both only compute."""

_SECRET_BYTES = 32
_NONCE_BYTES = 32
_PROOF_BYTES = hashlib.sha256().digest_size
_MAX_FILE_BYTES = 1000


@attrs.frozen
class PortFile:
    """What the file says: the port, and the secret of the daemon that listens there."""

    port: int
    secret: bytes = attrs.field(repr=False)


def read_port_file(place: DaemonHome) -> PortFile:
    """What the place's file says.

    Raises:
        FileNotFoundError: there is none, or none that can be understood.
        DaemonProblem: others can read or write it.
    """
    descriptor = os.open(place.port, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if sys.platform != "win32" and (status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077):
            raise DaemonProblem(
                f"The file {place.port} is not yours alone, so whoever listens at its port cannot be "
                "trusted. Remove it; the daemon makes it anew."
            )
        content = file.read(_MAX_FILE_BYTES)
    try:
        said = cast("dict[str, Any]", json.loads(content))
        port, secret = int(said["port"]), bytes.fromhex(said["secret"])
    except (ValueError, KeyError, TypeError):
        raise FileNotFoundError(place.port) from None
    if not (0 < port < 1 << 16 and len(secret) == _SECRET_BYTES):
        raise FileNotFoundError(place.port)
    return PortFile(port, secret)


class Loopback:
    """The port of a place; see `Transport`."""

    def __init__(self, place: DaemonHome) -> None:
        self._place = place

    @property
    def address(self) -> str:
        return f"{LOOPBACK}, on the port that {self._place.port} names"

    def listen(self) -> LoopbackListener:
        return LoopbackListener(self._place)

    async def accepts(self) -> bool:
        try:
            _, writer = await self.connect()
        except (OSError, DaemonProblem):
            return False
        writer.close()
        return True

    async def connect(self) -> Streams:
        file = read_port_file(self._place)
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(LOOPBACK, file.port), PROVEN_WITHIN_S
            )
        except TimeoutError:
            raise ConnectionRefusedError(f"port {file.port} does not answer") from None
        try:
            proven = await asyncio.wait_for(prove_client(reader, writer, file.secret), PROVEN_WITHIN_S)
        except TimeoutError:
            writer.transport.abort()
            if holder(self._place) is not None:
                raise  # it is there, and does nothing
            proven = False
        except (asyncio.IncompleteReadError, ConnectionError):
            proven = False  # it is just ending, or it speaks of other things
        if proven:
            return reader, writer
        writer.transport.abort()
        raise ConnectionRefusedError(f"somebody else listens at port {file.port}")


class LoopbackListener:
    """A bound port with its file; see `Listener`."""

    def __init__(self, place: DaemonHome) -> None:
        """Bind a free port and write the file.

        Raises:
            DaemonProblem: one of both cannot be done.
        """
        self._secret = secrets.token_bytes(_SECRET_BYTES)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if sys.platform == "win32":  # there a port can be taken twice unless one says so
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            self._socket.bind((LOOPBACK, 0))
            self._socket.listen(128)
            self._socket.setblocking(False)
            said = {"port": self._socket.getsockname()[1], "secret": self._secret.hex()}
            write_atomically(place.port, (json.dumps(said).encode(),))
            place.socket.unlink(missing_ok=True)
        except OSError as error:
            self._socket.close()
            raise DaemonProblem(
                f"The daemon cannot listen at a port of this machine, or write {place.port} "
                f"({error.strerror}). 'foretype doctor' says what to do."
            ) from error
        self._bound = BoundFile(place.port)

    async def serve(self, connected: Connected) -> asyncio.Server:
        async def proven(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not await _in_time(prove_daemon(reader, writer, self._secret)):
                log.warning("a connection that does not know the daemon's secret was refused")
                writer.transport.abort()
                return
            await connected(reader, writer)

        return await asyncio.start_server(proven, sock=self._socket)

    @property
    def in_place(self) -> bool:
        return self._bound.in_place

    def close(self) -> None:
        self._bound.remove()
        self._socket.close()


async def prove_daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secret: bytes) -> bool:
    """The daemon's side: a nonce goes out; the client's comes back with a proof, and is answered with one."""
    ours = secrets.token_bytes(_NONCE_BYTES)
    writer.write(ours)
    theirs, proof = await reader.readexactly(_NONCE_BYTES), await reader.readexactly(_PROOF_BYTES)
    if not hmac.compare_digest(proof, _proof(secret, b"client", ours + theirs)):
        return False
    writer.write(_proof(secret, b"daemon", ours + theirs))
    return True


async def prove_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secret: bytes) -> bool:
    """The client's side; see `prove_daemon`."""
    theirs, ours = await reader.readexactly(_NONCE_BYTES), secrets.token_bytes(_NONCE_BYTES)
    writer.write(ours + _proof(secret, b"client", theirs + ours))
    return hmac.compare_digest(
        await reader.readexactly(_PROOF_BYTES), _proof(secret, b"daemon", theirs + ours)
    )


def _proof(secret: bytes, side: bytes, nonces: bytes) -> bytes:
    return hmac.digest(secret, side + nonces, "sha256")


async def _in_time(proving: Any) -> bool:
    """Whether a side has proven what it knows, soon enough."""
    try:
        return await asyncio.wait_for(proving, PROVEN_WITHIN_S)
    except (TimeoutError, asyncio.IncompleteReadError, OSError):
        return False
