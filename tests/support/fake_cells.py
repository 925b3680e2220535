"""A llama context that computes nothing: it keeps exact books of its cells and makes up logits from them.

The logits after a token depend on every token before it, and on nothing else, as a real model's do. So a
cache that holds the wrong tokens answers differently from a fresh one, and tests can tell at once.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import DecodeResult


class FakeCells:
    """Implements `cache.Cells`.

    Attributes:
        held: the tokens of every sequence: the truth that `KVCache` must agree with.
        decoded: tokens evaluated so far.
        abort_after: None, or after how many more tokens a decode is aborted, once.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        size: int = 4096,
        sequences: int = 8,
        micro_batch: int = 16,
        longest: int = 0,
    ) -> None:
        self.size = size
        self.longest = longest or size
        self.goes_back = True
        self.cell_bytes = 4
        self.saved: list[int] = []  # bytes of each state that was built
        self.sequences = sequences
        self.batch_size = 512
        self.tile = 1
        self.threads = 1
        self.held: dict[int, list[tuple[int, int]]] = {}  # sequence -> (cell id, token)
        self.decoded = 0
        self.abort_after: int | None = None
        self.likely: list[int] = []
        self._vocabulary_size = vocabulary_size
        self._micro_batch = micro_batch
        self._next_cell = 0
        self._first: dict[
            int, int
        ] = {}  # sequence -> position of its first cell; only parts do not begin at 0
        self._last: list[npt.NDArray[np.float32]] = []

    def decode(self, tokens: Sequence[int], sequence: int, position: int, *, logits: int = 1) -> DecodeResult:
        held = self.held.setdefault(sequence, [])
        assert position == len(held), "positions must follow each other without holes"
        assert 0 < len(tokens) <= self.batch_size
        assert position + len(tokens) <= self.longest, "learned positions end there"
        cells = {cell for cells in self.held.values() for cell, _ in cells}
        if len(cells) + len(tokens) > self.size:
            return DecodeResult.NO_SLOT
        if self.abort_after is not None and self.abort_after < len(tokens):
            kept = self.abort_after // self._micro_batch * self._micro_batch
            self.abort_after = None
            self._append(held, tokens[:kept])
            return DecodeResult.ABORTED
        if self.abort_after is not None:
            self.abort_after -= len(tokens)
        self._append(held, tokens)
        ids = [token for _, token in held]
        self._last = [self.made_up(ids[: len(ids) - back]) for back in range(logits - 1, -1, -1)]
        return DecodeResult.DONE

    def _append(self, held: list[tuple[int, int]], tokens: Sequence[int]) -> None:
        for token in tokens:
            held.append((self._next_cell, token))
            self._next_cell += 1
        self.decoded += len(tokens)

    def made_up(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Logits as a function of all tokens so far, shape (vocabulary size,)."""
        seed = zlib.crc32(np.asarray(tokens, np.int32).tobytes())
        random = np.random.default_rng(seed)
        # No two alike, as random numbers of 32 bits would be now and then: chance would decide between them.
        order = random.permutation(self._vocabulary_size).astype(np.float32)
        values: npt.NDArray[np.float32] = order / np.float32(self._vocabulary_size)
        if self.likely:
            values[self.likely] += random.random(len(self.likely), np.float32) * 3
        return values

    def logits(self, index: int = -1) -> npt.NDArray[np.float32]:
        return self._last[index]

    def last_position(self, sequence: int) -> int:
        return self._first.get(sequence, 0) + len(self.held.get(sequence, [])) - 1

    def remove(self, sequence: int, start: int) -> bool:
        if start == 0:
            self._first.pop(sequence, None)
        del self.held.setdefault(sequence, [])[max(0, start) :]
        return True

    def share(self, source: int, target: int, end: int, *, start: int = 0) -> None:
        """Cells that hold the beginning of nothing else may follow what the target holds already."""
        first = self._first.get(source, 0) + start
        assert len(self.held.get(target, [])) in (0, first), "positions must follow each other without holes"
        if not self.held.get(target):
            self._first[target] = first
        self.held.setdefault(target, []).extend(self.held[source][start:end])

    def clear(self) -> None:
        self.held.clear()

    def recurrent_state(self, sequence: int) -> bytes:  # noqa: ARG002
        raise AssertionError("cells of attention go back by themselves")

    def restore_recurrent(self, sequence: int, state: bytes) -> bool:  # noqa: ARG002
        raise AssertionError("cells of attention go back by themselves")

    def state_size(self, sequence: int) -> int:
        return self.cell_bytes * len(self.held.get(sequence, []))

    def save(self, sequence: int) -> bytes:
        self.saved.append(self.state_size(sequence))
        return np.asarray([self._first.get(sequence, 0), *self.tokens(sequence)], np.int32).tobytes()

    def restore(self, sequence: int, state: bytes) -> bool:
        held = self.held.setdefault(sequence, [])
        assert not held, "a state may only be put into an empty sequence"
        first, *tokens = np.frombuffer(state, np.int32).tolist()
        self._first[sequence] = first
        self._append(held, tokens)
        return True

    def tokens(self, sequence: int) -> list[int]:
        """What the cells of a sequence really hold."""
        return [token for _, token in self.held.get(sequence, [])]


class RecurrentCells(FakeCells):
    """Cells of a hybrid model: beside those of attention each sequence has one state, which only grows.

    Sharing copies the whole state whatever the range says, a part of it cannot be dropped, and an abort
    leaves it computed halfway. Logits depend on the state: whoever uses a wrong one answers wrongly.

    Attributes:
        remembered: the tokens that went into the state of every sequence.
    """

    SPOILT = -1

    def __init__(self, vocabulary_size: int, *, size: int = 4096, longest: int = 0) -> None:
        super().__init__(vocabulary_size, size=size, longest=longest)
        self.goes_back = False
        self.remembered: dict[int, list[int]] = {}

    def decode(self, tokens: Sequence[int], sequence: int, position: int, *, logits: int = 1) -> DecodeResult:
        result = super().decode(tokens, sequence, position, logits=logits)
        state = self.remembered.setdefault(sequence, [])
        if result is DecodeResult.ABORTED:
            state.append(self.SPOILT)
        if result is DecodeResult.DONE:
            state.extend(tokens)
            self._last = [self.made_up(state[: len(state) - back]) for back in range(logits - 1, -1, -1)]
        return result

    def remove(self, sequence: int, start: int) -> bool:
        state = self.remembered.setdefault(sequence, [])
        if 0 < start < len(state):
            return False
        if start <= 0:
            state.clear()
        return super().remove(sequence, start)

    def share(self, source: int, target: int, end: int, *, start: int = 0) -> None:
        super().share(source, target, end, start=start)
        self.remembered[target] = list(self.remembered.get(source, []))

    def clear(self) -> None:
        super().clear()
        self.remembered.clear()

    def recurrent_state(self, sequence: int) -> bytes:
        return np.asarray(self.remembered.get(sequence, []), np.int32).tobytes()

    def restore_recurrent(self, sequence: int, state: bytes) -> bool:
        self.remembered[sequence] = np.frombuffer(state, np.int32).tolist()
        return True

    def save(self, sequence: int) -> bytes:
        assert self.remembered[sequence] == self.tokens(sequence)
        return super().save(sequence)

    def restore(self, sequence: int, state: bytes) -> bool:
        super().restore(sequence, state)
        self.remembered[sequence] = self.tokens(sequence)
        return True


class AbortsAfter(Cancellation):
    """A cancellation that also makes `FakeCells` abort in the middle of its work."""

    def __init__(self, cells: FakeCells, tokens: int) -> None:
        super().__init__()
        cells.abort_after = tokens


class NothingRuns:
    """Implements `local.Running` for cells that need neither be stopped nor freed."""

    def abortable(
        self,
        cancellation: Cancellation,  # noqa: ARG002
    ) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def close(self) -> None:
        pass
