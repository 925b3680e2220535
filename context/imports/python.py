"""Python's import statements: reading them, adding to them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import attrs

from ..syntax.snapshot import Snapshot
from .layout import Custom, SortKey, added, first, header_end, listed, widest
from .values import Import, ImportEdit, ImportedItem, Statement

_FROM = re.compile(r"from\s*+(\.*[\w.]*)\s*import\b\s*")
_ITEM = re.compile(r"(\w+)(?:\s+as\s+(\w+))?")
_DOTTED = re.compile(r"([\w.]+)(?:\s+as\s+(\w+))?")
_COMMENT = re.compile(r"#[^\r\n]*")
_KINDS = frozenset({"import_statement", "import_from_statement", "future_import_statement"})
_LEAST = 88
_FUTURE, _OWN, _THIRD, _LOCAL, _RELATIVE = range(5)


def read_python(snapshot: Snapshot, _offset: int = 0) -> tuple[Statement, ...]:
    """The import statements of a file's top level, in order."""
    if snapshot.tree is None:
        return ()
    return tuple(
        _statement(snapshot.text, span.start, span.end)
        for span in snapshot.tree.statements()
        if span.kind in _KINDS
    )


def _statement(text: str, start: int, end: int) -> Statement:
    code = _COMMENT.sub(lambda comment: " " * len(comment.group()), text[start:end])
    head = _FROM.match(code)
    if head is None:
        names = [(found[1], found[2] or found[1]) for found in _DOTTED.finditer(code, len("import"))]
        items = tuple(ImportedItem(name, start, end, local) for name, local in names)
        return Statement(start, end, names[0][0] if names else "", "import", items)
    opened = code.find("(", head.end())
    closed = code.find(")", opened) if opened >= 0 else -1
    at = opened + 1 if opened >= 0 else head.end()
    items = tuple(
        ImportedItem(found[1], start + found.start(), start + found.end(), found[2] or found[1])
        for found in _ITEM.finditer(code, at, closed if closed >= 0 else len(code))
    )
    return Statement(
        start, end, head[1], "from", items, start + opened + 1 if opened >= 0 else -1, start + closed
    )


def edit_python(snapshot: Snapshot, wanted: Import, _offset: int = 0) -> ImportEdit | None:
    """The edit that adds an import; None where it is there."""
    text, tree = snapshot.text, snapshot.tree
    if tree is None:
        return None
    statements = read_python(snapshot)
    if wanted.form == "module":
        if any(
            item.local == wanted.module for each in statements if each.form == "import" for item in each.items
        ):
            return None
        new = Statement(0, 0, wanted.module, "import", (ImportedItem(wanted.module, 0, 0, wanted.module),))
        return _placed(snapshot, new, f"import {wanted.module}")
    same = [each for each in statements if each.form == "from" and each.module == wanted.module]
    if any(
        item.name in {wanted.name, "*"} and item.local == item.name for each in same for item in each.items
    ):
        return None
    alone = len(same) > 1 and all(len(each.items) == 1 for each in same)
    open_to_more = [each for each in same if each.items]
    if open_to_more and not alone:
        return _merged(text, open_to_more[0], wanted.name)
    new = Statement(0, 0, wanted.module, "from", (ImportedItem(wanted.name, 0, 0, wanted.name),))
    return _placed(snapshot, new, f"from {wanted.module} import {wanted.name}")


def _merged(text: str, statement: Statement, name: str) -> ImportEdit:
    keys: tuple[SortKey, ...] = (_by_type, str.casefold, str, lambda name: (len(name), name))
    found = listed(text, statement, name, keys, name)
    line = text[statement.start : statement.end]
    if statement.opened >= 0 or len(line) + len(name) + 2 <= widest(text, _LEAST) or "\\" in line:
        return found
    after = found.apply(text)[statement.start : statement.end + len(found.text)]
    head = _FROM.match(after)
    if head is None:
        return found
    newline = "\r\n" if "\r\n" in text else "\n"
    unit = "\t" if "\n\t" in text else "    "
    names = "".join(f"{unit}{each.strip()},{newline}" for each in after[head.end() :].split(","))
    return ImportEdit(statement.start, statement.end, f"{after[: head.end()].rstrip()} ({newline}{names})")


def _by_type(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: how isort orders names."""
    if name.isupper() and len(name) > 1:
        return 0, name
    return (1 if name[:1].isupper() else 2), name


def _placed(snapshot: Snapshot, new: Statement, written: str) -> ImportEdit:
    text = snapshot.text
    run, head = _run(snapshot)
    custom = Custom(_groups(snapshot, new), _KEYS, separated=True)
    if run:
        return added(text, run, new, written, custom)
    rest = text[head:].lstrip()
    after = 2 if rest.startswith(("def ", "class ", "@", "async def ")) else 1
    return first(text, head, written, attrs.evolve(custom, after=after))


_KEYS: tuple[SortKey, ...] = (
    lambda each: (each.form == "from", each.module.casefold()),
    lambda each: (each.form == "from", each.module),
    lambda each: each.module.casefold(),
    lambda each: (each.form != "from", each.module.casefold()),
    lambda each: (len(each.module), each.module),
)


def _groups(snapshot: Snapshot, new: Statement) -> Callable[[Statement], int]:
    """Which group an import belongs to, as far as a file's place and its imports tell."""
    own = {part for part in snapshot.path.split("/")[:-1] if part.isidentifier()} - {"src"}

    def group(each: Statement) -> int:
        module = each.module
        top = module.split(".", 1)[0]
        if module == "__future__":
            return _FUTURE
        if module.startswith("."):
            return _RELATIVE
        if top in sys.stdlib_module_names:
            return _OWN
        local = top in own or (new.module.split(".", 1)[0] == top and new.form == "from")
        return _LOCAL if local else _THIRD

    return group


def _run(snapshot: Snapshot) -> tuple[list[Statement], int]:
    """The first import statements of a file with nothing but comments between them, and its header's end."""
    text, run, parts = snapshot.text, list[Statement](), list[tuple[int, int, bool]]()
    for span in snapshot.tree.statements() if snapshot.tree is not None else ():
        if span.kind in _KINDS:
            run.append(_statement(text, span.start, span.end))
        elif span.kind == "comment":
            if not run:
                parts.append((span.start, span.end, True))
        elif not run and text.startswith("__", span.start):
            continue  # `__version__` and its like may stand above imports
        elif (
            not run and text.startswith(('"', "'", 'r"'), span.start) and not any(not c for _, _, c in parts)
        ):
            parts.append((span.start, span.end, False))
        else:
            break
    return run, header_end(text, parts)
