"""The grammars of the languages, and their queries compiled: loaded when first asked for, kept for good.

A grammar that is missing or doesn't fit costs the syntax, never the completion.
"""

from __future__ import annotations

import functools
import importlib

import tree_sitter

from .languages import Language, query_text


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
def load_query(of: Language, files: tuple[str, ...]) -> tree_sitter.Query | None:
    """Query files of a language, compiled; None when there are none, or when they don't fit the grammar.

    A test rules the latter out for the grammars of today; with tomorrow's, completions go on.
    """
    grammar = load_grammar(of)
    text = query_text(files)
    if grammar is None or not text:
        return None
    try:
        return tree_sitter.Query(grammar, text)
    except tree_sitter.QueryError:
        return None
