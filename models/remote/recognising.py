"""Finds out which protocol a server speaks, by asking in each until it answers sensibly.

What each of them asks is its own module's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..prompts.formats import Override
from .failure import FailureKind, RemoteFailedError
from .llama_server import LLAMA_SERVER, recognise_llama_server
from .mistral import MISTRAL, fills_in, recognise_mistral
from .ollama import OLLAMA, recognise_ollama
from .openai_completions import OPENAI, recognise_openai
from .speaking import Recogniser, SpeaksProtocol, as_rows, as_table
from .transport import RemoteConnection

_SPEAKERS: Mapping[str, Recogniser] = {
    LLAMA_SERVER: recognise_llama_server,
    OLLAMA: recognise_ollama,
    OPENAI: recognise_openai,
    MISTRAL: recognise_mistral,
}
"""By name, in the order in which they are tried: what only one server has comes first."""

PING: Mapping[str, str] = {
    LLAMA_SERVER: "/health",
    OLLAMA: "/api/tags",
    OPENAI: "/v1/models",
    MISTRAL: "/v1/models",
}
"""What each server answers at once."""

_ANOTHER = (FailureKind.REFUSED, FailureKind.NO_JSON, FailureKind.BROKEN, FailureKind.REDIRECT)
"""What a server says to a protocol that it doesn't speak."""


async def recognise_server(
    connection: RemoteConnection, protocol: str, model: str, overrides: Sequence[Override]
) -> SpeaksProtocol:
    """The protocol of a server, bound to it.

    Args:
        connection: to the server.
        protocol: "auto" or a name of `PING`.
        model: which of its models; "" for the only one, or the first.
        overrides: the user's own formats.

    Raises:
        RemoteFailedError: it can't be asked, or speaks none of them.
    """
    if protocol in _SPEAKERS:
        return await _SPEAKERS[protocol](connection, model, overrides)
    failure: RemoteFailedError | None = None
    for name in (LLAMA_SERVER, OLLAMA):
        try:
            return await _SPEAKERS[name](connection, model, overrides)
        except RemoteFailedError as error:
            if error.kind not in (*_ANOTHER, FailureKind.KEY):
                raise
            failure = failure or (error if error.kind is FailureKind.KEY else None)
    try:
        rows = as_rows(as_table(await connection.call("/v1/models")).get("data"))
        mistral = bool(fills_in([as_table(each) for each in rows]))
        return await _SPEAKERS[MISTRAL if mistral else OPENAI](connection, model, overrides)
    except RemoteFailedError as error:
        raise (failure if failure is not None and error.kind in _ANOTHER else error) from error
