"""The archives of this commit, and places outside of any clone where only foretype's wheel is installed.

Building needs what `dev` in pyproject.toml brings, and no index.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMIT_TIME = "1700000000"
NO_ENGINE = "import sys; sys.modules['llama_cpp'] = None\n"
"""A line of a .pth file, which Python runs at its start: as if llama-cpp-python were not installed."""


def copy_sources(to: Path) -> Path:
    """A copy of what git would commit, as somebody else's clone has it; skips where this is no clone."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = ROOT / name, to / name
        if source.is_file() and not name.startswith("tests/"):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    return to


def build(clone: Path) -> dict[str, bytes]:
    """The archives that `python -m build` makes of a clone, by file name."""
    made = clone / "made"
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(made), "."],
        cwd=clone,
        env={**os.environ, "SOURCE_DATE_EPOCH": COMMIT_TIME, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name: path.read_bytes() for path in made.iterdir()}


@attrs.frozen
class Place:
    """An environment in which foretype's wheel is installed, outside of any clone, and a home of its own.

    The libraries that foretype needs are those of the environment that runs the tests; foretype itself is
    not, since what an editable installation put there is not looked at.
    """

    folder: Path
    home: dict[str, str]

    @property
    def programs(self) -> Path:
        return self.folder / ("Scripts" if sys.platform == "win32" else "bin")

    def run(
        self, *arguments: str, stdin: str = "", within_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed `foretype`, in a folder where nothing is."""
        return subprocess.run(
            [str(self.programs / "foretype"), *arguments],
            cwd=self.folder,
            env={**self.home, "PYTHONPATH": "", "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def python(self, code: str) -> str:
        """What a program prints that the environment's own interpreter runs."""
        done = subprocess.run(
            [str(self.programs / "python"), "-P", "-c", code],
            cwd=self.folder,
            env={**self.home, "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout.strip()


def make_place(
    folder: Path,
    wheel: Path,
    home: dict[str, str],
    startup: Sequence[str] = (),
    *,
    python: Path | None = None,
) -> Place:
    """An empty environment with the wheel in it.

    Args:
        folder: where it will lie.
        wheel: the file.
        home: the environment variables of its own home.
        startup: lines of a .pth file.
        python: the interpreter whose environment has the libraries; None for the one that runs the tests.
    """
    if python is None:
        venv.create(folder, with_pip=False, symlinks=sys.platform != "win32")
    else:
        subprocess.run([str(python), "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    place = Place(folder, home)
    libraries = Path(place.python("import sysconfig; print(sysconfig.get_paths()['purelib'])"))
    pip = [sys.executable, "-m", "pip", "--python", str(place.programs / "python"), "install", "--quiet"]
    subprocess.run(
        [*pip, "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)], check=True, timeout=120
    )
    lines = [_libraries(python) + "\n", *startup]
    (libraries / "libraries.pth").write_text("".join(lines), encoding="utf-8")
    return place


def _libraries(python: Path | None) -> str:
    """Where the libraries of an environment lie."""
    if python is None:
        return sysconfig.get_paths()["purelib"]
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()
