"""JavaScript's and TypeScript's imports: `import … from` and `require`, reading them, adding to them."""

from __future__ import annotations

import re

from ..syntax.snapshot import Snapshot
from .layout import Custom, SortKey, added, first, header_end, listed, widest
from .library import library
from .values import Import, ImportEdit, ImportedItem, Statement

_KINDS = frozenset({"import_statement", "lexical_declaration", "variable_declaration"})
_IMPORT = re.compile(
    r"import\s*(?P<type>type\b\s*)?(?:(?P<default>[\w$]+)\s*,?\s*)?(?:\*\s*as\s+(?P<whole>[\w$]+)\s*)?"
    r"(?:\{(?P<list>[^}]*)\}\s*)?(?:\bfrom\s*)?(?P<quote>[\"'])(?P<module>[^\"']*)[\"']"
)
_REQUIRE = re.compile(
    r"(?:const|let|var)\s+(?:(?P<default>[\w$]+)|\{(?P<list>[^}]*)\})\s*=\s*require\s*\(\s*(?P<quote>[\"'`])"
    r"(?P<module>[^\"'`]*)[\"'`]\s*\)"
)
_ITEM = re.compile(r"(?:type\s+)?(?P<name>[\w$]+)(?:\s*(?:\bas\b|:)\s*(?P<local>[\w$]+))?")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\r\n]*", re.DOTALL)
_DIRECTIVE = re.compile(r"""(["'])use [\w ]+\1""")
_EXPORTS = re.compile(r"^[^\S\n]*export\b", re.MULTILINE)
_COMMON = re.compile(r"\bmodule\.exports\b|^[^\S\n]*exports\.\w|\brequire\s*\(", re.MULTILINE)
_LEAST = 80


def read_ecma(snapshot: Snapshot, _offset: int = 0) -> tuple[Statement, ...]:
    """The import statements of a file's top level, in order."""
    if snapshot.tree is None:
        return ()
    found = (
        _statement(snapshot.text, span.start, span.end)
        for span in snapshot.tree.statements()
        if span.kind in _KINDS
    )
    return tuple(each for each in found if each is not None)


def _statement(text: str, start: int, end: int) -> Statement | None:
    code = _COMMENT.sub(lambda comment: " " * len(comment.group()), text[start:end])
    head = _IMPORT.match(code)
    form = "import"
    if head is None:
        head, form = _REQUIRE.match(code), "require"
    elif head["type"]:
        form = "type"
    if head is None:
        return None
    opened, closed = head.span("list")
    items = tuple(
        ImportedItem(
            found["name"], start + found.start(), start + found.end(), found["local"] or found["name"]
        )
        for found in _ITEM.finditer(code, max(opened, 0), max(closed, 0))
    )
    whole = head["whole"] if form != "require" else None
    if opened < 0:
        return Statement(start, end, head["module"], form, (), -1, -1, whole or head["default"] or "")
    default = head["default"] or ""
    return Statement(start, end, head["module"], form, items, start + opened, start + closed, default)


def edit_ecma(snapshot: Snapshot, wanted: Import, _offset: int = 0) -> ImportEdit | None:
    """The edit that adds an import; None where it is there, or the file doesn't show how it imports."""
    if snapshot.tree is None:
        return None
    statements = read_ecma(snapshot)
    if _is_there(statements, wanted):
        return None
    style = _style(snapshot, statements)
    if style is None:
        return None
    if wanted.form in {"member", "type"}:
        merged = _merged(snapshot, statements, wanted)
        if merged is not None:
            return merged
    module = _spelt(snapshot, statements, wanted)
    written = _written(snapshot, statements, wanted, module, style)
    new = Statement(0, 0, module, style, default=wanted.name)
    custom = Custom(_group, _KEYS)
    run, head = _run(snapshot)
    if run:
        return added(snapshot.text, run, new, written, custom)
    return first(snapshot.text, head, written, custom)


def _is_there(statements: tuple[Statement, ...], wanted: Import) -> bool:
    return any(
        wanted.name == each.default or any(item.local == wanted.name for item in each.items)
        for each in statements
    )


def _style(snapshot: Snapshot, statements: tuple[Statement, ...]) -> str | None:
    """What the file imports by, "import" or "require"; None where it doesn't show."""
    forms = [each.form for each in statements]
    if "import" in forms or "type" in forms:
        return "import"
    suffix = snapshot.path[snapshot.path.rfind(".") :] if "." in snapshot.path else ""
    if suffix in {".cjs", ".cts"}:
        return "require"
    if snapshot.language != "javascript" or suffix in {".mjs", ".mts", ".ts", ".tsx", ".jsx"}:
        return "import"
    if _EXPORTS.search(snapshot.text):
        return "import"
    return "require" if _COMMON.search(snapshot.text) else None


def _merged(snapshot: Snapshot, statements: tuple[Statement, ...], wanted: Import) -> ImportEdit | None:
    """The edit that adds a name to an import of the same module; None where none could take it."""
    text = snapshot.text
    same = [each for each in statements if each.module == wanted.module]
    if wanted.form == "type":
        types = [each for each in same if each.form == "type" and each.opened >= 0]
        same = types or same
    same = [each for each in same if each.form != "type" or wanted.form == "type"]
    inline = "{ type " in text or ", type " in text
    for each in same:
        name = (
            f"type {wanted.name}"
            if wanted.form == "type" and each.form == "import" and inline
            else wanted.name
        )
        if each.opened >= 0 and each.items:
            return _in_list(snapshot, each, name, wanted.name)
        if each.opened >= 0:
            return ImportEdit(each.opened, each.closed, f" {name} ")
        if each.form == "import" and each.default and "*" not in text[each.start : each.end]:
            at = text.index(each.default, each.start + len("import")) + len(each.default)
            return ImportEdit(at, at, f", {_braced(snapshot, statements, name)}")
    return None


def _in_list(snapshot: Snapshot, statement: Statement, written: str, name: str) -> ImportEdit:
    text = snapshot.text
    found = listed(text, statement, written, (_without_case, str, _by_type), name)
    one_line = "\n" not in text[statement.start : statement.end]
    length = statement.end - statement.start + len(found.text)
    if not one_line or length <= widest(text, _LEAST):
        return found
    newline = "\r\n" if "\r\n" in text else "\n"
    unit = "\t" if "\n\t" in text else _unit(text)
    inside = found.apply(text)[statement.opened : statement.closed + len(found.text)]
    names = [each.strip() for each in inside.split(",") if each.strip()]
    body = "".join(f"{unit}{each},{newline}" for each in names)
    return ImportEdit(statement.opened, statement.closed, newline + body)


def _unit(text: str) -> str:
    found = re.search(r"\n( +)\S", text)
    return found[1] if found and len(found[1]) in {2, 4} else "  "


def _without_case(name: str) -> str:
    return name.casefold()


def _by_type(name: str) -> tuple[bool, str]:
    return name[:1].islower(), name


def _spelt(snapshot: Snapshot, statements: tuple[Statement, ...], wanted: Import) -> str:
    """The module's name as this file would write it: with `node:` where others have that."""
    table = library(snapshot.described.id)
    if table is None or wanted.module not in table.modules:
        return wanted.module
    others = [each.module for each in statements]
    if any(each.startswith("node:") for each in others):
        return "node:" + wanted.module
    return wanted.module


def _written(
    snapshot: Snapshot, statements: tuple[Statement, ...], wanted: Import, module: str, style: str
) -> str:
    text = snapshot.text
    quote, end = _quote(text, statements), ";" if _ends_with_semicolon(text, statements) else ""
    source = f"{quote}{module}{quote}"
    if style == "require":
        what = (
            wanted.name
            if wanted.form in {"module", "default"}
            else _braced(snapshot, statements, wanted.name)
        )
        return f"{_keyword(text, statements)} {what} = require({source}){end}"
    if wanted.form == "module":
        what = wanted.name if _takes_default(snapshot, statements) else f"* as {wanted.name}"
    elif wanted.form == "default":
        what = wanted.name
    else:
        what = _braced(snapshot, statements, wanted.name)
    typed = "type " if wanted.form == "type" and any(each.form == "type" for each in statements) else ""
    return f"import {typed}{what} from {source}{end}"


def _keyword(text: str, statements: tuple[Statement, ...]) -> str:
    found = next((each for each in statements if each.form == "require"), None)
    return text[found.start : found.end].split(None, 1)[0] if found else "const"


def _takes_default(snapshot: Snapshot, statements: tuple[Statement, ...]) -> bool:
    """Whether Node's modules are imported by their default here, rather than as `* as`."""
    table = library(snapshot.described.id)
    known = table.modules if table is not None else {}
    for each in statements:
        if each.module.removeprefix("node:") in known and each.opened < 0 and each.default:
            return "*" not in snapshot.text[each.start : each.end]
    return snapshot.language == "javascript" or not any(
        "* as" in snapshot.text[each.start : each.end] for each in statements
    )


def _braced(snapshot: Snapshot, statements: tuple[Statement, ...], name: str) -> str:
    lists = [snapshot.text[each.opened : each.closed] for each in statements if each.items]
    tight = bool(lists) and all(not each.startswith((" ", "\n", "\r")) for each in lists)
    return f"{{{name}}}" if tight else f"{{ {name} }}"


def _quote(text: str, statements: tuple[Statement, ...]) -> str:
    used = [
        character for each in statements for character in text[each.start : each.end] if character in "\"'"
    ]
    if not used:
        used = [character for character in text if character in "\"'"]
    double = used.count('"')
    return '"' if double and double >= len(used) - double else "'" if used else '"'


def _ends_with_semicolon(text: str, statements: tuple[Statement, ...]) -> bool:
    if statements:
        return text[: statements[0].end].endswith(";")
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    ended = sum(line.endswith(";") for line in lines)
    return not lines or ended > 0 or not any(line.endswith(")") for line in lines)


def _group(each: Statement) -> int:
    """Packages, then aliases, then folders above, then files beside."""
    module = each.module
    if module.startswith(("@/", "~/", "#")):
        return 1
    if not module.startswith("."):
        return 0
    return 2 if module.startswith("..") else 3


def _path_first(each: Statement) -> tuple[int, str]:
    return -each.module.count("../"), each.module.casefold()


_KEYS: tuple[SortKey, ...] = (
    _path_first,
    lambda each: each.module.casefold(),
    lambda each: each.module,
    lambda each: (len(each.module), each.module),
)


def _run(snapshot: Snapshot) -> tuple[list[Statement], int]:
    """The first imports of a file with nothing but comments between them, and its header's end."""
    text, run, parts = snapshot.text, list[Statement](), list[tuple[int, int, bool]]()
    for span in snapshot.tree.statements() if snapshot.tree is not None else ():
        found = _statement(text, span.start, span.end) if span.kind in _KINDS else None
        if found is not None:
            run.append(found)
        elif span.kind in {"comment", "hash_bang_line"}:
            if not run:
                parts.append((span.start, span.end, True))
        elif not run and span.kind == "expression_statement" and _DIRECTIVE.match(text, span.start):
            parts.append((span.start, span.end, False))
        else:
            break
    return run, header_end(text, parts)
