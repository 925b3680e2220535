"""Brings a model from an HTTPS address."""

from __future__ import annotations

from pathlib import Path

from .catalogue import Entry, UrlSource
from .receiving import CHUNK, DownloadProblem, Progress, UnreachableProblem, need_space, receive, wrong_size

_CONNECT_TIMEOUT_S = 15.0
_READ_TIMEOUT_S = 60.0


def fetch_url(entry: Entry, source: UrlSource, incoming: Path, progress: Progress) -> None:
    """Write what an address gives out to `incoming`, checked.

    Raises:
        DownloadProblem: it could not be had, or is not what was published.
    """
    import httpx

    need_space(entry, incoming.parent, entry.size or 0)
    host = httpx.URL(source.url).host
    progress.phase(f"Downloading {entry.file} from {host}", entry.size)
    timeout = httpx.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
    try:
        with httpx.stream(
            "GET",
            source.url,
            follow_redirects=True,
            timeout=timeout,
            headers={"Accept-Encoding": "identity", "User-Agent": "foretype"},
        ) as response:
            if not response.is_success:
                raise DownloadProblem(
                    f"{host} does not give out {entry.name} (HTTP {response.status_code} "
                    f"{response.reason_phrase}); try again later."
                )
            announced = response.headers.get("Content-Length", "")
            length = int(announced) if announced.isdecimal() else None
            if None not in (length, entry.size) and length != entry.size:
                raise wrong_size(entry, length or 0)
            receive(entry, response.iter_bytes(CHUNK), incoming, entry.size or length, progress)
    except httpx.TimeoutException as error:
        raise UnreachableProblem(
            f"{host} did not answer in time while {entry.name} was downloaded; try again later."
        ) from error
    except httpx.TransportError as error:
        raise UnreachableProblem(
            f"{entry.name} could not be downloaded: the connection to {host} failed. Check the network (or "
            f"the proxy settings), then run 'foretype models pull {entry.name}' again."
        ) from error
    except httpx.HTTPError as error:
        raise DownloadProblem(f"{entry.name} could not be downloaded from {host}: {error}.") from error
