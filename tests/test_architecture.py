"""The invariants of ARCHITECTURE.md that can be read off the source: who imports whom, what is nowhere."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("daemon", "lsp", "context", "models", "editors")
BELOW = {  # floors: imports only go down
    "lsp": {"daemon", "context"},
    "daemon": {"models", "context"},
    "models": {"context"},
    "context": set[str](),
    "editors": {"lsp", "daemon", "context"},
}


FLOORS = {  # within a room: a sub-package imports those of its own room that stand before it, and no others
    "context": [
        "shared",
        "secrets",
        "languages",
        "text",
        "syntax",
        "prompt",
        "workspace",
        "imports",
        "related",
        "checking",
        "edits",
    ],
    "models": [
        "machine",
        "gguf",
        "llama",
        "prompts",
        "cache",
        "decoding",
        "drafting",
        "tuning",
        "engine",
        "remote",
        "library",
        "bench",
        "cli",
    ],
    "lsp": [
        "protocol",
        "documents",
        "statistics",
        "workspace",
        "edits",
        "completions",
        "session",
        "server",
        "acp",
        "demo",
        "replay",
        "cli",
    ],
    "daemon": ["settings", "wire", "process", "client", "server", "http", "cli"],
}


def sources(room: str) -> list[Path]:
    skipped = ("node_modules", "build", "dist")
    return [path for path in (ROOT / room).rglob("*.py") if not set(path.parts) & set(skipped)]


def imports(path: Path) -> set[str]:
    """Absolute names of everything a file imports, wherever the statement stands."""
    package = ["foretype", *path.relative_to(ROOT).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def users_of(package: str) -> set[str]:
    """The rooms that import a package."""
    return {
        room
        for room in ROOMS
        for path in sources(room)
        if any(name == package or name.startswith(f"{package}.") for name in imports(path))
    }


def test_there_are_sources_to_look_at() -> None:
    assert all(sources(room) for room in ("daemon", "lsp", "context", "models"))
    assert "foretype.context.shared.values" in imports(ROOT / "daemon" / "wire" / "messages.py")


@pytest.mark.parametrize(
    ("package", "rooms"),
    [
        ("pygls", {"lsp"}),
        ("lsprotocol", {"lsp"}),
        ("llama_cpp", {"models"}),
        ("tree_sitter", {"context"}),
        ("numpy", {"models"}),
        ("httpx", {"models"}),
    ],
)
def test_each_library_has_its_room(package: str, rooms: set[str]) -> None:
    assert users_of(package) <= rooms


@pytest.mark.parametrize("room", ROOMS)
def test_imports_only_go_down(room: str) -> None:
    for path in sources(room):
        others = {name.split(".")[1] for name in imports(path) if name.startswith("foretype.")}
        above = (others & set(ROOMS)) - BELOW[room] - {room}
        assert not above, f"{path.relative_to(ROOT)} imports {sorted(above)}"


@pytest.mark.parametrize("room", FLOORS)
def test_within_a_room_imports_only_go_down(room: str) -> None:
    order = FLOORS[room]
    for path in sources(room):
        own = path.relative_to(ROOT).with_suffix("").parts[1]
        if own == "__main__":
            continue
        used = {name.split(".")[2] for name in imports(path) if name.startswith(f"foretype.{room}.")}
        above = used - set(order[: order.index(own) + 1])
        assert not above, f"{path.relative_to(ROOT)} imports {sorted(above)}"


def modules() -> dict[str, Path]:
    """Every module by its absolute name."""
    found: dict[str, Path] = {}
    for room in ROOMS:
        for path in sources(room):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(["foretype", *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return found


def test_no_module_imports_its_way_back_to_itself() -> None:
    """Not for types either: what two modules need of each other is an interface, or a third module's."""
    known = modules()
    graph = {name: sorted((imports(path) & known.keys()) - {name}) for name, path in known.items()}
    graph = {name: [each for each in to if not name.startswith(f"{each}.")] for name, to in graph.items()}
    order = graphlib.TopologicalSorter(graph)
    order.prepare()  # raises CycleError with the circle


def reached(name: str, graph: dict[str, set[str]]) -> set[str]:
    """What a module imports, and what that imports, and so on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_the_three_journeys_go_down_and_pass_no_module_twice() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.partition("## Three journeys")[2].partition("\n## ")[0]
    known = modules()
    graph = {name: imports(path) & known.keys() - {name} for name, path in known.items()}
    parts = re.split(r"^(?=[^\s-].*:\n)", section, flags=re.MULTILINE)
    journeys = [re.split(r"^- ", each, flags=re.MULTILINE)[1:] for each in parts]
    walked = [[names_in(step) for step in journey] for journey in journeys if journey]
    assert len(walked) == 3
    for journey in walked:
        passed = [name for step in journey for name in step]
        assert len(passed) == len(set(passed))
        for step in journey:
            assert set(step[1:]) <= reached(step[0], graph), step
            for at, name in enumerate(step):
                assert not set(step[:at]) & reached(name, graph), name


def names_in(step: str) -> list[str]:
    """The modules that a step of a journey names, absolute."""
    return [f"foretype.{name.replace('/', '.')}" for name in re.findall(r"`(\w+/[\w/]+)`", step)]


def bare_callables(node: ast.ClassDef, aliases: set[str]) -> list[str]:
    """The parameters of a class's constructor that are functions and nothing else."""

    def is_bare(annotation: ast.expr | None) -> bool:
        said = ast.unparse(annotation) if annotation is not None else ""
        return "Callable[" in said or bool(set(re.findall(r"\w+", said)) & aliases)

    made_by_attrs = any("attrs" in ast.unparse(each) for each in node.decorator_list)
    found = [
        ast.unparse(each.target)
        for each in node.body
        if made_by_attrs and isinstance(each, ast.AnnAssign) and is_bare(each.annotation)
    ]
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            parameters = (*each.args.args, *each.args.kwonlyargs)
            found += [parameter.arg for parameter in parameters if is_bare(parameter.annotation)]
    return found


def test_no_constructor_takes_more_than_two_bare_callables() -> None:
    """What belongs together is an interface, or a value that says so."""
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules().items()}
    aliases = {
        ast.unparse(node.targets[0])
        for tree in trees.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Callable[")
    }
    classes = ((name, node) for name, tree in trees.items() for node in ast.walk(tree))
    wired = {
        f"{name}.{node.name}": found
        for name, node in classes
        if isinstance(node, ast.ClassDef) and len(found := bare_callables(node, aliases)) > 2
    }
    assert wired == {}


def test_each_sub_package_says_what_it_is_for_and_what_not() -> None:
    for room in FLOORS:
        for folder in {path.parent for path in sources(room)} - {ROOT / room}:
            said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
            assert said, folder.relative_to(ROOT)
            assert "\n\n" in said, f"{folder.relative_to(ROOT)} does not say what it is not for"


def test_only_one_module_knows_where_the_system_keeps_files() -> None:
    knowing = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in sources(room)
        if any(name.split(".")[0] == "platformdirs" for name in imports(path))
    }
    assert knowing == {"context/shared/paths.py"}


def test_files_are_written_in_one_way() -> None:
    """What is moved elsewhere is a whole folder, or a file that a download finished and checked."""
    moving = {"os.replace", "os.rename", "tempfile.mkstemp", "tempfile.NamedTemporaryFile"}
    writers = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in sources(room)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in moving
    }
    assert writers == {"context/shared/atomic.py"}


def test_the_checks_know_no_language_by_its_name() -> None:
    """What differs between languages stands in their files."""
    names = {path.stem for path in (ROOT / "context" / "languages").glob("*.toml") if "." not in path.stem}
    for path in (ROOT / "context" / "checking").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in names, f"{path.name}:{node.lineno} knows {node.value}"


def test_logs_are_set_up_in_one_module() -> None:
    handlers = re.compile(r"RotatingFileHandler|basicConfig|addHandler|\.handlers\b")
    knowing = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in sources(room)
        if handlers.search(path.read_text(encoding="utf-8"))
    }
    assert knowing == {"context/shared/logs.py"}


def test_there_is_one_way_to_the_screen() -> None:
    """Whoever shows or measures what a model said has it checked by `check`, and cuts nothing itself."""
    halves = {"foretype.context.checking.trim", "foretype.context.checking.ground"}
    others = ("bench", "quality", "truth", "live", "support")
    users = {
        path.relative_to(ROOT).as_posix()
        for folder in (*ROOMS, *(f"tests/{each}" for each in others))
        for path in sources(folder)
        if imports(path) & halves
    }
    assert users == {"context/checking/check.py"}


def test_context_decides_and_does_nothing_else() -> None:
    """All but index, watch and ignore, which look at the workspace, are functions over snapshots."""
    doing = {"socket", "subprocess", "asyncio", "threading", "urllib", "shutil", "sqlite3", "watchfiles"}
    for path in sources("context"):
        if "workspace" in path.parts:
            continue
        assert not imports(path) & doing, path.relative_to(ROOT)


def test_only_the_model_source_loads_a_model() -> None:
    loaders = {
        path.relative_to(ROOT).as_posix()
        for room in ("daemon", "lsp", "editors")
        for path in sources(room)
        if any(name == "foretype.models.engine.loading.load_engine" for name in imports(path))
    }
    assert loaders == {"daemon/server/model_source.py"}


def test_only_a_download_and_a_remote_engine_open_connections() -> None:
    network = {
        "httpx",
        "requests",
        "urllib.request",
        "http.client",
        "aiohttp",
        "ftplib",
        "smtplib",
        "huggingface_hub",
    }
    for room in ROOMS:
        for path in sources(room):
            if imports(path) & network:
                allowed = {"library/hub.py", "remote/transport.py"}
                assert "/".join(path.parts[-2:]) in allowed, path.relative_to(ROOT)


def test_nothing_listens_beyond_this_machine() -> None:
    for room in ROOMS:
        for path in sources(room):
            text = path.read_text(encoding="utf-8")
            assert "0.0.0.0" not in text, path.relative_to(ROOT)


def test_special_tokens_are_never_parsed_in_text() -> None:
    """llama_tokenize is called in one place, with both of its switches off."""
    calls = [
        (path.name, [ast.unparse(argument) for argument in node.args[-2:]])
        for path in sources("models")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("llama_tokenize")
    ]
    assert calls == [("llama.py", ["False", "False"])]


def test_no_sleep_in_a_test_decides_anything() -> None:
    """Tests wait for events with a bound; a sleep of a fixed time appears in benchmarks alone."""
    for path in (ROOT / "tests").rglob("*.py"):
        if "bench" in path.parts or path == Path(__file__):
            continue
        assert not re.search(r"\btime\.sleep\(", path.read_text(encoding="utf-8")), path.relative_to(ROOT)


@pytest.mark.parametrize("command", [["--help"], ["lsp", "--help"], ["complete", "--help"]])
def test_the_command_line_starts_without_the_model_libraries(command: list[str]) -> None:
    code = (
        "import sys; sys.argv[1:] = " + repr(command) + "\n"
        "from foretype.daemon.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'llama_cpp', 'numpy', 'tree_sitter', 'httpx', 'watchfiles'} & set(sys.modules)\n"
        "sys.exit('imports ' + ', '.join(sorted(heavy)) if heavy else 0)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Usage" in ran.stdout


def test_the_house_has_the_rooms_it_should_have() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if tracked.returncode:
        pytest.skip("this is no git checkout")
    folders = {name.split("/")[0] for name in tracked.stdout.splitlines() if "/" in name}
    assert folders <= {*ROOMS, "tests", "docs", "changes", ".ci", ".github"}


def test_no_room_reads_its_own_sources() -> None:
    """What is measured or shown is data: moving a module must not change a figure."""
    own = re.compile(r'(with_name|joinpath|glob)\("[^"]*\.py"\)|__file__.*"[^"/]+\.py"')
    for room in ROOMS:
        for path in sources(room):
            found = own.search(path.read_text(encoding="utf-8"))
            assert found is None, f"{path.relative_to(ROOT)}: {found and found[0]}"
