"""Memory as it is: what is free, what a model needs, and what is done when a GPU has too little of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.models.engine import loading
from foretype.models.engine.gpu_memory import wanted_layers, with_fewer_layers
from foretype.models.engine.interface import EngineSettings, SpeculationMode
from foretype.models.engine.loading import default_cells, load_engine
from foretype.models.gguf import file as gguf
from foretype.models.gguf import sizes
from foretype.models.llama.complaints import no_library
from foretype.models.llama.llama import Model, OutOfMemoryProblem, why_not_loaded
from foretype.models.machine import memory
from foretype.tests.support import memory_probe
from foretype.tests.support.tiny_gguf import tiny_learned, tiny_mamba, tiny_model

GB = 10**9
V2 = "sys/fs/cgroup"


def check_free(root: Path, expected: int, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    assert memory.available_bytes(root, machine=64 * GB) == expected


def test_without_limits_it_is_what_the_machine_has(tmp_path: Path) -> None:
    check_free(tmp_path, 64 * GB, {})
    check_free(tmp_path, 64 * GB, {"proc/self/cgroup": "0::/", f"{V2}/memory.max": "max"})


def test_a_containers_limit_counts_and_files_in_the_cache_do_not(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/",
        f"{V2}/memory.max": str(4 * GB),
        f"{V2}/memory.current": str(3 * GB),
        f"{V2}/memory.stat": f"anon {GB}\ninactive_file {GB}\nactive_file 5",
    }
    check_free(tmp_path, 2 * GB, files)


def test_the_tightest_of_the_groups_above_counts(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/batch/job",
        f"{V2}/batch/memory.max": str(2 * GB),
        f"{V2}/batch/memory.current": str(GB),
        f"{V2}/batch/job/memory.max": str(8 * GB),
        f"{V2}/batch/job/memory.current": "0",
    }
    check_free(tmp_path, GB, files)


@pytest.mark.parametrize(("limit", "free"), [(4 * GB, 3 * GB), (9223372036854771712, 64 * GB), (GB // 2, 0)])
def test_control_groups_of_version_one(tmp_path: Path, limit: int, free: int) -> None:
    folder = f"{V2}/memory/docker/12"
    files = {
        "proc/self/cgroup": "5:memory:/docker/12",
        f"{folder}/memory.limit_in_bytes": str(limit),
        f"{folder}/memory.usage_in_bytes": str(GB + 7),
        f"{folder}/memory.stat": "cache 9\ntotal_inactive_file 7",
    }
    check_free(tmp_path, free, files)


@pytest.mark.parametrize("text", ["", "nonsense", "-1"])
def test_what_cannot_be_read_limits_nothing(tmp_path: Path, text: str) -> None:
    check_free(tmp_path, 64 * GB, {"proc/self/cgroup": "0::/", f"{V2}/memory.max": text})


def head(tmp_path: Path, **extra: int) -> gguf.GgufFile:
    named = {f"llama.{key.replace('__', '.')}": value for key, value in extra.items()}
    return gguf.read_gguf(tiny_model("starcoder", tmp_path, extra=named))


def test_a_cache_has_the_width_that_the_file_says(tmp_path: Path) -> None:
    """Many models have heads that are wider, or narrower, than their share of the embedding."""
    plain = head(tmp_path)
    wide = head(tmp_path, attention__key_length=128, attention__value_length=64)
    assert sizes.cache_bytes(plain, 100) == 100 * 2 * 2 * 2 * (16 + 16)
    assert sizes.cache_bytes(wide, 100) == 100 * 2 * 2 * 2 * (128 + 64)
    assert sizes.cache_bytes(wide, 100, eight_bits=True) == 100 * 2 * 2 * (128 + 64) * 34 // 32


def test_the_cells_that_are_checked_are_the_cells_that_are_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny_model("starcoder", tmp_path)
    asked: list[int] = []

    def check(file: gguf.GgufFile, free: int, cells: int, beside: int, **how: Any) -> None:
        asked.append(cells)
        gguf.check_memory(file, free, cells, beside, **how)

    monkeypatch.setattr(loading, "check_memory", check)
    engine = load_engine(path, EngineSettings(threads=1), lambda _part: None)
    assert asked == [engine.info().context_tokens]
    engine.close()


def test_a_small_container_gets_a_small_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = head(tmp_path, attention__key_length=4096, attention__value_length=4096)
    monkeypatch.setattr(memory, "available_bytes", lambda: 64 * GB)
    assert default_cells(file) == 8192
    monkeypatch.setattr(memory, "available_bytes", lambda: GB)
    assert default_cells(file) == 3048 // 256 * 256
    with pytest.raises(ModelProblem, match="are free"):
        gguf.check_memory(file, GB // 8, default_cells(file))


def test_a_draft_model_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tiny_model("starcoder", tmp_path)
    needed = sizes.memory_needed(gguf.read_gguf(file), 2048)
    monkeypatch.setattr(memory, "available_bytes", lambda: needed + 10_000_000)
    plain = EngineSettings(context_tokens=2048, threads=1)
    load_engine(file, plain, lambda _part: None).close()
    drafting = EngineSettings(context_tokens=2048, threads=1, speculation=SpeculationMode.ALWAYS, draft=file)
    with pytest.raises(ModelProblem, match="are free"):
        load_engine(file, drafting, lambda _part: None)


SHAPES: dict[str, Callable[[Path], Path]] = {
    "llama, every head with keys of its own": lambda folder: tiny_model(
        "starcoder", folder, layers=8, embedding=512, heads=8, key_value_heads=8, feed_forward=2048
    ),
    "llama, heads that share keys": lambda folder: tiny_model(
        "deepseek-coder", folder, layers=4, embedding=1024, heads=16, feed_forward=4096
    ),
    "llama, heads wider than their share": lambda folder: tiny_model(
        "refact", folder, layers=6, heads=8, key_value_heads=8, head_width=128, tied=True
    ),
    "starcoder": lambda folder: tiny_learned("starcoder", folder, context=8192, embedding=512),
    "mamba": lambda folder: tiny_mamba("starcoder", folder, layers=8, embedding=384, state=128),
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere resident memory counts other things")
@pytest.mark.parametrize("shape", SHAPES)
def test_the_estimate_is_what_a_process_takes(shape: str, tmp_path: Path) -> None:
    """Within a tenth; the shapes are large enough that Python's own part does not decide."""
    assert memory_probe.error(SHAPES[shape](tmp_path)) < 0.1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere resident memory counts other things")
def test_the_estimate_of_a_draft_model_is_what_it_takes(tmp_path: Path) -> None:
    file = tiny_model("starcoder", tmp_path, layers=4, embedding=512, heads=8, feed_forward=1024)
    draft = tiny_model("starcoder", tmp_path, embedding=256)
    assert memory_probe.error(file, draft) < 0.1


def states(tmp_path: Path, **metadata: int | tuple[int, ...]) -> int:
    file = gguf.read_gguf(tiny_model("starcoder", tmp_path))
    named = {f"x.{key.replace('__', '.')}": value for key, value in metadata.items()}
    return sizes.state_bytes(attrs.evolve(file, metadata={"general.architecture": "x", **named}), 24)


def test_states_of_recurrent_layers_are_counted_for_every_sequence(tmp_path: Path) -> None:
    """A published hybrid of each kind: Granite 4 tiny, LFM2 350M, Qwen3-Next; and RWKV 6."""
    granite = states(
        tmp_path,
        block_count=40,
        embedding_length=1536,
        attention__head_count_kv=(0,) * 36 + (4,) * 4,
        ssm__inner_size=3072,
        ssm__state_size=128,
        ssm__group_count=1,
        ssm__conv_kernel=4,
    )
    assert granite == 24 * 36 * 4 * (3 * (3072 + 256) + 128 * 3072)
    liquid = states(
        tmp_path,
        block_count=16,
        embedding_length=1024,
        attention__head_count_kv=(0,) * 10 + (8,) * 6,
        shortconv__l_cache=3,
    )
    assert liquid == 24 * 10 * 4 * 2 * 1024
    delta = states(
        tmp_path,
        block_count=48,
        embedding_length=2048,
        full_attention_interval=4,
        attention__head_count_kv=2,
        ssm__inner_size=4096,
        ssm__state_size=128,
        ssm__group_count=16,
        ssm__conv_kernel=4,
    )
    assert delta == 24 * 36 * 4 * (3 * (4096 + 2 * 16 * 128) + 128 * 4096)
    rwkv = states(tmp_path, block_count=24, embedding_length=2048, wkv__head_size=64)
    assert rwkv == 24 * 24 * 4 * (2 * 2048 + 64 * 2048)
    assert states(tmp_path, block_count=2, embedding_length=64) == 0


@pytest.mark.parametrize(
    ("fits", "tried"), [(33, [33]), (16, [33, 16]), (5, [33, 16, 8, 4]), (0, [33, 16, 8, 4, 2, 1, 0])]
)
def test_fewer_layers_are_tried_by_halves(fits: int, tried: list[int]) -> None:
    seen: list[int] = []

    def start(layers: int) -> str:
        seen.append(layers)
        if layers > fits:
            raise OutOfMemoryProblem("too much")
        return "started"

    assert with_fewer_layers(start, 33) == ("started", tried[-1])
    assert seen == tried


@pytest.mark.parametrize("problem", [OutOfMemoryProblem("too much"), ModelProblem("damaged")])
def test_what_fewer_layers_cannot_help_is_said_at_once(problem: ModelProblem) -> None:
    tried: list[int] = []

    def start(layers: int) -> str:
        tried.append(layers)
        raise problem

    with pytest.raises(type(problem), match=str(problem)):
        with_fewer_layers(start, 4)
    assert tried == ([4, 2, 1, 0] if isinstance(problem, OutOfMemoryProblem) else [4])


@pytest.mark.parametrize(
    ("setting", "on_gpu", "wanted"), [(-1, True, 25), (10, True, 10), (99, True, 25), (-1, False, 0)]
)
def test_layers_are_wanted_where_there_is_a_gpu(setting: int, on_gpu: bool, wanted: int) -> None:
    assert wanted_layers(setting, 25, on_gpu) == wanted


def test_a_gpu_that_is_nearly_full_runs_a_part_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers: list[int] = []

    def crowded(path: Path, *, gpu_layers: int, **rest: Any) -> Model:
        layers.append(gpu_layers)
        if gpu_layers > 1:
            raise OutOfMemoryProblem("cudaMalloc failed: out of memory")
        return Model(path, gpu_layers=0, **rest)

    monkeypatch.setattr(loading, "supports_gpu", lambda: True)
    monkeypatch.setattr(loading, "Model", crowded)
    engine = load_engine(tiny_model("starcoder", tmp_path), EngineSettings(threads=1), lambda _part: None)
    assert layers == [3, 1]
    assert "1 of 3 layers" in engine.info().note
    engine.close()


@pytest.mark.parametrize(
    "said",
    [
        "alloc_buffer: allocating 4096.00 MiB on device 0: cudaMalloc failed: out of memory",
        "alloc_tensor_range: failed to allocate Vulkan0 buffer of size 4294967296",
        "llama_model_load: error loading model: unable to allocate CUDA0 buffer",
        "ggml_vulkan: Device memory allocation failed. ErrorOutOfDeviceMemory",
        "llama_model_load: error loading model: mmap failed: Cannot allocate memory",
    ],
)
def test_what_llama_cpp_says_of_memory_is_understood(said: str) -> None:
    problem = why_not_loaded(Path("m.gguf"), said)
    assert isinstance(problem, OutOfMemoryProblem)
    assert "memory" in str(problem)


@pytest.mark.parametrize(
    "said",
    ["error loading model: unknown model architecture: 'qwen9'", "unknown pre-tokenizer type: 'qwen9'"],
)
def test_a_model_of_the_future_needs_a_newer_llama_cpp(said: str) -> None:
    problem = why_not_loaded(Path("m.gguf"), said)
    assert not isinstance(problem, OutOfMemoryProblem)
    assert "newer" in str(problem)
    assert "pip install --upgrade llama-cpp-python" in str(problem)


def importing_failed(said: str) -> ImportError:
    """As numpy says it: pages of advice around what the dynamic linker said."""
    advice = ImportError("\n\nIMPORTANT: PLEASE READ THIS!\n\nImporting the numpy C-extensions failed.\n")
    advice.__cause__ = ImportError(said)
    return advice


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("libopenblas.so: failed to map segment from shared object", "not enough memory to load llama.cpp"),
        ("libgomp.so.1: cannot open shared object file:\n  No such file", "Install it anew."),
    ],
)
def test_a_library_that_cannot_be_loaded_is_one_line_that_says_why(said: str, words: str) -> None:
    sentence = no_library(importing_failed(said), "Install it anew.")
    assert "\n" not in sentence
    assert said.split(":", maxsplit=1)[0] in sentence
    assert words in sentence
    assert "IMPORTANT" not in sentence


def test_anything_else_sends_to_the_file_itself() -> None:
    assert "foretype models info" in str(why_not_loaded(Path("m.gguf"), "tensor 'x' has wrong shape"))


@pytest.mark.parametrize(
    ("llama", "refused"),
    [("0.3.36", True), ("0.3.20", True), ("0.3.37", False), ("0.3.36+cu124", True), ("0.4.0", False)],
)
def test_a_newer_llama_cpp_decides_itself_which_architectures_it_knows(
    tmp_path: Path, llama: str, refused: bool
) -> None:
    file = gguf.read_gguf(tiny_model("deepseek-coder", tmp_path, tied=True, architecture="qwen9"))
    if not refused:
        gguf.check_architecture(file, llama)
        return
    with pytest.raises(ModelProblem, match="needs a newer one"):
        gguf.check_architecture(file, llama)


def test_an_unknown_architecture_that_llama_cpp_refuses_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newer(_installed: str | None) -> bool:
        return True

    monkeypatch.setattr(gguf, "_newer_than_known", newer)
    path = tiny_model("starcoder", tmp_path, architecture="qwen9")
    with pytest.raises(ModelProblem, match="needs a newer one"):
        load_engine(path, EngineSettings(threads=1), lambda _part: None)
