"""The edit that adds an import to a document as it is now, and what the document imports already.

It chooses the module that knows the language's statements, and whether anything is to be done: an import is
added only where the name is used and not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from ..syntax.snapshot import Snapshot
from ..syntax.tree import SyntaxTree
from ..syntax.tree_work import parse_again
from . import ecma, go, plain, python, rust
from .library import Library, library
from .values import Import, ImportEdit, Statement
from .wanted import is_known, sees_beginning


@attrs.frozen
class _Writer:
    """How one language's import statements are read, and how one is added."""

    read: Callable[[Snapshot, int], tuple[Statement, ...]]
    edit: Callable[[Snapshot, Import, int], ImportEdit | None]


_WRITERS = {
    "python": _Writer(python.read_python, python.edit_python),
    "ecma": _Writer(ecma.read_ecma, ecma.edit_ecma),
    "go": _Writer(go.read_go, go.edit_go),
    "rust": _Writer(rust.read_rust, rust.edit_rust),
    "plain": _Writer(plain.read_plain, plain.edit_plain),
}
_MOST = 60


def statements_of(snapshot: Snapshot, offset: int = 0) -> tuple[Statement, ...]:
    """The import statements of a document, or of the part around `offset` that has its own."""
    table = library(snapshot.described.id)
    if table is None or snapshot.tree is None:
        return ()
    return _WRITERS[table.writer].read(snapshot, offset)


def import_edit(snapshot: Snapshot, wanted: Import) -> ImportEdit | None:
    """The edit that adds an import; None where the name isn't used, or is known already. Never raises."""
    table, tree = library(snapshot.described.id), snapshot.tree
    if table is None or tree is None or not sees_beginning(snapshot):
        return None
    at = _unknown_at(tree, wanted, table)
    if at < 0:
        return None
    return _WRITERS[table.writer].edit(snapshot, wanted, at)


def imports_edit(snapshot: Snapshot, wanted: tuple[Import, ...]) -> ImportEdit | None:
    """The one edit that adds several imports; None where there is nothing to add."""
    now, whole = snapshot, None
    for each in wanted:
        edit = import_edit(now, each)
        if edit is None or now.tree is None:
            continue
        longer = edit.apply(now.text)
        tree = parse_again(now.tree, longer, edit.start, edit.end, edit.start + len(edit.text))
        now = attrs.evolve(now, text=longer, tree=tree)
        whole = edit if whole is None else _both(whole, edit, longer)
    return whole


def _both(one: ImportEdit, other: ImportEdit, text: str) -> ImportEdit:
    """One edit that covers another and a later one, after which the text is `text`."""
    one_end, other_end = one.start + len(one.text), other.start + len(other.text)
    reach = max(one_end, other.end)
    start = min(one.start, other.start)
    return ImportEdit(start, one.end + reach - one_end, text[start : reach + other_end - other.end])


def _unknown_at(tree: SyntaxTree, wanted: Import, table: Library) -> int:
    """Where a name first stands in the code as one of its own that isn't known; -1 where it doesn't."""
    found = re.finditer(rf"(?<![\w$.]){re.escape(wanted.name)}(?![\w$])", tree.text)
    for _, match in zip(range(_MOST), found, strict=False):
        at = match.start()
        if tree.prose_at(at + 1):
            continue
        if table.scopes or not is_known(
            tree, wanted.name, at, (0, len(tree.text)), module=wanted.form == "module"
        ):
            return at
    return -1
