"""The packed extension: ready for a registry, with the project's version and without its sources."""

from __future__ import annotations

import json
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
VSIX = ROOT / "editors" / "vscode" / "dist" / "foretype.vsix"


@pytest.fixture(scope="module")
def packed() -> zipfile.ZipFile:
    if not VSIX.exists():
        pytest.skip("needs the packed extension: 'make vscode' makes it")
    return zipfile.ZipFile(VSIX)


def manifest(packed: zipfile.ZipFile) -> dict[str, Any]:
    return json.loads(packed.read("extension/package.json"))


def test_its_version_is_the_projects(packed: zipfile.ZipFile) -> None:
    number = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert manifest(packed)["version"] == number


def test_it_has_what_a_registry_shows(packed: zipfile.ZipFile) -> None:
    said = manifest(packed)
    for key in (
        "name",
        "publisher",
        "displayName",
        "description",
        "license",
        "icon",
        "categories",
        "keywords",
    ):
        assert said[key], key
    held = set(packed.namelist())
    assert f"extension/{said['icon']}" in held
    assert {"extension/readme.md", "extension/changelog.md", "extension/dist/LICENSE"} <= held
    assert b"## Unreleased" in packed.read("extension/changelog.md")


def test_every_command_that_people_see_is_one_of_the_programs(packed: zipfile.ZipFile) -> None:
    program = packed.read("extension/dist/extension.js").decode("utf-8")
    for command in manifest(packed)["contributes"]["commands"]:
        assert f'"{command["command"]}"' in program


def test_no_source_and_no_test_is_in_it(packed: zipfile.ZipFile) -> None:
    assert [name for name in packed.namelist() if name.endswith((".ts", ".map", ".mjs"))] == []
    assert not any("node_modules" in name for name in packed.namelist())
