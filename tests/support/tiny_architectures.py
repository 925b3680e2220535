"""Tiny models of every architecture that people complete code with: random weights, real tokenisers.

Recurrent and hybrid ones are in `tiny_recurrent`, plain llama ones of any width in `tiny_gguf`. Shapes are
llama.cpp's (`src/models`), sizes as small as these allow.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
from foretype.tests.support.tiny_recurrent import tiny_recurrent
from foretype.tests.support.vocabularies import add_vocabulary
from gguf import GGUFWriter

EMBEDDING = 64
HEADS = 4
GROUPS = 2
HEAD = 16
INNER = 128
WINDOW = 128
"""A sliding window so short that the tests' prompts reach beyond it."""


@attrs.frozen
class Shape:
    """What an architecture has beside llama's tensors, or instead of them.

    Attributes:
        architecture: `general.architecture`.
        family: of the vocabulary; see `vocabularies.FAMILIES`, or a file of tests/data/vocab.
        name: `general.name`.
        layers: how many.
        attention_bias: of queries, keys and values.
        every_bias: of all matrices and norms, as layer norms have; the feed-forward part has no gate.
        normed_heads: queries and keys are normed.
        post_norms: what attention and feed-forward give is normed, too.
        tied: the embedding is the output matrix.
        metadata: further hyperparameters.
    """

    architecture: str
    family: str
    name: str
    layers: int = 2
    attention_bias: bool = False
    every_bias: bool = False
    normed_heads: bool = False
    post_norms: bool = False
    tied: bool = False
    metadata: dict[str, int | float] = attrs.field(factory=dict[str, "int | float"])


SHAPES = {
    "llama": Shape("llama", "starcoder", "llama"),
    "codellama": Shape("llama", "codellama", "CodeLlama 7B"),
    "codestral": Shape("llama", "refact", "Codestral 22B"),
    "deepseek-coder": Shape("llama", "deepseek-coder", "deepseek-coder-1.3b"),
    "qwen2": Shape("qwen2", "qwen", "Qwen2.5 Coder 0.5B", attention_bias=True, tied=True),
    "qwen3": Shape("qwen3", "qwen", "Qwen3 0.6B", normed_heads=True, tied=True),
    "starcoder2": Shape(
        "starcoder2",
        "starcoder",
        "starcoder2-3b",
        every_bias=True,
        metadata={"attention.sliding_window": WINDOW},
    ),
    "gemma": Shape("gemma", "codegemma", "codegemma-2b", tied=True),
    "gemma2": Shape(
        "gemma2",
        "gemma",
        "gemma-2-2b",
        post_norms=True,
        tied=True,
        metadata={
            "attention.sliding_window": WINDOW,
            "attn_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0,
        },
    ),
    "gemma3": Shape(
        "gemma3",
        "gemma",
        "gemma-3-1b",
        layers=6,
        normed_heads=True,
        post_norms=True,
        tied=True,
        metadata={"attention.sliding_window": WINDOW},
    ),
    "granite": Shape(
        "granite",
        "starcoder",
        "granite-3b-code",
        metadata={
            "embedding_scale": 12.0,
            "residual_scale": 0.22,
            "attention.scale": 0.25,
            "logit_scale": 2.0,
        },
    ),
}
"""Attention in every layer. DeepSeek 2's is compressed, so it has a builder of its own."""

RECURRENT = ("mamba", "lfm2", "granitehybrid")


def architectures() -> tuple[str, ...]:
    """Every name that `tiny_architecture` takes."""
    return (*SHAPES, "deepseek2", *RECURRENT)


def tiny_architecture(name: str, directory: Path) -> Path:
    """Write the tiny model of that name."""
    if name in RECURRENT:
        return tiny_recurrent(name, directory)
    path = directory / f"tiny-{name}.gguf"
    shape = SHAPES.get(name) or Shape("deepseek2", "deepseek", "DeepSeek Coder V2 Lite", layers=27)
    writer = GGUFWriter(path, shape.architecture)
    vocabulary = _head(writer, shape)
    add = _Tensors(writer)
    add.matrix("token_embd", vocabulary, EMBEDDING)
    if not shape.tied:
        add.matrix("output", vocabulary, EMBEDDING)
    add.norm("output_norm", EMBEDDING, bias=shape.every_bias)
    layer = _compressed_layer if name == "deepseek2" else _layer
    for number in range(shape.layers):
        layer(add, shape, number)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@attrs.define
class _Tensors:
    """Adds tensors of random numbers to a file. State: the random numbers."""

    writer: GGUFWriter
    random: np.random.Generator = attrs.field(factory=lambda: np.random.default_rng(7))

    def matrix(self, name: str, *shape: int, bias: bool = False) -> None:
        values = self.random.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[-1]))
        self.writer.add_tensor(f"{name}.weight", values.astype(np.float16))
        if bias:
            self.writer.add_tensor(f"{name}.bias", np.zeros(shape[0], np.float32))

    def norm(self, name: str, width: int, *, bias: bool = False) -> None:
        self.writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
        if bias:
            self.writer.add_tensor(f"{name}.bias", np.zeros(width, np.float32))


def _head(writer: GGUFWriter, shape: Shape) -> int:
    """Write the hyperparameters; the number of tokens."""
    writer.add_name(shape.name)
    writer.add_block_count(shape.layers)
    writer.add_context_length(8192)
    writer.add_embedding_length(EMBEDDING)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_file_type(1)
    writer.add_rope_freq_base(10000.0)
    if shape.every_bias:
        writer.add_layer_norm_eps(1e-5)
    else:
        writer.add_layer_norm_rms_eps(1e-5)
    if shape.architecture == "deepseek2":
        _compressed_head(writer)
    else:
        writer.add_head_count_kv(GROUPS)
        writer.add_rope_dimension_count(HEAD)
        writer.add_key_length(HEAD)
        writer.add_value_length(HEAD)
    for key, value in shape.metadata.items():
        add: Callable[[str, float], None] = writer.add_float32
        if isinstance(value, int):
            writer.add_uint32(f"{shape.architecture}.{key}", value)
        else:
            add(f"{shape.architecture}.{key}", value)
    vocabulary = add_vocabulary(writer, shape.family)
    writer.add_vocab_size(vocabulary)
    return vocabulary


def _layer(add: _Tensors, shape: Shape, number: int) -> None:
    block, bias = f"blk.{number}", shape.every_bias
    add.norm(f"{block}.attn_norm", EMBEDDING, bias=bias)
    add.norm(f"{block}.ffn_norm", EMBEDDING, bias=bias)
    add.matrix(f"{block}.attn_q", HEADS * HEAD, EMBEDDING, bias=bias or shape.attention_bias)
    for kind in ("k", "v"):
        add.matrix(f"{block}.attn_{kind}", GROUPS * HEAD, EMBEDDING, bias=bias or shape.attention_bias)
    add.matrix(f"{block}.attn_output", EMBEDDING, HEADS * HEAD, bias=bias)
    if shape.normed_heads:
        add.norm(f"{block}.attn_q_norm", HEAD)
        add.norm(f"{block}.attn_k_norm", HEAD)
    if shape.post_norms:
        add.norm(f"{block}.post_attention_norm", EMBEDDING)
        add.norm(f"{block}.post_ffw_norm", EMBEDDING)
    if not bias:
        add.matrix(f"{block}.ffn_gate", INNER, EMBEDDING)
    add.matrix(f"{block}.ffn_up", INNER, EMBEDDING, bias=bias)
    add.matrix(f"{block}.ffn_down", EMBEDDING, INNER, bias=bias)


_RANK, _ROTATED, _EXPERTS, _EXPERT = 32, 8, 4, 32


def _compressed_head(writer: GGUFWriter) -> None:
    """DeepSeek 2's lite models compress keys and values, and choose among experts."""
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(_ROTATED)
    writer.add_key_length(HEAD + _ROTATED)
    writer.add_value_length(HEAD)
    writer.add_kv_lora_rank(_RANK)
    writer.add_leading_dense_block_count(1)
    writer.add_expert_count(_EXPERTS)
    writer.add_expert_used_count(2)
    writer.add_expert_shared_count(1)
    writer.add_expert_feed_forward_length(_EXPERT)
    writer.add_expert_weights_scale(1.0)


def _compressed_layer(add: _Tensors, _shape: Shape, number: int) -> None:
    block = f"blk.{number}"
    add.norm(f"{block}.attn_norm", EMBEDDING)
    add.norm(f"{block}.ffn_norm", EMBEDDING)
    add.matrix(f"{block}.attn_q", HEADS * (HEAD + _ROTATED), EMBEDDING)
    add.matrix(f"{block}.attn_kv_a_mqa", _RANK + _ROTATED, EMBEDDING)
    add.norm(f"{block}.attn_kv_a_norm", _RANK)
    add.matrix(f"{block}.attn_kv_b", HEADS * 2 * HEAD, _RANK)
    add.matrix(f"{block}.attn_output", EMBEDDING, HEADS * HEAD)
    if number == 0:
        for kind, rows, columns in (
            ("gate", INNER, EMBEDDING),
            ("up", INNER, EMBEDDING),
            ("down", EMBEDDING, INNER),
        ):
            add.matrix(f"{block}.ffn_{kind}", rows, columns)
        return
    add.matrix(f"{block}.ffn_gate_inp", _EXPERTS, EMBEDDING)
    for kind, rows, columns in (
        ("gate", _EXPERT, EMBEDDING),
        ("up", _EXPERT, EMBEDDING),
        ("down", EMBEDDING, _EXPERT),
    ):
        add.matrix(f"{block}.ffn_{kind}_exps", _EXPERTS, rows, columns)
        add.matrix(f"{block}.ffn_{kind}_shexp", rows, columns)
