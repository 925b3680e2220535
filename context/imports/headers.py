"""C and C++: which header of the workspace declares a name, and how a file includes it."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath

from ..languages import language_of
from ..syntax.origins import is_included
from ..syntax.snapshot import Snapshot
from ..workspace.symbols import Symbol
from .library import library
from .surroundings import LEFT_OUT, TOP_LEVEL, ImportSurroundings, Question
from .values import Import

_IN_HEADERS = TOP_LEVEL | {"macro"}
HEADERS_OF = {"c": frozenset({"c"}), "cpp": frozenset({"c", "cpp"})}
"""The languages of the headers that a language includes."""


def definitions_in_headers(found: tuple[Symbol, ...], snapshot: Snapshot) -> list[Symbol]:
    """One declaration for each header that has a name; none where something else is called so as well."""
    languages = HEADERS_OF[snapshot.described.id]
    theirs = [each for each in found if language_of(each.path) in languages]
    headers: dict[str, Symbol] = {}
    for each in theirs:
        inner = bool(each.container) or each.kind not in _IN_HEADERS
        if inner and snapshot.described.id == "cpp":
            return []  # a member of some base class, or of a namespace
        if not inner and is_included(each.path, snapshot.described.names) and not LEFT_OUT.search(each.path):
            headers[each.path] = each
    return list(headers.values())


def header(question: Question) -> Import | None:
    """The header that declares a name, unless it comes in with those that the file includes already."""
    symbol, snapshot, around = question.symbol, question.snapshot, question.around
    table = library(snapshot.described.id)
    if table is None or is_included(snapshot.path, snapshot.described.names):
        return None
    modules = frozenset(each.module for each in question.statements)
    reached = around.reached(modules, table)
    if reached is None or any(f"/{symbol.path}".endswith("/" + _bare(each)) for each in reached):
        return None
    own = [each.module for each in question.statements if each.module not in table.names]
    path = _included_as(symbol.path, posixpath.dirname(snapshot.path), own, around)
    angles = bool(own) and all(each.startswith("<") for each in own)
    return Import(question.mention.name, f"<{path}>" if angles else f'"{path}"') if path else None


def _bare(include: str) -> str:
    return include.strip('<>"').replace("../", "").replace("./", "")


def _included_as(header: str, ours: str, own: list[str], around: ImportSurroundings) -> str:
    """A header as the file's other includes name theirs: from its folder, or from one above the header."""
    written = [each.strip('<>"') for each in own]
    if not written:
        return posixpath.basename(header) if posixpath.dirname(header) == ours else ""
    above = [each.as_posix().removeprefix(".") for each in PurePosixPath(header).parents]
    for folder in (ours, *above):
        if not any(around.files.has(posixpath.normpath(posixpath.join(folder, each))) for each in written):
            continue
        path = posixpath.relpath(header, folder or ".")
        if not path.startswith("..") or any(each.startswith("..") for each in written):
            return path
    return ""
