"""Which language is at the cursor, from where to where: a script in HTML, SQL in a string, code in Markdown.

What is found is one value; with it a document is seen as the inner language sees it, in the document's own
offsets: everybody asks that snapshot what they ask any other. Code that begins in the cursor's own line is
left to the outer language, whose brackets and quotes stand there as well. Languages are known by their files
alone, and the inner tree is made within a time limit: where there is none, lines and indentation must do.
"""

from __future__ import annotations

import re

import attrs

from ..languages import PLAIN, identify, language
from ..languages.embedding import Embedding
from ..languages.grammars import load_grammar
from ..text.lines import line_start
from .parsing import ByteParse, Region, byte_at, encoded
from .snapshot import EmbeddedCode, Snapshot
from .tree import Span, SyntaxTree

PARSE_MS = 40.0
"""Processor time for the inner tree."""

LONGEST_CODE = 60_000
"""Code points of inner code that are parsed; longer code has its lines."""

_NEAR = 1_000
_HEAD = 200


def embedded_at(snapshot: Snapshot, offset: int) -> EmbeddedCode | None:
    """The inner code around a place; None where the document's own language is to be asked."""
    tree, embeddings = snapshot.tree, snapshot.described.embeddings
    if tree is None or not embeddings or snapshot.embedded is not None:
        return None
    first = line_start(snapshot.text, offset)
    kinds = tuple(each.node for each in embeddings)
    spans = dict.fromkeys((*tree.spans_at(max(offset - 1, 0), kinds), *tree.spans_at(offset, kinds)))
    for span in sorted(spans, key=lambda span: span.end - span.start):
        for embedding in embeddings:
            if embedding.node != span.kind:
                continue
            found = code_in(snapshot, span, embedding)
            if found is not None and found.start <= first and offset <= found.end:
                return found
    return None


def seen_from_inside(snapshot: Snapshot, code: EmbeddedCode, limit_ms: float = PARSE_MS) -> Snapshot:
    """The document as the inner language sees it; without a tree where that takes longer than `limit_ms`."""
    described = language(code.language)
    inner = attrs.evolve(snapshot, language=code.language, embedded=code, tree=None)
    grammar = load_grammar(described.grammar)
    if grammar is None or code.end - code.start > LONGEST_CODE:
        return inner
    data = encoded(snapshot.text)
    within = byte_at(snapshot.text, code.start), byte_at(snapshot.text, code.end)
    work = ByteParse(grammar, data, None, within)
    if not work.run(limit_ms) or work.tree is None:
        return inner
    region = Region(code.start, code.end)
    return attrs.evolve(inner, tree=SyntaxTree(described, snapshot.text, data, work.tree, region))


def seen_at(snapshot: Snapshot, offset: int, limit_ms: float = PARSE_MS) -> Snapshot:
    """The document as the language at a place sees it."""
    code = embedded_at(snapshot, offset)
    return snapshot if code is None else seen_from_inside(snapshot, code, limit_ms)


def code_in(snapshot: Snapshot, span: Span, embedding: Embedding) -> EmbeddedCode | None:
    """The code in a node of an embedding's type, where it is of another language."""
    text, start, end, name = snapshot.text, span.start, span.end, ""
    if embedding.before:
        found = re.search(rf"(?:{embedding.before})\Z", text[max(0, start - _NEAR) : start])
        if found is None:
            return None
        name = found.groupdict().get("language") or ""
    if embedding.opens:
        opening = re.compile(embedding.opens).match(text, start, end)
        if opening is None:
            return None
        closing = opening.groupdict().get("closing") or ""
        start = opening.end()
        if closing and text.endswith(closing, start, end):
            end -= len(closing)
    if embedding.begins and not re.match(embedding.begins, text[start : start + _HEAD]):
        return None
    inner = _named(name, embedding) if name else embedding.language
    if not inner:
        return None
    return EmbeddedCode(inner, snapshot.language, start, end, embedding.ends, embedding.strict)


def _named(name: str, embedding: Embedding) -> str:
    """The identifier of a language that is called so there; "" for one that nobody described."""
    said = name.lower()
    known = language(embedding.called.get(said) or identify(said, f"code.{said}"))
    return "" if known is PLAIN else known.id
