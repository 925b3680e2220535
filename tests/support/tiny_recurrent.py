"""Tiny models with recurrent layers, with a real vocabulary: random weights, but llama.cpp's real memory.

Mamba is recurrent throughout; LFM2 (short convolutions) and Granite 4 (Mamba 2) have attention beside it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from foretype.tests.support.tiny_gguf import add_tokenizer
from gguf import GGUFWriter

EMBEDDING = 64
HEADS = 4
INNER = 2 * EMBEDDING
STATE = 16
KERNEL = 4


def tiny_recurrent(architecture: str, directory: Path, vocab: str = "starcoder") -> Path:
    """Write a random model of "mamba", "lfm2" or "granitehybrid" with one or two layers."""
    path = directory / f"tiny-{architecture}.gguf"
    writer = GGUFWriter(path, architecture)
    writer.add_name(vocab)
    hybrid = architecture != "mamba"
    writer.add_block_count(2)
    writer.add_context_length(8192)
    writer.add_embedding_length(EMBEDDING)
    writer.add_feed_forward_length(128 if hybrid else 0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_head_count(HEADS if hybrid else 0)
    if hybrid:
        writer.add_head_count_kv([0, 2])
        writer.add_rope_freq_base(10000.0)
        writer.add_rope_dimension_count(EMBEDDING // HEADS)
    if architecture == "lfm2":
        writer.add_shortconv_l_cache(3)
    else:
        writer.add_ssm_conv_kernel(KERNEL)
        writer.add_ssm_inner_size(INNER)
        writer.add_ssm_state_size(STATE)
        writer.add_ssm_time_step_rank(8)
        writer.add_ssm_group_count(1)
    vocabulary = add_tokenizer(writer, vocab)
    writer.add_vocab_size(vocabulary)
    for name, values in _tensors(architecture, vocabulary).items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(architecture: str, vocabulary: int) -> dict[str, npt.NDArray[np.float32]]:  # noqa: PLR0915, C901
    """Every tensor in llama.cpp's shapes, one after the other."""
    hybrid = architecture != "mamba"
    random = np.random.default_rng(3)
    tensors: dict[str, npt.NDArray[np.float32]] = {}

    def matrix(name: str, rows: int, columns: int) -> None:
        values = random.standard_normal((rows, columns), dtype=np.float32)
        tensors[name] = values / np.float32(np.sqrt(columns))

    def ones(name: str, *shape: int) -> None:
        tensors[name] = np.ones(shape, np.float32)

    matrix("token_embd.weight", vocabulary, EMBEDDING)
    matrix("output.weight", vocabulary, EMBEDDING)
    ones("token_embd_norm.weight" if architecture == "lfm2" else "output_norm.weight", EMBEDDING)
    for layer in range(2):
        block = f"blk.{layer}"
        ones(f"{block}.attn_norm.weight", EMBEDDING)
        if hybrid:
            ones(f"{block}.ffn_norm.weight", EMBEDDING)
            matrix(f"{block}.ffn_gate.weight", 128, EMBEDDING)
            matrix(f"{block}.ffn_up.weight", 128, EMBEDDING)
            matrix(f"{block}.ffn_down.weight", EMBEDDING, 128)
        if hybrid and layer == 1:
            for name, rows in {
                "q": EMBEDDING,
                "k": EMBEDDING // 2,
                "v": EMBEDDING // 2,
                "output": EMBEDDING,
            }.items():
                matrix(f"{block}.attn_{name}.weight", rows, EMBEDDING)
            if architecture == "lfm2":
                ones(f"{block}.attn_q_norm.weight", EMBEDDING // HEADS)
                ones(f"{block}.attn_k_norm.weight", EMBEDDING // HEADS)
        elif architecture == "lfm2":
            matrix(f"{block}.shortconv.conv.weight", EMBEDDING, 3)
            matrix(f"{block}.shortconv.in_proj.weight", 3 * EMBEDDING, EMBEDDING)
            matrix(f"{block}.shortconv.out_proj.weight", EMBEDDING, EMBEDDING)
        elif architecture == "mamba":
            matrix(f"{block}.ssm_in.weight", 2 * INNER, EMBEDDING)
            matrix(f"{block}.ssm_conv1d.weight", INNER, KERNEL)
            ones(f"{block}.ssm_conv1d.bias", INNER)
            matrix(f"{block}.ssm_x.weight", 8 + 2 * STATE, INNER)
            matrix(f"{block}.ssm_dt.weight", INNER, 8)
            ones(f"{block}.ssm_dt.bias", INNER)
            tensors[f"{block}.ssm_a"] = -np.ones((INNER, STATE), np.float32)
            ones(f"{block}.ssm_d", INNER)
            matrix(f"{block}.ssm_out.weight", EMBEDDING, INNER)
        else:
            matrix(f"{block}.ssm_in.weight", 2 * INNER + 2 * STATE + 8, EMBEDDING)
            matrix(f"{block}.ssm_conv1d.weight", INNER + 2 * STATE, KERNEL)
            ones(f"{block}.ssm_conv1d.bias", INNER + 2 * STATE)
            ones(f"{block}.ssm_dt.bias", 8)
            tensors[f"{block}.ssm_a"] = -np.ones((8, 1), np.float32)
            ones(f"{block}.ssm_d", 8, 1)
            ones(f"{block}.ssm_norm.weight", 1, INNER)
            matrix(f"{block}.ssm_out.weight", EMBEDDING, INNER)
    return tensors
