"""What llama.cpp's complaints mean for the user."""

from __future__ import annotations

from pathlib import Path

from ...context.shared.problem import ModelProblem
from ..gguf.file import too_new


class OutOfMemoryProblem(ModelProblem):
    """There was not enough memory, of the machine or of its GPU."""


_NO_MEMORY = (
    "out of memory",
    "outofdevicememory",
    "failed to allocate",
    "unable to allocate",
    "malloc failed",
)
_TOO_NEW = ("unknown model architecture", "unknown pre-tokenizer", "unknown type", "invalid ggml type")


def tells_of_memory(said: str) -> bool:
    """Whether llama.cpp complained that there was not enough memory, of the machine or of its GPU."""
    told = said.lower()
    return any(sign in told for sign in _NO_MEMORY)


def why_not_loaded(path: Path, said: str) -> ModelProblem:
    """The problem for a model that llama.cpp did not load, from what it complained about."""
    told = said.lower()
    if tells_of_memory(said):
        return OutOfMemoryProblem(
            f"There is not enough memory to load {path}. Close other programs, or choose a smaller model or "
            "quantisation."
        )
    if any(sign in told for sign in _TOO_NEW):
        return ModelProblem(too_new(path, "is of a kind"))
    return ModelProblem(
        f"llama.cpp could not load {path}. Check it with 'foretype models info {path}', "
        "or pull the model again."
    )
