"""Sizes and names: small modules, short functions, one meaning for a name.

What is larger today stands in a list here. The lists only get shorter: whoever mends one strikes it off, and
nothing new is added without a reason beside it.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("daemon", "lsp", "context", "models", "editors")
MODULE_LINES = 400
FUNCTION_LINES = 50

LONG_MODULES = {  # with the lines that each may have, and why it is not two modules yet
    "daemon/server/service.py": 490,  # the lives of requests, of idle work and of the model
    "lsp/server/server.py": 405,  # one method for each message
    "models/cache/kv_cache.py": 435,  # the books of all sequences
    "models/llama/llama.py": 420,  # the typed layer over the C API
}

LONG_FUNCTIONS = {
    ("context/prompt/rules.py", "stop_rules"): 55,  # one field after the other
    ("context/text/indentation.py", "decide_style"): 65,  # one source of advice after the other
    ("models/decoding/loop.py", "generate"): 60,  # its arguments, each with a sentence
    ("models/llama/llama.py", "__init__"): 72,  # llama.cpp's parameters
    ("models/engine/loading.py", "load_engine"): 90,  # from a file to an engine, step by step
    ("models/engine/local.py", "_answer"): 52,  # one request, step by step
    ("models/tuning/tune.py", "tune_model"): 60,  # its arguments, each with a sentence
}


@functools.cache
def modules() -> dict[str, tuple[int, ast.Module]]:
    """By path from the root: the number of lines, and the syntax."""
    found: dict[str, tuple[int, ast.Module]] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "node_modules" not in path.parts:
                text = path.read_text(encoding="utf-8")
                found[path.relative_to(ROOT).as_posix()] = len(text.splitlines()), ast.parse(text)
    return found


NO_MODULES = {"os", "ggml", "place"}
"""What stands in front of a dot in docstrings and is no module of ours."""

_REFERENCE = re.compile(r"`(?:\w+\.)*([a-z_]\w*)\.([A-Za-z]\w*)`")


def docstrings(tree: ast.Module) -> list[str]:
    """The texts in three quotes: of modules, classes, functions and constants."""
    return [
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]


def public_names() -> dict[str, set[str]]:
    """Public functions, classes, constants and types, with the modules that define one of the name."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, (_, tree) in modules().items():
        for node in tree.body:
            for name in names_of(node):
                if not name.startswith("_"):
                    found[name].add(module)
    return found


def names_of(node: ast.stmt) -> list[str]:
    """What a statement at a module's top defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
    return [target.id for target in targets if isinstance(target, ast.Name)]


def test_a_module_is_short_enough_to_be_read_at_once() -> None:
    longer = {
        name: lines for name, (lines, _) in modules().items() if lines > LONG_MODULES.get(name, MODULE_LINES)
    }
    assert longer == {}


def test_a_function_is_short_enough_to_be_seen_at_once() -> None:
    longer = {
        (name, node.name): lines_of(node)
        for name, (_, tree) in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and lines_of(node) > LONG_FUNCTIONS.get((name, node.name), FUNCTION_LINES)
    }
    assert longer == {}


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_public_name_is_defined_in_two_modules() -> None:
    """Each module's logger excepted: it is called `log` everywhere."""
    shared = {name: sorted(where) for name, where in public_names().items() if len(where) > 1}
    shared.pop("log")
    assert shared == {}


def test_what_a_docstring_names_by_its_module_is_there() -> None:
    places, wrong = public_names(), set[str]()
    for module, (_, tree) in modules().items():
        for text in docstrings(tree):
            for home, name in _REFERENCE.findall(text):
                known = places.get(name, set())
                if home in NO_MODULES or f"{home}/{name}.py" in modules() or not known:
                    continue
                if not any(home in Path(place).with_suffix("").parts for place in known):
                    wrong.add(f"{module}: {home}.{name} is in {', '.join(sorted(known))}")
    assert not wrong


def test_what_is_raised_is_called_a_problem_or_an_error() -> None:
    wrong = [
        f"{module}: {node.name}"
        for module, (_, tree) in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith(("Problem", "Error", "Exception")) for base in node.bases)
        and not node.name.endswith(("Problem", "Error"))
    ]
    assert wrong == []


def test_what_is_listed_is_there() -> None:
    assert set(LONG_MODULES) <= set(modules())
    assert {module for module, _ in LONG_FUNCTIONS} <= set(modules())
