"""KV states of files that were closed, on their way to the disk: built in parts while nobody needs the model.

Closing an editor closes many files at once, and a state has up to hundreds of megabytes. So a closed file's
sequence is kept for a while, and `keep` saves one after the other, part by part, looking at its cancellation
in between. What isn't saved in time is lost, which costs an evaluation and nothing else. Where states lie and
how they are found again is `saved_states`' business.
"""

from __future__ import annotations

from collections.abc import Callable

from ..cache.kv_cache import KVCache, Sequence
from ..cache.saved_states import MAX_STATES_BYTES, StateStore, Writing, file_bytes
from ..llama.cancellation import Cancellation

MIN_SAVED_TOKENS = 256
"""Shorter prompts are evaluated faster than anybody notices."""

MOST_LEAVING = 4
"""Closed files whose cells are kept until they are saved."""

PART_BYTES = 4 << 20
"""Bytes copied at once: some milliseconds."""

_LOOK_S = 0.005


class Leaving:
    """State: the sequences to be saved, the parts of the first one so far, and what is being written."""

    def __init__(self, cache: KVCache, states: StateStore) -> None:
        """Nothing is to be saved yet."""
        self._cache = cache
        self._states = states
        self._waiting: list[Sequence] = []
        self._parts: list[bytes] = []
        self._built = 0  # tokens of the first waiting sequence that lie in the parts
        self._writing: Writing | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is left to do."""
        return not self._waiting and self._writing is None

    def worth_saving(self, sequence: Sequence) -> bool:
        """Whether a state of the sequence would be of use: long enough, new, and not over the limit."""
        tokens = sequence.tokens
        if len(tokens) < MIN_SAVED_TOKENS:
            return False
        saved = self._states.find(tokens, 1)
        if saved and len(tokens) - saved[1] < MIN_SAVED_TOKENS // 4:
            return False
        return self.file_bytes(sequence) <= MAX_STATES_BYTES

    def file_bytes(self, sequence: Sequence) -> int:
        """What its state would take on the disk."""
        return file_bytes(len(sequence.tokens), self._cache.state_size(sequence))

    def add(self, sequence: Sequence) -> None:
        """Take a sequence over; its owner lets go of it.

        Of those that wait the latest are kept, as many as may lie on the disk together: none is written for
        the next one to push out.
        """
        self._waiting.append(sequence)
        while len(self._waiting) > MOST_LEAVING or self._bytes() > MAX_STATES_BYTES:
            self._drop()

    def clear(self) -> None:
        """Save nothing of what waits."""
        while self._waiting:
            self._drop()

    def _bytes(self) -> int:
        return sum(map(self.file_bytes, self._waiting))

    def keep(self, cancellation: Cancellation, until: Callable[[], bool] = lambda: False) -> bool:
        """Save what waits; whether something is left.

        Args:
            cancellation: stops it after a part.
            until: stops it as well, once it says True.
        """
        while not self.empty and not cancellation.cancelled and not until():
            if self._writing is not None:
                if self._writing.wait(_LOOK_S):
                    self._states.end(self._writing)
                    self._writing = None
            elif not self._built and not self.worth_saving(self._waiting[0]):
                self._drop()
            else:
                self._build(self._waiting[0])
        return not self.empty

    def _build(self, sequence: Sequence) -> None:
        """Copy one part more; with the last one, begin to write."""
        length = len(sequence.tokens)
        if self._built > length:  # its cells were needed for something else meanwhile
            self._drop()
            return
        step = length
        if self._cache.goes_back:
            per_token = max(1, self._cache.state_size(sequence) // length)
            step = max(16, PART_BYTES // per_token)
        end = min(length, self._built + step)
        part = self._cache.save(sequence, self._built, end)
        if part is None:
            self._drop()
            return
        self._parts.append(part)
        self._built = end
        if end == length:
            self._writing = self._states.begin(sequence.tokens, self._parts)
            self._drop()

    def _drop(self) -> None:
        self._cache.release(self._waiting.pop(0))
        self._parts, self._built = [], 0
