"""Which names of a stretch of code have to be imported, and from where.

Precision comes first: a name that anything in the file explains needs no import, and one that several modules
could bring gets none. Where the edit goes is the business of the modules that write statements.
"""

from __future__ import annotations

import re

from ..syntax.names import is_visible, uses
from ..syntax.snapshot import Snapshot
from ..syntax.tree import SyntaxTree
from .library import Library, library
from .surroundings import ImportSurroundings
from .values import Import, Mention, Site, Statement
from .workspace import defines, from_workspace, may_define

_NAME = re.compile(r"[^\W\d]\w*")
_BEFORE = re.compile(r"(?:(\w+)\s*(::)|(\.|->|[$\\]|::))\s*$")
_BEHIND = re.compile(
    r"((?:\s*(?:\.|::|\?\.)\s*[^\W\d]\w*)*)\s*(?:<[\w\s,.<>:?\[\]*&]*>\s*|::<[^()]*>\s*)?(\(|!)?"
)
_PART = re.compile(r"\w+")
_PARSED = frozenset({"python", "ecma", "go"})
"""Writers of languages whose queries find every use; in the others words are looked at."""

_TYPE_BEFORE = re.compile(
    r"(?:[@\[?|<:]|\b(?:new|extends|implements|throws|instanceof|is|as|typeof\s*\(|catch\s*\(|abstract|return\s+new))\s*$"
)
_TYPE_BEHIND = re.compile(
    r"\s*(?:<|\.\s*\w|::|\[\s*\]|>|\?|\s+(?!(?:is|as|in|and|or|when|instanceof|where|select|by)\b)[$&\w])"
)
_OBJECTS = frozenset("errno stdin stdout stderr bool true false jmp_buf optarg optind".split())  # noqa: SIM905
"""What C's headers have in small letters beside functions and the types whose names end in `_t`."""

_NAMESPACE = re.compile(r"^[^\S\n]*(?:<\?php\s+)?namespace\s+\w", re.MULTILINE)
_LONGEST = 400
_NEAR = 40


def mentions(tree: SyntaxTree, start: int, end: int, table: Library) -> list[Mention]:
    """The names between two offsets that could come from a module, in order; each once."""
    text = tree.text
    while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
        start -= 1
    kinds: dict[int, str] = {}
    if table.writer in _PARSED:
        kinds = {use.start: use.kind for use in uses(tree, start, end) if use.kind in {"use", "type"}}
    found: dict[tuple[str, str], Mention] = {}
    for match in _NAME.finditer(text, start, end):
        if table.writer in _PARSED and match.start() not in kinds:
            continue
        mention = _mention(text, match, kinds.get(match.start(), "") == "type", table)
        if mention is not None:
            found.setdefault((mention.name, mention.member), mention)
    return list(found.values())


def _mention(text: str, match: re.Match[str], is_type: bool, table: Library) -> Mention | None:
    before = text[max(0, match.start() - _NEAR) : match.start()]
    behind = _BEHIND.match(text, match.end(), match.end() + _LONGEST)
    left = _BEFORE.search(before)
    arrow = left is not None and left[3] == "->" and table.writer != "plain"
    if left is not None and left[3] and not arrow and not before.endswith("..."):
        return None
    member = ".".join(_PART.findall(behind[1])) if behind else ""
    called = bool(behind and behind[2] and not member) or before.endswith("@")
    scope = left[1] if left is not None and left[2] else ""
    return Mention(match.group(), match.start(), member, called, is_type, scope)


def wanted_imports(
    site: Site, statements: tuple[Statement, ...], around: ImportSurroundings | None = None
) -> tuple[tuple[Mention, Import], ...]:
    """The imports that a piece of code needs, in the order of its names.

    Args:
        site: the code in its place.
        statements: the document's import statements.
        around: asked for what the workspace defines; None where nobody knows the workspace.
    """
    snapshot, tree = site.snapshot, site.tree
    table = library(snapshot.described.id)
    if table is None or _is_global(snapshot):
        return ()
    modules = _modules(statements, table, around)
    if modules is None or _comes_unseen(snapshot):
        return ()
    found: dict[str, tuple[Mention, Import]] = {}
    for mention in mentions(tree, site.start, site.end, table):
        if mention.name in found or _is_ours(mention, snapshot, table):
            continue
        choice = _listed(mention, table, modules, snapshot, around)
        if choice is None and not (around is not None and may_define(around, mention, snapshot)):
            continue
        if tree.prose_at(mention.start + 1) or not _can_be_meant(mention, tree, table):
            continue
        if not mention.scope and _is_visible(mention, choice, site):
            continue
        if around is not None:
            choice = _with_workspace(mention, choice, snapshot, statements, around)
        if choice is not None:
            found[mention.name] = (mention, choice)
    return tuple(found.values())


def _listed(
    mention: Mention,
    table: Library,
    modules: frozenset[str],
    snapshot: Snapshot,
    around: ImportSurroundings | None,
) -> Import | None:
    """What the tables say of a name."""
    if mention.scope and not table.scopes:
        return None
    choice = from_library(mention, table, modules, snapshot)
    if choice is None and around is not None and mention.name in table.by_library:
        return _from_package(mention, table, around.packages(snapshot.path), snapshot)
    return choice


def _with_workspace(
    mention: Mention,
    choice: Import | None,
    snapshot: Snapshot,
    statements: tuple[Statement, ...],
    around: ImportSurroundings,
) -> Import | None:
    """What is to be imported where the workspace is known: a name that both have may be either."""
    if choice is None:
        return from_workspace(around, mention, snapshot, statements)
    return None if defines(around, mention, snapshot) else choice


def _modules(
    statements: tuple[Statement, ...], table: Library, around: ImportSurroundings | None
) -> frozenset[str] | None:
    """What a file imports, headers with all that they include; None where one may bring what nobody knows."""
    modules = frozenset(each.module for each in statements)
    if table.form is None or not table.form.closed or modules <= table.names.keys():
        return modules
    return None if around is None else around.reached(modules, table)


def _comes_unseen(snapshot: Snapshot) -> bool:
    """Whether names come into the file that can't be seen in it."""
    if not sees_beginning(snapshot):
        return True
    marks = [mark for mark in snapshot.described.names.opaque if "*" in mark or "." in mark]
    text = snapshot.text.replace("use super::*", "") if snapshot.language == "rust" else snapshot.text
    return any(mark in text for mark in marks)


def sees_beginning(snapshot: Snapshot) -> bool:
    """Whether a document's tree knows where its imports are: of a large text it may know a part only."""
    tree = snapshot.tree
    return tree is not None and (tree.region is None or tree.region.start == 0)


def _is_global(snapshot: Snapshot) -> bool:
    """Whether every name is known by itself: in PHP, outside namespaces."""
    return snapshot.language == "php" and _NAMESPACE.search(snapshot.text) is None


def _can_be_meant(mention: Mention, tree: SyntaxTree, table: Library) -> bool:
    """Whether a name stands where what the table means by it can stand, by the words around."""
    if table.form is None:
        return True
    end = mention.start + len(mention.name)
    if table.form.typelike:
        before = tree.text[max(0, mention.start - _NEAR) : mention.start]
        behind = _TYPE_BEHIND.match(tree.text, end, end + _NEAR)
        return bool(_TYPE_BEFORE.search(before) or behind) and not (mention.called and before[-1:] == ".")
    if table.form.closed and not table.scopes:
        name = mention.name
        return mention.called or name.isupper() or name.endswith("_t") or name in _OBJECTS
    return True


def _is_ours(mention: Mention, snapshot: Snapshot, table: Library) -> bool:
    """Whether a name is the language's own, without any import."""
    described = snapshot.described
    if mention.name in described.keywords:
        return True
    return table.writer != "plain" and (
        mention.name in described.known_words or described.names.has_type(mention.name)
    )


def _is_visible(mention: Mention, choice: Import | None, site: Site) -> bool:
    module, own = choice is not None and choice.form == "module", (min(site.start, mention.start), site.end)
    if is_known(site.tree, mention.name, mention.start, own, module=module):
        return True
    whole = site.snapshot.tree
    return whole is not None and is_known(whole, mention.name, site.offset, module=module)


def is_known(
    tree: SyntaxTree, name: str, at: int, own: tuple[int, int] = (0, 0), *, module: bool = False
) -> bool:
    """Whether a name is known at an offset; uses inside `own` are no evidence.

    In Rust only a module explains a module's name: functions and variables have names of their own.
    """
    if module and tree.language.id == "rust":
        declared = rf"\b(?:mod|crate|enum|struct|type|trait)\s+{name}\b"
        used = rf"\buse\b[^;]*\b(?:{name}(?:\s*::\s*\{{\s*self\b|\s*[;,}}])|as\s+{name}\b)"
        return re.search(f"{declared}|{used}", tree.text) is not None
    return is_visible(tree, name, at, *own)


def from_library(
    mention: Mention, table: Library, modules: frozenset[str], snapshot: Snapshot
) -> Import | None:
    """What the language's own library, or a package that the file uses already, says of a name."""
    name, form = mention.name, "type" if mention.is_type else "member"
    if table.scopes and mention.scope not in table.scopes:
        return None
    bare = table.by_name.get(name, ()) or (table.by_call.get(name, ()) if mention.called else ())
    if mention.member and name in table.by_last:
        module = _module(mention, table, modules)
        if module:
            return Import(name, module, "module")
    of_class = table.class_of(name, mention.member.split(".", 1)[0])
    if of_class:
        return Import(name, of_class, form)
    if bare and not (mention.member and name not in table.by_name):
        return _one_of(bare, name, form, table, modules)
    return _from_package(mention, table, modules, snapshot)


def _from_package(
    mention: Mention, table: Library, packages: frozenset[str], snapshot: Snapshot
) -> Import | None:
    """What one of some packages that are in use says of a name."""
    name = mention.name
    used = [each for each in table.by_library.get(name, ()) if _uses(each, packages, snapshot)]
    if len(used) == 1 and (mention.called or mention.is_type or name[0].isupper()):
        return Import(name, used[0], "type" if mention.is_type else "member")
    return None


def _one_of(
    able: tuple[str, ...], name: str, form: str, table: Library, modules: frozenset[str]
) -> Import | None:
    """The import of a name that each of some modules has; None where the file has one of them already."""
    known = [each for each in able if each in modules]
    plain = table.form
    if plain is not None:
        there = not plain.join and bool(known)
        if there or any(each + mark in modules for each in able for mark in plain.wildcards):
            return None
        if not known and able[0] in plain.implicit and modules.isdisjoint(plain.implicit):
            return None
    return Import(name, known[0] if known else able[0], form)


def _module(mention: Mention, table: Library, modules: frozenset[str]) -> str:
    """The module that a name stands for, by the members behind it; "" where that can't be told."""
    if table.writer == "python":
        return _dotted(mention, table)
    member = mention.member.split(".", 1)[0]
    able = [each for each in table.by_last[mention.name] if table.has_member(each, member)]
    known = [each for each in able if each in modules]
    if known:
        return known[0]
    able = [each for each in able if not each.endswith("/v2")] or able
    return able[0] if len(able) == 1 else ""


def _dotted(mention: Mention, table: Library) -> str:
    module, rest = mention.name, mention.member.split(".")
    if module in table.modules and table.has_member(module, rest[0]):
        return module
    for count in range(len(rest), 0, -1):
        longer = ".".join([module, *rest[:count]])
        if longer in table.modules and (count == len(rest) or table.has_member(longer, rest[count])):
            return longer
    return ""


def _uses(module: str, modules: frozenset[str], snapshot: Snapshot) -> bool:
    """Whether a file shows that it uses a package."""
    if snapshot.described.id == "java":
        top = ".".join(module.split(".")[:2]) + "."
        return any(each.startswith(top) for each in modules)
    package = "/".join(module.split("/")[: 2 if module.startswith("@") else 1])
    if any(each == package or each.startswith(package + "/") for each in modules):
        return True
    others = any(each.startswith(("preact", "solid-js", "vue", "svelte")) for each in modules)
    return package == "react" and snapshot.language.endswith("react") and not others
