"""Rust's use declarations: reading them, adding to them."""

from __future__ import annotations

import re

from ..syntax.snapshot import Snapshot
from .layout import Custom, SortKey, added, first, header_end, listed
from .values import Import, ImportEdit, ImportedItem, Statement

_INSIDE = frozenset({"mod_item"})
_USE = re.compile(r"(?P<shown>pub(?:\s*\([^)]*\))?\s+)?use\s+(?P<path>[^;]*);?")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"([\w:]+)(?:\s+as\s+(\w+))?")
_HEADER = frozenset({"inner_attribute_item", "extern_crate_declaration", "line_comment", "block_comment"})


def read_rust(snapshot: Snapshot, offset: int = 0) -> tuple[Statement, ...]:
    """The use declarations of the module around `offset`, in order."""
    if snapshot.tree is None:
        return ()
    return tuple(
        _statement(snapshot.text, span.start, span.end)
        for span in snapshot.tree.statements(offset, _INSIDE)
        if span.kind == "use_declaration"
    )


def _statement(text: str, start: int, end: int) -> Statement:
    """A declaration as its common path and the names behind it; `form` is "nested" where those are paths."""
    code = _COMMENT.sub(lambda comment: " " * len(comment.group()), text[start:end])
    head = _USE.match(code)
    if head is None:
        return Statement(start, end, "", "odd")
    path, at = head["path"], head.start("path")
    brace = path.find("{")
    if brace < 0:
        found = _NAME.match(path)
        whole = found[1] if found else path.strip()
        module, _, last = whole.rpartition("::")
        local = (found[2] if found else "") or last
        item = ImportedItem(last, start + at + len(whole) - len(last), start + at + len(path.rstrip()), local)
        return Statement(start, end, module, "pub" if head["shown"] else "one", (item,))
    inside = path[brace + 1 : path.rfind("}")]
    items = tuple(
        ImportedItem(
            found[1],
            start + at + brace + 1 + found.start(),
            start + at + brace + 1 + found.end(),
            (found[2] or found[1]).rsplit("::", 1)[-1],
        )
        for found in _NAME.finditer(inside)
    )
    nested = "{" in inside
    form = "pub" if head["shown"] else "nested" if nested else "list"
    opened = start + at + brace + 1
    return Statement(
        start, end, path[:brace].strip().removesuffix("::"), form, items, opened, opened + len(inside)
    )


def edit_rust(snapshot: Snapshot, wanted: Import, offset: int = 0) -> ImportEdit | None:
    """The edit that adds an import; None where it is there."""
    if snapshot.tree is None:
        return None
    text = snapshot.text
    path = wanted.module if wanted.form == "module" else f"{wanted.module}::{wanted.name}"
    parent, _, last = path.rpartition("::")
    statements = read_rust(snapshot, offset)
    if any(
        item.local == last or (item.name == "self" and each.module == path)
        for each in statements
        for item in each.items
    ):
        return None
    lists = [each for each in statements if each.form == "list" and each.items]
    for each in lists:
        if each.module == parent:
            return listed(text, each, last, (_as_rustfmt, str, str.casefold), last)
    if lists or any(each.form == "nested" for each in statements):
        for each in statements:
            if each.form == "one" and each.module == parent and each.items[0].name not in {"*", ""}:
                return _in_braces(text, each, last)
    new = Statement(0, 0, parent, "one", (ImportedItem(last, 0, 0, last),))
    custom = Custom(_group, _KEYS, separated=True)
    run, head, indent = _run(snapshot, offset)
    if run:
        return added(text, run, new, f"use {path};", custom)
    return first(text, head, f"use {path};", custom, indent=indent)


def _in_braces(text: str, statement: Statement, name: str) -> ImportEdit:
    item = statement.items[0]
    there = text[item.start : item.end]
    both = sorted([there, name], key=lambda each: _as_rustfmt(each.split(" ", 1)[0]))
    return ImportEdit(item.start, item.end, "{" + ", ".join(both) + "}")


def _as_rustfmt(name: str) -> tuple[int, str]:
    """`self`, then modules, then types, then constants."""
    if name in {"self", "super", "crate"}:
        return 0, name
    if name[:1].islower():
        return 1, name
    return (3 if name.isupper() and len(name) > 1 else 2), name


def _full(each: Statement) -> str:
    return f"{each.module}::{each.items[0].name if each.opened < 0 and each.items else '{'}".removeprefix(
        "::"
    )


_KEYS: tuple[SortKey, ...] = (
    lambda each: [_as_rustfmt(part) for part in _full(each).split("::")],
    _full,
    lambda each: _full(each).casefold(),
)


def _group(each: Statement) -> int:
    """The standard library, other crates, this crate."""
    top = _full(each).split("::", 1)[0]
    if top in {"std", "core", "alloc"}:
        return 0
    return 2 if top in {"crate", "self", "super"} else 1


def _run(snapshot: Snapshot, offset: int) -> tuple[list[Statement], int, str]:
    """The first declarations of a module, its header's end, and what a line of it begins with."""
    text, run, parts = snapshot.text, list[Statement](), list[tuple[int, int, bool]]()
    spans = snapshot.tree.statements(offset, _INSIDE) if snapshot.tree is not None else []
    outside = snapshot.tree.statements() if snapshot.tree is not None else []
    for span in spans:
        end = span.start + len(text[span.start : span.end].rstrip())
        if span.kind == "use_declaration":
            run.append(_statement(text, span.start, span.end))
        elif span.kind in _HEADER:
            if not run:
                inner = span.kind.endswith("comment") and not text.startswith(("//!", "/*!"), span.start)
                parts.append((span.start, end, inner))
        else:
            break
    nested = bool(spans) and bool(outside) and spans[0] != outside[0]
    if not nested:
        return run, header_end(text, parts), ""
    start = spans[0].start
    line = text.rfind("\n", 0, start) + 1
    indent = text[line:start] if not text[line:start].strip() else ""
    return run, header_end(text, parts) or max(line - 1, 0), indent
