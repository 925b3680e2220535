"""The wheel: what is in it, that a commit always makes the same bytes, that foretype lives from it alone."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import attrs
import pytest
from foretype.editors.setup.snippets import editor_names, find_editor
from foretype.tests.support.installed import NO_ENGINE, ROOT, Place, build, copy_sources, make_place
from foretype.tests.support.lsp_client import LspClient
from foretype.tests.support.private_home import default_model, private_home
from foretype.tests.support.tiny_gguf import tiny_model

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def names(archives: dict[str, bytes], ending: str) -> set[str]:
    """What an archive holds, without the folder that all of a source archive lies in."""
    (content,) = [content for name, content in archives.items() if name.endswith(ending)]
    if ending == ".whl":
        return set(zipfile.ZipFile(io.BytesIO(content)).namelist())
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_there_is_one_wheel_for_all_systems_and_one_source_archive(archives: dict[str, bytes]) -> None:
    assert set(archives) == {f"foretype-{VERSION}-py3-none-any.whl", f"foretype-{VERSION}.tar.gz"}


def test_the_wheel_has_everything_but_tests(archives: dict[str, bytes]) -> None:
    held = names(archives, ".whl")
    assert not [name for name in held if "tests/" in name]
    for room, patterns in (
        ("context", ("*.py", "*.toml", "*.scm")),
        ("models", ("*.py", "*.toml", "*.txt")),
        ("lsp", ("*.py", "*.txt")),
        ("daemon", ("*.py", "*.txt")),
        ("editors/setup", ("*.py",)),
        ("editors/snippets", ("*.toml",)),
        ("editors/neovim", ("*.lua", "*.txt", "tags")),
    ):
        wanted = {
            f"foretype/{path.relative_to(ROOT).as_posix()}"
            for pattern in patterns
            for path in (ROOT / room).rglob(pattern)
            if "__pycache__" not in path.parts
        }
        assert wanted
        assert wanted <= held


def test_the_source_archive_builds_the_wheel_and_carries_no_tests(archives: dict[str, bytes]) -> None:
    held = names(archives, ".tar.gz")
    assert {"pyproject.toml", "setup.py", "LICENSE", "README.md", "CHANGELOG.md"} <= held
    assert not [name for name in held if name.startswith(("tests", "editors/vscode", "build"))]


def test_the_same_commit_makes_the_same_bytes(archives: dict[str, bytes], tmp_path: Path) -> None:
    """In another folder, at another time, with other permissions: a clone of somebody who is careful."""
    clone = copy_sources(tmp_path / "elsewhere")
    for path in clone.rglob("*"):
        os.utime(path, (1_500_000_000, 1_500_000_000))
        if path.is_file():
            path.chmod(0o600)
    assert build(clone) == archives


def test_it_runs_where_nothing_else_of_it_is(place: Place) -> None:
    assert place.run("--version").stdout == f"foretype {VERSION}\n"
    where = place.python("import foretype.context.shared.problem as one; print(one.__file__)")
    assert where.startswith(str(place.folder))
    assert place.python("import importlib.util; print(importlib.util.find_spec('foretype.tests'))") == "None"


@pytest.mark.parametrize(
    "command",
    [
        "acp",
        "bench",
        "complete",
        "context",
        "daemon",
        "demo",
        "doctor",
        "lsp",
        "models",
        "replay",
        "setup",
        "stats",
    ],
)
def test_every_command_is_there(place: Place, command: str) -> None:
    done = place.run(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: foretype")


async def test_the_language_server_answers_from_it(place: Place) -> None:
    client = await LspClient.start(str(place.programs / "foretype"), "lsp", env=place.home)
    async with client:
        answer = await client.initialize()
        assert answer["capabilities"]["inlineCompletionProvider"]


def test_related_code_is_found_with_its_queries(place: Place, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "prices.py").write_text("def total_of(basket):\n    return sum(basket)\n", encoding="utf-8")
    (tmp_path / "main.py").write_text("import prices\n\nprint(prices.total_of(\n", encoding="utf-8")
    done = place.run("context", "--json", f"{tmp_path / 'main.py'}:3:22")
    assert done.returncode == 0, done.stderr
    assert "def total_of(basket)" in json.dumps(json.loads(done.stdout))


def test_without_a_model_the_demo_says_what_to_do(wheel: Path, tmp_path: Path) -> None:
    with private_home() as home:
        done = make_place(tmp_path / "env", wheel, home).run("demo")
    assert done.returncode == 3
    assert "'foretype models pull smollm2-135m'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["demo"], ["complete", "main.py:1:1"], ["bench"]])
def test_without_an_engine_each_command_says_so(place: Place, tmp_path: Path, command: list[str]) -> None:
    (place.folder / "main.py").write_text("def f(\n", encoding="utf-8")
    settings = Path(place.home["XDG_CONFIG_HOME"]) / "foretype" / "config.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f'[model]\npath = "{tiny_model("starcoder", tmp_path)}"\n', encoding="utf-8")
    done = place.run(*command)
    assert done.returncode == 3, done.stderr
    assert "There is no llama.cpp here to run a model with." in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_an_engine_the_doctor_says_how_to_get_one(place: Place) -> None:
    done = place.run("doctor")
    assert done.returncode == 1
    assert "is missing" in done.stdout
    assert "--extra-index-url INDEX" in done.stdout
    assert "[model] library" in done.stdout


@pytest.mark.model
def test_the_demo_shows_ghost_text_from_it(wheel: Path, tmp_path: Path) -> None:
    with private_home(default_model()) as home:
        shown = make_place(tmp_path / "env", wheel, home).run("demo", "--pace", "3000", within_s=240)
    assert shown.returncode == 0, shown.stderr
    assert "characters accepted" in shown.stdout


@pytest.mark.parametrize("editor", editor_names())
def test_each_editor_is_set_up_from_it(place: Place, editor: str) -> None:
    """What is shown names nothing of a clone, and starts the installed program."""
    done = place.run("setup", editor)
    assert done.returncode == 0, done.stderr
    assert str(ROOT) not in done.stdout


@pytest.mark.parametrize("editor", [name for name in editor_names() if find_editor(name).write is not None])
def test_each_editor_is_put_into_place_from_it_and_taken_back(
    wheel: Path, tmp_path: Path, editor: str
) -> None:
    """In a home where nothing is: what was written goes again, to the last file."""
    with private_home() as home:
        place = make_place(tmp_path / "env", wheel, {**home, "HOME": str(tmp_path / "home")}, [NO_ENGINE])
        folders = [tmp_path / "home", Path(home["XDG_CONFIG_HOME"]), Path(home["XDG_DATA_HOME"])]

        def files() -> set[Path]:
            return {path for folder in folders for path in folder.rglob("*") if path.is_file()}

        folders[0].mkdir()
        before = files()
        done = place.run("setup", editor, "--write", "--yes")
        assert done.returncode == 0, done.stderr
        assert files() > before
        assert place.run("setup", editor, "--undo", "--yes").returncode == 0
        assert files() == before


def unwritable(place: Place, tmp_path: Path) -> Place:
    """The same with a home of which nothing can be written: its folders would lie in a file."""
    (tmp_path / "file").touch()
    folders = {name: str(tmp_path / "file" / name) for name in place.home if name.startswith("XDG_")}
    folders["XDG_RUNTIME_DIR"] = place.home["XDG_RUNTIME_DIR"]
    return attrs.evolve(place, home={**place.home, **folders, "HOME": str(tmp_path / "file")})


@pytest.mark.parametrize(
    "command",
    [
        ["doctor"],
        ["stats"],
        ["models", "list"],
        ["models", "rm", "smollm2-135m", "--yes"],
        ["setup", "neovim", "--write", "--yes"],
        ["context", "main.py:1:1"],
        ["complete", "main.py:1:1"],
        ["demo"],
        ["uninstall", "--yes"],
    ],
    ids=" ".join,
)
def test_a_home_that_cannot_be_written_gets_sentences(
    place: Place, tmp_path: Path, command: list[str]
) -> None:
    (place.folder / "main.py").write_text("def f(\n", encoding="utf-8")
    done = unwritable(place, tmp_path).run(*command)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode in (0, 1, 3)
    assert done.stderr.count("\n") <= 2  # that the settings cannot be read, and what follows


async def test_the_language_server_runs_where_no_home_can_be_written(place: Place, tmp_path: Path) -> None:
    home = unwritable(place, tmp_path).home
    async with await LspClient.start(str(place.programs / "foretype"), "lsp", env=home) as client:
        assert (await client.initialize())["capabilities"]["inlineCompletionProvider"]


def test_neovims_plugin_comes_out_of_it(place: Place) -> None:
    assert place.run("setup", "neovim", "--write", "--yes").returncode == 0
    pack = Path(place.home["XDG_DATA_HOME"]) / "nvim" / "site" / "pack" / "foretype" / "start" / "foretype"
    ours = ROOT / "editors" / "neovim"
    wanted = {path.relative_to(ours).as_posix() for path in ours.rglob("*") if path.is_file()}
    assert wanted <= {path.relative_to(pack).as_posix() for path in pack.rglob("*")}
    assert place.run("setup", "neovim", "--undo", "--yes").returncode == 0
    assert not pack.exists()


def test_the_versions_that_are_promised_include_this_one(archives: dict[str, bytes]) -> None:
    (content,) = [content for name, content in archives.items() if name.endswith(".whl")]
    with zipfile.ZipFile(io.BytesIO(content)) as held:
        (name,) = [name for name in held.namelist() if name.endswith("/METADATA")]
        metadata = held.read(name).decode()
    assert f"Programming Language :: Python :: {sys.version_info[0]}.{sys.version_info[1]}" in metadata
