"""`editors/lint.sh`, a part of `make lint`: findings fail it, and what the machine lacks is said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

EDITORS = Path(__file__).resolve().parents[2] / "editors"
BASICS = ("basename", "dirname", "mkdir", "sh")


def lint(folder: Path, *, luacheck: str | None = None) -> tuple[int, str]:
    """Exit code and words of the script on a machine that has nothing but this luacheck."""
    shutil.copytree(EDITORS, folder / "editors", ignore=shutil.ignore_patterns("node_modules"))
    programs = folder / "bin"
    programs.mkdir()
    for name in BASICS:
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    if luacheck is not None:
        (programs / "luacheck").write_text(f"#!/bin/sh\n{luacheck}\n")
        (programs / "luacheck").chmod(0o755)
    ran = subprocess.run(
        [str(programs / "sh"), str(folder / "editors" / "lint.sh")],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_what_a_machine_lacks_is_skipped_with_the_reason(tmp_path: Path) -> None:
    code, said = lint(tmp_path)
    assert code == 0, said
    assert "skipped: TypeScript and the format of Lua: there is no npm" in said
    assert "skipped: the names of Lua: there is no luacheck" in said


def test_what_a_tool_finds_fails_it(tmp_path: Path) -> None:
    code, said = lint(tmp_path, luacheck="echo unused variable; exit 1")
    assert code == 1
    assert "unused variable\nluacheck found what stands above." in said


def test_what_a_tool_finds_nothing_in_passes(tmp_path: Path) -> None:
    assert lint(tmp_path, luacheck="exit 0")[0] == 0
