"""The one place that sends anything to an engine elsewhere: HTTP with a bound on everything that comes back.

To one host, never redirected, with the key for that host alone; a connection is kept, and closing a stream of
events ends the request at the server's at once. What is said is the protocols' business; nothing is logged
here.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast

import attrs
import httpx

from .address import Address
from .failure import (
    FailureKind,
    Refusal,
    RemoteFailedError,
    is_web_page,
    nonsense,
    of_status,
    web_page,
)
from .key import Secret
from .taking_back import watch

MOST_ANSWER_BYTES = 4 << 20
"""The longest answer, streamed or not."""

LONGEST_EVENT = 256 << 10
"""The longest line of a stream."""

_REFUSAL_BYTES = 4096
_OK = 200
_KEPT = 8
_KEPT_S = 55.0
"""Seconds that an idle connection is kept; proxies close theirs after a minute."""

_EXPIRED, _OTHER_NAME = 10, (62, 64)
"""OpenSSL's numbers for what is wrong with a certificate."""

_LOST = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""What a kept connection says that the server has closed meanwhile."""


@attrs.frozen
class Access:
    """How a server is reached.

    Attributes:
        address: the server.
        key: sent to it as a bearer token; "" sends none.
        headers: further headers.
        ca_file: certificates that vouch for it; "" for the system's.
        proxy: an address, "" for the environment's, "none" for none.
        connect_timeout_s: seconds to wait for a connection.
        timeout_s: seconds to wait for anything else.
    """

    address: Address
    key: Secret = attrs.field(factory=Secret)
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    ca_file: str = ""
    proxy: str = attrs.field(default="", repr=False)
    connect_timeout_s: float = 2.0
    timeout_s: float = 10.0


class RemoteConnection:
    """Requests to one server. Its state: the client with its kept connections, made by the first request."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()
        self._used = False

    @property
    def host(self) -> str:
        """The server, for people."""
        return self._access.address.shown

    @property
    def is_here(self) -> bool:
        """Whether it is this machine."""
        return self._access.address.is_here

    async def call(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What the server answers to one request, as JSON gives it; without a body it is a GET.

        Raises:
            RemoteFailedError: there is no such answer.
        """
        response = await self._opened(path, body)
        try:
            data = await self._whole(response, MOST_ANSWER_BYTES)
        except httpx.HTTPError as error:
            raise self._failure(error) from error
        finally:
            await response.aclose()
        if is_web_page(response.headers.get("content-type", ""), data[:512].decode("utf-8", "replace")):
            raise web_page(self.host)
        return self._parsed(data)

    async def events(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """The objects that the server streams, one a line, with or without "data:" in front.

        Closing the generator closes the stream.

        Raises:
            RemoteFailedError: it doesn't, or breaks off.
        """
        response = await self._opened(path, body)
        try:
            if is_web_page(response.headers.get("content-type", ""), ""):
                raise web_page(self.host)
            total, rest = 0, b""
            async for chunk in response.aiter_raw():
                total += len(chunk)
                *lines, rest = (rest + chunk).split(b"\n")
                if total > MOST_ANSWER_BYTES or len(rest) > LONGEST_EVENT:
                    raise self._too_long()
                for line in lines:
                    if event := self._event(line):
                        yield event
            if event := self._event(rest):
                yield event
        except httpx.HTTPError as error:
            raise self._failure(error) from error
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close what is kept."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        """A response whose headers are here and say that all is well; a kept connection may be gone."""
        client = await self._ready()
        content = None if body is None else _encoded(body)
        url = self._access.address.base + path
        tries = 2 if self._used else 1
        while True:
            tries -= 1
            try:
                method, said = "GET" if body is None else "POST", {"trace": watch(client)}
                request = client.build_request(method, url, content=content, extensions=said)
                response = await client.send(request, stream=True)
                break
            except _LOST as error:
                if not tries:
                    raise self._failure(error) from error
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                raise self._failure(error) from error
        self._used = True
        if response.status_code != _OK:
            raise await self._refused(response)
        return response

    async def _refused(self, response: httpx.Response) -> RemoteFailedError:
        try:
            said = await self._whole(response, _REFUSAL_BYTES)
        except (httpx.HTTPError, RemoteFailedError):
            said = b""
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return of_status(self.host, Refusal(response.status_code, headers, said.decode("utf-8", "replace")))

    async def _whole(self, response: httpx.Response, most: int) -> bytes:
        data = bytearray()
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > most:
                raise self._too_long()
        return bytes(data)

    def _event(self, line: bytes) -> dict[str, Any] | None:
        """What one line of a stream says; None for blank lines, comments and the end's mark."""
        text = line.strip()
        if text.startswith(b"data:"):
            text = text[5:].strip()
        elif text.startswith((b":", b"event:", b"id:", b"retry:")):
            return None
        if not text or text == b"[DONE]":
            return None
        found = self._parsed(text)
        if not isinstance(found, dict):
            raise nonsense(self.host)
        return cast("dict[str, Any]", found)

    def _parsed(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            text = data[:512].decode("utf-8", "replace")
            raise (web_page if is_web_page("", text) else nonsense)(self.host) from error

    async def _ready(self) -> httpx.AsyncClient:
        async with self._making:
            if self._client is None:
                access = self._access
                # Reading the system's certificates takes tens of milliseconds.
                trust = await asyncio.to_thread(_trust, access) if access.address.encrypted else True
                self._client = self._made(trust)
            return self._client

    def _made(self, trust: ssl.SSLContext | bool) -> httpx.AsyncClient:
        access = self._access
        headers = {"User-Agent": "foretype", "Accept-Encoding": "identity", **access.headers}
        headers["Content-Type"] = "application/json"
        if access.key.value:
            headers["Authorization"] = f"Bearer {access.key.value}"
        explicit = access.proxy if access.proxy not in ("", "none") else None
        try:
            return httpx.AsyncClient(
                headers=headers,
                verify=trust,
                http2=access.address.encrypted,
                proxy=explicit,
                trust_env=not access.proxy and access.address.encrypted,
                follow_redirects=False,
                timeout=httpx.Timeout(access.timeout_s, connect=access.connect_timeout_s),
                limits=httpx.Limits(max_keepalive_connections=_KEPT, keepalive_expiry=_KEPT_S),
            )
        except (ValueError, TypeError, httpx.InvalidURL) as error:
            raise RemoteFailedError(
                FailureKind.ADDRESS, "[remote] proxy or headers cannot be used; look at how they are written."
            ) from error

    def _too_long(self) -> RemoteFailedError:
        return RemoteFailedError(FailureKind.TOO_LONG, f"{self.host} answers without an end.")

    def _failure(self, error: Exception) -> RemoteFailedError:
        """The error with a sentence for one of httpx's."""
        if (certificate := _about_certificate(error)) is not None:
            return RemoteFailedError(
                FailureKind.CERTIFICATE, f"The certificate of {self.host} {_doubt_of(certificate)}."
            )
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
            return RemoteFailedError(FailureKind.UNREACHABLE, f"{self.host} cannot be reached.")
        if isinstance(error, httpx.TimeoutException):
            return slow(self.host)
        if isinstance(error, _LOST):
            return RemoteFailedError(FailureKind.CUT_OFF, f"The connection to {self.host} was lost.")
        return RemoteFailedError(
            FailureKind.BROKEN, f"{self.host} could not be asked ({type(error).__name__})."
        )


def slow(host: str) -> RemoteFailedError:
    """The error for an answer that takes too long."""
    return RemoteFailedError(FailureKind.SLOW, f"{host} takes too long to answer.")


def _encoded(body: Mapping[str, Any]) -> bytes:
    """A body as JSON; what is no character has become one before, see `text_prompt`."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _trust(access: Access) -> ssl.SSLContext:
    """Whom to believe that it is the server: the user's file, else what the system trusts.

    Raises:
        RemoteFailedError: the file cannot be read.
    """
    if access.ca_file:
        try:
            return ssl.create_default_context(cafile=access.ca_file)
        except (OSError, ValueError) as error:
            raise RemoteFailedError(
                FailureKind.CERTIFICATE, f"[remote] ca_file {access.ca_file} holds no certificates."
            ) from error
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _about_certificate(error: BaseException | None) -> BaseException | None:
    """The cause that is about the server's certificate; None without one."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return error
        error = error.__cause__ or error.__context__
    return None


def _doubt_of(error: BaseException) -> str:
    """What is wrong with a certificate, by OpenSSL's number (X509_V_ERR_*) where there is one."""
    number = getattr(error, "verify_code", 0)
    said = str(error).lower()
    if number in _OTHER_NAME or "mismatch" in said:
        return "is for another name; write [remote] url with the name that the certificate has"
    if number == _EXPIRED or "expired" in said:
        return "has expired; whoever runs that server has to renew it"
    return "is not one that this machine trusts; [remote] ca_file names a file that vouches for it"
