"""What a file defines, in the form that the workspace's index keeps: names with signatures, no bodies.

Pure: a text goes in, symbols come out. Where they are kept is the business of `index`.
"""

from __future__ import annotations

import re

import attrs

from ..languages import BlockStyle, Language, language, language_of
from ..syntax.tree import Definition, SyntaxTree
from ..syntax.tree_work import parse
from ..text.lines import line_end, line_start
from .ignore import without_secrets

MAX_SYMBOLS = 500
MAX_SIGNATURE = 240
_MAX_DOC = 160
_CALLABLE = {"function", "method"}
_PARSE_MS = 300.0
_DOCSTRINGS = ('"', "'", 'r"', 'R"')
_DOC_MARKS = re.compile(r"""^(?:[rRuUbBfF]{0,2}(?:\"{3}|'{3}|"|')|/\*\*?|\*|//[/!]?|#+|--+|;+|<!--)\s*""")
_DOC_ENDS = re.compile(r"""(?:\"{3}|'{3}|\*/|-->|")$""")


@attrs.frozen
class Symbol:
    """One definition.

    Attributes:
        name: the identifier.
        kind: "function", "class", "method", "constant" …
        container: the names of the definitions around it, joined with dots.
        signature: its header in one line, without its body.
        doc: the first line of its documentation, or "".
        path: its file, relative to the workspace, with forward slashes.
        line: the number of its first line, from 1.
    """

    name: str
    kind: str
    container: str
    signature: str
    doc: str
    path: str
    line: int


def symbols_of(text: str, language_id: str, path: str, tree: SyntaxTree | None = None) -> tuple[Symbol, ...]:
    """The definitions of one file, in order, at most `MAX_SYMBOLS`; none where parsing takes too long."""
    tree = tree or parse(text, language_id, _PARSE_MS)
    if tree is None:
        return ()
    found: list[Symbol] = []
    line, counted = 1, 0
    for definition in tree.definitions(MAX_SYMBOLS):
        line += text.count("\n", counted, definition.start)
        counted = definition.start
        signature = signature_of(text, definition)
        quoted = '"' in signature or "'" in signature
        if not quoted or without_secrets(signature):
            doc = documentation_of(text, definition, tree.language)
            found.append(
                Symbol(definition.name, definition.kind, definition.container, signature, doc, path, line)
            )
    return tuple(found)


def signature_of(text: str, definition: Definition) -> str:
    """A definition's header in one line."""
    start = definition.start
    until = definition.body_start if definition.body_start < definition.end else line_end(text, start)
    header = text[start : min(until, start + 4 * MAX_SIGNATURE)]
    if definition.body_start >= definition.end:
        header = text[start : min(until, definition.end, start + MAX_SIGNATURE)]
    return " ".join(header.split()).rstrip("{").rstrip()[:MAX_SIGNATURE]


def documentation_of(text: str, definition: Definition, described: Language) -> str:
    """The first line of the docstring in a definition, or of the comment right above it; "" without one."""
    if described.layout.indented and definition.body_start < definition.end:
        if not text.startswith(_DOCSTRINGS, definition.body_start):
            return ""
        return _clean(text[definition.body_start : line_end(text, definition.body_start)])
    tokens = (*described.comments.line, *(begin for begin, _ in described.comments.block), "*")
    lines: list[str] = []
    position = line_start(text, definition.start)
    for _ in range(30):
        if position <= 0:
            break
        end = position - (2 if text.endswith("\r\n", 0, position) else 1)
        position = line_start(text, end)
        line = text[position : min(end, position + 400)].strip()
        if line.startswith(("@", "#[", "[")) and not _first_words(lines):
            continue  # attributes and annotations stand between a comment and what it is about
        if not line.startswith(tokens) and not line.endswith("*/"):
            break
        lines.append(line)
    return _first_words(lines)


def _first_words(upwards: list[str]) -> str:
    """The first line of a comment that says something; its lines come from the last to the first."""
    return next((words for line in reversed(upwards) if (words := _clean(line))), "")


def _clean(line: str) -> str:
    return _DOC_ENDS.sub("", _DOC_MARKS.sub("", line.strip())).strip()[:_MAX_DOC]


def outline(symbols: tuple[Symbol, ...], of: Symbol, limit: int = 12) -> str:
    """A definition as the model should see it: signature, documentation, and its members' signatures.

    It is sound code, as far as the language can say that a body is left out: a model goes on in the style of
    what it reads.
    """
    layout = language(language_of(of.path)).layout
    within = f"{of.container}.{of.name}" if of.container else of.name
    members = [_stubbed(symbol, layout, ",") for symbol in symbols if symbol.container == within][:limit]
    comments = language(language_of(of.path)).comments
    doc = f"  {comments.line[0] if comments.line else '//'} {of.doc}" if of.doc else ""
    if not members:
        return _stubbed(of, layout) + doc + "\n"
    braces = bool(layout.stub) and not layout.indented and "{" in layout.openers
    head, tail = (" {", ["}"]) if braces else ("", [])
    return "\n".join([of.signature + head + doc, *(f"    {member}" for member in members), *tail]) + "\n"


def _stubbed(symbol: Symbol, layout: BlockStyle, part: str = "") -> str:
    """A signature with what stands for its body, or with `part` where it has none (fields, enumerators)."""
    signature = symbol.signature
    if layout.indented:
        return signature + layout.stub if signature.endswith(":") else signature
    if not layout.stub or signature.endswith((";", ",", "}")):
        return signature
    return signature + (layout.stub if symbol.kind in _CALLABLE else part)
