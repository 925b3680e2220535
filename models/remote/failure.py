"""What goes wrong with an engine elsewhere: one error with a kind, a sentence for people, and a pause.

Nothing here asks anybody, and no sentence holds code, a key or what a server wrote.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import attrs

LONGEST_PAUSE_S = 600.0
"""What a server may ask for with Retry-After, at most."""

_START = 256


class FailureKind(enum.StrEnum):
    """What kind of failure it is; one of each is told to the user at a time."""

    ADDRESS = "address"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    KEY = "key"
    BUSY = "busy"
    LOADING = "loading"
    BROKEN = "broken"
    REFUSED = "refused"
    REDIRECT = "redirect"
    NO_JSON = "no json"
    SLOW = "slow"
    TOO_LONG = "too long"
    CUT_OFF = "cut off"


class RemoteFailedError(Exception):
    """A request came to nothing.

    Attributes:
        kind: of failure.
        sentence: what happened and what to do, for people.
        pause_s: seconds for which the server asks to be left alone; 0 where it says nothing.
    """

    def __init__(self, kind: FailureKind, sentence: str, pause_s: float = 0.0) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence
        self.pause_s = pause_s


@attrs.frozen
class Refusal:
    """An answer that is no success.

    Attributes:
        status: of HTTP.
        headers: its headers, names in lower case.
        body: the beginning of what it said.
    """

    status: int
    headers: Mapping[str, str]
    body: str


def of_status(host: str, refusal: Refusal) -> RemoteFailedError:
    """What an answer with an HTTP status that is no success means."""
    status = refusal.status
    if 300 <= status < 400:
        return RemoteFailedError(
            FailureKind.REDIRECT,
            f"{host} wants to send requests elsewhere, which is never followed; set [remote] url to where "
            "the server really is.",
        )
    if status in (401, 403):
        return RemoteFailedError(
            FailureKind.KEY, f"{host} does not take the key (HTTP {status}); look at [remote] key."
        )
    if status == 429:
        pause = pause_of(refusal.headers.get("retry-after", ""))
        return RemoteFailedError(FailureKind.BUSY, f"{host} has too much to do (HTTP 429).", pause)
    if status == 503 and "loading" in refusal.body[:_START].lower():
        return RemoteFailedError(FailureKind.LOADING, f"{host} is still loading its model.", 1.0)
    if status >= 500:
        pause = pause_of(refusal.headers.get("retry-after", ""))
        return RemoteFailedError(
            FailureKind.BROKEN, f"{host} fails (HTTP {status}); its log says why.", pause
        )
    if is_web_page(refusal.headers.get("content-type", ""), refusal.body):
        return web_page(host)
    return RemoteFailedError(
        FailureKind.REFUSED,
        f"{host} does not understand what it is asked (HTTP {status}); look at [remote] protocol and model.",
    )


def web_page(host: str) -> RemoteFailedError:
    """The error for a page where an answer should be."""
    return RemoteFailedError(
        FailureKind.NO_JSON,
        f"{host} answers with a web page: a proxy or a login stands in between, or [remote] url is wrong.",
    )


def nonsense(host: str) -> RemoteFailedError:
    """The error for an answer that cannot be read."""
    return RemoteFailedError(
        FailureKind.NO_JSON,
        f"{host} answers with what no engine says; look at [remote] url and protocol.",
    )


def is_web_page(content_type: str, body: str) -> bool:
    """Whether an answer is a page for people."""
    start = body[:_START].lstrip().lower()
    return content_type.lower().startswith("text/html") or start.startswith(("<!doctype html", "<html"))


def pause_of(retry_after: str, now: float | None = None) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3); 0 where it cannot be read.

    Args:
        retry_after: a number of seconds, or a date.
        now: the time, seconds of the Unix epoch; the clock's by default.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_PAUSE_S)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(0.0, until - (time.time() if now is None else now)), LONGEST_PAUSE_S)
