"""Go modules: which package of the same module a name stands for, as `go.mod` and the folders say it."""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath

from .surroundings import ImportSurroundings, Question
from .values import Import

_GO_MODULE = re.compile(r'^module[ \t]+"?([^\s"]+)', re.MULTILINE)
_GO_PACKAGE = re.compile(r"^package[ \t]+(\w+)", re.MULTILINE)
_GO_VERSION = re.compile(r"v\d+")


def package_name(folder: str) -> str:
    """What the package in a folder is called where its files don't say otherwise (Go Modules Reference)."""
    parent, last = posixpath.split(folder)
    return posixpath.basename(parent) if _GO_VERSION.fullmatch(last) else last


def package(question: Question) -> Import | None:
    """A package of the same module, as `go.mod` and the folders name it."""
    symbol, around, name = question.symbol, question.around, question.mention.name
    root = _go_root(symbol.path, around)
    text = around.files.read(symbol.path)
    if root is None or root != _go_root(question.snapshot.path, around) or text is None:
        return None
    folder, ours = posixpath.dirname(symbol.path), posixpath.dirname(question.snapshot.path)
    package = _GO_PACKAGE.search(text)
    module = _GO_MODULE.search(around.files.read(posixpath.join(root, "go.mod")) or "")
    if package is None or package[1] != name or module is None or folder in {ours, root}:
        return None
    if not symbol.name[:1].isupper() or not _may_go_import(folder, ours):
        return None
    inner = folder[len(root) + 1 :] if root else folder
    return Import(name, f"{module[1]}/{inner}", "module")


def _go_root(path: str, around: ImportSurroundings) -> str | None:
    """The innermost folder above a file with a `go.mod`."""
    folders = [each.as_posix().removeprefix(".") for each in PurePosixPath(path).parents]
    return next((each for each in folders if around.files.has(posixpath.join(each, "go.mod"))), None)


def _may_go_import(folder: str, ours: str) -> bool:
    """Whether what lies below `internal` is open to a file: to those beside that folder and below."""
    before, inside, _ = f"/{folder}/".rpartition("/internal/")
    return not inside or f"/{ours}/".startswith(f"{before}/")
