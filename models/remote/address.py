"""Which addresses may be asked, decided on the text of a URL alone; nothing is resolved or connected.

Source code goes there, so it is https, or plain http to this machine or to an address of a private network
that the user wrote down as numbers: what a name means could be changed by somebody else.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import attrs

from .failure import FailureKind, RemoteFailedError

_PRIVATE = (
    ipaddress.ip_network((10 << 24, 8)),
    ipaddress.ip_network("172.16.0.0/12"),
    ipaddress.ip_network("192.168.0.0/16"),
    ipaddress.ip_network((127 << 24, 8)),
    ipaddress.ip_network("::1/128"),
    ipaddress.ip_network("fc00::/7"),
)


@attrs.frozen
class Address:
    """A server that may be asked.

    Attributes:
        base: scheme, host, port and path without a slash at its end.
        shown: host and port, for people.
        encrypted: it is https.
        is_here: it is this machine.
    """

    base: str
    shown: str
    encrypted: bool
    is_here: bool


def checked_address(url: str) -> Address:
    """The address of a URL that the user wrote.

    Raises:
        RemoteFailedError: it may not be asked, and why.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _wrong("[remote] url is no address; write it like https://gpu.example.org.") from error
    if parts.scheme not in ("http", "https") or not host or any(char.isspace() for char in url.strip()):
        raise _wrong("[remote] url must begin with https:// (or http://) and name a host.")
    if parts.username is not None or parts.password is not None:
        raise _wrong("[remote] url holds a name or a password; keep the key apart, see [remote] key.")
    if parts.query or parts.fragment:
        raise _wrong("[remote] url must end with the host or a path, without '?' and '#'.")
    number = _number(host)
    is_here = host == "localhost" or (number is not None and number.is_loopback)
    if parts.scheme == "http" and not is_here and not _is_private(number):
        raise _wrong(
            "[remote] url is plain http to an address that is not of your private network, so that others "
            "could read your code; use https, or the server's private address in numbers."
        )
    name = f"[{host}]" if ":" in host else host
    shown = name if port is None else f"{name}:{port}"
    base = f"{parts.scheme}://{shown}{parts.path.rstrip('/').removesuffix('/v1')}"
    return Address(base, shown, parts.scheme == "https", is_here)


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_private(number: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    return number is not None and any(number in network for network in _PRIVATE)


def _wrong(sentence: str) -> RemoteFailedError:
    return RemoteFailedError(FailureKind.ADDRESS, sentence)
