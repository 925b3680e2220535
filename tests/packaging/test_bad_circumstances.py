"""Installing where something is missing or old, and beside another release: it ends well or in a sentence."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import threading
import venv
from collections.abc import Generator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import pytest
from foretype.tests.support.installed import NO_ENGINE, ROOT, Place, build, copy_sources, make_place
from foretype.tests.support.lsp_client import LspClient
from foretype.tests.support.private_home import private_home

NEWER = "99.0.0"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing about it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def mirror(folder: Path) -> Generator[str]:
    """A package index on a loopback port that has only what lies in a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pip(python: Path, *arguments: str, **surroundings: str) -> subprocess.CompletedProcess[str]:
    """Run an environment's own pip with nobody's settings."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return subprocess.run(
        [str(python), "-m", "pip", "--isolated", "--disable-pip-version-check", "install", *arguments],
        env={**settings, "PIP_CONFIG_FILE": os.devnull, **surroundings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """The Python of an environment with nothing but the pip that this Python brings."""
    try:
        venv.create(tmp_path / "empty", with_pip=True, symlinks=sys.platform != "win32")
    except subprocess.CalledProcessError:
        pytest.skip("this Python brings no pip")
    return tmp_path / "empty" / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def test_the_pip_that_python_brings_needs_no_compiler(empty: Path, wheel: Path) -> None:
    """It is as old as the Python is."""
    done = pip(empty, "--no-index", "--no-deps", str(wheel), PATH=str(empty.parent), CC="/nowhere/cc")
    assert done.returncode == 0, done.stderr


def test_a_mirror_that_lacks_a_package_is_named_by_pip_before_anything_is_installed(
    empty: Path, wheel: Path, tmp_path: Path
) -> None:
    (tmp_path / "index" / "simple").mkdir(parents=True)
    with mirror(tmp_path / "index") as url:
        done = pip(empty, "--index-url", url, str(wheel))
    assert done.returncode == 1
    assert re.search(r"No matching distribution found for \w", done.stderr)
    assert not (empty.parent / "foretype").exists()


def test_a_mirror_of_ones_own_has_it(empty: Path, wheel: Path, tmp_path: Path) -> None:
    page = tmp_path / "index" / "simple" / "foretype"
    page.mkdir(parents=True)
    (page / wheel.name).write_bytes(wheel.read_bytes())
    (page / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>', encoding="utf-8")
    with mirror(tmp_path / "index") as url:
        done = pip(empty, "--no-deps", "--index-url", url, wheel.name.partition("-")[0])
    assert done.returncode == 0, done.stderr


def test_without_a_network_nothing_is_asked_for_where_all_is_there(wheel: Path, tmp_path: Path) -> None:
    with private_home() as home:
        place = make_place(tmp_path / "env", wheel, home)
        command = [sys.executable, "-m", "pip", "--python", str(place.programs / "python"), "install"]
        done = subprocess.run(
            [*command, "--no-index", "--force-reinstall", "--no-deps", str(wheel)],
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0
        offline = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": ""}
        pulled = attrs.evolve(place, home={**place.home, **offline}).run("models", "pull", "smollm2-135m")
    assert pulled.returncode == 1
    assert "Check the network" in pulled.stderr
    assert "Traceback" not in pulled.stderr
    assert pulled.stderr.count("\n") <= 2


def test_no_file_of_ours_names_an_index() -> None:
    """What people install from, a mirror perhaps, is their settings' business."""
    sources = [*(ROOT / "editors" / "vscode" / "src").glob("*.ts"), ROOT / "Makefile"]
    sources += [
        path for room in ("daemon", "lsp", "models", "context") for path in (ROOT / room).rglob("*.py")
    ]
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"--(?:extra-)?index-url[ =\"',]+https?:", text) == [], path


@pytest.fixture(scope="module")
def newer_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sources as a later release."""
    clone = copy_sources(tmp_path_factory.mktemp("newer"))
    project = clone / "pyproject.toml"
    text = re.sub(r'(?m)^version = ".*"$', f'version = "{NEWER}"', project.read_text(encoding="utf-8"))
    project.write_text(text, encoding="utf-8")
    (path,) = [clone / "made" / name for name in build(clone) if name.endswith(".whl")]
    return path


def versions(*places: Place) -> list[str]:
    """What each of them says that it is."""
    return [place.run("--version").stdout.split()[-1] for place in places]


async def test_an_update_while_an_editor_runs_ends_the_old_daemon_and_loses_nothing(
    wheel: Path, newer_wheel: Path, tmp_path: Path
) -> None:
    """Two releases side by side: each is itself, the newer one's daemon serves both."""
    with private_home() as home:
        old = make_place(tmp_path / "old", wheel, home, [NO_ENGINE])
        new = make_place(tmp_path / "new", newer_wheel, home, [NO_ENGINE])
        before, after = versions(old, new)
        assert (before == NEWER, after) == (False, NEWER)
        editor = await LspClient.start(str(old.programs / "foretype"), "lsp", env=home)
        async with editor:
            await editor.initialize()
            assert old.run("daemon", "start").returncode == 0
            assert f"foretype {before}" in old.run("daemon", "status").stdout
            updated = await LspClient.start(str(new.programs / "foretype"), "lsp", env=home)
            async with updated:
                await updated.initialize()
                updated.open("file:///tmp/one.py", "def one():\n    ret\n")
                await updated.items("file:///tmp/one.py", 1, 7)
                assert f"foretype {NEWER}" in new.run("daemon", "status").stdout
                editor.open("file:///tmp/two.py", "def two():\n    ret\n")
                await editor.items("file:///tmp/two.py", 1, 7)
                assert f"foretype {NEWER}" in new.run("daemon", "status").stdout
