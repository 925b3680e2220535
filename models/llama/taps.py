"""Listens to what flows into a model's matrices while llama.cpp computes.

llama.cpp tells an evaluation callback of every node of its graph; which matrix a node multiplies, and with
what, stands in the node itself. Its layout is ggml's and may change, so it is believed only if the node's
name lies where it is expected. What the inputs are good for is `importance`'s business.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .declared import EVAL_CALLBACK
from .library import c

log = logging.getLogger(__name__)

Told = Callable[[str, npt.NDArray[np.float32]], None]
"""Takes a matrix's name and inputs to it, shape (tokens, width)."""

_F32 = 0


class _Tensor(ctypes.Structure):
    """`struct ggml_tensor` of ggml.h as far as it is read here."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * 10),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
    )


def listener(told: Told) -> Any:
    """A callback for a context's `cb_eval`, to be kept as long as that; None where ggml can't be asked."""
    try:
        describe, name_of, read = c.ggml.ggml_op_desc, c.ggml.ggml_get_name, c.ggml.ggml_backend_tensor_get
    except AttributeError:
        log.info("this build of llama.cpp does not say what flows into its matrices")
        return None
    describe.restype = name_of.restype = ctypes.c_char_p
    describe.argtypes = name_of.argtypes = (ctypes.c_void_p,)
    read.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
    read.restype = None

    def tensor(pointer: int) -> _Tensor | None:
        found = _Tensor.from_address(pointer)
        return found if found.name == name_of(pointer) else None

    def product(pointer: int) -> tuple[str, _Tensor, int] | None:
        """The name of a node's matrix, and its inputs; None for what is no product of a matrix."""
        if describe(pointer) != b"MUL_MAT" or (node := tensor(pointer)) is None:
            return None
        matrix, inputs = tensor(node.src[0]), tensor(node.src[1])
        if matrix is None or inputs is None or not matrix.name.endswith(b".weight"):
            return None
        rows, width = inputs.ne[1], inputs.ne[0]
        packed = inputs.type == _F32 and inputs.nb[0] == 4 and inputs.nb[1] == 4 * width  # noqa: PLR2004
        flat = inputs.ne[2] == inputs.ne[3] == 1 and rows > 0 and matrix.ne[2] == 1
        return (matrix.name.decode(), inputs, node.src[1]) if packed and flat else None

    @EVAL_CALLBACK
    def callback(pointer: int, ask: bool, _data: object) -> bool:  # noqa: FBT001 - llama.cpp's signature
        found = product(pointer)
        if ask or found is None:
            return not ask or found is not None
        name, inputs, address = found
        values = np.empty((inputs.ne[1], inputs.ne[0]), np.float32)
        read(address, values.ctypes.data, 0, values.nbytes)
        told(name, values)
        return True

    return callback
