"""Languages as data: what their files say fits their grammars; one that isn't there costs no suggestion."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from foretype.context.checking.trim import trim
from foretype.context.languages import Language, all_languages, language, language_of, query_text
from foretype.context.languages.grammars import load_grammar, load_query
from foretype.context.languages.patterns import NodePattern, read_patterns
from foretype.context.prompt.rules import stop_rules
from foretype.daemon.cli.doctor import Finding, grammars
from foretype.tests.support.cursor import snapshot_at

DESCRIBED = [each for each in all_languages() if each.grammar is not None]
PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
LANGUAGES = PROJECT.parent / "context" / "languages"
FIRST_GRAMMARS = 19
"""Of the first twenty languages; two have one in common."""
MOST_BYTES = 1_000_000
"""What all languages' files may take."""


def _patterns(found: list[NodePattern]) -> Iterator[NodePattern]:
    for each in found:
        yield each
        yield from _patterns(list(each.children))


@pytest.mark.parametrize("described", DESCRIBED, ids=lambda each: each.id)
def test_what_a_language_says_fits_its_grammar(described: Language) -> None:
    grammar = load_grammar(described.grammar)
    assert grammar is not None
    nodes = described.nodes
    kinds = {
        grammar.node_kind_for_id(number)
        for number in range(grammar.node_kind_count)
        if grammar.node_kind_is_named(number)
    }
    fields = {grammar.field_name_for_id(number) for number in range(1, grammar.field_count + 1)}
    said = {*nodes.definitions, *nodes.functions, *nodes.classes, *nodes.strings, *nodes.code_in_strings}
    assert said - kinds == set()
    for files in (described.names_queries, described.definitions_queries):
        assert not files or load_query(described.grammar, files) is not None
        for pattern in _patterns(read_patterns(query_text(files))):
            assert not pattern.named or not pattern.kinds or pattern.kinds <= kinds
            assert not pattern.field or pattern.field in fields


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/Main.kt", "kotlin"),
        ("CMakeLists.txt", "cmake"),
        ("App.vue", "vue"),
        ("lib/A.pm", "perl"),
        ("a.mli", "ocaml-interface"),
        ("analysis.R", "r"),
    ],
)
def test_a_file_is_known_by_its_name(path: str, expected: str) -> None:
    assert language_of(path) == expected


def test_the_extra_brings_the_grammars_that_are_marked_so() -> None:
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    listed = {each.split(">=")[0] for each in project["optional-dependencies"]["languages"]}
    marked = {
        each.grammar.package.replace("_", "-") for each in DESCRIBED if each.grammar and each.grammar.extra
    }
    assert listed == marked
    base = {each.split(">=")[0] for each in project["dependencies"]}
    assert base.isdisjoint(marked)


def test_the_base_install_has_the_first_twenty_grammars_alone() -> None:
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    base = {each.split(">=")[0] for each in project["dependencies"] if each.startswith("tree-sitter-")}
    needed = {
        each.grammar.package.replace("_", "-")
        for each in DESCRIBED
        if each.grammar and not each.grammar.extra
    }
    assert base == needed
    assert len(base) == FIRST_GRAMMARS
    data = sum(path.stat().st_size for path in LANGUAGES.iterdir() if path.is_file())
    assert data < MOST_BYTES


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Packages that can't be imported while the test runs."""
    missing: set[str] = set()
    really = importlib.import_module

    def imported(name: str, package: str | None = None) -> ModuleType:
        if name in missing:
            raise ImportError(name)
        return really(name, package)

    monkeypatch.setattr(importlib, "import_module", imported)
    load_grammar.cache_clear()
    load_query.cache_clear()
    yield missing
    load_grammar.cache_clear()
    load_query.cache_clear()


def test_without_its_grammar_a_language_has_its_lines(without: set[str]) -> None:
    without.add("tree_sitter_kotlin")
    snapshot, offset = snapshot_at("fun twice(x: Int): Int {‸\n}\n", "kotlin")
    assert snapshot.tree is None
    rules = stop_rules(snapshot, offset, 64, 0.0)
    assert trim("\n    return x * 2\n}\n\nfun f() {\n", snapshot, offset, rules).text == "\n    return x * 2"


def test_without_its_own_grammar_svelte_has_that_of_html(without: set[str]) -> None:
    without.add("tree_sitter_svelte")
    assert load_grammar(language("svelte").grammar) == load_grammar(language("html").grammar)


def test_the_doctor_says_how_more_grammars_are_had(without: set[str]) -> None:
    without.add("tree_sitter_kotlin")
    found: list[Finding] = list(grammars())
    [sentence] = [each.found for each in found if each.subject == "more grammars"]
    assert "Kotlin" in sentence
    assert "pip install tree-sitter-kotlin" in sentence
    assert not [each.remedy for each in found if each.remedy]
