"""Languages with one import per line and no lists: what they look like stands in their tables."""

from __future__ import annotations

import re

from ..syntax.snapshot import Snapshot
from ..syntax.tree import Span
from ..text.lines import indent_of, line_start
from .layout import Custom, SortKey, added, first, header_end
from .library import Form, library
from .values import Import, ImportEdit, Statement


def read_plain(snapshot: Snapshot, offset: int = 0) -> tuple[Statement, ...]:
    """The imports of a file, or of the part around `offset` that has its own, in order."""
    form = _form(snapshot)
    if form is None:
        return ()
    found = (_statement(snapshot.text, span, form) for span in _spans(snapshot, form, offset))
    return tuple(each for each in found if each is not None)


def _form(snapshot: Snapshot) -> Form | None:
    table = library(snapshot.described.id)
    return table.form if table is not None and snapshot.tree is not None else None


def _spans(snapshot: Snapshot, form: Form, offset: int) -> list[Span]:
    """What the file consists of, or the part around `offset` where that has imports or is all there is."""
    if snapshot.tree is None:
        return []
    outside = snapshot.tree.statements()
    if not form.inside:
        return outside
    code = [span for span in outside if "comment" not in span.kind and span.kind not in form.header]
    guarded = len(code) == 1 and code[0].kind in form.inside and "namespace" not in code[0].kind
    around = [span for span in outside if span.kind in form.inside and span.start <= offset < span.end]
    if not guarded and not (around and "namespace" in around[0].kind):
        return outside
    inside = snapshot.tree.statements(code[0].start if guarded else offset, frozenset(form.inside))
    if not form.join and not guarded and not any(span.kind in form.nodes for span in inside):
        return outside  # C# has its imports above the namespace unless they are in it already
    return inside


def _statement(text: str, span: Span, form: Form) -> Statement | None:
    """An import; None for any other statement."""
    if span.kind not in form.nodes:
        return None
    end = span.start + len(text[span.start : span.end].rstrip())
    found = re.compile(form.pattern).match(text, span.start, end)
    if found is not None:
        return Statement(span.start, end, found["path"], "line")
    return (
        Statement(span.start, end, text[span.start : end], "odd")
        if len(form.nodes) == 1 and (form.nodes[0] != "call")
        else None
    )


def _path_of(form: Form, wanted: Import) -> str:
    """What the statement of an import names."""
    if not form.join:
        return wanted.module
    return f"{wanted.module}{form.join}{wanted.name}" if wanted.module else wanted.name


def edit_plain(snapshot: Snapshot, wanted: Import, offset: int = 0) -> ImportEdit | None:
    """The edit that adds an import; None where it is there."""
    form = _form(snapshot)
    if form is None:
        return None
    text, path = snapshot.text, _path_of(form, wanted)
    modules = {each.module.removeprefix("\\") for each in read_plain(snapshot, offset)}
    if path in modules or any(wanted.module + mark in modules for mark in form.wildcards):
        return None
    if form.join and any(module.rpartition(form.join)[2] == wanted.name for module in modules):
        return None
    custom = Custom(lambda each: _group(form, each), _keys(form), form.separated, form.mixed)
    run, head, indent = _run(snapshot, form, offset)
    written = form.write.format(path=path, quote=_quote(text))
    if run:
        return added(text, run, Statement(0, 0, path, "line"), written, custom)
    return first(text, head, written, custom, indent=indent)


def _quote(text: str) -> str:
    return '"' if text.count('"') > text.count("'") else "'"


def _keys(form: Form) -> tuple[SortKey, ...]:
    folded: SortKey = lambda each: each.module.casefold()  # noqa: E731 - a key among keys
    exact: SortKey = lambda each: each.module  # noqa: E731
    return (folded, exact) if form.folded else (exact, folded)


def _group(form: Form, each: Statement) -> int:
    for number, pattern in enumerate(form.groups):
        if re.match(pattern, each.module):
            return number
    return len(form.groups)


def _run(snapshot: Snapshot, form: Form, offset: int) -> tuple[list[Statement], int, str]:
    """The first imports with nothing but comments between them, their header's end, and their indentation."""
    text, run, parts = snapshot.text, list[Statement](), list[tuple[int, int, bool]]()
    spans = _spans(snapshot, form, offset)
    for span in spans:
        found = _statement(text, span, form)
        end = span.start + len(text[span.start : span.end].rstrip())
        if found is not None:
            run.append(found)
        elif "comment" in span.kind:
            if not run:
                parts.append((span.start, end, True))
        elif not run and span.kind in form.header:
            parts.append((span.start, end, False))
        else:
            break
    head = header_end(text, parts)
    if head or not spans or spans[:1] == _beginning(snapshot):
        return run, head, ""
    line = line_start(text, spans[0].start)
    return run, line, indent_of(text[line : spans[0].start])


def _beginning(snapshot: Snapshot) -> list[Span]:
    """The first thing in a file."""
    return snapshot.tree.statements(limit=1) if snapshot.tree is not None else []
