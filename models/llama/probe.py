"""Whether a libllama lays out its structures as they are declared here, found out before it is used.

A structure that has another size or another order would be read and written at the wrong places, silently.
What is called to find out makes nothing but such a structure: `llama_*_default_params` fill one with values
that are known, `llama_batch_init` one for a single token. Where the calling convention passes the place of a
result like an argument, the bytes that a function writes tell the size; everywhere the known values have to
stand where they are expected.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Mapping
from typing import Any

import attrs

from .declared import FUNCTIONS, OLDEST, Batch, ContextParameters, ModelParameters, QuantisationParameters

_ROOM = 4096
"""Bytes for a structure of unknown size."""

_PATTERNS = (0xA5, 0x5A)


@attrs.frozen
class Expected:
    """A function that fills a structure, and what is known of the values that it puts there."""

    function: str
    structure: type[ctypes.Structure]
    values: Mapping[str, float]
    arguments: tuple[int, ...] = ()


EXPECTED = (
    Expected(
        "llama_context_default_params",
        ContextParameters,
        {
            "n_ctx": 512,
            "n_batch": 2048,
            "n_ubatch": 512,
            "n_seq_max": 1,
            "rope_scaling_type": -1,
            "pooling_type": -1,
            "attention_type": -1,
            "flash_attn_type": -1,
            "rope_freq_base": 0.0,
            "yarn_ext_factor": -1.0,
            "yarn_orig_ctx": 0,
            "type_k": 1,
            "type_v": 1,
            "embeddings": False,
            "offload_kqv": True,
            "swa_full": True,
            "kv_unified": False,
            "n_samplers": 0,
        },
    ),
    Expected(
        "llama_model_default_params",
        ModelParameters,
        {
            "split_mode": 1,
            "main_gpu": 0,
            "vocab_only": False,
            "check_tensors": False,
            "use_extra_bufts": True,
        },
    ),
    Expected(
        "llama_model_quantize_default_params",
        QuantisationParameters,
        {
            "nthread": 0,
            "allow_requantize": False,
            "quantize_output_tensor": True,
            "only_copy": False,
            "pure": False,
        },
    ),
    Expected("llama_batch_init", Batch, {"n_tokens": 0}, (1, 0, 1)),
)


def why_unusable(library: Any) -> str:
    """Why a loaded libllama can't be used with our declarations, half a sentence; "" where it can.

    Args:
        library: a `ctypes.CDLL` whose functions have no declarations yet.
    """
    missing = [name for name in FUNCTIONS if not hasattr(library, name)]
    if missing:
        return f"it has no {missing[0]}"
    told = version(library)
    if not told:
        return f"it does not say its version, so it is older than {OLDEST[0]}.{OLDEST[1]}"
    if numbers(told) < OLDEST:
        return f"it is {told}, and foretype knows llama.cpp from {OLDEST[0]}.{OLDEST[1]} on"
    return next(filter(None, (_differs(library, each) for each in EXPECTED)), "")


def version(library: Any) -> str:
    """What a libllama says of its version, such as "0.5.0-dev"; "" for one that says nothing."""
    if not hasattr(library, "llama_version"):
        return ""
    ask = ctypes.CFUNCTYPE(ctypes.c_char_p)(("llama_version", library))
    return (ask() or b"").decode("utf-8", "replace")


def numbers(told: str) -> tuple[int, ...]:
    """The leading numbers of a version, (0, 5, 0) of "0.5.0-dev"; () where there are none."""
    found: list[int] = []
    for part in told.split("-", maxsplit=1)[0].split("."):
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


def _differs(library: Any, expected: Expected) -> str:
    """How a structure differs from what is declared; "" where it doesn't."""
    declared, name = ctypes.sizeof(expected.structure), expected.function
    written = size_written(library, expected)
    alignment = ctypes.alignment(expected.structure)
    if written is not None and not declared - alignment < written <= declared:
        return f"its {name} fills {written} bytes and not {declared}"
    filled = _filled(library, expected)
    wrong = [key for key, value in expected.values.items() if getattr(filled, key) != value]
    if expected.structure is Batch:
        wrong += [key for key in ("token", "pos", "n_seq_id", "seq_id", "logits") if not getattr(filled, key)]
    return f"its {name} has another value in {wrong[0]}" if wrong else ""


def size_written(library: Any, expected: Expected) -> int | None:
    """How many bytes a function's result takes, up to its last byte that is no padding; None where unknown.

    On x86-64 a large result's place is passed in front of the arguments, so it can be given filled with a
    pattern: what two patterns leave in two states was not written.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return None
    left: list[bytes] = []
    for pattern in _PATTERNS:
        room = (ctypes.c_uint8 * _ROOM)(*([pattern] * _ROOM))
        arguments = [ctypes.c_int32] * len(expected.arguments)
        fill = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, *arguments)((expected.function, library))
        fill(ctypes.addressof(room), *expected.arguments)
        left.append(bytes(room))
    return max((at + 1 for at in range(_ROOM) if left[0][at] == left[1][at]), default=0)


def _filled(library: Any, expected: Expected) -> Any:
    """The structure as the function fills it, with room behind it for one that is larger than declared."""

    class Roomy(ctypes.Structure):
        _fields_ = (("declared", expected.structure), ("behind", ctypes.c_uint8 * _ROOM))

    arguments = [ctypes.c_int32] * len(expected.arguments)
    ask = ctypes.CFUNCTYPE(Roomy, *arguments)((expected.function, library))
    return ask(*expected.arguments).declared
