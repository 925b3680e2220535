"""Who may ask: programs of this machine, not pages in a browser, with the token where one is set.

A page that the user looks at can send requests to a loopback port, and a name that its owner lets point here
(DNS rebinding) makes them look like the page's own. Browsers say where such a request comes from, and which
name it was sent to. Pure; nothing is read or answered here.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import attrs

_HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
_OPEN = frozenset({"/health", "/v1/health"})
"""What may be asked without a token, so that a plugin can see whether somebody is there."""


@attrs.frozen
class TurnedAway:
    """Why a request isn't answered.

    Attributes:
        status: the HTTP status.
        sentence: what is wrong, and what to do.
    """

    status: int
    sentence: str


def refusal(path: str, headers: Mapping[str, str], token: str) -> TurnedAway | None:
    """Why a request is refused before anybody reads what it asks; None where it is let in.

    Args:
        path: what is asked.
        headers: by name in small letters.
        token: that every client has to send; "" for none.
    """
    host = headers.get("host", "")
    name = host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdigit() else host
    if name.lower() not in _HERE:
        said = f"It was sent to {host[:80]!r}" if host else "It doesn't say where it was sent to"
        return TurnedAway(403, f"{said}; only 127.0.0.1 and localhost are answered. Name the endpoint so.")
    if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
        return TurnedAway(403, "Pages in a browser are not answered, only programs of this machine.")
    if token and path not in _OPEN:
        given = headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), token.encode()):
            return TurnedAway(401, "The token is missing or another one; set the plugin's API key to it.")
    return None
