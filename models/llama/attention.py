"""How the keys and values of a context are kept: in 8 bits or in 16. Which models fit `gguf.sizes` says.

On a processor llama.cpp computes attention over 16-bit values in a way of its own where few tokens come at
once: behind a thousand tokens one took 30 ms with a model of 135M parameters and eight took 150, against 17
and 71 over 8-bit ones (Q8_0; two cores with AVX-512). Only from 64 tokens on 16 bits are faster, by two
fifths; somebody who types asks for a few. Cells that belong to others cost next to nothing with 8 bits.
Without flash attention few tokens are as fast, but all that lies in the cache is computed, whosever it is.
"""

from __future__ import annotations

from typing import Any

from .library import c

EIGHT_BITS = 8
"""What ggml.h calls GGML_TYPE_Q8_0."""


def new_context(model: Any, params: Any, *, eight_bits: bool) -> tuple[Any, bool]:
    """A llama context, and whether its keys and values have 8 bits; a null pointer where there is no memory.

    Args:
        model: llama.cpp's.
        params: `llama_context_params`; its types of keys and values are those of 16 bits.
        eight_bits: try them first. There are kinds of attention that can't.
    """
    if eight_bits and params.flash_attn_type:
        kept = params.type_k, params.type_v
        params.type_k = params.type_v = EIGHT_BITS
        made = c.llama_init_from_model(model, params)
        if made:
            return made, True
        params.type_k, params.type_v = kept
    return c.llama_init_from_model(model, params), False
