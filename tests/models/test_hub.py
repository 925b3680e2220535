"""`foretype models pull hf:…` against a Hub of the test's own on loopback: the real client, real HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from foretype.models.library import hub
from foretype.models.library.elsewhere import UserFolders, found_elsewhere
from foretype.models.library.hub import HubFile, chosen_files, pull_from_hub, read_hub_name
from foretype.models.library.receiving import DownloadProblem
from foretype.tests.support.fake_hub import REPOSITORY, FakeHub
from foretype.tests.support.tiny_gguf import tiny_model


class Watched:
    def __init__(self) -> None:
        self.phases: list[str] = []

    def phase(self, text: str, total: int | None) -> None:
        assert total is None or total > 0
        self.phases.append(text)

    def at(self, done: int) -> None:
        pass


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    model = tiny_model("starcoder", tmp_path).read_bytes()
    hub = FakeHub({"coder-q4_k_m.gguf": model, "coder-q8_0.gguf": model + b"\0", "README.md": b"text"})
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    yield hub
    hub.server.shutdown()


@pytest.fixture
def folders(tmp_path: Path) -> UserFolders:
    return UserFolders(
        tmp_path / "home", tmp_path, (), (), environment={"HF_HUB_CACHE": str(tmp_path / "cache")}
    )


def test_a_file_comes_into_the_cache_that_others_share_and_is_found_there(
    fake: FakeHub, folders: UserFolders
) -> None:
    progress = Watched()
    name, path = pull_from_hub(f"hf:{REPOSITORY}", progress, folders)
    assert path.read_bytes() == fake.files["coder-q4_k_m.gguf"]
    assert name == f"hf:{REPOSITORY}:coder-q4_k_m"
    assert [each.name for each in found_elsewhere(folders)] == [name]
    assert progress.phases == ["Downloading coder-q4_k_m.gguf", "Checking coder-q4_k_m.gguf"]


def test_what_is_there_is_not_fetched_again(fake: FakeHub, folders: UserFolders) -> None:
    for _ in range(2):
        pull_from_hub(f"hf:{REPOSITORY}:q8_0", Watched(), folders)
    assert fake.fetched == ["coder-q8_0.gguf"]


def test_what_was_broken_off_is_gone_on_with(
    fake: FakeHub, folders: UserFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)

    class Ended(Watched):
        def at(self, done: int) -> None:
            if done >= 300_000:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_from_hub(f"hf:{REPOSITORY}:q8_0", Ended(), folders)
    assert found_elsewhere(folders) == []
    _, path = pull_from_hub(f"hf:{REPOSITORY}:q8_0", Watched(), folders)
    assert path.read_bytes() == fake.files["coder-q8_0.gguf"]
    assert [int(each.removeprefix("bytes=").rstrip("-")) >= 200_000 for each in fake.ranges] == [True]


def test_a_file_that_was_changed_on_the_way_is_not_kept(fake: FakeHub, folders: UserFolders) -> None:
    fake.sums["coder-q4_k_m.gguf"] = "0" * 64
    with pytest.raises(DownloadProblem, match="SHA-256 is wrong"):
        pull_from_hub(f"hf:{REPOSITORY}:q4_k_m", Watched(), folders)
    assert found_elsewhere(folders) == []


def test_a_file_that_is_no_model_is_said_so(fake: FakeHub, folders: UserFolders) -> None:
    fake.files = {"x.gguf": b"no model"}
    fake.sums = {"x.gguf": hashlib.sha256(b"no model").hexdigest()}
    with pytest.raises(DownloadProblem, match="no usable model"):
        pull_from_hub(f"hf:{REPOSITORY}", Watched(), folders)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, "RepoNotFound", "There is no repository owner/coder-GGUF"),
        (404, "RepoNotFound", "There is no repository owner/coder-GGUF"),
        (403, "GatedRepo", "hf auth login"),
        (500, "", r"HTTP 500"),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(
    fake: FakeHub, folders: UserFolders, status: int, code: str, said: str
) -> None:
    fake.status = status
    fake.headers = {"X_Error_Code": code} if code else {}
    with pytest.raises(DownloadProblem, match=said):
        pull_from_hub(f"hf:{REPOSITORY}", Watched(), folders)


def test_no_network_is_one_sentence(folders: UserFolders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DownloadProblem, match="could not be reached"):
        pull_from_hub(f"hf:{REPOSITORY}", Watched(), folders)


def test_names_on_the_hub() -> None:
    assert read_hub_name("hf:Qwen/Qwen2.5-Coder-1.5B-GGUF") == ("Qwen/Qwen2.5-Coder-1.5B-GGUF", "")
    assert read_hub_name("HF:a/b:q8_0") == ("a/b", "q8_0")
    assert hub.is_hub_name("hf:a/b")
    for odd in ("hf:", "hf:a", "hf:a/b/c", "hf:../x:y", "hf:a/b:"):
        with pytest.raises(DownloadProblem, match="names no file on the Hub"):
            read_hub_name(odd)


def check(files: list[str], wanted: str, chosen: list[str]) -> None:
    """Of a repository with these files, asked for with `wanted`, these are fetched."""
    assert [each.name for each in chosen_files([HubFile(name) for name in files], wanted, "a/b")] == chosen


def test_the_usual_quantisation_is_taken_where_none_is_named() -> None:
    check(["m-q8_0.gguf", "m-q4_k_m.gguf", "README.md"], "", ["m-q4_k_m.gguf"])
    check(["m-q8_0.gguf", "m-fp16.gguf"], "", ["m-q8_0.gguf"])
    check(["m.gguf", "mmproj-m.gguf"], "", ["m.gguf"])


def test_a_part_of_the_name_is_enough_and_all_parts_of_a_file_come() -> None:
    check(["m-q8_0.gguf", "m-q4_k_m.gguf"], "Q8_0", ["m-q8_0.gguf"])
    parts = [f"big/m-q8_0-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    check([*reversed(parts), "m-q4_0.gguf"], "q8_0", parts)


def test_who_may_mean_two_files_is_asked() -> None:
    with pytest.raises(DownloadProblem, match="m-q4_0, m-q4_k_m; name one"):
        check(["m-q4_0.gguf", "m-q4_k_m.gguf"], "q4", [])
    with pytest.raises(DownloadProblem, match="it has m-q4_0"):
        check(["m-q4_0.gguf"], "q9", [])
    with pytest.raises(DownloadProblem, match="no GGUF file"):
        check(["model.safetensors"], "", [])
