"""The wheel in each Python that is promised beside the one that runs tests; `make pythons` brings them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from foretype.tests.packaging.promised import environment_python, promised_versions, running_version
from foretype.tests.support.installed import ROOT, Place, make_place
from foretype.tests.support.lsp_client import LspClient
from foretype.tests.support.private_home import default_model, private_home

OTHERS = [version for version in promised_versions() if version != running_version()]


IMPORTS = """
import importlib, pkgutil, warnings
warnings.filterwarnings("error", module="foretype")
names = []
for room in ("context", "models", "lsp", "daemon", "editors"):
    package = importlib.import_module(f"foretype.{room}")
    names += [one.name for one in pkgutil.walk_packages(package.__path__, f"foretype.{room}.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def interpreter(version: str) -> Path:
    """An interpreter whose environment has what foretype needs; skips where there is none."""
    for folder in (ROOT / "build" / "pythons", Path.cwd() / "build" / "pythons"):
        python = environment_python(folder, version)
        if python.exists():
            return python
    pytest.skip(f"Python {version} is not here: 'make pythons' says why")


def settings(place: Place, text: str) -> None:
    """Write the settings of the place's home."""
    path = Path(place.home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module", params=OTHERS)
def elsewhere(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """An environment of another Python with the wheel in it, without llama-cpp-python."""
    python = interpreter(request.param)
    with private_home() as home:
        yield make_place(
            tmp_path_factory.mktemp(f"python-{request.param}") / "env", wheel, home, python=python
        )


def test_each_promised_python_is_a_release_that_the_metadata_allows() -> None:
    assert promised_versions() == ["3.11", "3.12", "3.13", "3.14"]
    assert running_version() in promised_versions()


def test_every_command_answers(elsewhere: Place) -> None:
    assert elsewhere.run("--version").returncode == 0
    names = elsewhere.run("--help").stdout.partition("Commands:")[2].split("\n  ")
    commands = [line.split()[0] for line in names if line.strip() and not line.startswith(" ")]
    assert len(commands) > 10
    for command in commands:
        done = elsewhere.run(command, "--help")
        assert done.returncode == 0, done.stderr


def test_every_module_is_imported_without_a_warning(elsewhere: Place) -> None:
    """What a release of Python deprecates is said when a module is compiled or imported."""
    assert int(elsewhere.python(IMPORTS)) > 200


async def test_the_language_server_offers_ghost_text(elsewhere: Place) -> None:
    client = await LspClient.start(str(elsewhere.programs / "foretype"), "lsp", env=elsewhere.home)
    async with client:
        assert (await client.initialize())["capabilities"]["inlineCompletionProvider"]


def test_related_code_is_found_with_its_grammars(elsewhere: Place, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "prices.py").write_text("def total_of(basket):\n    return sum(basket)\n", encoding="utf-8")
    (tmp_path / "main.py").write_text("import prices\n\nprint(prices.total_of(\n", encoding="utf-8")
    done = elsewhere.run("context", "--json", f"{tmp_path / 'main.py'}:3:22")
    assert done.returncode == 0, done.stderr
    assert "def total_of(basket)" in json.dumps(json.loads(done.stdout))


def test_without_an_engine_one_sentence_says_what_to_do(elsewhere: Place) -> None:
    settings(elsewhere, "")
    done = elsewhere.run("demo")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


@pytest.mark.model
def test_the_demo_shows_ghost_text_through_a_libllama_of_the_user(elsewhere: Place) -> None:
    """The library is the one that llama-cpp-python compiled for another Python: only its C API is used."""
    found = importlib.util.find_spec("llama_cpp")
    if found is None or found.origin is None:
        pytest.skip("there is no llama.cpp here")
    library = Path(found.origin).parent / "lib"
    settings(elsewhere, f'[model]\npath = "{default_model()}"\nlibrary = "{library}"\n')
    shown = elsewhere.run("demo", "--pace", "3000", within_s=240)
    assert shown.returncode == 0, shown.stderr
    assert "characters accepted" in shown.stdout
