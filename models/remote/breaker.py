"""When an engine elsewhere that failed is asked again: after pauses that grow, or that it asks for itself.

Pure but for the clock that is handed in; what is asked meanwhile is the daemon's decision.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from .failure import RemoteFailedError

FIRST_PAUSE_S = 1.0
LONGEST_REST_S = 60.0


@attrs.define
class CircuitBreaker:
    """Its state: failures in a row, until when nobody asks, and what was wrong last.

    One request at a time is let through after a pause; the next pause is twice as long if that fails too.
    """

    clock: Callable[[], float]
    failures: int = 0
    trouble: str = ""
    _until: float = 0.0
    _trying: bool = False

    def may_ask(self) -> bool:
        """Whether a request may go out now; after a pause it is the only one until it has ended."""
        if not self.lets_through:
            return False
        self._trying = bool(self.failures)
        return True

    @property
    def lets_through(self) -> bool:
        """Whether `may_ask` would say so."""
        return not self.failures or not (self._trying or self.clock() < self._until)

    @property
    def is_closed(self) -> bool:
        """Whether all is well, as far as is known."""
        return not self.failures

    def succeeded(self) -> None:
        """A request was answered."""
        self.failures, self.trouble, self._trying = 0, "", False

    def failed(self, error: RemoteFailedError) -> None:
        """A request came to nothing."""
        self.failures += 1
        self.trouble = error.sentence
        self._trying = False
        pause = min(FIRST_PAUSE_S * 2 ** min(self.failures - 1, 16), LONGEST_REST_S)
        self._until = self.clock() + max(pause, error.pause_s)

    def given_up(self) -> None:
        """A request was taken back before it told anything."""
        self._trying = False
