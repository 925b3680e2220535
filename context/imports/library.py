"""What each language's standard library defines, as data: one TOML file per language beside this module.

A table says which module a name comes from. Names that mean little by themselves (`sleep`) are told from
variables by how they are used; where that is ambiguous, there is no answer. It reads no code.
"""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources

import attrs
import cattrs

_FOLDER = resources.files(__name__.rpartition(".")[0])
_converter = cattrs.Converter(forbid_extra_keys=True)


@attrs.frozen
class Form:
    """How a language with one import per line writes it; see `plain`.

    Attributes:
        nodes: types of the statements' nodes.
        pattern: what matches such a statement; its group `path` is what it imports.
        write: the statement, with `{path}` for what it imports.
        join: what stands between a module and a name; empty where modules are imported whole.
        header: types of nodes that stand before imports.
        inside: types of nodes that have imports of their own.
        wildcards: what stands behind a module whose every name is imported.
        groups: patterns of paths, one for each group, in order.
        folded: whether capitals count for nothing when imports are sorted.
        mixed: see `layout.Custom`.
        separated: see `layout.Custom`.
        implicit: modules that may be imported without the file's saying so: only where it names one of them
            the others are added.
        closed: whether modules that aren't in the table bring names unseen, so that nothing is added there.
        typelike: whether names count only where a type can stand.
    """

    nodes: tuple[str, ...]
    pattern: str
    write: str
    join: str = ""
    header: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    wildcards: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    folded: bool = True
    mixed: bool = False
    separated: bool = False
    implicit: tuple[str, ...] = ()
    closed: bool = False
    typelike: bool = False


@attrs.frozen
class Library:
    """A language's table. Each part maps a module to names, separated by blanks and line ends.

    Attributes:
        ids: the language identifiers that it is for.
        writer: which module of `imports` writes its statements.
        modules: what the modules have that are used by their own name (`os.path`): a module counts only with
            such a member. The name is the last part of the module's path, or all of a dotted one.
        classes: what classes have whose name means little by itself: they count only with such a member.
        names: what is used by its own name. Where several modules have it, the first is to be imported.
        calls: the same, but only for names that are called, or that decorate something.
        libraries: the same for packages that are not the language's own, where a file imports from them
            already.
        scopes: what names of `names` may be written behind (`std`); there they must be.
        form: see `Form`.
    """

    ids: tuple[str, ...]
    writer: str
    modules: dict[str, str] = attrs.field(factory=dict[str, str])
    classes: dict[str, str] = attrs.field(factory=dict[str, str])
    names: dict[str, str] = attrs.field(factory=dict[str, str])
    calls: dict[str, str] = attrs.field(factory=dict[str, str])
    libraries: dict[str, str] = attrs.field(factory=dict[str, str])
    scopes: tuple[str, ...] = ()
    form: Form | None = None

    @functools.cached_property
    def by_name(self) -> dict[str, tuple[str, ...]]:
        """The modules that have a name, in order of the table."""
        return _turned(self.names)

    @functools.cached_property
    def by_call(self) -> dict[str, tuple[str, ...]]:
        """The same for `calls`."""
        return _turned(self.calls)

    @functools.cached_property
    def by_library(self) -> dict[str, tuple[str, ...]]:
        """The same for `libraries`."""
        return _turned(self.libraries)

    @functools.cached_property
    def by_last(self) -> dict[str, tuple[str, ...]]:
        """The modules that are used by a name."""
        found: dict[str, list[str]] = {}
        for module in self.modules:
            found.setdefault(re.split(r"[/]|::", module)[-1].split(".")[0], []).append(module)
            if module.rsplit("/", 1)[-1] == "v2":
                found.setdefault(module.rsplit("/", 2)[-2], []).append(module)
        return {name: tuple(modules) for name, modules in found.items()}

    def class_of(self, name: str, member: str) -> str:
        """The module whose class a name is, by a member of it; "" where there is none."""
        for path, members in self.classes.items():
            module, _, last = path.rpartition(".")
            if last == name and member in _words(members):
                return module
        return ""

    def has_member(self, module: str, member: str) -> bool:
        """Whether a module has such a member, by its table."""
        return member in _words(self.modules.get(module, ""))


def _turned(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for module, words in table.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), module)
    return found


@functools.cache
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@functools.cache
def _stems() -> dict[str, str]:
    """For each language identifier the table's file."""
    found: dict[str, str] = {}
    for entry in _FOLDER.iterdir():
        if entry.name.endswith(".toml"):
            first = tomllib.loads(entry.read_text(encoding="utf-8").split("\n\n", 1)[0])
            found.update(dict.fromkeys(first["ids"], entry.name))
    return found


@functools.cache
def library(language_id: str) -> Library | None:
    """The table of a language; None where there is none."""
    name = _stems().get(language_id)
    if name is None:
        return None
    return _converter.structure(tomllib.loads((_FOLDER / name).read_text(encoding="utf-8")), Library)
