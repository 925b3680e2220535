"""`make measure-install`: installs the wheel as people do, into empty environments.

Prints sizes and times for pip, pipx and uv, and how long it takes from the command that installs to the first
ghost text, with the engine (`--engine`, compiled unless pip has it) or with a libllama that is there already.
Each installs twice, the second time from its own cache. All of it also goes to build/install.json. It asks
the user's package index, and asserts nothing.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from foretype.lsp.replay.home import private_environment
from foretype.tests.support.installed import ROOT, build, copy_sources
from foretype.tests.support.private_home import default_model


def timed(command: list[str], environment: dict[str, str]) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - began


def size_mb(folder: Path) -> float:
    """What the files below a folder take, in MB; links count nothing."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def commands(tool: str, folder: Path, wanted: str) -> tuple[list[list[str]], dict[str, str]]:
    """How a tool makes an environment and installs into it, and what it goes by."""
    here = Path(sys.executable).parent
    surroundings = dict(os.environ) | {"PYTHONPATH": ""}
    if tool == "pip":
        return [
            [sys.executable, "-m", "venv", str(folder / "env")],
            [str(folder / "env" / "bin" / "pip"), "install", "--quiet", wanted],
        ], surroundings
    if tool == "pipx":
        surroundings |= {"PIPX_HOME": str(folder), "PIPX_BIN_DIR": str(folder / "bin")}
        return [[str(here / "pipx"), "install", "--quiet", wanted]], surroundings
    surroundings |= {"UV_TOOL_DIR": str(folder), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    return [
        [str(here / "uv"), "tool", "install", "--quiet", "--python", sys.executable, wanted]
    ], surroundings


def program(folder: Path) -> Path:
    """The `foretype` that was installed."""
    return next(
        path for path in sorted(folder.rglob("foretype")) if path.is_file() and os.access(path, os.X_OK)
    )


def installed(tool: str, folder: Path, wanted: str) -> tuple[float, float, str]:
    """Seconds that it took, MB that are there then, and what `foretype --version` says."""
    folder.mkdir()
    steps, surroundings = commands(tool, folder, wanted)
    took = sum(timed(step, surroundings) for step in steps)
    said = subprocess.run([str(program(folder)), "--version"], capture_output=True, text=True, check=True)
    return took, size_mb(folder), said.stdout.strip()


def first_ghost_text(folder: Path, library: str) -> float:
    """Seconds until `foretype complete` prints a first suggestion, from a cold daemon.

    The model lies on the disk by then, as a pull leaves it.

    Args:
        folder: where foretype is installed.
        library: the folder of a libllama; "" where foretype has one of its own.
    """
    settings = f'[model]\npath = "{default_model()}"\nlibrary = "{library}"\n'
    (folder / "first.py").write_text("def add(a, b):\n    r\n", encoding="utf-8")
    with private_environment(settings) as home:
        return timed([str(program(folder)), "complete", f"{folder / 'first.py'}:2:5"], home)


def present_library() -> str:
    """The folder of the libllama that runs the tests; "" where there is none."""
    found = importlib.util.find_spec("llama_cpp")
    return "" if found is None or found.origin is None else str(Path(found.origin).parent / "lib")


def measured(base: Path, wheel: Path, tool: str, extra: str) -> dict[str, object]:
    """One line of the table, by its columns."""
    folders = [base / f"{tool}-{extra}-{turn}" for turn in range(2)]
    (first, _, _), (again, size, said) = (installed(tool, each, f"{wheel}{extra}") for each in folders)
    row: dict[str, object] = {
        "tool": tool,
        "extra": extra,
        "first_time_s": round(first, 1),
        "from_its_cache_s": round(again, 1),
        "installed_mb": round(size),
        "version": said,
    }
    library = "" if extra else present_library()
    if extra or library:
        row["to_first_ghost_text_s"] = round(again + first_ghost_text(folders[1], library), 1)
    print("  ".join(f"{name} {value}" for name, value in row.items() if value != ""), flush=True)
    return row


def main() -> None:
    """Try everything."""
    extras = ["", "[engine]"] if "--engine" in sys.argv else [""]
    with tempfile.TemporaryDirectory(prefix="ft-try-") as name:
        base = Path(name)
        (wheel,) = [
            (file, content)
            for file, content in build(copy_sources(base / "clone")).items()
            if file.endswith(".whl")
        ]
        path = base / wheel[0]
        path.write_bytes(wheel[1])
        venv.create(base / "empty", with_pip=True)
        found: dict[str, object] = {
            "processors": os.cpu_count(),
            "python": sys.version.split()[0],
            "wheel_mb": round(len(wheel[1]) / 1e6, 2),
            "empty_environment_mb": round(size_mb(base / "empty")),
        }
        print("  ".join(f"{name} {value}" for name, value in found.items()))
        rows = [measured(base, path, tool, extra) for extra in extras for tool in ("pip", "pipx", "uv")]
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "install.json").write_text(
        json.dumps({**found, "installs": rows}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
