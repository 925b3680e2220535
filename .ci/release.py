"""`make release`: gathers what a release consists of in build/release, and checks it. It uploads nothing.

The archives were built by then (`make wheel vscode neovim-release`). Beside them it puts an SBOM (CycloneDX),
the licences of everything that the wheel brings along, as installed into an empty environment, and sums. A
release whose version the changelog does not know, or whose tree holds what no commit has, is refused.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
OUT = BUILD / "release"

ALLOWED = (
    "apache",
    "mit",
    "bsd",
    "isc",
    "mozilla public license",
    "mpl-2.0",
    "python software foundation",
    "psf",
    "unlicense",
    "0bsd",
    "cc0",
    "zlib",
)
"""What a licence may be called, in lower case: what lets foretype's users do as its own licence does."""


def wrong_licences(packages: Sequence[Mapping[str, str]]) -> list[str]:
    """The packages whose licence is unknown or asks for more than ours, each with what it says.

    Args:
        packages: as pip-licenses lists them, with "Name" and "License".
    """
    return [
        f"{each['Name']} ({each['License']})"
        for each in packages
        if not all(_allowed(part) for part in re.split(r"\bAND\b|;", each["License"]))
    ]


def _allowed(licence: str) -> bool:
    """Whether one of the licences that may be chosen from is one of ours."""
    choices = re.split(r"\bOR\b", licence)
    return any(re.search(rf"\b{re.escape(name)}", choice.lower()) for choice in choices for name in ALLOWED)


def missing_from(changelog: str, version: str, entries: Sequence[str] = ()) -> str:
    """What the changelog lacks for a release, a sentence; "" when nothing.

    Args:
        changelog: its text.
        version: the release's.
        entries: the names of the files in `changes/`.
    """
    if entries:
        return f"CHANGELOG.md lacks {', '.join(entries)}: 'make changelog' puts them in."
    if not re.search(rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$", changelog, re.MULTILINE):
        return (
            f"CHANGELOG.md has no heading '## {version} (YYYY-MM-DD)': give *Unreleased* its number and date."
        )
    unreleased = changelog.partition("## Unreleased")[2].partition("\n## ")[0]
    return "CHANGELOG.md still has entries under *Unreleased*." if unreleased.strip() else ""


def version() -> str:
    """The one place that says it is pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def changes() -> list[str]:
    """The entries that no release has yet, by file."""
    kinds = "added|changed|fixed|removed"
    names = sorted(path.name for path in (ROOT / "changes").iterdir())
    return [name for name in names if re.fullmatch(rf"[\w-]+\.({kinds})\.md", name)]


def run(*command: str) -> str:
    """What a program prints; ends this one where it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def gather(number: str) -> None:
    """Copy what was built."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    for path in (BUILD / "dist").glob(f"foretype-{number}*"):
        shutil.copy(path, OUT)
    if (BUILD / "foretype.vsix").exists():
        shutil.copy(BUILD / "foretype.vsix", OUT / f"foretype-{number}.vsix")
    pack_plugin(BUILD / "neovim-release", OUT / f"foretype-neovim-{number}.tar.gz")


def pack_plugin(folder: Path, archive: Path) -> None:
    """The plugin as an archive: the same files make the same bytes, whoever packs them and when."""
    top = archive.name.removesuffix(".tar.gz")
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if path.is_file() and name.parts[0] != ".git":
                entry = tarfile.TarInfo(f"{top}/{name.as_posix()}")
                entry.size = path.stat().st_size
                made.addfile(entry, io.BytesIO(path.read_bytes()))


def describe(number: str) -> None:
    """Install the wheel and its grammars, but nothing to work on it, and write down what came along.

    The engine is left out: it is compiled where it is installed, and its own archive has its licence (MIT).
    """
    environment = BUILD / "release-environment"
    shutil.rmtree(environment, ignore_errors=True)
    run(sys.executable, "-m", "venv", str(environment))
    python = str(environment / "bin" / "python")
    run(
        python, "-m", "pip", "install", "--quiet", f"{OUT / f'foretype-{number}-py3-none-any.whl'}[languages]"
    )
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools")
    for told in environment.rglob("direct_url.json"):
        told.unlink()  # where the wheel lay on this machine is nobody's business
    bill = OUT / f"foretype-{number}.cdx.json"
    tool = str(Path(sys.executable).with_name("cyclonedx-py"))
    run(tool, "environment", "--output-reproducible", "--of", "JSON", "-o", str(bill), python)
    tool = str(Path(sys.executable).with_name("pip-licenses"))
    packages = json.loads(run(tool, f"--python={python}", "--format=json", "--with-urls"))
    lines = [f"{each['Name']} {each['Version']}: {each['License']}" for each in packages]
    (OUT / "LICENCES.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if wrong := wrong_licences(packages):
        sys.exit(f"These licences have to be looked at: {', '.join(wrong)}.")


def main() -> None:
    """Gather, describe, check."""
    number = version()
    draft = "--draft" in sys.argv
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if not draft and (problem := missing_from(changelog, number, changes())):
        sys.exit(problem)
    if not draft and run("git", "status", "--porcelain").strip():
        sys.exit("The tree has changes that no commit has.")
    gather(number)
    describe(number)
    run(
        sys.executable, "-m", "twine", "check", "--strict", *map(str, OUT.glob(f"foretype-{number}[.-]*[zl]"))
    )
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in sorted(OUT.iterdir())]
    (OUT / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")
    print("\n".join(sums))
    print(
        f"build/release holds foretype {number}. Nothing was uploaded: CONTRIBUTING.md says what comes next."
    )


if __name__ == "__main__":
    main()
