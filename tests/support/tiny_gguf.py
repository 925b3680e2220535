"""Tiny llama models with a real vocabulary, for tests that drive a real llama context.

The weights are random, so the text is nonsense; tokenizer, FIM markers, KV cache and cancellation are the
real thing. Every file is a function of its arguments: the same call writes the same bytes. Nothing here
imports llama_cpp, and nothing is cached on disk: keep files in a session-scoped `tmp_path_factory` folder.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from foretype.models.gguf import file as gguf
from foretype.models.gguf.head import Array
from gguf import GGUFValueType, GGUFWriter

VOCABULARIES = Path(__file__).resolve().parents[1] / "data" / "vocab"
"""Vocabulary-only files of llama.cpp's models folder (MIT, the licence lies beside them)."""


def vocabulary_file(vocab: str) -> Path:
    """The vocabulary-only GGUF of "starcoder", "deepseek-coder" or "refact"."""
    return VOCABULARIES / f"ggml-vocab-{vocab}.gguf"


_KINDS = {bool: GGUFValueType.BOOL, int: GGUFValueType.UINT32, str: GGUFValueType.STRING}


@functools.cache
def _tokenizer(vocab: str) -> dict[str, tuple[GGUFValueType, GGUFValueType | None, Any]]:
    """Every tokenizer.* key of a vocabulary file: type, element type of an array, value.

    Read with foretype's own reader, which a test compares with the gguf package's; that one takes seconds.
    """
    file = gguf.read_gguf(vocabulary_file(vocab))
    found: dict[str, tuple[GGUFValueType, GGUFValueType | None, Any]] = {}
    for key, value in file.metadata.items():
        if not key.startswith("tokenizer."):
            continue
        if isinstance(value, Array) and key.endswith("token_type"):
            found[key] = (GGUFValueType.ARRAY, GGUFValueType.INT32, list(file.token_types()))
        elif isinstance(value, Array):
            found[key] = (GGUFValueType.ARRAY, GGUFValueType.STRING, file.texts(key))
        else:
            found[key] = (_KINDS[type(value)], None, value)  # pyright: ignore[reportArgumentType]
    return found


def tiny_model(
    vocab: str,
    directory: Path,
    *,
    seed: int = 0,
    layers: int = 2,
    embedding: int = 64,
    heads: int = 4,
    key_value_heads: int = 2,
    head_width: int = 0,
    feed_forward: int = 128,
    context: int = 8192,
    tied: bool = False,
    name: str = "",
    architecture: str = "llama",
    extra: Mapping[str, int | float | bool | str] | None = None,
) -> Path:
    """Write a random llama-architecture model with the vocabulary and tokenizer of `vocab`.

    Args:
        vocab: "starcoder", "deepseek-coder" or "refact".
        directory: where the file goes; its name tells the arguments apart.
        seed: of the random weights.
        layers: transformer blocks.
        embedding: width, a multiple of `heads`.
        heads: attention heads.
        key_value_heads: heads of keys and values; divides `heads`.
        head_width: of each head; 0 is its share of the embedding.
        feed_forward: width of the feed-forward part.
        context: `context_length` in the metadata, in tokens.
        tied: True uses the token embedding as output matrix too; half the size, and the model then tends
            to say its last token again.
        name: `general.name`; the vocabulary's name by default.
        architecture: `general.architecture`; the tensors are llama's whatever it says.
        extra: metadata added or replaced, by its full key.

    Returns:
        the file, of 5 to 15 MB with the default sizes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"tiny-{vocab}-{seed}-{layers}x{embedding}{'-tied' if tied else ''}.gguf"
    if head_width:
        path = path.with_stem(f"{path.stem}-heads-of-{head_width}")
    if extra or name or architecture != "llama":
        told = repr((sorted((extra or {}).items()), name, architecture))
        path = path.with_stem(f"{path.stem}-{_digest(told)}")
    if path.exists():
        return path
    tokenizer = {key: value for key, value in _tokenizer(vocab).items() if key not in (extra or {})}
    tokens = tokenizer["tokenizer.ggml.tokens"][2]

    writing = path.with_suffix(".part")
    writer = GGUFWriter(writing, architecture)
    writer.add_name(name or vocab)
    writer.add_block_count(layers)
    writer.add_context_length(context)
    writer.add_embedding_length(embedding)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_value_heads)
    writer.add_rope_dimension_count(head_width or embedding // heads)
    if head_width:
        writer.add_key_length(head_width)
        writer.add_value_length(head_width)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(1)
    for key, (kind, element, value) in tokenizer.items():
        writer.add_key_value(key, value, kind, sub_type=element)
    for key, value in (extra or {}).items():
        _add(writer, key, value)

    _add_tensors(
        writer,
        np.random.default_rng(seed),
        vocabulary=len(tokens),
        layers=layers,
        embedding=embedding,
        query_width=heads * (head_width or embedding // heads),
        key_value_width=key_value_heads * (head_width or embedding // heads),
        feed_forward=feed_forward,
        tied=tied,
    )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    writing.replace(path)
    return path


def add_tokenizer(writer: GGUFWriter, vocab: str) -> int:
    """Give a model the vocabulary and tokenizer of `vocab`; the number of its tokens."""
    tokenizer = _tokenizer(vocab)
    for key, (kind, element, value) in tokenizer.items():
        writer.add_key_value(key, value, kind, sub_type=element)
    return len(tokenizer["tokenizer.ggml.tokens"][2])


def tiny_learned(vocab: str, directory: Path, *, context: int = 256, embedding: int = 32) -> Path:
    """Write a random model of StarCoder's architecture, one layer: it has learned `context` positions."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"tiny-learned-{vocab}-{context}.gguf"
    tokenizer = _tokenizer(vocab)
    vocabulary = len(tokenizer["tokenizer.ggml.tokens"][2])
    writer = GGUFWriter(path, "starcoder")
    writer.add_name("starcoder")
    writer.add_block_count(1)
    writer.add_context_length(context)
    writer.add_embedding_length(embedding)
    writer.add_feed_forward_length(2 * embedding)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_eps(1e-5)
    writer.add_file_type(0)
    for key, (kind, element, value) in tokenizer.items():
        writer.add_key_value(key, value, kind, sub_type=element)
    random = np.random.default_rng(0)
    for tensor, shape in {
        "token_embd.weight": (vocabulary, embedding),
        "position_embd.weight": (context, embedding),
        "output.weight": (vocabulary, embedding),
        "output_norm.weight": (embedding,),
        "output_norm.bias": (embedding,),
        "blk.0.attn_norm.weight": (embedding,),
        "blk.0.attn_norm.bias": (embedding,),
        "blk.0.attn_qkv.weight": (2 * embedding, embedding),
        "blk.0.attn_qkv.bias": (2 * embedding,),
        "blk.0.attn_output.weight": (embedding, embedding),
        "blk.0.attn_output.bias": (embedding,),
        "blk.0.ffn_norm.weight": (embedding,),
        "blk.0.ffn_norm.bias": (embedding,),
        "blk.0.ffn_up.weight": (2 * embedding, embedding),
        "blk.0.ffn_up.bias": (2 * embedding,),
        "blk.0.ffn_down.weight": (embedding, 2 * embedding),
        "blk.0.ffn_down.bias": (embedding,),
    }.items():
        writer.add_tensor(tensor, random.standard_normal(shape, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tiny_mamba(
    vocab: str, directory: Path, *, layers: int = 4, embedding: int = 256, state: int = 16
) -> Path:
    """Write a random model of Mamba's architecture: every layer is recurrent, and there is no KV cache."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"tiny-mamba-{vocab}-{layers}x{embedding}x{state}.gguf"
    tokenizer = _tokenizer(vocab)
    vocabulary = len(tokenizer["tokenizer.ggml.tokens"][2])
    inner, kernel, rank = 2 * embedding, 4, 16
    writer = GGUFWriter(path, "mamba")
    writer.add_name("mamba")
    writer.add_block_count(layers)
    writer.add_context_length(8192)
    writer.add_embedding_length(embedding)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_ssm_conv_kernel(kernel)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(0)
    for key, (kind, element, value) in tokenizer.items():
        writer.add_key_value(key, value, kind, sub_type=element)
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, embedding),
        "output_norm.weight": (embedding,),
    }
    for layer in range(layers):
        shapes |= {
            f"blk.{layer}.attn_norm.weight": (embedding,),
            f"blk.{layer}.ssm_in.weight": (2 * inner, embedding),
            f"blk.{layer}.ssm_conv1d.weight": (inner, kernel),
            f"blk.{layer}.ssm_conv1d.bias": (inner,),
            f"blk.{layer}.ssm_x.weight": (rank + 2 * state, inner),
            f"blk.{layer}.ssm_dt.weight": (inner, rank),
            f"blk.{layer}.ssm_dt.bias": (inner,),
            f"blk.{layer}.ssm_a": (inner, state),
            f"blk.{layer}.ssm_d": (inner,),
            f"blk.{layer}.ssm_out.weight": (embedding, inner),
        }
    random = np.random.default_rng(0)
    for tensor, shape in shapes.items():
        values = random.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[-1]))
        writer.add_tensor(tensor, -np.abs(values) if tensor.endswith("ssm_a") else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tensors(
    writer: GGUFWriter,
    random: np.random.Generator,
    *,
    vocabulary: int,
    layers: int,
    embedding: int,
    query_width: int,
    key_value_width: int,
    feed_forward: int,
    tied: bool,
) -> None:
    def matrix(tensor: str, rows: int, columns: int) -> None:
        values = random.standard_normal((rows, columns), dtype=np.float32) / np.float32(np.sqrt(columns))
        writer.add_tensor(tensor, values.astype(np.float16))

    def ones(tensor: str) -> None:
        writer.add_tensor(tensor, np.ones(embedding, dtype=np.float32))

    matrix("token_embd.weight", vocabulary, embedding)
    ones("output_norm.weight")
    if not tied:
        matrix("output.weight", vocabulary, embedding)
    for layer in range(layers):
        block = f"blk.{layer}"
        ones(f"{block}.attn_norm.weight")
        matrix(f"{block}.attn_q.weight", query_width, embedding)
        matrix(f"{block}.attn_k.weight", key_value_width, embedding)
        matrix(f"{block}.attn_v.weight", key_value_width, embedding)
        matrix(f"{block}.attn_output.weight", embedding, query_width)
        ones(f"{block}.ffn_norm.weight")
        matrix(f"{block}.ffn_gate.weight", feed_forward, embedding)
        matrix(f"{block}.ffn_up.weight", feed_forward, embedding)
        matrix(f"{block}.ffn_down.weight", embedding, feed_forward)


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _add(writer: GGUFWriter, key: str, value: int | float | bool | str) -> None:
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_string(key, value)
