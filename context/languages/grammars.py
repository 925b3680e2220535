"""The grammars of the languages, and their queries compiled: loaded when first asked for, kept for good.

A grammar that is missing or doesn't fit costs the syntax, never the completion.
"""

from __future__ import annotations

import functools
import importlib
import re

import tree_sitter

from . import Language, query_text

APART = "; Compiled apart"
"""How a line in a query file begins that cuts the query in two."""


@functools.cache
def load_grammar(of: Language) -> tree_sitter.Language | None:
    """The language's grammar, imported when first asked for; None where it is missing or doesn't fit."""
    if of.grammar is None:
        return None
    try:
        module = importlib.import_module(of.grammar.package)
        capsule: object = getattr(module, of.grammar.function)()
        return tree_sitter.Language(capsule)
    except (ImportError, AttributeError, ValueError):
        return None


@functools.cache
def load_queries(of: Language, files: tuple[str, ...]) -> tuple[tree_sitter.Query, ...]:
    """Query files of a language, compiled; none where there are none, or where they don't fit the grammar.

    Compiling takes up to 70 ms for C++, and lets no other thread do anything meanwhile: lines that begin with
    `APART` cut a query in parts, each of which is compiled, and to be asked, by itself.

    A test rules out that they don't fit the grammars of today; with tomorrow's, completions go on.
    """
    grammar = load_grammar(of)
    parts = re.split(rf"^{APART}.*$", query_text(files), flags=re.MULTILINE)
    if grammar is None:
        return ()
    try:
        queries = (tree_sitter.Query(grammar, part) for part in parts)
        return tuple(query for query in queries if query.pattern_count)
    except tree_sitter.QueryError:
        return ()
