"""The daemon on a port: only who knows the secret is heard, and only a daemon that knows it is believed."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from foretype.context.shared.problem import DaemonProblem
from foretype.daemon.process import loopback
from foretype.daemon.process.home import DaemonHome
from foretype.daemon.process.loopback import LOOPBACK, Loopback, read_port_file
from foretype.daemon.process.reaching import chosen_transport, transport_at
from foretype.daemon.process.unix_socket import UnixSocket

SOON_S = 10.0


@asynccontextmanager
async def listening(place: DaemonHome) -> AsyncGenerator[list[bytes]]:
    """A daemon on a port that writes down what it hears from those whom it believes."""
    heard: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.write(b"heard")
        writer.close()

    place.prepare()
    listener = Loopback(place).listen()
    server = await listener.serve(connected)
    yield heard
    server.close()
    listener.close()


async def what_comes_back(place: DaemonHome, *parts: bytes) -> bytes:
    """What a stranger who knows the port alone is told, after the nonce."""
    reader, writer = await asyncio.open_connection(LOOPBACK, read_port_file(place).port)
    await reader.readexactly(32)
    writer.writelines(parts)
    writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(), SOON_S)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_who_knows_the_secret_is_heard(place: DaemonHome) -> None:
    async with listening(place) as heard:
        assert await Loopback(place).accepts()
        reader, writer = await Loopback(place).connect()
        writer.write(b"hello")
        assert await asyncio.wait_for(reader.read(), SOON_S) == b"heard"
        writer.close()
        assert b"hello" in heard


@pytest.mark.parametrize("said", [b"", b"x" * 64, b"GET / HTTP/1.1\r\n\r\n", os.urandom(200)])
async def test_who_does_not_is_told_nothing(place: DaemonHome, said: bytes) -> None:
    async with listening(place) as heard:
        assert await what_comes_back(place, said) == b""
        assert heard == []


async def test_a_proof_that_was_overheard_is_worth_nothing(place: DaemonHome) -> None:
    """Nonces are new for each connection: what a client sent once proves nothing the next time."""
    async with listening(place) as heard:
        port, secret = read_port_file(place).port, read_port_file(place).secret
        sent: list[bytes] = []
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        keep = writer.write
        writer.write = lambda data: (sent.append(bytes(data)), keep(data))[1]  # type: ignore[method-assign]
        assert await loopback.prove_client(reader, writer, secret)
        writer.close()
        assert await what_comes_back(place, *sent) == b""
        assert heard in ([], [b""])


@pytest.mark.parametrize("answers", [b"", b"x" * 32, b"x" * 96])
async def test_a_program_that_took_the_port_of_a_dead_daemon_is_not_believed(
    place: DaemonHome, answers: bytes
) -> None:
    async with listening(place):
        content = place.port.read_bytes()
    heard: list[bytes] = []

    async def somebody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers)
        heard.append(await reader.read(1000))
        writer.close()

    server = await asyncio.start_server(somebody, LOOPBACK, 0)
    said = json.loads(content) | {"port": server.sockets[0].getsockname()[1]}
    place.port.write_text(json.dumps(said), encoding="utf-8")
    place.port.chmod(0o600)
    with pytest.raises(ConnectionRefusedError):
        await Loopback(place).connect()
    assert not await Loopback(place).accepts()
    assert not any(bytes.fromhex(said["secret"]) in each for each in heard)
    server.close()


@pytest.mark.skipif(sys.platform == "win32", reason="who may read a file is not in its mode there")
def test_the_file_is_the_users_alone_and_the_secret_new_each_time(place: DaemonHome) -> None:
    place.prepare()
    first = Loopback(place).listen()
    told = read_port_file(place)
    assert stat.S_IMODE(place.port.stat().st_mode) == 0o600
    assert repr(told.secret) not in repr(told)
    second = Loopback(place).listen()
    assert read_port_file(place).secret != told.secret
    first.close()
    second.close()


@pytest.mark.skipif(sys.platform == "win32", reason="who may read a file is not in its mode there")
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
async def test_a_file_that_others_can_read_or_write_is_refused(place: DaemonHome, mode: int) -> None:
    async with listening(place):
        place.port.chmod(mode)
        with pytest.raises(DaemonProblem, match="not yours alone"):
            await Loopback(place).connect()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"port": 0, "secret": ""}',
        b'{"port": 80, "secret": "zz"}',
        b'{"port": 1e9}',
        b"\xff",
    ],
)
async def test_a_file_that_says_nothing_is_no_daemon(place: DaemonHome, content: bytes) -> None:
    place.prepare()
    place.port.touch(mode=0o600)
    place.port.write_bytes(content)
    with pytest.raises(FileNotFoundError):
        await Loopback(place).connect()


async def test_nobody_listens_where_no_file_is(place: DaemonHome) -> None:
    with pytest.raises(FileNotFoundError):
        await Loopback(place).connect()


async def test_a_link_in_the_files_place_is_not_followed(place: DaemonHome) -> None:
    async with listening(place):
        place.port.rename(place.directory / "elsewhere")
        place.port.symlink_to(place.directory / "elsewhere")
        with pytest.raises(OSError, match="symbolic link"):
            await Loopback(place).connect()


async def test_it_listens_on_this_machine_alone(place: DaemonHome) -> None:
    async with listening(place):
        port = read_port_file(place).port
        with socket.socket() as other:
            other.bind(("127.0.0.2", port))  # free, so the daemon has taken one address of the machine only


def test_clients_find_whichever_is_there(place: DaemonHome) -> None:
    place.prepare()
    assert isinstance(transport_at(place), UnixSocket)
    port = chosen_transport(place, "tcp").listen()
    assert isinstance(transport_at(place), Loopback)
    socket_of_its_own = chosen_transport(place, "unix").listen()
    assert isinstance(transport_at(place), UnixSocket)
    port.close()
    socket_of_its_own.close()
