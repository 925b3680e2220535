"""Has llama.cpp write a model in another file type. Which one is worth having is `tune`'s decision."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .library import c
from .llama import pass_on


def quantise(
    source: Path,
    target: Path,
    file_type: int,
    threads: int,
    overrides: Sequence[tuple[str, int]] = (),
    *,
    importance: Mapping[str, npt.NDArray[np.float32]] | None = None,
) -> bool:
    """Write the model `source` in another file type.

    Args:
        source: any GGUF, quantised or not.
        target: the new file.
        file_type: llama.cpp's `llama_ftype`.
        threads: that compute.
        overrides: regular expressions for names of tensors, and the `ggml_type` that those get.
        importance: of the columns of matrices, shape (width,) each; see the module of that name.

    Returns:
        False when llama.cpp could not; a part of `target` may then exist.
    """
    params = c.llama_model_quantize_default_params()
    params.ftype = file_type
    params.nthread = threads
    params.allow_requantize = True
    # In both tables the last, empty entry is the end.
    types = (c.llama_model_tensor_override * (len(overrides) + 1))()
    for entry, (pattern, kind) in zip(types, overrides, strict=False):
        entry.pattern, entry.type = pattern.encode(), kind
    if overrides:
        params.tt_overrides = ctypes.pointer(types[0])
    weights = [(name, np.ascontiguousarray(each, np.float32)) for name, each in (importance or {}).items()]
    matrices = (c.llama_model_imatrix_data * (len(weights) + 1))()
    for entry, (name, values) in zip(matrices, weights, strict=False):
        entry.name, entry.size = name.encode(), values.size
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    if weights:
        params.imatrix = ctypes.pointer(matrices[0])
    code = int(c.llama_model_quantize(str(source).encode(), str(target).encode(), params))
    pass_on(expected=code != 0)
    return code == 0 and target.is_file()
