"""`make try-install`: installs the wheel as people do, with what they install with, into empty environments.

Prints sizes and times for pip, pipx and uv, with and without the engine; each installs twice, the second time
from its own cache. It asks the user's package index, and asserts nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from foretype.tests.support.installed import ROOT, build, copy_sources


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
        print(f"the wheel: {len(wheel[1]) / 1e6:.2f} MB")
        venv.create(base / "empty", with_pip=True)
        print(f"an empty environment: {size_mb(base / 'empty'):.0f} MB")
        for extra in extras:
            for tool in ("pip", "pipx", "uv"):
                turns = [
                    installed(tool, base / f"{tool}-{extra}-{turn}", f"{path}{extra}") for turn in range(2)
                ]
                (first, _, _), (again, size, said) = turns
                print(
                    f"{tool:5} foretype{extra:9} {again:6.1f} s, the first time {first:.1f} s, "
                    f"{size:.0f} MB: {said}",
                    flush=True,
                )


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
