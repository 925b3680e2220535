"""The KV cache as the engine sees it: which tokens lie in which sequence, and how to get others there.

State: for every sequence the tokens whose cells exist, position 0 on without holes. After each call here that
list is exactly what llama.cpp holds (tests compare both after thousands of random histories). Cells of a
shared prefix are shared between sequences, so a second anchor in the same file costs only what differs. What
a prompt looks like is `anchor`'s business, what comes next `loop`'s.
"""

from __future__ import annotations

import time
from collections.abc import Sequence as Tokens

import attrs

from ..gguf.sizes import CHECKPOINT_BYTES
from ..llama.cancellation import Cancellation
from ..llama.likelihood import Logits
from ..llama.llama import DecodeFailedError, DecodeResult
from .cells import MIN_SLICE, TILE_PAYS_FROM, Cells, EvaluationSpeed, common_prefix
from .checkpoints import Checkpoint, Checkpoints
from .step_costs import StepCosts
from .track import Track


@attrs.define(eq=False)
class Sequence:
    """One sequence of the KV cache.

    Attributes:
        number: llama.cpp's sequence id.
        tokens: what its cells hold.
        track: greedy choices among them, or None.
        used: counts up at each use; the lowest is evicted first.
        checkpoints: places that a memory without a way back can be brought back to.
    """

    number: int
    tokens: list[int] = attrs.field(factory=list[int])
    track: Track | None = None
    used: int = 0
    checkpoints: Checkpoints = attrs.field(factory=Checkpoints)

    def __repr__(self) -> str:
        return f"<Sequence {self.number}: {len(self.tokens)} tokens>"


@attrs.frozen
class Synced:
    """What it took to bring a prompt into the cache.

    Attributes:
        complete: every token is there; False when it was cancelled on the way or found no room.
        evaluated: tokens that had to be evaluated.
        cached: tokens that were there already.
    """

    complete: bool
    evaluated: int
    cached: int


class NoRoomError(Exception):
    """The prompt alone does not fit into the cache, even with everything else evicted."""


class KVCache:
    """Sequences over one llama context. Used from the engine's thread only.

    Attributes:
        cells: the llama context.
        slice_tokens: that are evaluated at once at most.
        speed: of prefill, as measured so far by `clock`, which tells seconds.
        costs: of decoding steps, as measured so far.
        evaluated: tokens evaluated since the start.
    """

    def __init__(self, cells: Cells, *, slice_tokens: int = 0) -> None:
        """Start empty.

        Args:
            cells: the llama context.
            slice_tokens: evaluate at most this many at once and look at the cancellation in between, for
                backends that ignore llama.cpp's abort callback; 0 means as many as a batch takes.
        """
        self.cells = cells
        self.slice_tokens = min(slice_tokens or cells.batch_size, cells.batch_size)
        self._free = list(range(cells.sequences - 1, -1, -1))
        self._live: dict[int, Sequence] = {}
        self._clock = 0
        self._logits_at: tuple[int, int] | None = None
        self.speed, self.clock = EvaluationSpeed(), time.perf_counter
        self.costs = StepCosts()
        self.evaluated = 0  # tokens, since the start

    @property
    def sequences(self) -> tuple[Sequence, ...]:
        """All live sequences."""
        return tuple(self._live.values())

    @property
    def size(self) -> int:
        """Cells in all, in tokens."""
        return self.cells.size

    @property
    def longest(self) -> int:
        """Tokens that one sequence may hold: what the model was trained for, or all cells."""
        return self.cells.longest

    @property
    def goes_back(self) -> bool:
        """Whether a part of a sequence can be taken away, or saved, for itself."""
        return self.cells.goes_back

    def acquire(self) -> Sequence | None:
        """An empty sequence; None when all are taken (release one first)."""
        if not self._free:
            return None
        sequence = Sequence(self._free.pop())
        self._live[sequence.number] = sequence
        self.touch(sequence)
        return sequence

    def release(self, sequence: Sequence) -> None:
        """Give a sequence and its cells back. Releasing twice is harmless."""
        if self._live.get(sequence.number) is sequence:
            self._truncate(sequence, 0)
            del self._live[sequence.number]
            self._free.append(sequence.number)

    def alive(self, sequence: Sequence) -> bool:
        """Whether it has neither been released nor evicted."""
        return self._live.get(sequence.number) is sequence

    def touch(self, sequence: Sequence) -> None:
        """Note that it was used just now."""
        self._clock += 1
        sequence.used = self._clock

    def cost(self, sequence: Sequence | None, target: Tokens[int]) -> int:
        """How many tokens `sync` would have to evaluate to have all of `target` in `sequence`."""
        best = max((self._shareable(other, target) for other in self._live.values()), default=0)
        if sequence is not None:
            best = max(best, self._kept(sequence, target))
        return len(target) - best

    def sync(
        self,
        sequence: Sequence,
        target: Tokens[int],
        cancellation: Cancellation,
        *,
        slice_ms: float = 0.0,
        first_ms: float = 0.0,
        anchor: int = 0,
    ) -> Synced:
        """Make the cells of `sequence` begin with `target`, evaluating only what no live sequence holds.

        What the sequence holds beyond `target` stays where it agrees: greedy choices may lie there.

        Args:
            sequence: which.
            target: the tokens it shall begin with.
            cancellation: stops it; whole slices stay.
            slice_ms: evaluate about so many ms at once, or `least_slice`. A cancelled slice is lost, so
                short ones make progress while somebody types fast. 0 takes large ones, some 20 % faster.
            first_ms: of the first slice, where that is shorter; each further one is twice as long.
            anchor: how many tokens are likely to stay when the rest changes.

        Raises:
            NoRoomError: `target` does not fit.
            DecodeFailedError: llama.cpp failed; the cache is empty afterwards.
        """
        self.touch(sequence)
        common = common_prefix(sequence.tokens, target)
        donor, shared = self._donor(sequence, target)
        if donor is not None and shared > self._kept(sequence, target):
            self._truncate(sequence, 0)
            common = self._share(donor, sequence, shared)
        if common == len(target):
            return Synced(complete=True, evaluated=0, cached=common)
        self._truncate(sequence, common)
        cached = len(sequence.tokens)
        longest = self._slice_tokens(slice_ms)
        size = min(longest, self._slice_tokens(first_ms)) if first_ms > 0 else longest
        while len(sequence.tokens) < len(target):
            if cancellation.cancelled:
                break
            begin = len(sequence.tokens)
            end, lasting = self._slice_end(begin, max(size, self.least_slice(begin)), anchor, len(target))
            if not self.extend(sequence, target[begin:end]):
                break
            self._remember(sequence, lasting=lasting)
            size = min(longest, 2 * size)
        done = len(sequence.tokens)
        return Synced(complete=done == len(target), evaluated=done - cached, cached=cached)

    def least_slice(self, position: int) -> int:
        """The fewest tokens that are worth evaluating at once behind `position` others."""
        least = MIN_SLICE if position < TILE_PAYS_FROM else max(MIN_SLICE, self.cells.tile)
        return min(self.slice_tokens, least)

    def _slice_tokens(self, milliseconds: float) -> int:
        """Tokens that are evaluated at once in about so many ms; 0 is as many as may be."""
        if milliseconds <= 0:
            return self.slice_tokens
        return min(self.slice_tokens, max(MIN_SLICE, int(self.speed.tokens_per_ms * milliseconds) // 8 * 8))

    def extend(self, sequence: Sequence, tokens: Tokens[int], *, logits: int = 1) -> bool:
        """Evaluate `tokens` at the end of `sequence`.

        Returns:
            False when a cancellation stopped it; finished micro-batches stay and are accounted for.

        Raises:
            NoRoomError: no cells are left and nothing else can be evicted, or `longest` would be exceeded.
            DecodeFailedError: llama.cpp failed; the cache is empty afterwards.
        """
        begin = len(sequence.tokens)
        if begin + len(tokens) > self.longest:
            raise NoRoomError
        self._logits_at = None
        while True:
            started = self.clock()
            try:
                result = self.cells.decode(tokens, sequence.number, begin, logits=logits)
            except DecodeFailedError:
                self.reset()
                raise
            if result is not DecodeResult.NO_SLOT:
                break
            self._evict(sequence)
        if result is DecodeResult.ABORTED:
            if not self.goes_back:
                # A state that was computed halfway looks like any other: never use it.
                sequence.tokens.extend(tokens)
                self._truncate(sequence, begin)
                return False
            held = self.cells.last_position(sequence.number) + 1
            sequence.tokens.extend(tokens[: held - begin])
            self.evaluated += held - begin
            return False
        milliseconds = (self.clock() - started) * 1000
        if logits == len(tokens):
            self.costs.learn(self.cells.threads, logits, milliseconds)
        elif len(tokens) >= self.least_slice(begin):  # a part of a tile says nothing of whole ones
            self.speed.learn(len(tokens), milliseconds)
        sequence.tokens.extend(tokens)
        self.evaluated += len(tokens)
        self._logits_at = (sequence.number, len(sequence.tokens))
        return True

    def logits(self, sequence: Sequence) -> Logits | None:
        """Logits after the last token of `sequence`, or None when another batch came in between."""
        if self._logits_at != (sequence.number, len(sequence.tokens)):
            return None
        return self.cells.logits()

    def batch_logits(self, index: int) -> Logits:
        """Logits of the last batch; `index` from the end, -1 is its last token."""
        return self.cells.logits(index)

    def truncate(self, sequence: Sequence, length: int) -> bool:
        """Keep the first `length` tokens. False when the memory could only drop all of them."""
        self._truncate(sequence, length)
        return len(sequence.tokens) == length

    def reset(self) -> None:
        """Drop everything: after a failure nothing is known of the cells."""
        self.cells.clear()
        for sequence in self._live.values():
            sequence.tokens = []
            sequence.track = None
            sequence.checkpoints.forget_beyond(0)
        self._logits_at = None

    def state_size(self, sequence: Sequence) -> int:
        """Bytes that all parts of the sequence's state take together."""
        return self.cells.state_size(sequence.number)

    def save(self, sequence: Sequence, start: int, end: int) -> bytes | None:
        """The cells of some of the sequence's tokens, for `restore`. None when no sequence is free for it.

        A part of a sequence is saved as a sequence of its own that shares its cells, so that nobody waits
        for more than a part.
        """
        part = self.acquire()
        if part is None:
            return None
        try:
            self.cells.share(sequence.number, part.number, end, start=start)
            return self.cells.save(part.number)
        finally:
            self.cells.remove(part.number, 0)
            self.release(part)

    def restore(
        self, sequence: Sequence, tokens: list[int], parts: Tokens[bytes], cancellation: Cancellation
    ) -> bool:
        """Fill a sequence with saved cells. False, and it is empty, when llama.cpp does not take them.

        A cancellation stops it after a part: what is there by then stays, and False is the answer as well.
        """
        self._truncate(sequence, 0)
        self._logits_at = None
        part = self.acquire()
        if part is None:
            return False
        taken = True
        for state in parts:
            taken = not cancellation.cancelled and self.cells.restore(part.number, state)
            if not taken:
                break
            self.cells.share(part.number, sequence.number, len(tokens))
            self.cells.remove(part.number, 0)
        self.cells.remove(part.number, 0)
        self.release(part)
        held = self.cells.last_position(sequence.number) + 1
        if held == len(tokens) or (cancellation.cancelled and 0 < held < len(tokens)):
            sequence.tokens = tokens[:held]
            self._remember(sequence, lasting=True)
            return taken
        self.cells.remove(sequence.number, 0)
        return False

    def fork(self, sequence: Sequence, length: int) -> Sequence | None:
        """A new sequence that shares the first `length` tokens; None when there is none, or it cannot."""
        if self._place(sequence, length) != length:
            return None
        branch = self.acquire()
        if branch is not None:
            self._share(sequence, branch, length)
        return branch

    def _truncate(self, sequence: Sequence, length: int) -> None:
        if len(sequence.tokens) > length:
            length = self._drop_cells(sequence, length)
            del sequence.tokens[length:]
            sequence.checkpoints.forget_beyond(length)
            self._logits_at = None
        if sequence.track is not None:
            sequence.track = sequence.track.within(length)

    def _donor(self, sequence: Sequence, target: Tokens[int]) -> tuple[Sequence | None, int]:
        best, length = None, 0
        for other in self._live.values():
            if other is not sequence and (common := self._shareable(other, target)) > length:
                best, length = other, common
        return best, length

    def _drop_cells(self, sequence: Sequence, length: int) -> int:
        """Drop what lies beyond `length` tokens, or more where the memory cannot stop there; what is left."""
        number = sequence.number
        if length and not self.goes_back:
            point = sequence.checkpoints.last(length)
            if (
                point is not None
                and self.cells.restore_recurrent(number, point.state)
                and self.cells.remove(number, point.length)
            ):
                return point.length
        elif self.cells.remove(number, length):
            return length
        self.cells.remove(number, 0)
        return 0

    def _remember(self, sequence: Sequence, *, lasting: bool) -> None:
        """Copy the state that a sequence has now, where it could not be gone back to otherwise."""
        if self.goes_back:
            return
        state = self.cells.recurrent_state(sequence.number)
        sequence.checkpoints.add(Checkpoint(len(sequence.tokens), state, lasting))
        taken = sum(other.checkpoints.size for other in self._live.values())
        for other in sorted(self._live.values(), key=lambda other: other.used):
            if taken <= CHECKPOINT_BYTES:
                break
            before = other.checkpoints.size
            other.checkpoints.thin()
            taken -= before - other.checkpoints.size

    def _place(self, sequence: Sequence, length: int) -> int:
        """The longest beginning of at most `length` tokens that can be had of a sequence."""
        if self.goes_back or length == len(sequence.tokens):
            return length
        point = sequence.checkpoints.last(length)
        return 0 if point is None else point.length

    def _shareable(self, donor: Sequence, target: Tokens[int]) -> int:
        """How many leading tokens of `target` a sequence can give to another."""
        return self._place(donor, common_prefix(donor.tokens, target))

    def _kept(self, sequence: Sequence, target: Tokens[int]) -> int:
        """How many leading tokens of `target` need not be evaluated in a sequence itself."""
        common = common_prefix(sequence.tokens, target)
        return common if common == len(target) else self._place(sequence, common)

    def _share(self, donor: Sequence, sequence: Sequence, length: int) -> int:
        """Let an empty sequence begin with `length` tokens of another, a place it can be had at.

        Returns:
            how many tokens it has now; recurrent memory is copied whole, so its state is put right.
        """
        self.cells.share(donor.number, sequence.number, length)
        if not self.goes_back:
            point = donor.checkpoints.last(length)
            if length < len(donor.tokens) and not (
                point is not None
                and self.cells.restore_recurrent(sequence.number, point.state)
                and self.cells.remove(sequence.number, length)
            ):
                self.cells.remove(sequence.number, 0)
                return 0
        sequence.tokens = donor.tokens[:length]
        self._remember(sequence, lasting=True)
        return length

    def _slice_end(self, begin: int, size: int, anchor: int, length: int) -> tuple[int, bool]:
        """Where a slice ends, and whether it ends at a place that is likely to be gone back to."""
        end = min(begin + size, length)
        if self.goes_back:
            if length - self.least_slice(end) < end < length:  # the rest is too little for a slice of its own
                end = length if length - begin <= self.slice_tokens else length - self.least_slice(end)
            return end, False
        # From the token before the last one on, logits can be had again.
        places = [place for place in (anchor, length - 1, length) if begin < place <= end]
        return min(places, default=end), bool(places)

    def _evict(self, wanted_by: Sequence) -> None:
        """Empty the sequence that was used longest ago."""
        others = [other for other in self._live.values() if other is not wanted_by and other.tokens]
        if not others:
            raise NoRoomError
        self._truncate(min(others, key=lambda other: other.used), 0)
