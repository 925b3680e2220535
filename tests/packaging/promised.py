"""Which Pythons foretype is promised for, and an environment of each with what its wheel brings along.

`pythons.sh` runs it, before the tests, and asks the user's package index; the tests themselves ask
nobody. Finding or bringing an interpreter is not its business.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLASSIFIER = "Programming Language :: Python :: "


def promised_versions() -> list[str]:
    """Such as "3.12", oldest first, as pyproject.toml says them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said: list[str] = [name.removeprefix(CLASSIFIER) for name in project["classifiers"] if CLASSIFIER in name]
    return sorted(said, key=lambda version: [int(part) for part in version.split(".")])


def running_version() -> str:
    """The version of the Python that runs this; its libraries are those of the tests."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def environment_python(folder: Path, version: str) -> Path:
    """The interpreter of the environment that was made for a version; it may not be there."""
    return folder / f"environment-{version}" / "bin" / "python"


def install_libraries(folder: Path, version: str, interpreter: str) -> None:
    """An environment of this interpreter with what foretype needs; the same need finds it made already.

    Raises:
        CalledProcessError: when the index has no answer or no compiled package.
    """
    environment = folder / f"environment-{version}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = json.dumps([interpreter, *project["dependencies"]])
    note = environment / "installed.json"
    if note.exists() and note.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(environment, ignore_errors=True)
    subprocess.run([interpreter, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=120)
    python = str(environment_python(folder, version))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "--only-binary", ":all:", *project["dependencies"]], check=True, timeout=900)
    note.write_text(wanted, encoding="utf-8")


def main(arguments: list[str]) -> None:
    """`versions` prints the others that are promised; `libraries DIR VERSION INTERPRETER` installs."""
    if arguments == ["versions"]:
        print("\n".join(each for each in promised_versions() if each != running_version()))
        return
    _, folder, version, interpreter = arguments
    try:
        install_libraries(Path(folder), version, interpreter)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
        sys.exit(f"{problem.cmd[0]} failed.")


if __name__ == "__main__":
    main(sys.argv[1:])
