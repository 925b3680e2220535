"""Writes one model's name into the user's configuration file and leaves everything else as it stands."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from ...context.shared.atomic import rewrite
from ...context.shared.problem import Problem

_SECTION = re.compile(r"^\s*\[\s*model\s*\]\s*(#.*)?$")
_ANY_SECTION = re.compile(r"^\s*\[")
_NAME = re.compile(r"^\s*name\s*=")
_PATH = re.compile(r"^\s*path\s*=")


def write_model(file: Path, name: str) -> None:
    """Make `name` the model of the configuration, replacing the file atomically.

    Raises:
        Problem: the file cannot be read or written, or would not say what it should.
    """
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        changed = with_model(text, name)
        rewrite(file, changed.encode())
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"The configuration {file} cannot be changed ({error}).") from error


def with_model(text: str, name: str) -> str:
    """A configuration's text with another model in it; a `path` there is commented out.

    Raises:
        Problem: the result would not be TOML that says so.
    """
    line = f"name = {json.dumps(name, ensure_ascii=False)}"
    lines = text.splitlines()
    section = next((number for number, one in enumerate(lines) if _SECTION.match(one)), None)
    if section is None:
        lines += ([""] if lines else []) + ["[model]", line]
    else:
        end = next(
            (number for number in range(section + 1, len(lines)) if _ANY_SECTION.match(lines[number])),
            len(lines),
        )
        body = [
            f"# {one}" if _PATH.match(one) else one
            for one in lines[section + 1 : end]
            if not _NAME.match(one)
        ]
        lines[section + 1 : end] = [line, *body]
    changed = "\n".join(lines) + "\n"
    try:
        model = tomllib.loads(changed).get("model", {})
    except tomllib.TOMLDecodeError as error:
        raise Problem(
            f"The configuration would not be TOML any more ({error}). Change it by hand."
        ) from error
    if model.get("name") != name or "path" in model:
        raise Problem("The configuration says something else about the model. Change it by hand.")
    return changed
