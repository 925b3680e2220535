"""A release is built and checked by one task, its version stands in one place, and nothing uploads itself."""

from __future__ import annotations

import importlib.util
import json
import re
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
    assert {"audit", "lint", "package", "test", "windows"} <= set(jobs)
    for name, job in jobs.items():
        assert any("run" in step for step in job["steps"]), name


def test_nothing_uploads_by_itself() -> None:
    uploads = re.compile(
        r"twine[\"', ]+upload|npm[\"', ]+publish|(vsce|ovsx)[\"', ]+publish|git[\"', ]+push|gh[\"', ]+release"
    )
    places = [ROOT / "Makefile", *(ROOT / ".ci").iterdir(), *(ROOT / ".github" / "workflows").iterdir()]
    places += [ROOT / "editors" / "vscode" / "package.json", *(ROOT / "editors").glob("*.sh")]
    for path in places:
        if path.is_file():
            assert uploads.search(path.read_text(encoding="utf-8")) is None, path
