"""How the keys and values of a context are kept: in 8 bits or in 16. Which of them `foretype tune` chooses.

Which is faster is the processor's matter, and nothing but measuring tells. Behind a thousand tokens of a
model of 135M parameters llama.cpp's flash attention over 16-bit values took two threads of one processor
30 ms for a token and 150 for eight, where 8 bits (Q8_0) took 17 and 71; on another 14 and 44 where 8 bits
took 15 and 60, and 16 bits evaluated a prompt three times as fast. Without flash attention a few tokens are
faster still, and slower than all else as soon as other files lie in the cache: all of it is computed.

Flash attention over 16 bits has a second form for many tokens, in tiles of 64. Fewer are computed one by one:
with two threads and the same model 63 tokens behind 1,500 took 1,870 ms, 64 took 404 and 16 just as long. So
a prompt that is read in small pieces takes several times as long, and pieces have to be tiles.
"""

from __future__ import annotations

from typing import Any

from .library import c

TILE = 64
"""Tokens in one batch from which on flash attention over 16 bits computes them together."""

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
