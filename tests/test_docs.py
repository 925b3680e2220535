"""The site in `docs/`: it builds, its links lead somewhere, and what it tells people to type exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import attrs
import click
import pytest
from foretype.daemon.cli.main import foretype
from foretype.daemon.settings.settings import Settings, apply

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs" / "pages").rglob("*.md"))
ELSEWHERE = re.compile(r"https?://(?!HOST/)")
"""Nobody can check from here whether an address still leads somewhere, so pages name none."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it is built; a link or an anchor that leads nowhere ends that."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", "docs/mkdocs.yml", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def commands(text: str) -> Iterator[str]:
    """What a page tells people to type: lines of sh blocks, and code spans, that begin with our program."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        yield from (line.strip() for line in block.splitlines() if line.strip().startswith("foretype"))
    yield from re.findall(r"`(foretype [^`]+)`", text)


def shown_commands(text: str) -> Iterator[str]:
    """The same of a document whose blocks name no language; what stands behind two blanks explains."""
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        lines = (re.split(r"\s{2,}|\s#", line.strip())[0] for line in block.splitlines())
        yield from (line for line in lines if line.startswith("foretype "))
    yield from re.findall(r"`(foretype [^`]+)`", text)


def why_not(line: str) -> str:
    """Why a command line cannot be run; "" where it can. Arguments are not looked at."""
    command: click.Command = foretype
    context = click.Context(command)
    for word in shlex.split(line)[1:]:
        if word.startswith("-"):
            known = {name for one in command.get_params(context) for name in (*one.opts, *one.secondary_opts)}
            if word.partition("=")[0] not in known:
                return f"{command.name} has no {word}"
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if found is None:
                return f"there is no {word}"
            command = found
    return ""


def test_a_command_that_does_not_run_is_seen() -> None:
    assert why_not("foretype daemon stop") == ""
    assert why_not("foretype models pull hf:OWNER/REPOSITORY --no-tune") == ""
    assert why_not("foretype daemon halt") == "there is no halt"
    assert why_not("foretype doctor --repair") == "doctor has no --repair"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_to_be_typed_can_be_run(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [(line, why_not(line)) for line in commands(text) if why_not(line)] == []
    tasks = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= tasks


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "editors/vscode/README.md"]
)
def test_what_a_document_tells_people_to_type_can_be_run(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert [(line, why_not(line)) for line in shown_commands(text) if why_not(line)] == []


def test_every_command_of_the_readme_is_looked_at() -> None:
    shown = list(shown_commands((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"foretype lsp", "foretype serve", "foretype demo"} <= set(shown)
    assert list(shown_commands("```\nforetype daemon halt   what it does\n```")) == ["foretype daemon halt"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_settings_on_a_page_are_understood(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        assert apply(Settings(), tomllib.loads(block))[1] == []
    for line in re.findall(r"`(\w+ = [^`]+)`", text):
        ((name, _),) = tomllib.loads(line).items()
        sections = [each.type for each in attrs.fields(attrs.resolve_types(Settings)) if attrs.has(each.type)]
        assert any(name in attrs.fields_dict(section) for section in sections), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_leads_out_of_the_site(page: Path) -> None:
    assert ELSEWHERE.findall(page.read_text(encoding="utf-8")) == []


def test_every_page_is_built_and_can_be_found_from_the_menu(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    for page in PAGES:
        name = "" if page.stem == "index" else f"{page.stem}/"
        assert (site / name / "index.html").is_file()
        assert f'href="{name or "."}"' in start


def test_every_setting_is_on_the_site(site: Path) -> None:
    said = (site / "settings" / "index.html").read_text(encoding="utf-8")
    for section in attrs.fields(attrs.resolve_types(Settings)):
        assert f"[{section.name}]" in said
        if attrs.has(section.type):
            for field in attrs.fields(section.type):
                assert f"<code>{field.name}</code>" in said


def test_a_readers_browser_asks_nobody_else(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?:https?:)?//", text) == [], page
