"""Where the workspace defines a name, and how a file beside it writes the import: one module, or no answer.

What it is asked about is a name that one file defines at its top level, visible to others. The path from file
to file has to be certain: by the package's files, by what the importing file imports already, or by what the
defining file says of itself. It reads files only through the interface that it is given. Ruby has no answer:
what its loaders bring without any `require` can't be told from the files.
"""

from __future__ import annotations

import posixpath
import re

from ..languages import language, language_of
from ..syntax.snapshot import Snapshot
from ..workspace.symbols import Symbol
from .go_modules import package, package_name
from .headers import HEADERS_OF, definitions_in_headers, header
from .library import library
from .surroundings import LEFT_OUT, TOP_LEVEL, ImportSurroundings, Question, Way
from .values import Import, Mention, Statement

_TYPES = frozenset({"class", "type", "interface", "struct", "enum"})


def may_define(around: ImportSurroundings, mention: Mention, snapshot: Snapshot) -> bool:
    """Whether it is worth looking for a name's definition. Cheap, and False is always right."""
    return around.index.knows(_looked_up(mention, snapshot))


def defines(around: ImportSurroundings, mention: Mention, snapshot: Snapshot) -> bool:
    """Whether any file defines what a name of this file could mean."""
    return may_define(around, mention, snapshot) and bool(_definitions(around, mention, snapshot))


def from_workspace(
    around: ImportSurroundings, mention: Mention, snapshot: Snapshot, statements: tuple[Statement, ...]
) -> Import | None:
    """The import of a name that exactly one file of the workspace defines; None where that isn't so."""
    how = _WAYS.get(snapshot.described.id)
    if how is None or not snapshot.path or mention.name.startswith("_") or mention.scope:
        return None
    found = _definitions(around, mention, snapshot)
    if len(found) != 1 or found[0].path == snapshot.path:
        return None
    return how(Question(mention, found[0], snapshot, statements, around))


def _definitions(around: ImportSurroundings, mention: Mention, snapshot: Snapshot) -> list[Symbol]:
    """What a name of a file could mean; in Go one definition for each package of that name."""
    if snapshot.described.id in HEADERS_OF:
        return definitions_in_headers(around.index.find(mention.name), snapshot)
    found = [each for each in around.index.find(_looked_up(mention, snapshot)) if _speaks(each, snapshot)]
    if snapshot.described.id != "go":
        return found
    packages: dict[str, Symbol] = {posixpath.dirname(each.path): each for each in found}
    return [each for folder, each in packages.items() if package_name(folder) == mention.name]


def _looked_up(mention: Mention, snapshot: Snapshot) -> str:
    """The name whose definition tells what is to be imported: Go imports packages, for what is in them."""
    return mention.member.split(".", 1)[0] if snapshot.described.id == "go" else mention.name


def _speaks(symbol: Symbol, snapshot: Snapshot) -> bool:
    """Whether a definition could be what a name in a file means: the same language, not inside anything."""
    theirs, ours = language(language_of(symbol.path)), snapshot.described
    table = library(ours.id)
    same = theirs.id == ours.id or (table is not None and theirs.id in table.ids)
    tested = LEFT_OUT.search(symbol.path) is not None and LEFT_OUT.search(snapshot.path) is None
    return same and not symbol.container and symbol.kind in TOP_LEVEL and not tested


# -- Python


def _python(question: Question) -> Import | None:
    symbol, snapshot, around = question.symbol, question.snapshot, question.around
    if not symbol.path.endswith(".py"):
        return None
    root = _source_root(symbol.path, around)
    modules = [each.module for each in question.statements]
    if root is None:
        root = _proven_root(symbol.path, modules, around)
    if root is None:
        return None
    module = _dotted(symbol.path, root)
    name = question.mention.name
    relative = _relative(snapshot.path, symbol.path, root, around)
    own = module.split(".", 1)[0]
    absolute = any(each.split(".", 1)[0] == own for each in modules)
    if relative and not absolute and any(each.startswith(".") for each in modules):
        return Import(name, relative)
    ours = _source_root(snapshot.path, around)
    known = root in {"", "src"} or ours == root or absolute
    return (
        Import(name, module) if known and module and all(map(str.isidentifier, module.split("."))) else None
    )


def _source_root(path: str, around: ImportSurroundings) -> str | None:
    """The folder that holds the outermost package a file lies in; None where it lies in none."""
    folder = posixpath.dirname(path)
    inside = False
    while folder and around.files.has(f"{folder}/__init__.py"):
        folder, inside = posixpath.dirname(folder), True
    return folder if inside else None


def _proven_root(path: str, modules: list[str], around: ImportSurroundings) -> str | None:
    """The folder from which a file's imports begin, where one of them shows it to be above `path`."""
    parts = path.split("/")[:-1]
    for each in ("/".join(parts[:count]) for count in range(len(parts), -1, -1)):
        for module in modules:
            inside = posixpath.join(each, module.replace(".", "/"))
            if module and not module.startswith(".") and around.files.has(f"{inside}.py"):
                return each
    return None


def _dotted(path: str, root: str) -> str:
    inner = path[len(root) + 1 :] if root else path
    return inner.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _relative(ours: str, theirs: str, root: str, around: ImportSurroundings) -> str:
    """The module as a file of the same package names it with dots; "" where it isn't in that package."""
    if _source_root(ours, around) != root:
        return ""
    here = _dotted(ours, root).split(".")[: None if ours.endswith("/__init__.py") else -1]
    there = _dotted(theirs, root).split(".")
    if not here or here[0] != there[0]:
        return ""
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    return "." * (len(here) - common + 1) + ".".join(there[common:])


# -- JavaScript and TypeScript

_SUFFIX = re.compile(r"(?:\.d)?\.[cm]?[jt]sx?$")


def _ecma(question: Question) -> Import | None:
    symbol, snapshot, around = question.symbol, question.snapshot, question.around
    text = around.files.read(symbol.path)
    if text is None or around.package(symbol.path) != around.package(snapshot.path):
        return None
    if symbol.path.endswith((".ts", ".tsx", ".mts", ".cts")) and snapshot.language == "javascript":
        return None
    form = _exported(text, question.mention.name)
    specifier = _specifier(question, text) if form else ""
    if not specifier:
        return None
    return Import(question.mention.name, specifier, "type" if form == "member" and question.is_type else form)


def _exported(text: str, name: str) -> str:
    """How a module exports a name: "member", "default", or "" where it doesn't."""
    word = re.escape(name) + r"(?![\w$])"
    kinds = r"(?:async\s+function\s*\*?|function\s*\*?|abstract\s+class|const\s+enum|\w+)"
    if re.search(rf"^export\s+(?:declare\s+)?{kinds}\s*\b{word}", text, re.MULTILINE):
        return "member"
    if re.search(
        rf"^export\s+default\s+(?:(?:async\s+)?function\s*\*?\s*|(?:abstract\s+)?class\s+)?{word}",
        text,
        re.MULTILINE,
    ):
        return "default"
    lists = re.findall(r"^export\s+(?:type\s+)?\{([^}]*)\}\s*;?\s*$", text, re.MULTILINE)
    lists += re.findall(r"^module\.exports\s*=\s*\{([^}]*)\}", text, re.MULTILINE)
    for names in lists:
        if any(re.fullmatch(rf"\s*(?:type\s+)?{word}\s*", each) for each in names.split(",")):
            return "member"
    if re.search(rf"^(?:module\.)?exports\.{word}\s*=", text, re.MULTILINE):
        return "member"
    return "default" if re.search(rf"^module\.exports\s*=\s*{word}", text, re.MULTILINE) else ""


def _specifier(question: Question, text: str) -> str:
    """The path from file to file, with or without suffix as the files around write theirs."""
    theirs = question.symbol.path
    path = posixpath.relpath(theirs, posixpath.dirname(question.snapshot.path) or ".")
    path = path if path.startswith(".") else f"./{path}"
    bare = _SUFFIX.sub("", path)
    own = [each.module for each in question.statements if each.module.startswith(".")]
    others = re.findall(r"""(?:from|require\()\s*["'](\.[^"']*)["']""", text)
    written = own or others
    suffixed = [each for each in written if _SUFFIX.search(each)]
    if suffixed:
        if suffixed[0].endswith((".ts", ".tsx", ".mts")):
            return path
        return bare + {".mts": ".mjs", ".cts": ".cjs"}.get(posixpath.splitext(path)[1], ".js")
    modules = question.snapshot.language == "javascript" and not written
    if modules and not any(each.form == "require" for each in question.statements):
        return ""  # whether a suffix is needed depends on what runs it
    if bare.endswith("/index"):
        bare = bare.removesuffix("/index")
    return bare or "."


# -- languages whose files say themselves what they are


def _rust(question: Question) -> Import | None:
    theirs, ours = _crate(question.symbol.path), _crate(question.snapshot.path)
    text = question.around.files.read(question.symbol.path)
    if theirs is None or ours is None or theirs[0] != ours[0] or text is None:
        return None
    if not question.symbol.signature.startswith("pub") or theirs[1] == ours[1]:
        return None
    for depth in range(1, len(theirs[1]) + 1):
        if not _declares(theirs[0], theirs[1][:depth], question.around):
            return None
    module = "::".join(("crate", *theirs[1]))
    return Import(question.mention.name, module)


def _crate(path: str) -> tuple[str, tuple[str, ...]] | None:
    """(the crate's folder of sources, the module's path in it); None for a file outside module trees."""
    at = path.rfind("src/")
    if at < 0 or (at and path[at - 1] != "/") or not path.endswith(".rs") or path[at:].startswith("src/bin/"):
        return None
    parts = path[at + 4 : -3].split("/")
    if parts[-1] in {"mod", "lib", "main"}:
        parts.pop()
    return path[: at + 4], tuple(parts)


def _declares(source: str, module: tuple[str, ...], around: ImportSurroundings) -> bool:
    """Whether a module is declared by the one above it."""
    above = module[:-1]
    files = [f"{source}lib.rs", f"{source}main.rs"]
    if above:
        files = [f"{source}{'/'.join(above)}.rs", f"{source}{'/'.join(above)}/mod.rs"]
    texts = [around.files.read(each) for each in files if around.files.has(each)]
    return len(texts) == 1 and re.search(rf"\bmod\s+{module[-1]}\s*;", texts[0] or "") is not None


_PACKAGE = {
    "java": re.compile(r"^[^\S\n]*package\s+([\w.]+)\s*;", re.MULTILINE),
    "csharp": re.compile(r"^[^\S\n]*namespace\s+([\w.]+)\s*[;{]?", re.MULTILINE),
    "php": re.compile(r"^[^\S\n]*(?:<\?php\s+)?namespace\s+([\w\\]+)\s*[;{]", re.MULTILINE),
}


def _packaged(question: Question) -> Import | None:
    """Java, C#, PHP: the file says which package its types are in; those of one's own need no import."""
    which = question.snapshot.described.id
    text = question.around.files.read(question.symbol.path)
    if text is None or question.symbol.kind not in _TYPES:
        return None
    theirs, ours = _PACKAGE[which].findall(text), _PACKAGE[which].findall(question.snapshot.text)
    if len(theirs) != 1 or (ours and (theirs[0] == ours[0])):
        return None
    if which == "java" and posixpath.basename(question.symbol.path) != f"{question.mention.name}.java":
        return None
    if which == "csharp" and any(f"{each}.".startswith(f"{theirs[0]}.") for each in ours):
        return None
    return Import(question.mention.name, theirs[0])


_WAYS: dict[str, Way] = {
    "c": header,
    "cpp": header,
    "go": package,
    "python": _python,
    "javascript": _ecma,
    "typescript": _ecma,
    "typescriptreact": _ecma,
    "rust": _rust,
    "java": _packaged,
    "csharp": _packaged,
    "php": _packaged,
}
