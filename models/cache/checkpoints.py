"""Copies of a recurrent memory's state, for sequences that cannot drop a part of themselves.

The memory of recurrent layers (Mamba, short convolutions) is one state that every token changes: there is no
cell to take back. So what is to be gone back to is copied beforehand, at the anchor, at the cursor and where
a slice of a long prompt ended; going back restores the last copy before the place, and what lies between is
evaluated again. llama.cpp's server does so too (`--ctx-checkpoints`). When to copy is `kv_cache`'s business.
"""

from __future__ import annotations

import attrs

_MOST = 8
"""Copies of one sequence: its anchor, and the places where the cursor was last."""


@attrs.frozen
class Checkpoint:
    """The state after some tokens of a sequence.

    Attributes:
        length: how many tokens, at least 1.
        state: what llama.cpp gave; without the cells of attention layers, which can go back by themselves.
        lasting: where an anchor or a cursor stood. Others are replaced by whatever comes next.
    """

    length: int
    state: bytes = attrs.field(repr=False)
    lasting: bool = True


@attrs.define
class Checkpoints:
    """Those of one sequence, shortest first. State: nothing else."""

    _kept: list[Checkpoint] = attrs.field(factory=list[Checkpoint])

    @property
    def size(self) -> int:
        """Bytes of all states."""
        return sum(len(one.state) for one in self._kept)

    def last(self, length: int) -> Checkpoint | None:
        """The longest one of at most `length` tokens."""
        return next((one for one in reversed(self._kept) if one.length <= length), None)

    def add(self, checkpoint: Checkpoint) -> None:
        """Keep one more. The first one, which is the anchor's, stays when there are too many."""
        self._kept = [one for one in self._kept if one.lasting and one.length != checkpoint.length]
        self._kept.append(checkpoint)
        self._kept.sort(key=lambda one: one.length)
        if len(self._kept) > _MOST:
            del self._kept[1]

    def forget_beyond(self, length: int) -> None:
        """The sequence holds other tokens from there on."""
        self._kept = [one for one in self._kept if one.length <= length]

    def thin(self) -> None:
        """Keep the last one only."""
        del self._kept[:-1]
