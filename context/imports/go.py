"""Go's import declarations: reading them, adding to them."""

from __future__ import annotations

import re

from ..syntax.snapshot import Snapshot
from ..text.lines import indent_of, line_start, newline_of
from .layout import Custom, SortKey, added, first, header_end
from .values import Import, ImportEdit, Statement

_SPEC = re.compile(r"(?:(?<![\w.])(?P<local>[\w.]+)[ \t]+)?(?P<quote>[\"`])(?P<path>[^\"`\r\n]+)[\"`]")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_VERSION = re.compile(r"v\d+")
_KEYS: tuple[SortKey, ...] = (lambda each: each.module,)


def read_go(snapshot: Snapshot, _offset: int = 0) -> tuple[Statement, ...]:
    """The packages that a file imports, in order; `opened` and `closed` are those of their block."""
    found: list[Statement] = []
    for span in snapshot.tree.statements() if snapshot.tree is not None else ():
        if span.kind != "import_declaration":
            continue
        code = _COMMENT.sub(lambda comment: " " * len(comment.group()), snapshot.text[span.start : span.end])
        opened = code.find("(")
        for spec in _SPEC.finditer(code, opened + 1 if opened >= 0 else len("import")):
            parts = spec["path"].split("/")
            local = spec["local"] or (
                parts[-2] if len(parts) > 1 and _VERSION.fullmatch(parts[-1]) else parts[-1]
            )
            start, end = span.start + spec.start(), span.start + spec.end()
            inside = (span.start + opened + 1, span.start + code.rfind(")")) if opened >= 0 else (-1, -1)
            found.append(Statement(start, end, spec["path"], "spec", (), *inside, local))
    return tuple(found)


def edit_go(snapshot: Snapshot, wanted: Import, _offset: int = 0) -> ImportEdit | None:
    """The edit that adds an import; None where it is there."""
    tree, text = snapshot.tree, snapshot.text
    if tree is None:
        return None
    specs = read_go(snapshot)
    if any(each.module == wanted.module or each.default == wanted.name for each in specs):
        return None
    new = Statement(0, 0, wanted.module, "spec", (), -1, -1, wanted.name)
    custom = Custom(_group, _KEYS, separated=True)
    alone = [each for each in specs if each.module == "C" and each.opened < 0]
    block = [each for each in specs if each.opened >= 0]
    if block:
        block = [each for each in block if each.opened == block[0].opened]
        return added(text, block, new, f'"{wanted.module}"', custom)
    if len(specs) == 1 and not alone:  # what cgo reads stands right above `import "C"`
        return _bracketed(snapshot, specs[0], new, custom)
    if specs:
        return added(text, specs, new, f'import "{wanted.module}"', custom)
    parts: list[tuple[int, int, bool]] = []
    for span in tree.statements():
        if span.kind not in {"comment", "package_clause"}:
            break
        parts.append((span.start, span.end, span.kind == "comment"))
        if span.kind == "package_clause":
            break
    return first(text, header_end(text, parts), f'import "{wanted.module}"', custom)


def _bracketed(snapshot: Snapshot, other: Statement, new: Statement, custom: Custom) -> ImportEdit:
    """One import without brackets and a new one become two in brackets, as gofmt has them."""
    text, newline = snapshot.text, newline_of(snapshot.text)
    start = line_start(text, other.start)
    before, own = custom.group(other), custom.group(new)
    lines = [(before, other.module, text[other.start : other.end]), (own, new.module, f'"{new.module}"')]
    lines.sort()
    between = newline * 2 if before != own else newline
    body = between.join(f"\t{line}" for _, _, line in lines)
    start += len(indent_of(text[start : other.start]))
    return ImportEdit(start, other.end, f"import ({newline}{body}{newline})")


def _group(each: Statement) -> int:
    """The library, then the packages of others: those have a host's name first."""
    return 1 if "." in each.module.split("/", 1)[0] else 0
