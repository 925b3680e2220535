"""What the installed llama.cpp is, what it was compiled for, and whether that is this processor.

The one place that loading, doctors and reports ask.

Loads llama.cpp only when asked, and measures nothing.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import attrs

from .library import c

_FLAGS = {
    # as llama.cpp spells it: as the system spells it
    "SSE3": "pni",
    "SSSE3": "ssse3",
    "AVX": "avx",
    "AVX2": "avx2",
    "FMA": "fma",
    "F16C": "f16c",
    "BMI2": "bmi2",
    "AVX_VNNI": "avx_vnni",
    "AVX512": "avx512f",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AMX_INT8": "amx_int8",
    "NEON": "asimd",
    "DOTPROD": "asimddp",
    "MATMUL_INT8": "i8mm",
    "SVE": "sve",
}


@attrs.frozen
class SystemInfo:
    """The installed llama.cpp.

    Attributes:
        binding: whose it is, with its version, for people.
        features: what it was compiled with, as llama.cpp spells it ("AVX2", "AVX512_VNNI", "OPENMP" …).
        gpu: it can put layers on a GPU.
    """

    binding: str
    features: tuple[str, ...]
    gpu: bool


def system_info() -> SystemInfo:
    """Ask llama.cpp.

    Raises:
        ModelProblem: there is none, or its library cannot be loaded or used.
    """
    text = c.llama_print_system_info().decode("utf-8", "replace")
    return SystemInfo(str(c.title), enabled(text), bool(c.llama_supports_gpu_offload()))


def enabled(text: str) -> tuple[str, ...]:
    """The features that `llama_print_system_info` reports as switched on ("AVX2 = 1 | …"), in its order."""
    return tuple(re.findall(r"(\w+) = [1-9]\d*", text))


def processor_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> tuple[str, ...]:
    """What this processor can do, as llama.cpp spells it; () where the system does not tell."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    present = set(flags[1].split()) if flags else set[str]()
    return tuple(ours for ours, theirs in _FLAGS.items() if theirs in present)


_BACKENDS = {"CUDA": "-DGGML_CUDA=on", "Metal": "-DGGML_METAL=on", "Vulkan": "-DGGML_VULKAN=on"}
_COMPILED = frozenset({"CUDA", "Metal"})
"""The backends that its project publishes compiled wheels for."""


def unused_gpu(root: Path = Path("/"), system: str = sys.platform, machine: str | None = None) -> str:
    """The backend that a GPU of this machine would want: "CUDA", "Metal", "Vulkan", or "" where none is seen.

    A GPU inside the processor is not counted: with its memory llama.cpp is seldom faster.

    Args:
        root: where proc and dev lie.
        system: as `sys.platform` names it.
        machine: as Python names the kind of processor; None asks.
    """
    if system == "darwin":
        return "Metal" if (machine or platform.machine()) == "arm64" else ""
    if (root / "proc/driver/nvidia/version").exists() or (root / "dev/nvidiactl").exists():
        return "CUDA"
    return "Vulkan" if (root / "dev/kfd").exists() else ""


def how_to_accelerate(backend: str) -> str:
    """The sentence that says how llama.cpp is compiled for a GPU, or where compiled wheels are."""
    ready = (
        " Its project publishes compiled wheels: its README, under 'Pre-built Wheel', names their index."
        if backend in _COMPILED
        else ""
    )
    return (
        f"There is a GPU, and llama.cpp was compiled without {backend}. Compile it with it: "
        f"CMAKE_ARGS={_BACKENDS[backend]} pip install --force-reinstall --no-cache-dir "
        f"--no-binary llama-cpp-python llama-cpp-python && foretype daemon stop.{ready} "
        "'foretype bench' says what that is worth."
    )


def foreign(compiled: Iterable[str], has: Iterable[str]) -> str:
    """What to do about a llama.cpp that was compiled for another processor, or "".

    It happens where an image or a home folder moved, and its first instruction that this processor lacks
    would end the process. Where the system does not tell what the processor can do, nothing is said.

    Args:
        compiled: what llama.cpp was compiled with (`SystemInfo.features`).
        has: what the processor can do (`processor_features`).
    """
    here = set(has)
    missing = [feature for feature in compiled if feature in _FLAGS and feature not in here]
    if not here or not missing:
        return ""
    return (
        f"llama.cpp was compiled for another processor: this one lacks {', '.join(missing)}. Compile it "
        "here: pip install --force-reinstall --no-cache-dir --no-binary llama-cpp-python llama-cpp-python"
    )
