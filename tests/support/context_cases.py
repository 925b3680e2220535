"""Golden cases of `context/`: TOML files of sources with a marked cursor, and what should come of them.

Run the tests with FORETYPE_UPDATE_GOLDENS=1 to write what comes of them today into the files; then read the
difference before you commit it.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

FOLDER = Path(__file__).resolve().parents[1] / "context" / "cases"
Fields = dict[str, Any]


@attrs.frozen
class Case:
    """One case: the file it stands in, its language, and its fields."""

    file: Path
    language: str
    fields: Fields = attrs.field(hash=False)

    def __str__(self) -> str:
        return f"{self.file.stem}: {self.fields['name']}"


def cases(prefix: str) -> list[Case]:
    """The cases of all files whose names begin with `prefix`; the rest of the name is the language."""
    found = list(_read(prefix))
    if not found:
        raise FileNotFoundError(f"there are no cases {prefix}_*.toml in {FOLDER}")
    return found


def _read(prefix: str) -> Iterator[Case]:
    for file in sorted(FOLDER.glob(f"{prefix}_*.toml")):
        for fields in tomllib.loads(file.read_text(encoding="utf-8"))["case"]:
            yield Case(file, file.stem.removeprefix(f"{prefix}_"), fields)


def check(case: Case, actual: Fields) -> None:
    """Compare what came out with what the case expects, field by field; absent fields expect ""/0/[]."""
    expected = {name: case.fields.get(name, type(value)()) for name, value in actual.items()}
    if os.environ.get("FORETYPE_UPDATE_GOLDENS") and expected != actual:
        _rewrite(case.file, case.fields["name"], actual)
        return
    assert actual == expected


def _rewrite(file: Path, name: str, actual: Fields) -> None:
    listed: list[Fields] = tomllib.loads(file.read_text(encoding="utf-8"))["case"]
    for fields in listed:
        if fields["name"] == name:
            fields.update(actual)
            for key in [key for key, value in fields.items() if not value and key in actual]:
                del fields[key]
    file.write_text("\n".join(_written(fields) for fields in listed), encoding="utf-8")


def _written(fields: Fields) -> str:
    lines = ["[[case]]"]
    for key, value in fields.items():
        multiline = isinstance(value, str) and "\n" in value and _plain(value)
        lines.append(f"{key} = '''\n{value}'''" if multiline else f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> bool:
    return "'''" not in text and "\r" not in text and not text.endswith("'")


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


Runner = Callable[[Case], Fields]
