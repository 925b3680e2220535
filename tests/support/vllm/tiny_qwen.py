"""A two-layer Qwen2 model with random weights, for vLLM; run by the Python that vLLM was installed into.

usage: tiny_qwen.py FOLDER_OF_TOKENIZER FOLDER_OF_MODEL
"""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    tokenizer, model = map(Path, sys.argv[1:])
    transformers: Any = importlib.import_module("transformers")
    torch: Any = importlib.import_module("torch")
    torch.manual_seed(1)
    config = transformers.Qwen2Config(
        vocab_size=151936,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=151643,
    )
    transformers.Qwen2ForCausalLM(config).to(torch.float32).save_pretrained(model)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, model / name)


if __name__ == "__main__":
    main()
