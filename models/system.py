"""What the installed llama.cpp is and was compiled for. The one place that doctors and reports ask.

Imports llama_cpp only when asked, and measures nothing.
"""

from __future__ import annotations

import re

import attrs

from ..context.problem import ModelProblem


@attrs.frozen
class SystemInfo:
    """The installed llama.cpp.

    Attributes:
        binding: the version of llama-cpp-python.
        features: what it was compiled with, as llama.cpp spells it ("AVX2", "AVX512_VNNI", "OPENMP" …).
        gpu: it can put layers on a GPU.
    """

    binding: str
    features: tuple[str, ...]
    gpu: bool


def system_info() -> SystemInfo:
    """Ask llama.cpp.

    Raises:
        ModelProblem: it is not installed, or its library cannot be loaded.
    """
    try:
        import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        raise ModelProblem(
            f"llama.cpp cannot be loaded ({error}). Install it anew: "
            "pip install --force-reinstall --no-cache-dir llama-cpp-python"
        ) from error
    text = llama_cpp.llama_print_system_info().decode("utf-8", "replace")
    return SystemInfo(llama_cpp.__version__, enabled(text), bool(llama_cpp.llama_supports_gpu_offload()))


def enabled(text: str) -> tuple[str, ...]:
    """The features that `llama_print_system_info` reports as switched on ("AVX2 = 1 | …"), in its order."""
    return tuple(re.findall(r"(\w+) = [1-9]\d*", text))
