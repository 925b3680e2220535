"""What every protocol has to do: find out whether a server speaks it, put a request, read what comes back.

Interfaces and values alone. Prompts come finished from `text_prompt`; sending is `transport`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from ...context.shared.values import StopReason
from ..prompts.formats import Override, Recognition
from .text_prompt import TextPrompt
from .transport import RemoteConnection


@attrs.frozen
class ServerFacts:
    """What a server says of itself.

    Attributes:
        protocol: how it is spoken to.
        model: its model's name.
        recognition: the format of its prompts; None where the server lays them out itself.
        reason: one sentence on why this format.
        context_tokens: what it takes, prompt and answer together; 0 where it doesn't say.
        parallel: how many requests it answers at a time; 0 where it doesn't say.
        sees_suffix: it is shown what stands behind the cursor.
        tokenises: it says which tokens a text has.
    """

    protocol: str
    model: str
    recognition: Recognition | None
    reason: str = ""
    context_tokens: int = 0
    parallel: int = 0
    sees_suffix: bool = True
    tokenises: bool = False


@attrs.frozen
class Wish:
    """How an answer should be.

    Attributes:
        max_tokens: of the answer, at most; 0 only has the prompt evaluated.
        temperature: 0 is greedy.
        seed: makes sampling repeatable.
        stops: texts that end it.
        slot: the document's number, from 0.
    """

    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    stops: tuple[str, ...] = ()
    slot: int = 0


@attrs.frozen
class Call:
    """A request as it is sent: where to, and what."""

    path: str
    body: Mapping[str, Any]


@attrs.frozen
class TokenChance:
    """One token of an answer.

    Attributes:
        text: its bytes.
        logprob: natural-log probability.
        rivals: bytes and natural-log probabilities of the likeliest tokens there, it may be among them.
    """

    text: bytes
    logprob: float
    rivals: tuple[tuple[bytes, float], ...] = ()


@attrs.frozen
class Said:
    """What one event of a stream says.

    Attributes:
        text: more of the answer.
        tokens: the tokens that this text is made of, where the server says.
        stop: why the answer has ended; None while it goes on.
        prompt_tokens: of the whole prompt; None where it isn't said here.
        cached_tokens: of those found in the server's cache; None where it isn't said here.
        decoded_tokens: of the answer so far; None where it isn't said here.
    """

    text: str = ""
    tokens: tuple[TokenChance, ...] = ()
    stop: StopReason | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    decoded_tokens: int | None = None


class SpeaksProtocol(Protocol):
    """One protocol, bound to one server once it was recognised."""

    @property
    def facts(self) -> ServerFacts:
        """What the server says of itself."""
        ...

    async def call(self, prompt: TextPrompt, wish: Wish) -> Call:
        """The request for a prompt. It may ask the server how a text is tokenised.

        Raises:
            RemoteFailedError: the server doesn't say.
        """
        ...

    def read(self, event: Mapping[str, Any]) -> Said:
        """What one event says. What it lacks is taken as not said; it never raises."""
        ...


class Recogniser(Protocol):
    """Finds out whether a server speaks a protocol."""

    async def __call__(
        self, connection: RemoteConnection, model: str, overrides: Sequence[Override]
    ) -> SpeaksProtocol:
        """The protocol bound to the server.

        Args:
            connection: to the server.
            model: which of its models; "" for the only one, or the first.
            overrides: the user's own formats.

        Raises:
            RemoteFailedError: the server doesn't speak it, or can't be asked at all.
        """
        ...


def as_count(value: Any) -> int | None:
    """A number of tokens as a server says it; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else None


def as_table(value: Any) -> Mapping[str, Any]:
    """A map as a server says it; an empty one for anything else."""
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def as_rows(value: Any) -> list[Any]:
    """A list as a server says it; an empty one for anything else."""
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def as_string(value: Any) -> str:
    """A text as a server says it; "" for anything else."""
    return value if isinstance(value, str) else ""


def as_chance(value: Any) -> float | None:
    """A natural-log probability as a server says it; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return min(float(value), 0.0) if value == value and value > -1e9 else None  # noqa: PLR0124 - NaN is unlike itself
