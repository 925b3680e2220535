"""The extension's package.json: its settings are the server's, and it claims nothing that isn't there."""

from __future__ import annotations

import json
import os
import re
import runpy
from pathlib import Path
from typing import Any

from foretype.daemon.settings.settings import Settings
from foretype.lsp.session.settings import received, resolve_settings, schema

EXTENSION = Path(__file__).parents[3] / "editors" / "vscode"
PACKAGE = EXTENSION / "package.json"


def contributes() -> dict[str, Any]:
    return json.loads(PACKAGE.read_text(encoding="utf-8"))["contributes"]


def server_settings() -> dict[str, Any]:
    properties: dict[str, Any] = contributes()["configuration"]["properties"]
    sections = tuple(f"foretype.{name}." for name in schema()["properties"])
    return {key: value for key, value in properties.items() if key.startswith(sections)}


def test_the_settings_are_those_of_the_server() -> None:
    now = PACKAGE.read_text(encoding="utf-8")
    wanted: str = runpy.run_path(str(EXTENSION / "schema.py"))["generated"](now)
    if os.environ.get("FORETYPE_UPDATE_GOLDENS"):
        PACKAGE.write_text(wanted, encoding="utf-8")
        return
    assert now == wanted, "refresh it with FORETYPE_UPDATE_GOLDENS=1, or with editors/vscode/schema.py"


def test_the_server_takes_every_default_as_it_stands_in_the_schema() -> None:
    sent: dict[str, Any] = {}
    for key, value in server_settings().items():
        _, section, name = key.split(".")
        sent.setdefault(section, {})[name] = value["default"]
    resolved, complaints = resolve_settings(Settings(), received({"foretype": sent}))
    assert complaints == []
    assert resolved == Settings()


def test_every_setting_says_what_it_is_for() -> None:
    silent = [key for key, value in server_settings().items() if not value["description"]]
    assert silent == []


def test_a_workspace_cannot_choose_what_is_run() -> None:
    properties = contributes()["configuration"]["properties"]
    for key in ("foretype.path", "foretype.package", "foretype.packageIndex", "foretype.python"):
        assert properties[key]["scope"] == "machine"


def test_a_workspace_can_set_what_narrows_and_nothing_else() -> None:
    properties = contributes()["configuration"]["properties"]
    open_to_workspaces = {key for key, value in properties.items() if value["scope"] == "window"}
    assert open_to_workspaces == {
        "foretype.completion.enabled",
        "foretype.completion.disabledLanguages",
        "foretype.workspace.index",
        "foretype.edits.enabled",
    }
    trust = json.loads(PACKAGE.read_text(encoding="utf-8"))["capabilities"]["untrustedWorkspaces"]
    assert set(trust["restrictedConfigurations"]) == properties.keys() - open_to_workspaces
    source = (EXTENSION / "src" / "settings.ts").read_text(encoding="utf-8")
    narrowing = re.search(r"const NARROWING = \[(.*?)\]", source, re.DOTALL)
    assert narrowing is not None
    assert {f"foretype.{name}" for name in re.findall(r'"([\w.]+)"', narrowing[1])} == open_to_workspaces


def test_every_section_of_the_server_reaches_it() -> None:
    source = (EXTENSION / "src" / "settings.ts").read_text(encoding="utf-8")
    sections = re.search(r"const SECTIONS = \[(.*?)\]", source)
    assert sections is not None
    assert set(re.findall(r'"(\w+)"', sections[1])) == schema()["properties"].keys()


def test_every_command_for_people_is_registered() -> None:
    source = (EXTENSION / "src" / "commands.ts").read_text(encoding="utf-8")
    registered = set(re.findall(r'^  "(foretype\.\w+)":', source, re.MULTILINE))
    shown = {command["command"] for command in contributes()["commands"]}
    assert shown <= registered


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
