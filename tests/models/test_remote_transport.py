"""How an engine elsewhere is reached: certificates, HTTP/2, proxies, redirects, a key for one host alone."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.context.shared.values import Completion, Prompt, StopRules
from foretype.models.remote.engine import RemoteEngine, RemoteTarget
from foretype.models.remote.failure import FailureKind, RemoteFailedError
from foretype.models.remote.key import read_key
from foretype.tests.support.certificates import Authority
from foretype.tests.support.fake_engine import until
from foretype.tests.support.http2_server import http2_server
from foretype.tests.support.remote_server import Fault, remote_server

PROMPT = Prompt("def two():\n    (", "\n", "a.py", "python")
KEY = {"KEY": "hunter2"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.in_folder(tmp_path)


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@contextlib.asynccontextmanager
async def engine_at(url: str, **how: Any) -> AsyncGenerator[RemoteEngine]:
    engine = RemoteEngine(RemoteTarget(url, timeout_s=30.0, **how), KEY)
    try:
        yield engine
    finally:
        await engine.aclose()


async def complete(engine: RemoteEngine, **rules: Any) -> Completion:
    return await engine.complete("s", PROMPT, StopRules(**rules))


async def refused(url: str, **how: Any) -> RemoteFailedError:
    async with engine_at(url, **how) as engine:
        with pytest.raises(RemoteFailedError) as raised:
            await complete(engine)
        assert "hunter2" not in raised.value.sentence
        return raised.value


# Certificates.


async def test_certificates_of_a_companys_own_authority_are_vouched_for_by_a_file(
    authority: Authority,
) -> None:
    async with remote_server(tls=authority.server("127.0.0.1")) as served:
        async with engine_at(served.url, ca_file=str(authority.file), key="env:KEY") as engine:
            assert (await complete(engine)).text == "return 42"
        assert {each.headers.get("authorization") for each in served.received} == {"Bearer hunter2"}


@pytest.mark.parametrize(
    ("names", "days", "vouched", "said"),
    [
        (("127.0.0.1",), 1, False, "ca_file names a file that vouches for it"),
        (("gpu.example.org",), 1, True, "is for another name"),
        (("127.0.0.2",), 1, True, "is for another name"),
        (("127.0.0.1",), -1, True, "has expired"),
    ],
    ids=["nobody vouches", "another name", "another number", "expired"],
)
async def test_a_certificate_that_does_not_match_ends_it_before_anything_is_sent(
    authority: Authority, names: tuple[str, ...], days: int, vouched: bool, said: str
) -> None:
    async with remote_server(tls=authority.server(*names, days=days)) as served:
        error = await refused(served.url, ca_file=str(authority.file) if vouched else "", key="env:KEY")
        assert error.kind is FailureKind.CERTIFICATE
        assert said in error.sentence
        assert served.received == []


@pytest.mark.parametrize("content", [None, b"no certificate"], ids=["missing", "nonsense"])
async def test_a_file_without_certificates_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    error = await refused("https://127.0.0.1:9", ca_file=str(file))
    assert error.kind is FailureKind.CERTIFICATE
    assert str(file) in error.sentence


# HTTP/2.


async def test_http2_is_spoken_where_it_is_offered_over_one_kept_connection(authority: Authority) -> None:
    async with http2_server(authority.server("127.0.0.1", protocols=("h2",))) as served:
        async with engine_at(served.url, ca_file=str(authority.file), protocol="openai") as engine:
            for _ in range(3):
                assert (await complete(engine)).text == "return 42"
        assert served.asked == ["/v1/models", *3 * ["/v1/completions"]]
        assert served.connections == 1


@pytest.mark.parametrize("how", ["silent", "endless"])
async def test_leaving_an_http2_stream_ends_that_stream_and_not_the_connection(
    authority: Authority, how: str
) -> None:
    tls = authority.server("127.0.0.1", protocols=("h2",))
    async with http2_server(tls, **{how: True}) as served:  # noqa: SIM117 - the second needs the first
        async with engine_at(served.url, ca_file=str(authority.file), protocol="openai") as engine:
            asking = asyncio.ensure_future(complete(engine, multiline=True, max_tokens=100_000))
            await until(lambda: "/v1/completions" in served.asked)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await until(lambda: len(served.reset) == 1)
            served.endless = served.silent = False
            assert (await complete(engine)).text == "return 42"
            assert served.connections == 1


# Proxies.


@attrs.define
class Proxy:
    """A proxy that tunnels; what it was told, and what passed through it in the clear."""

    port: int = 0
    heads: list[bytes] = attrs.field(factory=list[bytes])
    passed: bytes = b""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        host, _, port = head.split(b" ")[1].rpartition(b":")
        there, back = await asyncio.open_connection(host.decode(), int(port))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")

        async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    self.passed += data
                    target.write(data)
            target.close()

        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def proxy() -> AsyncGenerator[Proxy]:
    served = Proxy()
    listening = await asyncio.start_server(served.connected, "127.0.0.1", 0)
    served.port = listening.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        listening.close()


@pytest.mark.parametrize("told", ["setting", "environment"])
async def test_a_proxy_gets_a_tunnel_and_neither_key_nor_code(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    async with remote_server(tls=authority.server("127.0.0.1")) as served, proxy() as between:
        if told == "environment":
            monkeypatch.setenv("HTTPS_PROXY", between.url)
        how = {"proxy": between.url} if told == "setting" else {}
        async with engine_at(served.url, ca_file=str(authority.file), key="env:KEY", **how) as engine:
            assert (await complete(engine)).text == "return 42"
        assert between.heads
        assert all(head.startswith(b"CONNECT 127.0.0.1:") for head in between.heads)
        seen = b"".join(between.heads) + between.passed
        assert b"hunter2" not in seen
        assert b"def two" not in seen


async def test_none_is_no_proxy_whatever_the_environment_says(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with remote_server(tls=authority.server("127.0.0.1")) as served, proxy() as between:
        monkeypatch.setenv("HTTPS_PROXY", between.url)
        async with engine_at(served.url, ca_file=str(authority.file), proxy="none") as engine:
            assert (await complete(engine)).text == "return 42"
        assert between.heads == []


async def test_plain_http_to_a_private_number_never_passes_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with remote_server() as served, proxy() as between:
        monkeypatch.setenv("HTTP_PROXY", between.url)
        monkeypatch.setenv("ALL_PROXY", between.url)
        async with engine_at(served.url, key="env:KEY") as engine:
            assert (await complete(engine)).text == "return 42"
        assert between.heads == []


async def test_a_proxy_that_is_not_there_is_one_sentence() -> None:
    error = await refused("https://127.0.0.1:9", proxy="http://127.0.0.1:9")
    assert error.kind is FailureKind.UNREACHABLE


# Redirects, and the key.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nothing_follows_a_redirect_to_another_host(status: int) -> None:
    async with remote_server() as other, remote_server() as served:
        there = {"Location": f"http://127.0.0.1:{other.port}/completion"}
        async with engine_at(served.url, key="env:KEY") as engine:
            await engine.recognise()
            served.faults = [Fault("status", status, headers=there)]
            with pytest.raises(RemoteFailedError) as raised:
                await complete(engine)
            assert raised.value.kind is FailureKind.REDIRECT
            assert (await complete(engine)).text == "return 42"
        assert other.received == []


async def test_a_key_comes_from_the_systems_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring", reason="there is no keyring")
    known = {("foretype", "gpu"): "hunter2"}

    def found(service: str, name: str) -> str | None:
        return known.get((service, name))

    monkeypatch.setattr(keyring, "get_password", found)
    assert read_key("keyring:gpu", {}).value == "hunter2"
    async with remote_server(key="hunter2") as served, engine_at(served.url, key="keyring:gpu") as engine:
        assert (await complete(engine)).text == "return 42"
    with pytest.raises(RemoteFailedError, match="keyring set foretype other"):
        read_key("keyring:other", {})

    def locked(_service: str, _name: str) -> str:
        raise RuntimeError("locked: hunter2")

    monkeypatch.setattr(keyring, "get_password", locked)
    with pytest.raises(RemoteFailedError, match="does not give out") as raised:
        read_key("keyring:gpu", {})
    assert "hunter2" not in raised.value.sentence


def test_without_the_package_a_keyring_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(RemoteFailedError, match="pip install keyring"):
        read_key("keyring:gpu", {})
