"""What a model takes of the memory when it runs, from its file's head alone: an estimate within a tenth.

Sizes are llama.cpp's: `llama_kv_cache`, `llama_memory_recurrent`, and what `sched_reserve` keeps for the
widest step of a batch, which for vocabularies of today is their logits. What is free, and what is refused,
is decided elsewhere (`machine.memory`, `file.check_memory`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from .head import Tensor, Value

SEQUENCES = 24
"""Sequences of the engine's cache. Recurrent layers keep a state for each, and there are logits for each."""

STATES_BYTES = 512 << 20
"""Recurrent layers get fewer sequences where their states would take more than this; never under `_LEAST`."""

_LEAST = 5  # three slots, a branch for sampling, and one to save a part from

CHECKPOINT_BYTES = 256 << 20
"""Bytes of all copies of such states together; beyond, sequences used longest ago keep one each."""

MICRO_BATCH = 128
"""Tokens computed at once where nothing was measured: what a cancelled prefill may lose."""

DEFAULT_CELLS = 8192
"""Cells of a KV cache, in tokens, unless the user or the memory says otherwise."""

MOST_LAYERS = 512

_PROCESS_BYTES = 12 << 20
"""The vocabulary and its tables in Python, stacks of threads, llama.cpp's graphs: 8 to 17 MB, measured."""

_INTERVAL = "full_attention_interval"

_BLOCK = 32


class ModelHead(Protocol):
    """What the estimate goes by; a `GgufFile` is one."""

    @property
    def metadata(self) -> Mapping[str, Value]:
        """Every key."""
        ...

    @property
    def tensors(self) -> Sequence[Tensor]:
        """Of all parts."""
        ...

    @property
    def architecture(self) -> str:
        """What the keys of its hyperparameters begin with."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """Tokens in the vocabulary; 0 without one."""
        ...

    def integer(self, key: str) -> int | None:
        """A whole number of the metadata, if it is there."""
        ...


def memory_needed(
    file: ModelHead,
    cells: int = 0,
    *,
    micro_batch: int = MICRO_BATCH,
    sequences: int = SEQUENCES,
    eight_bits: bool = False,
) -> int:
    """Bytes that the model takes when it runs on the processor: weights, cache, states, and working space.

    Args:
        file: the head of the file.
        cells: of the KV cache, in tokens; 0 takes `DEFAULT_CELLS`, as an engine with room for them does.
        micro_batch: tokens computed at once.
        sequences: that the cache is made for.
        eight_bits: keys and values are kept so.
    """
    weights = sum(tensor.size for tensor in file.tensors)
    return (
        weights
        + cache_bytes(file, cells or DEFAULT_CELLS, eight_bits=eight_bits)
        + state_bytes(file, sequences)
        + working_bytes(file, micro_batch, sequences)
        + _PROCESS_BYTES
    )


def sequences_for(file: ModelHead) -> int:
    """Sequences that an engine makes room for: `SEQUENCES`, or as many as large states leave room for."""
    state = state_bytes(file, 1)
    return max(_LEAST, min(SEQUENCES, STATES_BYTES // state)) if state else SEQUENCES


def checkpoint_bytes(file: ModelHead) -> int:
    """Bytes at most that copies of recurrent states take, so that they can be gone back to."""
    sequences = sequences_for(file)
    return min(8 * state_bytes(file, sequences), max(CHECKPOINT_BYTES, state_bytes(file, sequences)))


def draft_needed(file: ModelHead, cells: int) -> int:
    """Bytes that a draft model takes beside the model whose process and vocabulary it shares."""
    return memory_needed(file, cells, sequences=1) - _PROCESS_BYTES


def cache_bytes(file: ModelHead, cells: int, *, eight_bits: bool = False) -> int:
    """Bytes of a KV cache on the processor, whatever layers look back only so far: all of it is kept.

    Args:
        file: the head of the file.
        cells: in tokens.
        eight_bits: keys and values are kept so, in blocks of 34 bytes for 32 numbers; otherwise in 16 bits.
    """
    name = file.architecture
    layers = _layers(file)
    heads = max(_per_layer(file, f"{name}.attention.head_count", layers), default=0)
    key_length, value_length = _head_lengths(file)
    groups = _per_layer(file, f"{name}.attention.head_count_kv", layers) or [heads] * layers
    if interval := _interval(file):
        groups = groups[interval - 1 :: interval]
    halves = 2 * cells * sum(groups) * (key_length + value_length)
    return halves * 17 // 32 if eight_bits else halves


def fits_eight_bits(file: ModelHead) -> bool:
    """Whether keys and values can be kept in 8 bits (Q8_0), whose blocks hold 32 numbers of one head.

    Not where a model compresses them itself (DeepSeek 2's latent attention): rounding costs more there.
    """
    lengths = _head_lengths(file)
    if file.integer(f"{file.architecture}.attention.kv_lora_rank"):
        return False
    return all(lengths) and not any(length % _BLOCK for length in lengths)


def _head_lengths(file: ModelHead) -> tuple[int, int]:
    """How many numbers the key and the value of one head are; 0 where the file doesn't say."""
    name = file.architecture
    heads = max(_per_layer(file, f"{name}.attention.head_count", _layers(file)), default=0)
    width = file.integer(f"{name}.embedding_length") or 0
    key_length = file.integer(f"{name}.attention.key_length") or (width // heads if heads else 0)
    return key_length, file.integer(f"{name}.attention.value_length") or key_length


def state_bytes(file: ModelHead, sequences: int) -> int:
    """Bytes of the states of recurrent layers in 32 bits, one for each sequence; 0 without such layers.

    Mamba's and the gated delta net's keys are `ssm.…`, LFM2's `shortconv.…`, RWKV's `wkv.…`.
    """
    name = file.architecture

    def number(key: str) -> int:
        return file.integer(f"{name}.{key}") or 0

    width = number("embedding_length")
    if head := number("wkv.head_size"):
        shifts = file.integer(f"{name}.token_shift_count")
        values = (2 if shifts is None else shifts) * width + width * head
    elif length := number("shortconv.l_cache"):
        values = (length - 1) * width
    elif inner := number("ssm.inner_size"):
        state = number("ssm.state_size")
        kernel = max(number("ssm.conv_kernel") - 1, 0)
        values = kernel * (inner + 2 * number("ssm.group_count") * state) + state * inner
    else:
        return 0
    return 4 * sequences * values * _recurrent_layers(file)


def working_bytes(file: ModelHead, micro_batch: int, sequences: int) -> int:
    """Bytes for the intermediate results of one step, and for the logits that are kept of a batch.

    Without flash attention the scores of all heads would come on top.
    """
    name = file.architecture
    vocabulary = file.vocabulary_size or file.integer(f"{name}.vocab_size") or 0
    width = file.integer(f"{name}.embedding_length") or 0
    inside = max(_per_layer(file, f"{name}.feed_forward_length", _layers(file)), default=0)
    step = max(vocabulary + 2 * width, 2 * inside + 3 * width)
    return 4 * (micro_batch * step + sequences * vocabulary)


def _layers(file: ModelHead) -> int:
    return min(file.integer(f"{file.architecture}.block_count") or 0, MOST_LAYERS)


def _interval(file: ModelHead) -> int:
    """Every which layer attends where the others are recurrent; 0 where the file does not put it that way."""
    found = file.integer(f"{file.architecture}.{_INTERVAL}") or 0
    return found if found > 1 else 0


def _recurrent_layers(file: ModelHead) -> int:
    """Layers with a state, of a model that has such: those that do not attend, or all."""
    layers = _layers(file)
    if interval := _interval(file):
        return layers - layers // interval
    groups = _per_layer(file, f"{file.architecture}.attention.head_count_kv", layers)
    without = sum(1 for group in groups if group == 0)
    return without or layers  # none without: each layer has both, as in Falcon-H1


def _per_layer(file: ModelHead, key: str, layers: int) -> list[int]:
    """A hyperparameter that is one number for all layers, or a list of one for each."""
    value = file.metadata.get(key)
    if isinstance(value, tuple):
        return [item for item in value if isinstance(item, int) and item >= 0]
    return [value] * layers if isinstance(value, int) and value >= 0 else []
