"""Nobody is told to install foretype by a name that whoever wants to could register."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

BY_NAME = re.compile(
    r"""(?:\bpip[x3]?|\buv(?:\s+tool|\s+pip)?|\bpoetry|\bpdm|\bconda|\bmamba|\bbrew|\bnpm|\bpixi)\s+
        (?:install|add|run|inject|upgrade)\s+(?:-[\w-]+(?:[ =][\w./:-]+)?\s+)*
        ["'`]?foretype(?:\[[\w,]*\])?(?![\w./-])
      | \buvx\s+(?:--from\s+)?["'`]?foretype(?![\w./-])
      | ["']install["'](?:,\s*["'][\w-]*["'])*,\s*["']foretype["']
      | \|\|\s*["']foretype["']""",
    re.VERBOSE,
)


def check(line: str, *, by_name: bool) -> None:
    """Whether a line tells somebody to install foretype by its name."""
    assert (BY_NAME.search(line) is not None) is by_name


@pytest.mark.parametrize(
    "words",
    ["pip install", "pipx install", "pip3 install --upgrade", "uv tool install", "uv pip install -q", "uvx"],
)
def test_a_bare_name_is_found_and_a_path_is_not(words: str) -> None:
    for name in ("foretype", "'foretype'", "foretype[dev]", "foretype==0.1"):
        check(f"run `{words} {name}` first", by_name=True)
    for path in (
        "./foretype",
        "~/src/foretype",
        "foretype-0.1.0-py3-none-any.whl",
        "/home/me/foretype",
        "foretype/",
    ):
        check(f"run `{words} {path}` first", by_name=False)


def test_nothing_in_the_repository_says_so() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    found: list[str] = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path == Path(__file__) or not path.is_file() or path.stat().st_size > 2_000_000:
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [f"{name}: {line.strip()}" for line in lines if BY_NAME.search(line)]
    assert found == []
