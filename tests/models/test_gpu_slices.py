"""What a GPU evaluates at once is measured at load: on recorded cards, with a clock that they move."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from foretype.models.cache.kv_cache import KVCache
from foretype.models.engine import loading
from foretype.models.engine.gpu_memory import with_smaller_batches
from foretype.models.engine.gpu_slices import (
    ENDS_WITHIN_MS,
    MICRO_BATCH_ON_GPU,
    SLICES,
    choose_slices,
    fastest_slice,
    measure_slices,
)
from foretype.models.engine.interface import EngineSettings
from foretype.models.engine.loading import load_engine
from foretype.models.gguf.sizes import MICRO_BATCH
from foretype.models.llama.cancellation import Cancellation
from foretype.models.llama.llama import Context, DecodeResult, Model, OutOfMemoryProblem
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.fake_cells import FakeCells
from foretype.tests.support.tiny_gguf import tiny_model

CARDS = {
    # ms of a step of so many tokens; the first step of a size takes a second longer
    "a large card, a small model": {64: 3.0, 128: 3.2, 256: 3.9, 512: 5.6},
    "a card of a laptop": {64: 9.0, 128: 13.0, 256: 25.0, 512: 49.0},
    "a card that is full early": {64: 10.0, 128: 20.5, 256: 41.0, 512: 82.0},
    "layers on the processor": {64: 160.0, 128: 310.0, 256: 600.0, 512: 1200.0},
}
BEST = {
    "a large card, a small model": 512,
    "a card of a laptop": 128,
    "a card that is full early": 64,
    "layers on the processor": 64,
}


class Card(FakeCells):
    """Cells on a card whose times were recorded: what it evaluates moves the clock."""

    def __init__(self, milliseconds: dict[int, float], clock: FakeClock, **options: Any) -> None:
        super().__init__(100, **options)
        self.evaluated: list[int] = []
        self._milliseconds = milliseconds
        self._clock = clock

    def decode(self, tokens: Sequence[int], sequence: int, position: int, *, logits: int = 1) -> DecodeResult:
        first = len(tokens) not in self.evaluated
        self.evaluated.append(len(tokens))
        size = min(size for size in self._milliseconds if size >= len(tokens))
        self._clock.advance(self._milliseconds[size] / 1000 + first)
        return super().decode(tokens, sequence, position, logits=logits)


@pytest.mark.parametrize("name", CARDS)
def test_the_size_is_the_card_s_own(name: str) -> None:
    clock = FakeClock()
    card = Card(CARDS[name], clock)
    cache = KVCache(card, slice_tokens=MICRO_BATCH)
    choose_slices(cache, list(range(512)), clock)
    assert cache.slice_tokens == BEST[name]
    assert cache.speed.tokens_per_ms == pytest.approx(BEST[name] / CARDS[name][BEST[name]])
    assert not cache.sequences, "nothing is left in the cache"
    card.evaluated.clear()
    sequence = cache.acquire()
    assert sequence is not None
    assert cache.sync(sequence, [5] * 1000, Cancellation()).complete
    assert max(card.evaluated) == BEST[name]


def test_a_slow_card_is_not_measured_for_long() -> None:
    clock = FakeClock()
    card = Card(CARDS["layers on the processor"], clock)
    assert list(measure_slices(KVCache(card), list(range(512)), clock)) == [64]


def test_a_model_of_few_positions_is_measured_as_far_as_they_reach() -> None:
    clock = FakeClock()
    card = Card(CARDS["a card of a laptop"], clock, longest=200)
    assert list(measure_slices(KVCache(card), list(range(512)), clock)) == [64, 128]
    nothing = Card(CARDS["a card of a laptop"], clock, longest=32)
    cache = KVCache(nothing, slice_tokens=MICRO_BATCH)
    choose_slices(cache, list(range(512)), clock)
    assert cache.slice_tokens == MICRO_BATCH


def test_of_sizes_that_are_about_as_fast_the_smaller_one_is_taken() -> None:
    assert fastest_slice({64: 10.0, 128: 19.0, 256: 38.0}) == 64
    assert fastest_slice({64: 10.0, 128: 17.0, 256: 34.0}) == 128
    assert fastest_slice({64: ENDS_WITHIN_MS + 1}) == 64


def on_a_gpu(monkeypatch: pytest.MonkeyPatch, room_for: int) -> list[int]:
    """As if there were a GPU with memory for micro-batches of so many tokens; those that were tried."""
    tried: list[int] = []

    def crowded(model: Model, *, micro_batch: int, **rest: Any) -> Context:
        tried.append(micro_batch)
        if micro_batch > room_for:
            raise OutOfMemoryProblem("failed to allocate compute buffers")
        return Context(model, micro_batch=micro_batch, **rest)

    def on_the_processor(path: Path, *, gpu_layers: int, **rest: Any) -> Model:
        del gpu_layers
        return Model(path, gpu_layers=0, **rest)

    monkeypatch.setattr(loading, "supports_gpu", lambda: True)
    monkeypatch.setattr(loading, "Model", on_the_processor)
    monkeypatch.setattr(loading, "Context", crowded)
    return tried


@pytest.mark.parametrize("room_for", [MICRO_BATCH_ON_GPU, MICRO_BATCH])
def test_a_crowded_card_gets_smaller_batches_before_it_loses_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room_for: int
) -> None:
    tried = on_a_gpu(monkeypatch, room_for)
    engine = load_engine(tiny_model("starcoder", tmp_path), EngineSettings(threads=1), lambda _part: None)
    assert tried == [MICRO_BATCH_ON_GPU, MICRO_BATCH][: 1 + (room_for < MICRO_BATCH_ON_GPU)]
    assert engine.cache.slice_tokens in SLICES
    assert not engine.info().note
    engine.close()


def test_without_memory_for_the_smallest_it_is_said() -> None:
    def none(_size: int) -> int:
        raise OutOfMemoryProblem("cudaMalloc failed: out of memory")

    with pytest.raises(OutOfMemoryProblem):
        with_smaller_batches(none, (512, 128))
