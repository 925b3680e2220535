"""Trees: equal to a fresh parse after any edit, right in code points, and never in the way."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from foretype.context import languages
from foretype.context.languages import grammars
from foretype.context.languages.described import described, merged
from foretype.context.syntax import parsing
from foretype.context.syntax.tree_work import parse, parse_again
from foretype.tests.support.code_samples import SOURCES
from foretype.tests.support.cursor import at_cursor
from hypothesis import given, settings
from hypothesis import strategies as st

FRAGMENTS = [
    *(
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "`",
        "\n",
        "\r\n",
        "\n    ",
        "\t",
        " ",
        ":",
        ";",
        ",",
        ".y",
        "=",
        "x",
    ),
    *(
        "def f(",
        "class A",
        "if x:",
        "/*",
        "*/",
        "//",
        "#",
        "<",
        "=>",
        "${",
        "é",
        "🦊",
        "\ud800",
        "\0",
        "\f",
        "\u2028",
    ),
]


@pytest.mark.parametrize("language", SOURCES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_an_edited_tree_equals_a_fresh_parse(language: str, data: st.DataObject) -> None:
    text = SOURCES[language]
    tree = parse(text, language)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 0, 0, 1, 1, 2, 5, 20])))
        inserted = data.draw(st.sampled_from(["", *FRAGMENTS]))
        text = text[:start] + inserted + text[end:]
        assert tree is not None
        tree = parse_again(tree, text, start, end, start + len(inserted))
        fresh = parse(text, language)
        assert tree is not None
        assert fresh is not None
        assert tree.structure() == fresh.structure()
        assert tree.text == text


@pytest.mark.parametrize("language", SOURCES)
def test_a_large_file_without_defects_equals_a_fresh_parse_after_an_edit(language: str) -> None:
    text = SOURCES[language]
    count = 60_000 // len(text)
    whole = text * count if language != "go" else text + text.split("\n\n", 2)[2] * count
    tree = parse(whole, language)
    assert tree is not None
    where = len(whole) // 2
    where = whole.index("\n", where) + 1
    edited = parse_again(tree, whole[:where] + "\n\n" + whole[where:], where, where, where + 2)
    assert edited is not None
    back = parse_again(edited, whole, where, where + 2, where)
    assert back is not None
    assert back.structure() == tree.structure()
    assert not back.has_defects


def check_scopes(language: str, marked: str, expected: list[str]) -> None:
    text, offset = at_cursor(marked)
    tree = parse(text, language)
    assert tree is not None
    assert [text[scope.start :].split("\n")[0] for scope in tree.scopes(offset)] == expected


def test_enclosing_definitions_are_found_outermost_first() -> None:
    check_scopes("python", "class A:\n    def f(self):\n        re‸turn 1\n", ["class A:", "def f(self):"])


def test_offsets_count_code_points_behind_astral_characters() -> None:
    check_scopes("python", "s = '🦊🦊é'\ndef f(a):\n    ‸return a\n", ["def f(a):"])


def test_a_place_between_definitions_is_enclosed_by_none() -> None:
    check_scopes("python", "def f():\n    pass\n‸\ndef g():\n    pass\n", [])


@pytest.mark.parametrize(
    ("language", "marked", "expected"),
    [
        ("python", "x = 1  # a comm‸ent\ny = 2\n", "comment"),
        ("python", "x = 1  # a comment‸\ny = 2\n", "comment"),
        ("python", "x = 1  ‸# a comment\n", ""),
        ("python", "x = 'ab‸c'\n", "string"),
        ("python", "x = 'abc'‸\n", ""),
        ("python", "x = 'abc‸\n", "string"),
        ("python", "x = f'a{b‸}c'\n", ""),
        ("python", "x = f'a{b}c‸'\n", "string"),
        ("python", "def f():\n    '''text ‸ more\n    '''\n", "string"),
        ("javascript", "const a = `b${c‸}`;\n", ""),
        ("javascript", "const a = `b‸${c}`;\n", "string"),
        ("javascript", "/* a ‸ */ b\n", "comment"),
        ("javascript", "/* a */‸ b\n", ""),
        ("javascript", "b // a‸", "comment"),
        ("c", '#include "a‸.h"\n', "string"),
        ("go", "var r = 'x‸'\n", "string"),
        ("rust", "// a\nfn f() {} // é‸\n", "comment"),
        ("plaintext", "it is ‸ all the same\n", ""),
    ],
)
def test_prose_is_told_from_code(language: str, marked: str, expected: str) -> None:
    text, offset = at_cursor(marked)
    tree = parse(text, language)
    assert (tree.prose_at(offset) if tree else "") == expected


def test_defects_are_reported_where_they_are() -> None:
    text = "é = 1\nx = 2 ]\ny = 3\n"
    tree = parse(text, "python")
    assert tree is not None
    assert tree.has_defects
    assert [(text[span.start : span.end], span.kind) for span in tree.defects(0, len(text))] == [
        ("2 ]", "ERROR")
    ]
    assert tree.defects(0, 5) == ()


@settings(max_examples=60, deadline=None)
@given(
    text=st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join),
    language=st.sampled_from(sorted(SOURCES)),
    data=st.data(),
)
def test_every_question_has_an_answer_anywhere(text: str, language: str, data: st.DataObject) -> None:
    tree = parse(text, language)
    assert tree is not None
    offset = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(offset, len(text)))
    tree.scopes(offset)
    tree.prose_at(offset)
    for span in (*tree.defects(offset, end), *tree.captures(offset, end)):
        assert 0 <= span.start <= span.end <= len(text)
    for start in tree.declaration_starts(offset, end):
        assert offset <= start <= end


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "[{" * 5_000 + "}]" * 5_000,
        "x = (\n" * 10_000,
        '"' * 100_000,
        "\0" * 50_000,
        ")]}" * 20_000,
    ],
    ids=["open", "nested", "lines", "quotes", "nul", "closers"],
)
@pytest.mark.parametrize("language", ["python", "javascript", "cpp"])
def test_pathological_files_cost_bounded_time(text: str, language: str) -> None:
    tree = parse(text, language, limit_ms=300)
    if tree is not None:
        offset = len(text) // 2
        assert tree.prose_at(offset) in {"", "comment", "string"}
        assert len(tree.scopes(offset)) <= len(text)
        assert len(tree.defects(0, len(text), limit=10)) <= 10
        parse_again(tree, text[:offset] + text[offset + 1 :], offset, offset + 1, offset, limit_ms=100)


def test_a_text_that_is_too_large_has_no_tree() -> None:
    assert parse("x" * (parsing.MAX_CHARACTERS + 1), "python") is None


def test_a_language_without_a_grammar_has_no_tree() -> None:
    assert parse("x", "brainfuck") is None


def test_parsing_stops_when_its_time_is_up() -> None:
    assert parse("a=b;" * 100_000, "javascript", limit_ms=1) is None


@pytest.mark.parametrize("described", languages.all_languages(), ids=lambda described: described.id)
def test_what_a_language_file_names_exists_in_its_grammar(described: languages.Language) -> None:
    grammar = grammars.load_grammar(described.grammar)
    assert (grammar is not None) == (described.grammar is not None)
    if grammar is None:
        return
    nodes = described.nodes
    named = [*nodes.definitions, *nodes.functions, *nodes.classes, *nodes.comments, *nodes.strings]
    unknown = [
        kind for kind in named + list(nodes.code_in_strings) if grammar.id_for_node_kind(kind, True) is None
    ]
    assert unknown == []
    for files in (described.names_queries, described.definitions_queries):
        assert (grammars.load_query(described.grammar, files) is not None) == bool(files)


def test_a_language_that_extends_another_says_only_what_differs() -> None:
    typescript, jsx = languages.language("typescript"), languages.language("typescriptreact")
    assert (jsx.names, jsx.comments) == (typescript.names, typescript.comments)
    assert attrs.evolve(jsx.nodes, opening_tags=()) == typescript.nodes
    assert jsx.nodes.opening_tags
    assert attrs.evolve(jsx.layout, tags=False) == typescript.layout
    assert (jsx.suffixes, jsx.interpreters) == ((".tsx",), ())


def test_tables_are_merged_and_all_else_is_replaced() -> None:
    inherited = {"layout": {"stub": ";", "quotes": ["'"]}, "name": "A"}
    assert merged(inherited, {"layout": {"quotes": []}, "name": "B"}) == {
        "layout": {"stub": ";", "quotes": []},
        "name": "B",
    }


@pytest.mark.parametrize("files", [{"a": "b", "b": "a"}, {"a": "nobody"}, {"a": "a"}])
def test_a_language_that_extends_itself_or_nobody_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    for name, parent in files.items():
        (tmp_path / f"{name}.toml").write_text(f'name = "{name}"\nextends = "{parent}"\n')
    with pytest.raises(ValueError, match=r"extends one that isn't described, or itself: a -> "):
        described(tmp_path, "a")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.py", "python"),
        ("a\\b.TSX", "typescriptreact"),
        ("x.mjs", "javascript"),
        ("SConstruct", "python"),
        ("a.h", "c"),
        ("Makefile", "makefile"),
        ("src/Makefile.am", "makefile"),
        ("Dockerfile", "dockerfile"),
        ("docker/Dockerfile.dev", "dockerfile"),
        (".bashrc", "shellscript"),
        ("main.tf", "terraform"),
        ("kernel.cu", "cuda-cpp"),
        ("a.unknown", ""),
        ("", ""),
    ],
)
def test_a_path_tells_its_language(path: str, expected: str) -> None:
    assert languages.language_of(path) == expected


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("cs", "csharp"),
        ("cuda", "cuda-cpp"),
        ("objc", "objective-c"),
        ("htmldjango", "html"),
        ("eruby", "html"),
        ("sh", "shellscript"),
        ("bash", "shellscript"),
        ("zsh", "shellscript"),
        ("ksh", "shellscript"),
        ("javascript.jsx", "javascript"),
        ("typescript.tsx", "typescriptreact"),
        ("jsonc", "json"),
        ("terraform", "terraform"),
        ("terraform-vars", "terraform"),
        ("hcl", "terraform"),
        ("make", "makefile"),
        ("Python", "python"),
        ("yaml.ansible", "yaml"),
        ("nobody.knows.rust", "rust"),
    ],
)
def test_a_language_is_known_by_the_names_that_editors_have_for_it(identifier: str, expected: str) -> None:
    assert languages.language(identifier).id == expected
    assert languages.identify(identifier, "whatever.py") == identifier


@pytest.mark.parametrize(
    ("identifier", "path", "text", "expected"),
    [
        ("", "src/a.rs", "", "rust"),
        ("text", "a.py", "", "python"),
        ("plaintext", "Makefile", "", "makefile"),
        ("nobody-knows", "web/app.tsx", "", "typescriptreact"),
        ("nobody-knows", "a.txt", "", "nobody-knows"),
        ("plaintext", "notes.txt", "", "plaintext"),
        ("", "", "", ""),
        ("", "bin/run", "#!/bin/sh\n", "shellscript"),
        ("conf", "run", "#! /usr/bin/env -S python3.12 -u\n", "python"),
        ("", "run", "#!/usr/bin/env A=1 node\r\n", "javascript"),
        ("", "run", "#!/usr/local/bin/lua5.4", "lua"),
        ("", "run", "#!/opt/unheard-of\n", ""),
        ("", "run", "#!", ""),
        ("", "run", "# !/bin/sh", ""),
        ("ruby", "run", "#!/bin/sh\n", "ruby"),
    ],
)
def test_what_the_editor_does_not_know_its_file_tells(
    identifier: str, path: str, text: str, expected: str
) -> None:
    assert languages.identify(identifier, path, text) == expected


@pytest.mark.parametrize("described", languages.all_languages(), ids=lambda described: described.id)
def test_no_two_languages_share_a_name(described: languages.Language) -> None:
    others = [each for each in languages.all_languages() if each is not described]
    for names in ("ids", "suffixes", "filenames", "interpreters"):
        taken = {name for other in others for name in getattr(other, names)}
        assert not taken & set(getattr(described, names))
    assert not {each.id for each in others} & set(described.ids)


def test_an_unknown_language_identifier_is_plain_text() -> None:
    assert languages.language("../../etc/passwd") is languages.PLAIN
    assert languages.language("javascriptreact").id == "javascript"
