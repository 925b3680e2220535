"""Languages as data: one TOML file each, and the query files it names.

`python.toml` holds what the other modules must know about Python without parsing it (comment tokens, what
opens a block, builtins) and where its grammar comes from; `python.names.scm` says with tree-sitter queries
what a declaration or a use of a name is. Adding a language means adding such files and a grammar wheel, no
Python. A file is named after the language identifier that editors send; other identifiers stand inside. One
that `extends` another says only what differs.

This module reads the files. It imports no grammar and parses no code: that is `tree`.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import Literal

import attrs
import cattrs

from .described import described
from .embedding import Embedding
from .notebooks import NotebookCells


@attrs.frozen(cache_hash=True)
class Grammar:
    """Where a tree-sitter grammar comes from.

    Attributes:
        package: an importable module, as the official grammar wheels install it.
        function: its function that returns the language.
        preamble: what a part of a file has to begin with to be parsed alone (`<?php`).
        strict: whether a defect means a mistake. Not in markup, whose elements are closed much later.
        statement_macros: whether macros may be written like statements, with a block behind their arguments.
        extra: whether it comes with `foretype[languages]` alone; without it, lines and indentation must do.
        instead: what is used where it isn't installed.
    """

    package: str
    function: str = "language"
    preamble: str = ""
    strict: bool = True
    statement_macros: bool = False
    extra: bool = False
    instead: Grammar | None = None


@attrs.frozen
class Comments:
    """How comments are written: tokens to the line's end, and pairs that enclose."""

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()


@attrs.frozen
class BlockStyle:
    """How blocks look.

    Attributes:
        indented: blocks end by indentation alone (Python); a blank line may then end a suggestion.
        unit: the indentation step that is customary where a file shows none.
        only: "tabs" or "blanks" where the language takes nothing else for indentation.
        openers: what a line ends with when it opens a block: punctuation, or whole words (`do`, `then`).
        opening_words: words that a line which opens a block begins with: where `:` is an opener, one of
            them must (`if x:`, not `x:`); elsewhere, one of them is enough (`def` in Ruby).
        opening_pattern: a regular expression for lines that open a block without any of those at their end.
        open_ended: those of the openers whose block no word closes, where words close others (`->`).
        closers: words that close a block (`end`, `fi`, `done`). Brackets close everywhere.
        continuations: words that go on with a statement at its own indentation (`else`, `except`).
        quotes: what strings begin and end with.
        multiline_quotes: those of them whose strings go on over line ends.
        long_strings: pairs of what strings over lines begin and end with, other than quotes.
        interpolations: pairs of a quote and of what begins code inside its strings (`"` and `#{`).
        interpolation_prefixes: what such a string must have in front of its quote (`f`); "" for nothing.
        characters: whether `'` encloses single characters, and nothing longer.
        regex: whether regular expressions are written between slashes.
        literals: a regular expression for what is read as one piece whatever brackets and quotes stand in it
            (`s/(/[/` in Perl), beside strings.
        escape: what takes the meaning from the character behind it, in strings.
        finishers: what may be missing at the end of unfinished code, beside brackets and quotes (`end`).
        unindented: what lines begin with that stand at the margin whatever is around them (`#if`).
        breaks_before_closers: whether what began with a line break ends with one before any closing bracket.
        trailing_commas: the brackets before whose closing ones a comma may stand.
        tags: whether elements stand in the code, as in JSX.
        prose: whether it is text for people, in which brackets need not be balanced.
        fences: whether code stands between lines of three backticks.
        dashed_lists: whether a dash and a blank begin an entry of a list.
        aligned: whether lines stand below what they belong to as often as they are indented by steps: then
            an answer's own indentation stays.
        loose_brackets: whether brackets are never those of a call, so that blanks inside mean nothing.
        data_braces: whether braces hold data, as brackets do, and no statements.
        late_binders: what may come behind a bracketed list and make its names parameters (` => x`).
        stub: what stands for a function's body where only its signature is shown, so that what is shown is
            still code (` ...`, `;`); empty where there is no such thing.
    """

    indented: bool = False
    unit: str = "    "
    only: Literal["", "tabs", "blanks"] = ""
    openers: tuple[str, ...] = ("{", "(", "[")
    opening_words: tuple[str, ...] = ()
    opening_pattern: str = ""
    open_ended: tuple[str, ...] = ()
    closers: tuple[str, ...] = ()
    continuations: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ('"', "'")
    multiline_quotes: tuple[str, ...] = ("`",)
    long_strings: tuple[tuple[str, str], ...] = ()
    interpolations: tuple[tuple[str, str], ...] = ()
    interpolation_prefixes: str = ""
    characters: bool = False
    regex: bool = False
    literals: str = ""
    escape: str = "\\"
    finishers: tuple[str, ...] = ()
    unindented: tuple[str, ...] = ()
    breaks_before_closers: bool = False
    trailing_commas: str = "([{"
    tags: bool = False
    prose: bool = False
    fences: bool = False
    dashed_lists: bool = False
    aligned: bool = False
    loose_brackets: bool = False
    data_braces: bool = False
    late_binders: tuple[str, ...] = ()
    stub: str = ""


@attrs.frozen
class Nodes:
    """Types of syntax nodes, as the grammar names them.

    Attributes:
        definitions: functions, classes and the like: their header lines are kept, and windows begin at them.
        functions: what has names of its own: functions, methods, lambdas, comprehensions.
        classes: what has members but no local names: they hide theirs from the functions inside.
        comments, strings: where prose may stand.
        code_in_strings: what is code again inside a string (`${…}`).
        opening_tags: what opens an element, whose children then follow.
        entries: what a list consists of, one below the other.
        tables: what has a head of its own line and what belongs to it below, no deeper (`[table]`).
    """

    definitions: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    comments: tuple[str, ...] = ("comment",)
    strings: tuple[str, ...] = ("string",)
    code_in_strings: tuple[str, ...] = ()
    opening_tags: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


@attrs.frozen
class Names:
    """What is known about names without looking at a file.

    Attributes:
        visibility: where a name that is used must be declared: "file" (there, imported by name, or a
            builtin: an unknown name is an undefined one), "workspace" (the same, but other files of the
            workspace share their names), or "open" (names come in unseen, as from C headers: an unknown
            name alone proves nothing).
        opaque: texts after which a "file" or "workspace" is as good as "open" (`import *`).
        locals: whether a name in small letters that isn't called must be declared in the file or the
            workspace even where other names come in unseen: C's headers bring functions, macros and types.
        mentioned: whether a name that no file of a large workspace mentions is an invention, even where names
            come in unseen.
        inherits: what a class's header says when members may come from elsewhere (`extends`); empty where
            members of the code's own object are not to be checked.
        dynamic: texts after which members may come from anywhere (`setattr(`).
        unseen: regular expressions for what brings in names from outside the workspace (`#include <…>`); what
            the group of one finds may be listed in `headers`. Without a group, variables may come in as well.
        headers: the files that list what well-known headers bring.
        included: a regular expression for paths of files that stand in for parts of others (C's headers):
            whatever the including file brings in comes in there.
        members: whether members of the code's own object are named like variables: `locals` then holds only
            for names that no other file mentions.
        packages: a regular expression whose group is the path of a package that is imported under a name that
            only the package itself says, mostly a part of its path.
        sigil: what variables begin with, where that is no part of their names.
        reserved: a regular expression for the beginnings of names that are the implementation's own.
        worlds: the file that lists what frameworks bring without an import, if there is one.
        namespaces: what qualified types begin with everywhere (`NodeJS`).
        rebinding: functions inside a class whose `this` is another object's.
        harmless: decorators that add no members to a class.
        keywords: words that are no names, separated by blanks and line ends.
        builtins: names that are always there.
        types: types that are always there, `HTML*` standing for all that begin so; where it isn't empty,
            any other must be declared or imported.
    """

    visibility: Literal["file", "workspace", "open"] = "open"
    opaque: tuple[str, ...] = ()
    locals: bool = False
    mentioned: bool = False
    inherits: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    included: str = ""
    members: bool = False
    packages: str = ""
    sigil: str = ""
    reserved: str = ""
    worlds: str = ""
    namespaces: str = ""
    rebinding: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    keywords: str = ""
    builtins: str = ""
    types: str = ""

    def has_type(self, name: str) -> bool:
        """Whether a type is there everywhere."""
        beginnings = tuple(word[:-1] for word in _words(self.types) if word.endswith("*"))
        return (
            name in _words(self.types)
            or name in _words(self.namespaces)
            or (bool(beginnings) and name.startswith(beginnings))
        )


@attrs.frozen(cache_hash=True)
class Language:
    """One language. Everything has a default: a file may hold no more than a name and a suffix.

    Attributes:
        name: as people write it.
        ids: further language identifiers that editors use, beside the file's own name.
        suffixes: file suffixes with their dot, in lower case.
        filenames: whole file names ("Makefile"), or their beginnings with a star behind ("Dockerfile.*").
        interpreters: programs that a script's first line names (`#!/usr/bin/env bash`), without versions.
        grammar: the tree-sitter grammar, or None: then lines and indentation must do.
        names_queries: query files that tell uses of names from their declarations.
        definitions_queries: query files that find what the workspace's index keeps.
        comments, layout, nodes, names, cells: see there.
        embeddings: where code of other languages stands in it.
        id: the language identifier; the file's stem.
    """

    name: str
    ids: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    grammar: Grammar | None = None
    names_queries: tuple[str, ...] = ()
    definitions_queries: tuple[str, ...] = ()
    comments: Comments = attrs.field(factory=Comments)
    layout: BlockStyle = attrs.field(factory=BlockStyle)
    nodes: Nodes = attrs.field(factory=Nodes)
    names: Names = attrs.field(factory=Names)
    cells: NotebookCells = attrs.field(factory=NotebookCells)
    embeddings: tuple[Embedding, ...] = ()
    id: str = ""

    @property
    def known_words(self) -> frozenset[str]:
        """Keywords and builtins together."""
        return _words(self.names.keywords) | _words(self.names.builtins)

    @property
    def keywords(self) -> frozenset[str]:
        """The words that are no names."""
        return _words(self.names.keywords)


PLAIN = Language(
    name="Plain text", id="plaintext", layout=BlockStyle(openers=("{", "(", "[", ":"), prose=True)
)
"""What is assumed of a language nobody described: lines, indentation and brackets."""

_FOLDER = resources.files(__name__)
_converter = cattrs.Converter(forbid_extra_keys=True)


_SCRIPT = re.compile(r"#!\s*(\S+)(?:[ \t]+([^\r\n]*))?")
_VERSION = re.compile(r"[-.\d]+$")
_FIRST_LINE = 300
_UNDECIDED = frozenset({"", "plaintext", "text", "txt", "plain", "conf", "config", "unknown"})


@functools.cache
def language(identifier: str) -> Language:
    """The language that editors call `identifier`; `PLAIN` when nobody described it. Never fails.

    Vim joins several names with dots ("yaml.ansible"): the first that is known counts.
    """
    name = identifier.lower()
    whole = _known_as(name)
    parts = (_known_as(part) for part in name.split(".")) if "." in name else ()
    return whole or next((found for found in parts if found is not None), PLAIN)


def _known_as(name: str) -> Language | None:
    found = _read(name) if name.replace("-", "").replace("_", "").isalnum() else None
    return found or next((each for each in all_languages() if name in each.ids), None)


def identify(identifier: str, path: str = "", text: str = "") -> str:
    """The language identifier of a document, from what its editor calls it, its file's name and its start.

    The editor's word counts where it is known, as it is. Otherwise the file's name decides, then the program
    that the first line names; where nobody described the language, the editor's word stays.
    """
    if identifier.lower() not in _UNDECIDED and language(identifier) is not PLAIN:
        return identifier
    return language_of(path) or _language_of_script(text[:_FIRST_LINE]) or identifier


def _language_of_script(text: str) -> str:
    """The language of a script by its first line: the program there, which `env` may start; "" for none."""
    found = _SCRIPT.match(text)
    if found is None:
        return ""
    for word in (found[1], *(found[2] or "").split()):
        program = word.rsplit("/", 1)[-1]
        if program != "env" and not program.startswith("-") and "=" not in program:
            return _by_interpreter().get(program) or _by_interpreter().get(_VERSION.sub("", program), "")
    return ""


@functools.cache
def in_notebooks(identifier: str) -> Language:
    """The language as it is in a notebook's cells: more names are there."""
    found = language(identifier)
    names, cells = found.names, found.cells
    names = attrs.evolve(
        names, builtins=f"{names.builtins} {cells.builtins}", opaque=(*names.opaque, *cells.opaque)
    )
    return attrs.evolve(found, names=names)


@functools.cache
def inside_another(identifier: str) -> Language:
    """The language as it is inside another one's files: names come in from what stands around it."""
    found = language(identifier)
    names = Names(keywords=found.names.keywords, builtins=found.names.builtins, sigil=found.names.sigil)
    return attrs.evolve(found, names=names)


@functools.cache
def all_languages() -> tuple[Language, ...]:
    """Every described language, by identifier."""
    stems = sorted(
        entry.name.removesuffix(".toml")
        for entry in _FOLDER.iterdir()
        if entry.name.endswith(".toml") and entry.name.count(".") == 1
    )
    return tuple(found for stem in stems if (found := _read(stem)) is not None)


def language_of(path: str) -> str:
    """The language identifier for a file's path, by its name or suffix; "" when nobody described it."""
    name = path[max(path.rfind("/"), path.rfind("\\")) + 1 :]
    by_name, by_beginning, by_suffix = _by_file_name()
    at = name.rfind(".")
    found = by_name.get(name) or (by_suffix.get(name[at:].lower(), "") if at > 0 else "")
    if found or at <= 0:
        return found
    return next((known for beginning, known in by_beginning if name.startswith(beginning)), "")


@functools.cache
def _by_file_name() -> tuple[dict[str, str], tuple[tuple[str, str], ...], dict[str, str]]:
    described = all_languages()
    names = {name: each.id for each in reversed(described) for name in each.filenames}
    by_beginning = tuple((name[:-1], each) for name, each in names.items() if name.endswith("*"))
    by_suffix = {suffix: each.id for each in reversed(described) for suffix in each.suffixes}
    return names, by_beginning, by_suffix


@functools.cache
def _by_interpreter() -> dict[str, str]:
    return {name: each.id for each in reversed(all_languages()) for name in each.interpreters}


@functools.cache
def query_text(files: tuple[str, ...]) -> str:
    """Query files, joined."""
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in files)


@functools.cache
def _read(stem: str) -> Language | None:
    if (
        re.fullmatch(r"[\w+-]{1,64}", stem) is None or not (_FOLDER / f"{stem}.toml").is_file()
    ):  # an editor's word
        return None
    return attrs.evolve(_converter.structure(described(_FOLDER, stem), Language), id=stem)


@functools.cache
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())
