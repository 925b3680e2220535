"""A GPU that nobody uses is seen, and the sentence says how to compile llama.cpp for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from foretype.models.llama.system import how_to_accelerate, unused_gpu


@pytest.mark.parametrize(
    ("files", "system", "machine", "backend"),
    [
        (["proc/driver/nvidia/version"], "linux", "x86_64", "CUDA"),
        (["dev/nvidiactl", "dev/kfd"], "linux", "x86_64", "CUDA"),
        (["dev/kfd"], "linux", "x86_64", "Vulkan"),
        (["dev/dri/renderD128"], "linux", "x86_64", ""),
        ([], "linux", "x86_64", ""),
        ([], "darwin", "arm64", "Metal"),
        ([], "darwin", "x86_64", ""),
        ([], "win32", "AMD64", ""),
    ],
)
def test_a_gpu_is_seen(tmp_path: Path, files: list[str], system: str, machine: str, backend: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert unused_gpu(tmp_path, system, machine) == backend


@pytest.mark.parametrize(
    ("backend", "option", "wheels"),
    [
        ("CUDA", "-DGGML_CUDA=on", "Pre-built Wheel"),
        ("Metal", "-DGGML_METAL=on", "Pre-built Wheel"),
        ("Vulkan", "-DGGML_VULKAN=on", ""),
    ],
)
def test_the_sentence_says_what_to_do(backend: str, option: str, wheels: str) -> None:
    said = how_to_accelerate(backend)
    assert f"CMAKE_ARGS={option} pip install" in said
    assert "foretype bench" in said
    assert ("compiled wheels" in said) is bool(wheels)
    assert wheels in said
