"""The settings in package.json, generated from the server's classes: `python editors/vscode/schema.py`.

The extension mirrors every setting that the server takes from an editor, under the server's names in camel
case. Only those are touched; the extension's own settings stand in package.json itself. A workspace can set
what narrows foretype and nothing else: all other settings are the user's alone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from foretype.lsp.session.settings import NARROWING, schema

PACKAGE = Path(__file__).with_name("package.json")

_SNAKE = re.compile(r"_([a-z])")
_SCOPES = {"completion": "machine", "edits": "machine", "workspace": "machine", "statistics": "application"}
"""The scope of settings that no workspace can change: some fit the machine, some are the user's choice."""

_FIRST_ORDER = 10
"""The extension's own settings come before."""


def camel_case(name: str) -> str:
    """Make "maxTokens" of "max_tokens"."""
    return _SNAKE.sub(lambda match: match[1].upper(), name)


def _settings() -> dict[str, Any]:
    """`contributes.configuration.properties` for what the server's schema describes."""
    properties: dict[str, Any] = {}
    for section, described in schema()["properties"].items():
        for key, value in described["properties"].items():
            explained = value.get("description", "")
            properties[f"foretype.{section}.{camel_case(key)}"] = {
                **{name: part for name, part in value.items() if name != "description"},
                "scope": "window" if (section, key) in NARROWING else _SCOPES[section],
                "order": _FIRST_ORDER + len(properties),
                "description": explained[:1].upper() + explained[1:],
            }
    return properties


def generated(package: str) -> str:
    """The text of package.json with the server's settings brought up to date, and who may set them."""
    content = json.loads(package)
    configuration = content["contributes"]["configuration"]
    sections = tuple(f"foretype.{section}." for section in schema()["properties"])
    own = {key: value for key, value in configuration["properties"].items() if not key.startswith(sections)}
    configuration["properties"] = {**own, **_settings()}
    scopes = {key: value["scope"] for key, value in configuration["properties"].items()}
    content["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] = [
        key for key, scope in scopes.items() if scope != "window"
    ]
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PACKAGE.write_text(generated(PACKAGE.read_text(encoding="utf-8")), encoding="utf-8")
