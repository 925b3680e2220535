"""What is known of a workspace when an import is looked for, and the question itself. Decides nothing."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable
from typing import Protocol

import attrs

from ..syntax.snapshot import Snapshot
from ..workspace.symbols import Symbol
from .library import Library
from .values import Import, Mention, Statement

_MANIFEST = "package.json"
_DEPENDENCIES = ("dependencies", "devDependencies", "peerDependencies")
_MOST_HEADERS = 500
TOP_LEVEL = frozenset({"function", "class", "constant", "type", "interface", "struct", "enum"})
"""Kinds of symbols that another file can import."""

LEFT_OUT = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec|fixtures|node_modules|vendor|dist|build|examples?)(?:/|$)|[._](?:test|spec)\."
)
"""Paths of what nobody imports from outside."""


class Definitions(Protocol):
    """What a workspace defines; an `Index` says it."""

    def knows(self, name: str) -> bool:
        """Whether any file defines a name. Cheap: it is asked often."""
        ...

    def find(self, name: str) -> tuple[Symbol, ...]:
        """The definitions of a name."""
        ...

    def headers(self, header: str) -> tuple[str, ...] | None:
        """What the workspace's headers of that name include; None where it has none."""
        ...


class Files(Protocol):
    """The files of a workspace, by paths from its root."""

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        ...

    def read(self, path: str) -> str | None:
        """Its text; None where it can't or must not be read."""
        ...


@attrs.frozen
class ImportSurroundings:
    """The workspace, as far as it matters here.

    Attributes:
        index: what it defines.
        files: its files.
    """

    index: Definitions
    files: Files

    def reached(self, modules: frozenset[str], table: Library) -> frozenset[str] | None:
        """Every header that some bring in, as `#include` writes it; None where nobody knows one of them."""
        seen = set(modules)
        waiting = [module for module in modules if module not in table.names]
        while waiting:
            found = self.index.headers(waiting.pop().strip('<>"'))
            if found is None or len(seen) > _MOST_HEADERS:
                return None
            for module in (f"<{each}>" if f"<{each}>" in table.names else f'"{each}"' for each in found):
                if module not in seen:
                    seen.add(module)
                    waiting += [module] if module not in table.names else []
        return frozenset(seen)

    def packages(self, path: str) -> frozenset[str]:
        """The packages that the innermost `package.json` above a file names."""
        folder = self.package(path)
        text = self.files.read(f"{folder}/{_MANIFEST}" if folder else _MANIFEST)
        try:
            stated = json.loads(text or "{}")
            return frozenset(name for kind in _DEPENDENCIES for name in stated.get(kind) or ())
        except (ValueError, AttributeError, TypeError):
            return frozenset()

    def package(self, path: str) -> str:
        """The innermost folder above a file that has a `package.json`; "" where there is none."""
        folder = posixpath.dirname(path)
        while folder and not self.files.has(f"{folder}/{_MANIFEST}"):
            folder = posixpath.dirname(folder)
        return folder


@attrs.frozen
class Question:
    """Whether and how one file imports a name from another.

    Attributes:
        mention: the name in the code.
        symbol: its one definition.
        snapshot: the file that is to import it.
        statements: what that imports already.
        around: the workspace.
    """

    mention: Mention
    symbol: Symbol
    snapshot: Snapshot
    statements: tuple[Statement, ...]
    around: ImportSurroundings

    @property
    def is_type(self) -> bool:
        """Whether the name is a type, and used as nothing else."""
        return self.mention.is_type and self.symbol.kind in {"type", "interface"}


Way = Callable[[Question], Import | None]
"""How a language imports a name from another file."""
