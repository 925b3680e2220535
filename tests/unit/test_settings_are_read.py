"""Every setting does something: some production module reads each field that the settings' classes have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from foretype.daemon.config import Settings

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("daemon", "lsp", "context", "models", "editors")
DEFINED_IN = {"config.py", "config_file.py"}


def documented() -> Iterator[tuple[str, str]]:
    """Section and field of each setting; the section is "" for fields of `Settings` itself."""
    for section in attrs.fields(attrs.resolve_types(Settings)):
        if attrs.has(section.type):
            yield from ((section.name, field.name) for field in attrs.fields(section.type))
        else:
            yield "", section.name


class Reads(ast.NodeVisitor):
    """The settings that a module reads.

    A read is `.section.field`, or `name.field` where the function has `name: SectionSettings` or has set
    `name = ….section`.
    """

    def __init__(self) -> None:
        self.found: set[tuple[str, str]] = set()
        self._sections = dict[str, str]()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        outer = dict(self._sections)
        for argument in (*node.args.args, *node.args.kwonlyargs):
            named = ast.unparse(argument.annotation) if argument.annotation else ""
            self._sections[argument.arg] = section_of_class(named)
        self.generic_visit(node)
        self._sections = outer

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name) and isinstance(node.value, ast.Attribute):
                self._sections[target.id] = node.value.attr
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Attribute):
            self.found.add((node.value.attr, node.attr))
        elif isinstance(node.value, ast.Name):
            self.found.add((self._sections.get(node.value.id, ""), node.attr))
        self.generic_visit(node)


def section_of_class(name: str) -> str:
    """`completion` for `CompletionSettings`, and "" for what is no section's class."""
    last = name.rpartition(".")[2]
    return last.removesuffix("Settings").lower() if last.endswith("Settings") else ""


def reads(source: str) -> set[tuple[str, str]]:
    visitor = Reads()
    visitor.visit(ast.parse(source))
    return visitor.found


@pytest.fixture(scope="module")
def production() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.name not in DEFINED_IN and "node_modules" not in path.parts:
                found |= reads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(("section", "field"), sorted(documented()))
def test_production_code_reads(section: str, field: str, production: set[tuple[str, str]]) -> None:
    assert (section, field) in production


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("settings.log.level", ("log", "level")),
        ("def f(found: LogSettings): return found.level", ("log", "level")),
        ("async def f(*, found: LogSettings): return found.level", ("log", "level")),
        ("log = self.settings().log\nlog.level", ("log", "level")),
        ("settings.fim", ("", "fim")),
    ],
)
def test_a_read_is_seen(source: str, found: tuple[str, str]) -> None:
    assert found in reads(source)


def test_the_same_name_on_something_else_is_no_read() -> None:
    assert ("log", "level") not in reads("def f(found: Track): return found.level, found.volume.level")
