"""A release is built and checked by one task, its version stands in one place, and nothing uploads itself."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """The script, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("MIT License", True),
        ("Apache-2.0 OR BSD-2-Clause", True),
        ("BSD License; Apache Software License", True),
        ("GPL-3.0 OR MIT", True),
        ("MIT AND Apache-2.0", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("GPL-3.0", False),
        ("MIT AND GPL-2.0", False),
        ("UNKNOWN", False),
        ("GNU Affero General Public License v3", False),
        ("LIMITED", False),
    ],
)
def test_which_licences_may_come_along(release: ModuleType, licence: str, allowed: bool) -> None:
    wrong = release.wrong_licences([{"Name": "one", "License": licence}])
    assert wrong == ([] if allowed else [f"one ({licence})"])


@pytest.mark.parametrize(
    ("changelog", "word"),
    [
        ("## Unreleased\n\n- a\n", "no heading"),
        ("## Unreleased\n\n- a\n\n## 1.2.0 (2030-01-02)\n\n- b\n", "still has entries"),
        ("## Unreleased\n\n## 1.2.0 (2030-01-02)\n\n- b\n", ""),
        ("## 1.2.0 (2030-01-02)\n", ""),
        ("## 1.2.0\n", "no heading"),
    ],
)
def test_the_changelog_has_to_know_the_release(release: ModuleType, changelog: str, word: str) -> None:
    said = release.missing_from(changelog, "1.2.0")
    assert word in said
    assert bool(said) == bool(word)


def test_entries_that_are_not_put_together_stop_a_release(release: ModuleType) -> None:
    changelog = "## Unreleased\n\n## 1.2.0 (2030-01-02)\n\n- b\n"
    assert "make changelog" in release.missing_from(changelog, "1.2.0", ["one.fixed.md"])


def test_every_entry_of_the_changelog_is_named_as_it_must_be(release: ModuleType) -> None:
    """Another name would be left out of the changelog in silence."""
    there = {path.name for path in (ROOT / "changes").iterdir()}
    assert there - {"README.md", "template.md.jinja"} == set(release.changes())
    for name in release.changes():
        assert (ROOT / "changes" / name).read_text(encoding="utf-8").strip().endswith(".")


def test_the_entries_become_the_newest_part_of_the_changelog(tmp_path: Path) -> None:
    if importlib.util.find_spec("towncrier") is None:
        pytest.skip("towncrier is not here: 'make install' brings it")
    (tmp_path / "changes").mkdir()
    for name in ("changes/template.md.jinja", "pyproject.toml", "CHANGELOG.md"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "changes" / "one.added.md").write_text("A thing that is new.\nIt has two lines.\n")
    (tmp_path / "changes" / "two.fixed.md").write_text("What was wrong is right.\n")
    command = [
        sys.executable,
        "-m",
        "towncrier",
        "build",
        "--yes",
        "--version",
        "9.9.9",
        "--date",
        "2030-01-02",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    newest = (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8").partition("<!-- entries -->\n")[2]
    assert newest.startswith(
        "\n## 9.9.9 (2030-01-02)\n\n### Added\n- A thing that is new.\n  It has two lines.\n\n"
        "### Fixed\n- What was wrong is right.\n"
    )
    assert "## Unreleased" in newest


def test_the_plugins_archive_is_the_same_bytes_whenever_it_is_packed(
    release: ModuleType, tmp_path: Path
) -> None:
    packed: list[bytes] = []
    for turn in (1, 2):
        folder = tmp_path / str(turn) / "plugin"
        for name in ("lua/one.lua", "doc/one.txt", ".git/HEAD"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name, encoding="utf-8")
            os.utime(folder / name, (turn, turn))
        archive = tmp_path / str(turn) / "foretype-neovim-1.tar.gz"
        release.pack_plugin(folder, archive)
        packed.append(archive.read_bytes())
    assert packed[0] == packed[1]
    with tarfile.open(fileobj=io.BytesIO(packed[0])) as held:
        assert held.getnames() == ["foretype-neovim-1/doc/one.txt", "foretype-neovim-1/lua/one.lua"]


def test_the_version_stands_in_one_place(release: ModuleType) -> None:
    number = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert release.version() == number
    manifest = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text(encoding="utf-8"))
    assert manifest["version"] == "0.0.0"  # package.mjs puts the one of pyproject.toml in its place


@pytest.mark.parametrize(
    "file", sorted((ROOT / ".github" / "workflows").iterdir()), ids=lambda file: file.name
)
def test_the_workflow_can_be_read_and_every_job_does_something(file: Path) -> None:
    jobs = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]
    expected = {"checks": {"audit", "lint", "package", "test", "windows"}, "release": {"release"}}
    assert expected[file.stem] <= set(jobs)
    for name, job in jobs.items():
        assert any("run" in step for step in job["steps"]), name


def test_a_release_is_attested_when_a_person_starts_it_and_not_otherwise() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    assert list(workflow[True]) == ["workflow_dispatch"], "YAML takes the word on for true"
    steps = workflow["jobs"]["release"]["steps"]
    attested = next(each for each in steps if "attest-build-provenance" in each.get("uses", ""))
    assert attested["with"]["subject-path"] == "build/release/*"
    assert steps.index(attested) > next(
        at for at, each in enumerate(steps) if "make release" in each.get("run", "")
    )


def test_nothing_uploads_by_itself() -> None:
    uploads = re.compile(
        r"twine[\"', ]+upload|npm[\"', ]+publish|(vsce|ovsx)[\"', ]+publish|git[\"', ]+push|gh[\"', ]+release"
    )
    places = [ROOT / "Makefile", *(ROOT / ".ci").iterdir(), *(ROOT / ".github" / "workflows").iterdir()]
    places += [ROOT / "editors" / "vscode" / "package.json", *(ROOT / "editors").glob("*.sh")]
    for path in places:
        if path.is_file():
            assert uploads.search(path.read_text(encoding="utf-8")) is None, path
