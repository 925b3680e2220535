"""The tiny models that other tests drive are real ones: llama.cpp loads them and decodes."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from foretype.models.gguf import file as gguf
from foretype.tests.support.tiny_gguf import tiny_model


@llama_cpp.llama_log_callback
def _silence(_level: int, _text: bytes, _data: ctypes.c_void_p) -> None:
    """Keep llama.cpp's log out of the tests' output."""


def greedy(path: Path, text: bytes, count: int) -> list[int]:
    """The tokens that greedy decoding adds to `text`."""
    llama_cpp.llama_log_set(_silence, ctypes.c_void_p())
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
    assert model is not None
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx, parameters.n_threads, parameters.n_threads_batch = 256, 1, 1
    context = llama_cpp.llama_init_from_model(model, parameters)
    vocab = llama_cpp.llama_model_get_vocab(model)
    assert context is not None
    assert vocab is not None
    buffer = (llama_cpp.llama_token * 128)()
    tokens = list(buffer[: llama_cpp.llama_tokenize(vocab, text, len(text), buffer, 128, False, False)])
    added: list[int] = []
    for _ in range(count):
        fed = (llama_cpp.llama_token * len(tokens))(*tokens)  # the batch points into it
        batch = llama_cpp.llama_batch_get_one(fed, len(tokens))
        assert llama_cpp.llama_decode(context, batch) == 0
        logits = llama_cpp.llama_get_logits_ith(context, -1)
        tokens = [int(np.ctypeslib.as_array(logits, (llama_cpp.llama_vocab_n_tokens(vocab),)).argmax())]
        added += tokens
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return added


@pytest.mark.parametrize("vocab", ["starcoder", "deepseek-coder", "refact"])
def test_llama_cpp_loads_and_decodes_a_tiny_model(vocab: str, tmp_path: Path) -> None:
    path = tiny_model(vocab, tmp_path)
    assert gguf.check_file(path, available_bytes=1 << 33).parameters > 1_000_000
    added = greedy(path, b"def add(a, b):\n    return ", 12)
    assert len(set(added)) > 4, "random weights should not settle on one token"


def test_a_tiny_model_is_a_function_of_its_arguments(tmp_path: Path) -> None:
    first = tiny_model("deepseek-coder", tmp_path / "a", seed=7, tied=True)
    again = tiny_model("deepseek-coder", tmp_path / "b", seed=7, tied=True)
    other = tiny_model("deepseek-coder", tmp_path / "a", seed=8, tied=True)
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()
