"""Every setting and every field of a message does something: production code reads it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from foretype.daemon.settings.settings import Settings
from foretype.daemon.wire import messages as protocol

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("daemon", "lsp", "context", "models", "editors")
DEFINED_IN = {"config.py", "config_file.py"}
ASKED = {"CompletionRequest", "WarmRequest", "ForgetRequest"}
"""What a client asks for: each field of these must be set by one, not only have a default."""


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


def production_files() -> list[Path]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return [path for path in found if "node_modules" not in path.parts]


@pytest.fixture(scope="module")
def production() -> set[tuple[str, str]]:
    sources = [path.read_text(encoding="utf-8") for path in production_files() if path.name not in DEFINED_IN]
    return {read for source in sources for read in reads(source)}


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


def messages() -> Iterator[tuple[str, str]]:
    """Class and field of each message between client and daemon."""
    for name, found in vars(protocol).items():
        if inspect.isclass(found) and found.__module__ == protocol.__name__ and attrs.has(found):
            yield from ((name, field.name) for field in attrs.fields(found))


def given(source: str, order: dict[str, list[str]]) -> set[tuple[str, str]]:
    """Class and field of what is set: where the class is called by its name, or any of them is evolved."""
    found: set[tuple[str, str]] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            keywords = [keyword.arg for keyword in node.keywords if keyword.arg]
            named = [*keywords, *(field for field, _ in zip(order.get(called, []), node.args, strict=False))]
            classes = order if called == "evolve" else [called]
            found |= {(name, field) for name in classes for field in named}
    return found


def test_each_field_of_a_message_is_read_and_each_of_a_request_is_set() -> None:
    order: dict[str, list[str]] = {}
    for name, field in messages():
        order.setdefault(name, []).append(field)
    sources = [path.read_text(encoding="utf-8") for path in production_files() if path.name != "protocol.py"]
    read = {field for source in sources for _, field in reads(source)}
    written = {each for source in sources for each in given(source, order)}
    assert {(name, field) for name, field in messages() if field not in read} == set()
    asked = {(name, field) for name, field in messages() if name in ASKED}
    assert {name for name, _ in asked} == ASKED
    assert asked - written == set()


def test_the_same_name_on_something_else_is_no_read() -> None:
    assert ("log", "level") not in reads("def f(found: Track): return found.level, found.volume.level")
