"""Names that need an import: the import a completion brings, and the file after it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from foretype.context.imports import Import, Site, import_edit, statements_of, wanted_imports
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.tests.support.context_cases import Case, Fields, cases, check
from foretype.tests.support.cursor import at_cursor
from hypothesis import given, settings
from hypothesis import strategies as st


def snapshot_of(text: str, language: str, path: str) -> Snapshot:
    return Snapshot("", path, language, text, 1, parse(text, language))


def needed(source: str, model: str, language: str, path: str = "example") -> tuple[str, list[Import]]:
    """The text with the completion in it, and the imports that the completion needs."""
    text, offset = at_cursor(source)
    completed = text[:offset] + model + text[offset:]
    before = snapshot_of(text, language, path)
    tree = parse(completed, language)
    assert tree is not None
    found = wanted_imports(
        Site(tree, offset, offset + len(model), before, offset), statements_of(before, offset)
    )
    return completed, [choice for _, choice in found]


def with_imports(text: str, imports: list[Import], language: str, path: str = "example") -> str:
    for one in imports:
        edit = import_edit(snapshot_of(text, language, path), one)
        text = text if edit is None else edit.apply(text)
    return text


def outcome(case: Case) -> Fields:
    fields = case.fields
    path = fields.get("path", "example")
    language = fields.get("language", case.language)
    completed, imports = needed(fields["source"], fields["model"], language, path)
    after = with_imports(completed, imports, language, path)
    assert with_imports(after, imports, language, path) == after, "a second time nothing is added"
    return {"after": after if after != completed else ""}


@pytest.mark.parametrize("case", cases("imports"), ids=str)
def test_accepting_brings_the_import_in_the_files_own_style(case: Case) -> None:
    check(case, outcome(case))


ROOT = Path(__file__).resolve().parents[2]
PYTHON = sorted(
    path for room in ("context", "lsp", "models", "daemon") for path in (ROOT / room).glob("*.py")
)
TYPESCRIPT = sorted((ROOT / "editors" / "vscode" / "src").glob("*.ts"))
FROM_PYTHON = [
    Import("zoneinfo", "zoneinfo", "module"),
    Import("xml", "xml.etree.ElementTree", "module"),
    Import("UserString", "collections"),
    Import("SupportsIndex", "typing", "type"),
    Import("ItemsView", "collections.abc"),
    Import("Fraction", "fractions"),
    Import("there", "foretype.somewhere"),
    Import("beside", ".beside"),
]
FROM_TYPESCRIPT = [
    Import("zlib", "zlib", "module"),
    Import("useEffect", "react"),
    Import("Disposable", "vscode-languageclient/node"),
    Import("Gone", "./gone", "type"),
]


def imported(text: str) -> set[str]:
    """Every name that a Python text imports, with where from."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {f"import {alias.name} as {alias.asname}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            found |= {f"from {origin} import {alias.name} as {alias.asname}" for alias in node.names}
    return found


@given(st.sampled_from(PYTHON), st.sampled_from(FROM_PYTHON), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None)
def test_in_the_projects_own_python_exactly_one_name_is_added(file: Path, one: Import, newline: str) -> None:
    text = file.read_text(encoding="utf-8") + f"\n\nused = {one.name}\n"
    text = text.replace("\n", newline)
    after = with_imports(text, [one], "python", file.name)
    assert len(imported(after) - imported(text)) == 1
    assert imported(text) <= imported(after)
    assert with_imports(after, [one], "python", file.name) == after
    assert ("\r\n" in after) == (newline == "\r\n")
    assert newline == "\n" or after.count("\n") == after.count("\r\n")
    assert max(map(len, after.splitlines())) <= max(110, *map(len, text.splitlines()))


@given(st.sampled_from(TYPESCRIPT), st.sampled_from(FROM_TYPESCRIPT))
@settings(max_examples=40, deadline=None)
def test_in_the_projects_own_typescript_exactly_one_name_is_added(file: Path, one: Import) -> None:
    use = f"\ntype Used = {one.name};\n" if one.form == "type" else f"\nuse({one.name});\n"
    text = file.read_text(encoding="utf-8") + use
    after = with_imports(text, [one], "typescript", file.name)
    tree = parse(after, "typescript")
    assert tree is not None
    assert not tree.has_defects
    assert names_in(after) - names_in(text) == {one.name}
    assert names_in(text) <= names_in(after)
    assert with_imports(after, [one], "typescript", file.name) == after


def names_in(text: str) -> set[str]:
    found = statements_of(snapshot_of(text, "typescript", "example.ts"))
    return ({item.local for each in found for item in each.items} | {each.default for each in found}) - {""}


@given(
    st.text("ab \n\r\"'#(),{};.import from*os", max_size=60),
    st.sampled_from(["python", "typescript", "go", "rust"]),
)
@settings(max_examples=150, deadline=None)
def test_any_text_at_all_gets_at_most_one_edit_and_no_error(text: str, language: str) -> None:
    for one in (Import("os", "os", "module"), Import("from", "a"), Import("b", "a", "type")):
        edit = import_edit(snapshot_of(text + "\nos(b)\n", language, "example"), one)
        assert edit is None or 0 <= edit.start <= edit.end <= len(text) + 7
