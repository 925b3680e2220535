"""What a language's file says, together with what it takes from the language that it extends: TOML alone."""

from __future__ import annotations

import tomllib
from importlib.resources.abc import Traversable
from typing import Any, cast

_OWN = frozenset({"name", "ids", "suffixes", "filenames", "interpreters"})
"""What a language is called and recognised by: never taken from the one that it extends."""


def described(folder: Traversable, stem: str, on_the_way: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a language's file says, with what it says nothing about from the language that it extends.

    Raises:
        ValueError: that is not described, or extends this one.
    """
    entry = folder / f"{stem}.toml"
    if stem in on_the_way or not entry.is_file():
        chain = " -> ".join((*on_the_way, stem))
        raise ValueError(f"A language extends one that isn't described, or itself: {chain}.")
    said = tomllib.loads(entry.read_text(encoding="utf-8"))
    parent = said.pop("extends", None)
    if parent is None:
        return said
    inherited = described(folder, parent, (*on_the_way, stem))
    return merged({key: value for key, value in inherited.items() if key not in _OWN}, said)


def merged(inherited: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Two descriptions as one: tables key by key, of everything else a language's own word."""
    both = {**inherited, **own}
    for key, value in own.items():
        under = inherited.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            both[key] = merged(cast("dict[str, Any]", under), cast("dict[str, Any]", value))
    return both
