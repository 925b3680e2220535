"""What the documents name exists: files, tasks of the Makefile, settings, commands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from foretype.daemon.settings.settings import Settings, apply

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "editors/vscode/README.md")
WORKFLOWS = (".github/workflows/checks.yml", ".github/workflows/release.yml")
CALLERS = (*DOCUMENTS, ".ci/run", *WORKFLOWS, ".pre-commit-config.yaml")
HOUSE = {path.name for path in ROOT.iterdir()} - {".git"}
MADE = ("build/", ".venv/", "dist/")
"""What is there only after something was made."""


def tasks() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def named_tasks(text: str) -> set[str]:
    """What `make` is told to do, in commands and in code spans."""
    blocks = "\n".join(re.findall(r"^```$.*?^```$", text, re.MULTILINE | re.DOTALL))
    in_blocks = re.findall(r"^make ([a-z-]+)", blocks, re.MULTILINE)
    return {*in_blocks, *re.findall(r"(?:`|exec |run: )make ([a-z-]+)", text)}


def named_files(text: str) -> Iterator[str]:
    """Paths in links and in code spans: those with a slash that end like a file or a folder."""
    yield from (link for link in re.findall(r"\]\(([^)#]+)\)", text) if ":" not in link)
    spans = re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", text)
    yield from (span for span in spans if span.split("/")[0] in HOUSE)


@pytest.mark.parametrize("document", CALLERS)
def test_every_task_that_is_named_is_one(document: str) -> None:
    assert named_tasks((ROOT / document).read_text(encoding="utf-8")) <= tasks()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_is_there(document: str) -> None:
    path = ROOT / document
    missing = [
        name
        for name in named_files(path.read_text(encoding="utf-8"))
        if not name.startswith(MADE) and not {"NAME", "FILE"} & set(re.split(r"[/._]", name))
        if not any(base.joinpath(name + end).exists() for base in (path.parent, ROOT) for end in ("", ".py"))
    ]
    assert missing == []


def test_the_settings_that_the_readme_shows_are_all_understood() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Settings")[2]
    shown = tomllib.loads(text.partition("```toml\n")[2].partition("```")[0])
    assert len(shown) == len([field for field in attrs.fields(Settings) if field.name in shown]) > 3
    assert apply(Settings(), shown)[1] == []


def test_the_pages_stand_in_a_newcomers_order() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    wanted = ["Install", "In your editor", "The model", "Settings", "How fast", "How good", "How it works"]
    assert [title for title in re.findall(r"^## (.*)$", text, re.MULTILINE) if title in wanted] == wanted


def test_the_map_has_a_line_for_every_sub_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = ("context", "lsp", "daemon", "models", "editors")
    inits = [path for room in rooms for path in (ROOT / room).glob("*/__init__.py")]
    packages = sorted(path.parent.relative_to(ROOT).as_posix() for path in inits)
    assert len(packages) > 30
    assert [package for package in packages if f"`{package}/`" not in text] == []


def test_what_names_a_task_or_a_file_is_seen() -> None:
    commands = "`make demo` or\n```\nmake test-unit   # quick\n```\nmake it so"
    text = f"{commands}; see `tests/models/x.py`, [this](LICENSE), `a/b`"
    assert named_tasks(text) == {"demo", "test-unit"}
    assert list(named_files(text)) == ["LICENSE", "tests/models/x.py"]
