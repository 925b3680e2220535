"""Models that other programs keep: found by name, used where they lie, and never believed blindly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.models.library.elsewhere import (
    UserFolders,
    found_elsewhere,
    is_elsewhere,
    resolve_elsewhere,
)

DIGEST = "0123456789abcdef" * 4


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def folders(home: Path, **environment: str) -> UserFolders:
    applications, services = (home / "settings", home / "data"), (home / "services",)
    return UserFolders(home, home / "caches", applications, services, environment)


def put(file: Path, text: str = "GGUF") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def put_ollama(root: Path, tag: str, digest: str = DIGEST) -> Path:
    """A model of Ollama's, with its list."""
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "f" * 64},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"},
    ]
    put(root / "manifests" / tag, json.dumps({"schemaVersion": 2, "layers": layers}))
    return put(root / "blobs" / f"sha256-{digest}")


def names(home: Path, **environment: str) -> list[str]:
    return [each.name for each in found_elsewhere(folders(home, **environment))]


def test_ollama_names_a_model_and_a_tag(home: Path) -> None:
    root = home / ".ollama" / "models"
    blob = put_ollama(root, "registry.ollama.ai/library/qwen2.5-coder/1.5b")
    put_ollama(root, "registry.ollama.ai/somebody/coder/latest")
    put_ollama(root, "hf.co/owner/repository-GGUF/Q8_0")
    assert names(home) == [
        "ollama:hf.co/owner/repository-GGUF:Q8_0",
        "ollama:qwen2.5-coder:1.5b",
        "ollama:somebody/coder:latest",
    ]
    assert resolve_elsewhere("ollama:qwen2.5-coder:1.5b", folders(home)) == blob
    assert resolve_elsewhere("Ollama:somebody/coder", folders(home)) == blob


def test_ollamas_models_may_have_moved(home: Path, tmp_path: Path) -> None:
    put_ollama(tmp_path / "disk", "registry.ollama.ai/library/starcoder2/3b")
    assert names(home, OLLAMA_MODELS=str(tmp_path / "disk")) == ["ollama:starcoder2:3b"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"layers": 5}',
        '{"layers": [5, {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../x"}]}',
        "[" * 100_000,
    ],
)
def test_a_list_that_makes_no_sense_is_passed_over(home: Path, text: str) -> None:
    put(home / ".ollama" / "models" / "manifests" / "registry.ollama.ai" / "library" / "x" / "y", text)
    assert names(home) == []


def test_a_blob_that_vanished_is_said_in_a_sentence(home: Path) -> None:
    blob = put_ollama(home / ".ollama" / "models", "registry.ollama.ai/library/qwen2.5-coder/1.5b")
    blob.unlink()
    assert names(home) == []
    with pytest.raises(ModelProblem, match=r"Ollama has no model 'qwen2.5-coder:1.5b' here"):
        resolve_elsewhere("ollama:qwen2.5-coder:1.5b", folders(home))


def test_lm_studio_has_publishers_and_repositories(home: Path, tmp_path: Path) -> None:
    file = put(home / ".lmstudio" / "models" / "publisher" / "repository" / "coder-q4_k_m.gguf")
    put(file.with_name("mmproj-coder-f16.gguf"))
    put(home / ".lmstudio" / "settings.json", json.dumps({"downloadsFolder": str(tmp_path / "disk")}))
    put(tmp_path / "disk" / "publisher" / "other" / "other-00001-of-00002.gguf")
    put(tmp_path / "disk" / "publisher" / "other" / "other-00002-of-00002.gguf")
    assert names(home) == [
        "lmstudio:publisher/other/other",
        "lmstudio:publisher/repository/coder-q4_k_m",
    ]
    assert resolve_elsewhere("lmstudio:publisher/repository/coder-q4_k_m", folders(home)) == file


def test_llama_cpp_keeps_its_downloads_among_the_systems_caches(home: Path) -> None:
    put(home / "caches" / "llama.cpp" / "ggml-org_coder-q8_0.gguf")
    assert names(home) == ["llama.cpp:ggml-org_coder-q8_0"]


def test_of_hugging_faces_cache_the_main_revision_counts(home: Path) -> None:
    repository = home / ".cache" / "huggingface" / "hub" / "models--Qwen--Qwen2.5-Coder-1.5B-GGUF"
    put(repository / "snapshots" / "aaaaaaa" / "coder-q8_0.gguf")
    new = put(repository / "snapshots" / "bbbbbbb" / "coder-q8_0.gguf")
    small = put(repository / "snapshots" / "bbbbbbb" / "coder-q4_k_m.gguf")
    put(repository / "refs" / "main", "bbbbbbb")
    put(home / ".cache" / "huggingface" / "hub" / "datasets--x--y" / "snapshots" / "c" / "z.gguf")
    here = folders(home)
    assert [each.path for each in found_elsewhere(here)] == [small, new]
    assert resolve_elsewhere("hf:Qwen/Qwen2.5-Coder-1.5B-GGUF:q8_0", here) == new
    assert resolve_elsewhere("hf:qwen/qwen2.5-coder-1.5b-gguf:coder-Q4_K_M.gguf", here) == small
    with pytest.raises(ModelProblem, match="name one of them"):
        resolve_elsewhere("hf:Qwen/Qwen2.5-Coder-1.5B-GGUF", here)


def test_a_revision_that_leads_elsewhere_is_not_followed(home: Path) -> None:
    repository = home / ".cache" / "huggingface" / "hub" / "models--o--r"
    put(repository / "refs" / "main", "../../../../secret")
    put(home / "secret" / "x.gguf")
    assert names(home) == []


def test_jan_calls_a_model_by_its_folder(home: Path) -> None:
    put(home / "data" / "Jan" / "data" / "llamacpp" / "models" / "owner" / "coder" / "model.gguf")
    put(home / "settings" / "Jan" / "data" / "models" / "huggingface.co" / "owner" / "coder" / "coder.gguf")
    assert names(home) == ["jan:huggingface.co/owner/coder/coder", "jan:owner/coder"]


def test_where_nothing_is_nothing_is_found(home: Path) -> None:
    assert names(home) == []
    assert names(home, OLLAMA_MODELS="~nobody/x", HF_HOME="~/y") == []


def test_a_variable_may_begin_at_home(home: Path) -> None:
    put_ollama(home / "models", "registry.ollama.ai/library/coder/1b")
    assert names(home, OLLAMA_MODELS="~/models") == ["ollama:coder:1b"]


def test_ollamas_service_has_models_of_its_own(home: Path) -> None:
    put_ollama(home / "services" / "ollama" / ".ollama" / "models", "registry.ollama.ai/library/coder/1b")
    assert names(home) == ["ollama:coder:1b"]


def test_only_the_names_of_programs_are_theirs() -> None:
    assert is_elsewhere("ollama:x")
    assert is_elsewhere("HF:owner/repository")
    assert not is_elsewhere("ollama")
    assert not is_elsewhere("C:\\models\\ollama.gguf")
    assert not is_elsewhere("./hf/x.gguf")


def test_folders_in_folders_are_left_in_time(home: Path) -> None:
    put(home / ".lmstudio" / "models" / "/".join("d" * 12) / "x.gguf")
    assert names(home) == []
