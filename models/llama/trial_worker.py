"""The process that computes once with llama.cpp, so that it is this one that ends if the library cannot.

Started as `python -m foretype.models.llama.trial_worker FOLDER`. It makes a model of half a megabyte out of
zeros, whose matrices are of the types that real models have, and evaluates a batch and a single token with
two threads, as the engine would. It exits with 0, is ended by a signal, or says in one sentence what went
wrong and exits with 1. When that is worth doing, and what is told to the user, is `trial`'s business.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from ..gguf.head import FLOAT32, STRING, U64, UINT32, tensor_types
from .governor import Governor
from .llama import Context, DecodeFailedError, DecodeResult, Model

THREADS = 2
"""Some faults need a second thread: registers that each thread has to set up for itself."""

BATCH = 48
"""Tokens at once: more than the tile of any kernel (AMX has 32 rows, two tiles of 16)."""

_WIDTH = 256
_VOCABULARY = 256
_ALIGNMENT = 32

_MATRICES = {
    "token_embd": "F16",
    "output": "Q6_K",
    "blk.0.attn_q": "Q8_0",
    "blk.0.attn_k": "Q4_0",
    "blk.0.attn_v": "Q4_1",
    "blk.0.attn_output": "Q5_K",
    "blk.0.ffn_gate": "Q4_K",
    "blk.0.ffn_up": "IQ4_XS",
    "blk.0.ffn_down": "Q8_0",
}
"""Each square matrix and its type; between them every type that has kernels of its own for some processor."""

_NORMS = ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")


def _main(folder: Path) -> int:
    """Compute; the exit code. The folder is the caller's to remove: this process may end at any time."""
    path = folder / "trial.gguf"
    path.write_bytes(model())
    loaded = Model(path, gpu_layers=0)
    governor = Governor(THREADS)
    context = Context(loaded, size=256, sequences=1, governor=governor, micro_batch=BATCH, batch=BATCH)
    try:
        results = [context.decode(list(range(BATCH)), 0, 0), context.decode([1], 0, BATCH)]
    except DecodeFailedError as error:
        print(f"llama.cpp cannot compute: {error}.")  # noqa: T201 - whoever started this reads it
        return 1
    finally:
        context.close()  # the file is open on Windows until then
        loaded.close()
    return 0 if results == [DecodeResult.DONE, DecodeResult.DONE] else 1


def model() -> bytes:
    """A GGUF file (ggml's docs/gguf.md): llama's architecture, one layer, no vocabulary, all zeros."""
    metadata: dict[str, int | float | str] = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "no_vocab",
        "llama.vocab_size": _VOCABULARY,
        "llama.context_length": 256,
        "llama.embedding_length": _WIDTH,
        "llama.feed_forward_length": _WIDTH,
        "llama.block_count": 1,
        "llama.attention.head_count": 4,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
    }
    numbers = {name: number for number, (name, _, _) in tensor_types().items()}
    rows: list[bytes] = []
    offset = 0
    for name, shape, kind in _tensors():
        _, values, size = tensor_types()[numbers[kind]]
        dimensions = b"".join(map(U64.pack, shape))
        rows.append(
            _text(f"{name}.weight") + _u32(len(shape)) + dimensions + _u32(numbers[kind]) + U64.pack(offset)
        )
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        offset += _aligned(count // values * size)
    head = b"GGUF" + _u32(3) + U64.pack(len(rows)) + U64.pack(len(metadata))
    head += b"".join(_text(key) + _value(value) for key, value in metadata.items()) + b"".join(rows)
    return head.ljust(_aligned(len(head)), b"\0") + bytes(offset)


def _tensors() -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Name, shape and type of each tensor."""
    for name, kind in _MATRICES.items():
        yield name, (_WIDTH, _WIDTH), kind
    for name in _NORMS:
        yield name, (_WIDTH,), "F32"


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _u32(number: int) -> bytes:
    return struct.pack("<I", number)


def _text(text: str) -> bytes:
    data = text.encode()
    return U64.pack(len(data)) + data


def _value(value: float | str) -> bytes:
    if isinstance(value, str):
        return _u32(STRING) + _text(value)
    if isinstance(value, int):
        return _u32(UINT32) + _u32(value)
    return _u32(FLOAT32) + struct.pack("<f", value)


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
