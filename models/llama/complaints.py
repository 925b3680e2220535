"""What llama.cpp's complaints mean for the user, and those of the system about it."""

from __future__ import annotations

from pathlib import Path

from ...context.shared.problem import ModelProblem, reason
from ..gguf.file import too_new


class OutOfMemoryProblem(ModelProblem):
    """There was not enough memory, of the machine or of its GPU."""


_NO_MEMORY = (
    "out of memory",
    "outofdevicememory",
    "failed to allocate",
    "unable to allocate",
    "malloc failed",
    "cannot allocate memory",
    "failed to map segment",  # of a library: the dynamic linker's words
)
_TOO_NEW = ("unknown model architecture", "unknown pre-tokenizer", "unknown type", "invalid ggml type")


def tells_of_memory(said: str) -> bool:
    """Whether llama.cpp complained that there was not enough memory, of the machine or of its GPU."""
    told = said.lower()
    return any(sign in told for sign in _NO_MEMORY)


def no_library(error: BaseException, else_do: str) -> str:
    """The sentences for llama.cpp, or what it takes along, that can't be loaded.

    Args:
        error: what loading it brought.
        else_do: what to do where it isn't for want of memory, as a sentence.
    """
    why = reason(error)
    if tells_of_memory(why):
        return f"There is not enough memory to load llama.cpp ({why}). Close other programs."
    return f"llama.cpp cannot be loaded ({why}). {else_do}"


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
