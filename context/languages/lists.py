"""Lists of names that stand beside a language's own file: what frameworks and well-known headers bring.

This module reads the files. Whether a name of theirs is known in some place isn't decided here.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any

import attrs

_FOLDER = resources.files(__package__ or "")


@attrs.frozen
class World:
    """What a framework brings without an import.

    Attributes:
        marks: texts of which a document, its path or its workspace has one where the framework is in use;
            empty where its names are known everywhere.
        names: the names.
    """

    marks: tuple[str, ...]
    names: frozenset[str]


@functools.cache
def worlds(file: str) -> tuple[World, ...]:
    """What frameworks bring, from a file with a table for each; none without a file."""
    read = _read(file) if file else {}
    return tuple(
        World(tuple(each.get("marks", ())), frozenset(each["names"].split())) for each in read.values()
    )


@functools.cache
def headers(files: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """What well-known headers bring, from files with the names of each."""
    return {header: frozenset(names.split()) for file in files for header, names in _read(file).items()}


@functools.cache
def in_headers(files: tuple[str, ...]) -> frozenset[str]:
    """All names that well-known headers bring, whichever a text includes: those include one another."""
    return frozenset[str]().union(*headers(files).values())


def _read(file: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / file).read_text(encoding="utf-8"))
