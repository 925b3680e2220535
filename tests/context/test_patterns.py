"""What the query files find is what tree-sitter finds when it compiles them whole.

It is the second implementation, except for tokens that are missing: they are empty, and found by it alone.
"""

from __future__ import annotations

import functools

import pytest
import tree_sitter
from foretype.context import languages
from foretype.context.languages import grammars
from foretype.context.languages.patterns import PatternError, read_patterns
from foretype.context.syntax.matching import matches
from foretype.context.syntax.tree_work import parse
from foretype.tests.support.code_samples import SOURCES
from hypothesis import given
from hypothesis import strategies as st

Found = set[tuple[str, int, int]]

MORE = {
    "csharp": "using System;\nnamespace A.B { [X] class C<T> : D { public int P { get; set; } = 1;\n"
    '  void F(int a, string b = "é") { foreach (var x in xs) { if (x is int n) G(o: n, out var q); }'
    "} } }\n",
    "php": "<?php\nnamespace A;\nclass B { private $x = 1; const C = 2;\n"
    "  function f(int $a, ...$b) { foreach ($a as $k => $v) { $c = [$k, 'é']; } return fn($d) => $d; } }\n",
    "lua": "local a, b = 1, 'é'\nfunction M.f(x) for i, v in pairs(x) do t.y = v end return a end\n"
    "function M:g() goto done ::done:: end\n",
    "ruby": "module A\n  class B < C\n    D = 'é'\n    def f(x) = x.map { |y| y }\n"
    "    def self.g; end\n  end\nend\n",
    "css": ":root { --größe: 1px; }\n.a #b { color: var(--größe); }\n@keyframes k { from { top: 0 } }\n",
    "shellscript": 'A=1\nexport B=2\nf() { echo "é $A"; }\n',
    "markdown": "# One é\n\nText.\n\nTwo\n===\n",
}
CODE = {**SOURCES, **MORE}

DESCRIBED = [each for each in languages.all_languages() if each.id in CODE]
NAMED = [each for each in DESCRIBED if each.names_queries]


def found_here(described: languages.Language, files: tuple[str, ...], source: str) -> Found:
    data = source.encode("utf-8", "surrogatepass")
    query = grammars.load_query(described.grammar, files)
    assert query is not None
    return {
        (name, node.start_byte, node.end_byte)
        for match in matches(query, parsed(described, data).root_node, data, (0, len(data)))
        for name, nodes in match.items()
        for node in nodes
    }


def found_by_tree_sitter(described: languages.Language, files: tuple[str, ...], source: str) -> Found:
    data = source.encode("utf-8", "surrogatepass")
    cursor = tree_sitter.QueryCursor(whole(described.id, files))
    return {
        (name, node.start_byte, node.end_byte)
        for _, match in cursor.matches(parsed(described, data).root_node)
        for name, nodes in match.items()
        for node in nodes
        if all(each.end_byte > each.start_byte for captured in match.values() for each in captured)
    }


def parsed(described: languages.Language, data: bytes) -> tree_sitter.Tree:
    grammar = grammars.load_grammar(described.grammar)
    assert grammar is not None
    return tree_sitter.Parser(grammar).parse(data)


@functools.cache
def whole(language: str, files: tuple[str, ...]) -> tree_sitter.Query:
    grammar = grammars.load_grammar(languages.language(language).grammar)
    assert grammar is not None
    return tree_sitter.Query(grammar, languages.query_text(files))


def check(described: languages.Language, source: str) -> None:
    for files in filter(None, (described.names_queries, described.definitions_queries)):
        expected = found_by_tree_sitter(described, files, source)
        assert found_here(described, files, source) == expected


@pytest.mark.parametrize("described", DESCRIBED, ids=lambda described: described.id)
def test_patterns_find_what_tree_sitter_finds(described: languages.Language) -> None:
    check(described, CODE[described.id])


@pytest.mark.parametrize("described", DESCRIBED, ids=lambda described: described.id)
@given(cut=st.tuples(st.floats(0, 1), st.integers(1, 40)))
def test_also_in_code_that_is_broken(described: languages.Language, cut: tuple[float, int]) -> None:
    source = CODE[described.id]
    start = int(cut[0] * len(source))
    check(described, source[:start] + source[start + cut[1] :])


@pytest.mark.parametrize("described", NAMED, ids=lambda described: described.id)
@given(ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_between_two_places_they_find_what_reaches_there(
    described: languages.Language, ends: tuple[float, float]
) -> None:
    source = CODE[described.id]
    start, end = (int(place * (len(source) - 1)) for place in sorted(ends))
    end += 1
    tree = parse(source, described.id)
    assert tree is not None
    first, last = (len(source[:place].encode()) for place in (start, end))
    cursor = tree_sitter.QueryCursor(whole(described.id, described.names_queries))
    cursor.set_byte_range(first, last)
    captures = cursor.captures(parsed(described, source.encode()).root_node)
    assert {(each.name, each.start, each.end) for each in tree.captures(start, end)} == {
        (name, *(len(source.encode()[:byte].decode()) for byte in (node.start_byte, node.end_byte)))
        for name, nodes in captures.items()
        for node in nodes
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(call function: (name) @a", "ends within"),
        ('((name) @a (#eq? @a "b"))', "#eq\\? isn't understood"),
        ("(name)+ @a", "isn't understood"),
        ("(name @a ]", "can't begin with"),
        ("@a", "can't begin with @a"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, said: str) -> None:
    with pytest.raises(PatternError, match=said):
        read_patterns(text)
