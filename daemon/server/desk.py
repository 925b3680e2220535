"""What stands between sockets and engines: takes requests, answers each of them once.

`service` is one with the engine here alone, `racing` one that asks an engine elsewhere beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from ...context.shared.values import Completion, Timings
from ..wire.messages import CompletionRequest, ModelStatus, RemoteStatus, WarmRequest
from .latencies import Latencies

OnAnswer = Callable[[Completion], None]
OnText = Callable[[str], None]


@attrs.frozen
class Totals:
    """Counts since the start: requests, and tokens as in `Timings`."""

    requests: int = 0
    prefill_tokens: int = 0
    cached_tokens: int = 0
    decode_tokens: int = 0
    draft_tokens: int = 0
    accepted_tokens: int = 0

    def plus(self, timings: Timings, *, requests: int = 1) -> Totals:
        """With the work of one more answer; a warm-up's counts as no request."""
        more = {"requests": requests, **{name: getattr(timings, name) for name in COUNTED}}
        return Totals(**{name: getattr(self, name) + more[name] for name in attrs.fields_dict(Totals)})


COUNTED = tuple(name for name in attrs.fields_dict(Totals) if name != "requests")
"""The fields of `Timings` that are counted. Another one is a field here and one of `DaemonStatus`."""


class Desk(Protocol):
    """Takes requests for completions. All methods are called in the event loop's thread."""

    @property
    def model(self) -> ModelStatus:
        """What the model is doing."""
        ...

    @property
    def remote(self) -> RemoteStatus | None:
        """The engine elsewhere; None where none is set."""
        ...

    @property
    def latencies(self) -> Latencies:
        """How long the answers of the engine here took."""
        ...

    @property
    def totals(self) -> Totals:
        """Counts since the start."""
        ...

    @property
    def sessions(self) -> int:
        """How many documents the engine here may hold cells of."""
        ...

    @property
    def queued(self) -> int:
        """How many requests wait."""
        ...

    @property
    def busy(self) -> bool:
        """Whether anything is asked for, loading, or running for somebody."""
        ...

    def submit(
        self,
        owner: str,
        request: CompletionRequest | WarmRequest,
        answer: OnAnswer,
        on_text: OnText | None = None,
    ) -> int:
        """Take a request.

        Args:
            owner: the client; its sessions are apart from everybody else's.
            request: what is asked for.
            answer: called exactly once with the completion (text "" for a warm-up), perhaps before this
                method returns.
            on_text: called with each piece of text of an interactive completion.

        Returns:
            The number that `cancel` takes.
        """
        ...

    def cancel(self, number: int) -> None:
        """Take a request back. It is answered as CANCELLED; nothing happens if it has been answered."""
        ...

    def forget(self, owner: str, session: str) -> None:
        """A document was closed: end its requests and give back what was kept for it."""
        ...

    def forget_owner(self, owner: str) -> None:
        """A client went away: so do its requests and documents."""
        ...

    async def load(self) -> ModelStatus:
        """Have something ready that answers. Never raises."""
        ...

    def refresh(self) -> None:
        """Follow what has changed in the configuration."""
        ...

    async def close(self, within_s: float = 2.0) -> bool:
        """Answer everything, free the model. False when the engine did not let go in time."""
        ...
