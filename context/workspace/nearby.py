"""Names that files near a document define: what could be meant where an unknown name stands.

Which file a module's name stands for is only guessed, by its last word: what is offered is checked like
everything else. Reading files is the index's business, and whether a name is shown that of `checking`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from .symbols import Symbol

MOST_NEIGHBOURS = 40
"""Files of a document's own folder that are looked at."""

MOST_MODULES = 8
"""Files that a module's name may stand for, the nearest ones."""

_SUFFIX = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte)$")
_PARTS = re.compile(r"[/.:\\]+")
_FOLDERS_OWN = frozenset({"__init__", "index", "mod", "lib"})
"""Stems of files that speak for their folder."""


class NamesInFiles(Protocol):
    """What a workspace's files define; an `Index` says it."""

    def paths(self) -> tuple[str, ...]:
        """All files, relative to the workspace."""
        ...

    def symbols_in(self, path: str) -> tuple[Symbol, ...]:
        """The definitions of one file."""
        ...


def names_in_module(index: NamesInFiles, path: str, module: str) -> Iterator[str]:
    """What can be imported from a module, as far as its name tells which files it stands for.

    Args:
        index: of the workspace.
        path: of the file that imports, from the workspace's root.
        module: as written: "..text.lines", "./api.js", "crate::shared", ".".
    """
    words = _PARTS.split(_SUFFIX.sub("", module))
    folder, last = posixpath.dirname(path), words[-1]
    if not last:
        up = module.count("..") if "/" in module else max(0, len(module) - len(module.lstrip(".")) - 1)
        for _ in range(up):
            folder = posixpath.dirname(folder)
        yield from _names_of_folder(index, folder, path)
        return
    fitting = [each for each in index.paths() if each != path and _called(each) == last]
    for each in sorted(fitting, key=lambda other: (_apart(folder, other), other))[:MOST_MODULES]:
        if _stem(each) in _FOLDERS_OWN:
            yield from _names_of_folder(index, posixpath.dirname(each), path)
        else:
            yield from _top_level(index.symbols_in(each))


def names_beside(index: NamesInFiles, path: str) -> Iterator[str]:
    """What the other files of a document's folder define that ends as it does."""
    suffix, folder = posixpath.splitext(path)[1], posixpath.dirname(path)
    beside = (
        each
        for each in index.paths()
        if each != path and posixpath.dirname(each) == folder and each.endswith(suffix)
    )
    for each, _ in zip(beside, range(MOST_NEIGHBOURS), strict=False):
        yield from _top_level(index.symbols_in(each))


def _names_of_folder(index: NamesInFiles, folder: str, but: str) -> Iterator[str]:
    """What a folder's own file defines, and the modules that lie in it."""
    inside = [each for each in index.paths() if each != but and posixpath.dirname(each) == folder]
    stems = dict.fromkeys(_stem(each) for each in inside)
    for each in inside:
        if _stem(each) in _FOLDERS_OWN:
            yield from _top_level(index.symbols_in(each))
    yield from (stem for stem in stems if stem.isidentifier() and stem not in _FOLDERS_OWN)


def _top_level(symbols: Iterable[Symbol]) -> Iterator[str]:
    return (each.name for each in symbols if not each.container)


def _stem(path: str) -> str:
    return posixpath.basename(path).split(".", 1)[0]


def _called(path: str) -> str:
    """What a module is called that a file is: its stem, or its folder's name where it speaks for that."""
    stem = _stem(path)
    return posixpath.basename(posixpath.dirname(path)) if stem in _FOLDERS_OWN else stem


def _apart(folder: str, path: str) -> int:
    """How many folders lie between a folder and a file."""
    ours, theirs = folder.split("/"), posixpath.dirname(path).split("/")
    shared = next(
        (at for at, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other),
        min(len(ours), len(theirs)),
    )
    return len(ours) + len(theirs) - 2 * shared
