"""In which pieces a prompt is evaluated: short ones where a key may cut them, longer where nobody types."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from foretype.models.cache.cells import EvaluationSpeed
from foretype.models.cache.kv_cache import KVCache
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import DecodeResult
from foretype.tests.support.fake_cells import FakeCells
from hypothesis import given
from hypothesis import strategies as st


class Watched(FakeCells):
    """Cells that remember how many tokens came at once, and can be told when a key comes."""

    def __init__(self) -> None:
        super().__init__(100, size=4096)
        self.slices: list[int] = []
        self.key_after = -1
        self.cancellation = Cancellation()

    def decode(self, tokens: Sequence[int], sequence: int, position: int, *, logits: int = 1) -> DecodeResult:
        self.slices.append(len(tokens))
        if len(self.slices) == self.key_after:
            self.cancellation.cancel()
        return super().decode(tokens, sequence, position, logits=logits)


def evaluated(cells: Watched, tokens: int, *, slice_ms: float, first_ms: float) -> int:
    """How many of so many tokens are there in the end, at a speed of 1,000 tokens a second."""
    cache = KVCache(cells)
    cache.speed.tokens_per_ms = 1.0
    sequence = cache.acquire()
    assert sequence is not None
    target = list(itertools.islice(itertools.cycle(range(1, 90)), tokens))
    cache.sync(sequence, target, cells.cancellation, slice_ms=slice_ms, first_ms=first_ms)
    assert cells.tokens(sequence.number) == sequence.tokens == target[: len(sequence.tokens)]
    return len(sequence.tokens)


@pytest.mark.parametrize(
    ("slice_ms", "first_ms", "slices"),
    [
        (160, 40, [40, 80, 160, 160, 60]),
        (160, 0, [160, 160, 160, 20]),
        (40, 160, [40] * 12 + [20]),
        (0, 40, [40, 80, 160, 220]),
        (0, 0, [500]),
    ],
)
def test_each_slice_is_twice_as_long_as_the_one_before(
    slice_ms: float, first_ms: float, slices: list[int]
) -> None:
    cells = Watched()
    assert evaluated(cells, 500, slice_ms=slice_ms, first_ms=first_ms) == 500
    assert cells.slices == slices


def test_a_key_leaves_the_slices_that_were_finished() -> None:
    cells = Watched()
    cells.key_after = 2
    assert evaluated(cells, 500, slice_ms=160, first_ms=40) == 120


class Tiled(Watched):
    """Cells of a processor that computes attention in tiles of 64 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tile = 64


@pytest.mark.parametrize(
    ("tokens", "slices"),
    [
        (256, [16] * 16),  # with little in front a part of a tile is cheaper
        (500, [16] * 16 + [64, 64, 116]),
        (384, [16] * 16 + [64, 64]),
        (330, [16] * 16 + [74]),  # what is left over is no slice of its own
    ],
)
def test_behind_many_tokens_no_slice_is_smaller_than_a_tile(tokens: int, slices: list[int]) -> None:
    cells = Tiled()
    assert evaluated(cells, tokens, slice_ms=16, first_ms=0) == tokens
    assert cells.slices == slices


@given(st.integers(1, 3000), st.integers(0, 400), st.integers(0, 400))
def test_whatever_the_slices_all_tokens_are_there_and_deep_ones_are_tiles(
    tokens: int, slice_ms: int, first_ms: int
) -> None:
    cells = Tiled()
    assert evaluated(cells, tokens, slice_ms=slice_ms, first_ms=first_ms) == tokens
    assert sum(cells.slices) == tokens
    if tokens > 320:
        deep = [size for at, size in enumerate(cells.slices) if sum(cells.slices[:at]) >= 256]
        assert min(deep, default=64) >= 64


class Noted(EvaluationSpeed):
    """Remembers from how many tokens at once it was to learn."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def learn(self, tokens: int, milliseconds: float) -> None:
        del milliseconds
        self.batches.append(tokens)


def test_a_few_tokens_behind_many_say_nothing_of_the_speed() -> None:
    cache = KVCache(Tiled())
    cache.speed = speed = Noted()
    sequence = cache.acquire()
    assert sequence is not None
    for tokens in (300, 63, 64):
        cache.extend(sequence, [1] * tokens)
    assert speed.batches == [300, 64]
