"""What the decoding loop asks of a source of proposed tokens."""

from __future__ import annotations

from typing import Protocol


class Drafter(Protocol):
    """Where draft tokens come from; `drafts.Drafts` is one. It is told every token before it is asked."""

    def chose(self, token: int) -> None:
        """The model chose a token, drafted or not."""
        ...

    def propose(self, limit: int) -> list[int]:
        """At most `limit` tokens that may follow what was chosen; none rather than a bad guess."""
        ...

    def verified(self, drafted: int, accepted: int) -> None:
        """A batch of one chosen token and `drafted` drafted ones was evaluated."""
        ...
