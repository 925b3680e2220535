"""The grammars of the languages, and their queries: loaded when first asked for, kept for good.

A grammar that is missing or doesn't fit costs the syntax, never the completion.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence

import attrs
import tree_sitter

from . import Grammar, Language, query_text
from .patterns import NodePattern, PatternError, read_patterns

WITHIN = "within."
"""How a capture begins of a node in which more has to stand: what follows is the node's type."""


@attrs.frozen
class TypeQuery:
    """Query files of a language, compiled as far as they are about types of nodes.

    Attributes:
        compiled: has the captures of those patterns that are about a type alone, and those that begin with
            `WITHIN`.
        within: by type, what has to stand in such a node.
    """

    compiled: tree_sitter.Query
    within: Mapping[str, Sequence[NodePattern]]


@functools.cache
def load_grammar(described: Grammar | None) -> tree_sitter.Language | None:
    """A language's grammar, imported when first asked for; None where it is missing or doesn't fit."""
    while described is not None:
        try:
            module = importlib.import_module(described.package)
            capsule: object = getattr(module, described.function)()
            return tree_sitter.Language(capsule)
        except (ImportError, AttributeError, TypeError, ValueError):
            described = described.instead
    return None


@functools.cache
def load_query(described: Grammar | None, files: tuple[str, ...]) -> TypeQuery | None:
    """Query files for a language's grammar; None where there are none, or where they don't fit it.

    A test rules out that they don't fit the grammars of today; with tomorrow's, completions go on.
    """
    grammar = load_grammar(described)
    if grammar is None or not files:
        return None
    try:
        patterns = read_patterns(query_text(files))
        within: dict[str, list[NodePattern]] = {}
        flat: list[str] = []
        for pattern in patterns:
            kinds = sorted(pattern.kinds or ())
            if pattern.is_flat:
                flat.append(f"[{' '.join(f'({kind})' for kind in kinds)}] @{' @'.join(pattern.captures)}")
            for kind in () if pattern.is_flat else kinds:
                within.setdefault(kind, []).append(pattern)
        flat += [f"({kind}) @{WITHIN}{kind}" for kind in within]
        return TypeQuery(tree_sitter.Query(grammar, "\n".join(flat)), within)
    except (PatternError, tree_sitter.QueryError):
        return None


def bring_in(of: Language) -> None:
    """Have a language's grammar and queries ready, before somebody waits for them.

    tree-sitter goes through the whole grammar for each query, in one call during which no other thread of
    the process runs: 1 to 70 ms (Lua, SQL). The second time it takes nothing.
    """
    load_query(of.grammar, of.names_queries)
    load_query(of.grammar, of.definitions_queries)
