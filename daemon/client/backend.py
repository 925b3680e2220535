"""What a language server needs of whatever completes for it: the daemon's client, or a stand-in.

`client.DaemonClient` talks to the daemon, `in_process.InProcess` runs the engine here, tests bring fakes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...context.shared.values import Completion
from ..wire.messages import CompletionRequest, DaemonStatus, ForgetRequest, ModelStatus, WarmRequest

OnDelta = Callable[[str], None]
OnModel = Callable[[ModelStatus], None]


class Backend(Protocol):
    """Completes, warms and forgets. All methods are called in one event loop.

    To be told of the model's changes, give an `OnModel` to whatever makes the backend.
    """

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        """Complete. Never raises but CancelledError: when there is no answer, `stop` is UNAVAILABLE.

        Cancelling the calling task takes the request back and raises CancelledError at once. `on_delta`
        receives pieces of text when `request.stream` is set; their concatenation is a prefix of the answer's
        text.
        """
        ...

    async def warm(self, request: WarmRequest) -> None:
        """Evaluate the prompt at the lowest priority. Returns when done or given up; never raises."""
        ...

    async def forget(self, request: ForgetRequest) -> None:
        """A document was closed. Never raises, and never starts a daemon."""
        ...

    async def load(self) -> ModelStatus:
        """Load the model; returns when it is ready or has failed (then with a sentence). Never raises."""
        ...

    async def status(self) -> DaemonStatus:
        """What is going on. Never starts a daemon.

        Raises:
            DaemonProblem: no daemon runs, or it does not answer.
        """
        ...

    async def aclose(self) -> None:
        """Let go of everything. Open requests end as UNAVAILABLE."""
        ...
