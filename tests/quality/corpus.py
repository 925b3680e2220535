"""The repositories that holes are cut from: fetched once, checked against the pinned sum, unpacked.

Sources are fetched from where pip, npm and apt are told to look, and none of their code is run: `pip
download` would run a package's build backend only to learn its name, so its index is asked directly. What
no repository holds is not unpacked: compiled, generated, vendored and minified files, and data for tests.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, cast

import attrs
import httpx

BUILD = Path(__file__).resolve().parents[2] / "build" / "quality"
TABLE = Path(__file__).with_name("corpus.toml")
SUFFIXES = {"python": (".py",), "typescript": (".ts",), "rust": (".rs",), "c": (".c",), "java": (".java",)}
SMALLEST, LARGEST = 1_500, 80_000
LONGEST_LINE = 400

_KEPT = (
    ".py",
    ".pyi",
    ".ts",
    ".tsx",
    ".js",
    ".rs",
    ".go",
    ".c",
    ".h",
    ".cpp",
    ".hpp",
    ".java",
    ".toml",
    ".json",
)
_LEFT_OUT = re.compile(
    r"(?:^|/)(?:vendor(?:ed)?|_vendor|third[-_]party|extern(?:al)?|node_modules|dist|build|generated|"
    r"snapshots|fixtures|test-?data|resources|subprojects|thirdparty|highway|pythoncapi-compat|"
    r"vendored-meson|winbuild|pocketfft|[^/]*\.egg-info)/"
    r"|\.min\.|\.d\.ts$|_pb2\.py$|(?:^|[/_.-])generated\."
)
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|__tests__|testing|benches|benchmarks?|docs|examples?)/|[._]test\.|test_"
)
_GENERATED = re.compile(r"(?:auto[- ]?)?generated (?:by|from|file)|do not edit|@generated", re.IGNORECASE)
_ASK_PIP = """
import subprocess, sys
from pip._internal.models.index import PyPI
told = [sys.executable, "-m", "pip", "config", "get"]
for key in (":env:.index-url", "global.index-url", "site.index-url", "user.index-url"):
    found = subprocess.run([*told, key], capture_output=True, text=True)
    if found.returncode == 0 and found.stdout.strip():
        print(found.stdout.strip())
        break
else:
    print(PyPI.simple_url)
"""


class CorpusProblem(Exception):
    """A source could not be fetched, or is not the one that was pinned. One sentence."""


@attrs.frozen
class Source:
    """One pinned release.

    Attributes:
        name, version: of the package.
        licence: its SPDX expression.
        origin: "pip", "npm", "debian" or "debian-source" (the authors' own archive, as Debian keeps it).
        language: whose files holes are cut from.
        sha256: of the archive.
        keep: the folders (or files) that are unpacked; all when empty. What they are called doesn't matter.
    """

    name: str
    version: str
    licence: str
    origin: str
    language: str
    sha256: str
    keep: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """A name for its files on this disk."""
        return f"{self.name.strip('@').replace('/', '-')}-{self.version}"


def sources(pinned: Path = TABLE) -> list[Source]:
    """The pinned releases, in the order of their table."""
    table = tomllib.loads(pinned.read_text("utf-8"))
    return [
        Source(
            each["name"],
            each["version"],
            each["licence"],
            each["from"],
            each["language"],
            each["sha256"],
            tuple(each.get("keep", ())),
        )
        for each in table["source"]
    ]


def is_kept(path: PurePosixPath) -> bool:
    """Whether `make quality` has a use for a file of an archive."""
    return path.suffix in _KEPT


def unpacked(source: Source, build: Path = BUILD, wanted: Callable[[PurePosixPath], bool] = is_kept) -> Path:
    """The folder with a source's files; fetched and unpacked the first time.

    Args:
        source: which one.
        build: where archives and files are kept.
        wanted: which of the files that a repository would hold are unpacked, by their path in it.

    Raises:
        CorpusProblem: it can't be fetched, or its sum isn't the pinned one.
    """
    target = build / "corpus" / source.folder
    if not target.exists():
        archive = build / "archives" / f"{source.folder}{'.deb' if source.origin == 'debian' else '.tar.gz'}"
        if not archive.exists():
            archive.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=archive.parent) as apart:
                partial = Path(apart) / archive.name
                partial.write_bytes(_FROM[source.origin](source))
                partial.replace(archive)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != source.sha256:
            archive.unlink()
            raise CorpusProblem(
                f"The archive of {source.name} {source.version} has the sum {found}, not the pinned one; "
                "if the release was replaced on purpose, pin it anew in the table that names it."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as apart:
            partial = Path(apart) / target.name
            _unpack(archive, partial, source.keep, wanted)
            partial.mkdir(exist_ok=True)
            try:
                partial.replace(target)
            except OSError:
                if not target.is_dir():  # else another process was quicker
                    raise
    # A repository of its own: this project's ignore files say nothing about it.
    (target / ".git").mkdir(exist_ok=True)
    return target


def _from_npm(source: Source) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        try:
            told = subprocess.run(
                ["npm", "pack", "--silent", "--pack-destination", folder, f"{source.name}@{source.version}"],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.split()
            return (Path(folder) / told[-1]).read_bytes()
        except (OSError, subprocess.CalledProcessError, IndexError) as error:
            raise CorpusProblem(
                f"npm could not fetch {source.name} {source.version}: {error}. Are npm and the network there?"
            ) from error


def _from_debian(source: Source) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(
                ["apt-get", "download", "--quiet", f"{source.name}={source.version}"],
                check=True,
                capture_output=True,
                cwd=folder,
            )
            return next(Path(folder).glob("*.deb")).read_bytes()
        except (OSError, subprocess.CalledProcessError, StopIteration) as error:
            raise CorpusProblem(
                f"apt could not fetch {source.name} {source.version}: {error}. Is this Debian 12, and did "
                "`apt-get update` run?"
            ) from error


def _from_debian_source(source: Source) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        try:
            told = ["apt-get", *_source_lists(), "source", "--quiet", "--download-only", "--tar-only"]
            subprocess.run(
                [*told, f"{source.name}={source.version}"], check=True, capture_output=True, cwd=folder
            )
            found = sorted(Path(folder).glob("*.orig.tar.*"))
            return next(each for each in found if each.suffix != ".asc").read_bytes()
        except (OSError, subprocess.CalledProcessError, StopIteration) as error:
            raise CorpusProblem(
                f"apt could not fetch the source of {source.name} {source.version}: {error}. "
                "Is this Debian 12?"
            ) from error


@functools.cache
def _source_lists() -> list[str]:
    """Options for apt: it looks for sources where this system gets its packages; its own lists stay."""
    parts, lists = BUILD / "apt", BUILD / "apt" / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    for path in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        if path.is_file() and path.suffix in {".list", ".sources"}:
            said = path.read_text("utf-8")
            said = re.sub(r"^(?:deb|(Types:).*)(?=\s)", _as_source, said, flags=re.MULTILINE)
            (parts / path.name).write_text(said, encoding="utf-8")
    options = [
        "--option=Dir::Etc::SourceList=/dev/null",
        f"--option=Dir::Etc::SourceParts={parts}",
        f"--option=Dir::State::Lists={lists}",
        "--option=Dir::Cache::pkgcache=",
        "--option=Dir::Cache::srcpkgcache=",
    ]
    subprocess.run(["apt-get", *options, "--quiet", "update"], check=False, capture_output=True)
    return options


def _as_source(found: re.Match[str]) -> str:
    return f"{found[1]} deb-src" if found[1] else "deb-src"


def _from_pip(source: Source) -> bytes:
    try:
        asked = subprocess.run([sys.executable, "-c", _ASK_PIP], check=True, capture_output=True, text=True)
        page = f"{asked.stdout.strip().rstrip('/')}/{source.name}/"
        with httpx.Client(follow_redirects=True, timeout=120) as client:
            answer = client.get(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
            files = cast("list[dict[str, Any]]", answer.raise_for_status().json()["files"])
            wanted = next(
                (each for each in files if each["hashes"].get("sha256") == source.sha256),
                None,
            )
            if wanted is None:
                raise CorpusProblem(f"pip's index no longer has {source.name} {source.version}.")
            return client.get(urllib.parse.urljoin(page, wanted["url"])).raise_for_status().content
    except (httpx.HTTPError, subprocess.CalledProcessError, ValueError, KeyError) as error:
        raise CorpusProblem(
            f"{source.name} {source.version} could not be fetched from pip's index: {error}"
        ) from error


_FROM: dict[str, Callable[[Source], bytes]] = {
    "pip": _from_pip,
    "npm": _from_npm,
    "debian": _from_debian,
    "debian-source": _from_debian_source,
}


def _opened(archive: Path) -> tarfile.TarFile:
    if archive.suffix != ".deb":
        return tarfile.open(archive)
    try:
        packed = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(archive)], check=True, capture_output=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise CorpusProblem(f"dpkg-deb could not open {archive.name}: {error}.") from error
    return tarfile.open(fileobj=io.BytesIO(packed))


def _unpack(
    archive: Path, target: Path, keep: tuple[str, ...], wanted: Callable[[PurePosixPath], bool]
) -> None:
    """Write the regular files that a repository would hold. Nothing outside `target` can be named."""
    with _opened(archive) as opened:
        for member in opened:
            path = PurePosixPath(member.name)
            inside = PurePosixPath(*path.parts[1:])
            if not member.isreg() or ".." in path.parts or path.is_absolute() or not inside.parts:
                continue
            if not _is_held(inside, keep) or not wanted(inside) or member.size > 1_000_000:
                continue
            data = opened.extractfile(member)
            if data is not None:
                place = target / inside
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data.read())


def _is_held(path: PurePosixPath, keep: tuple[str, ...]) -> bool:
    """Whether a repository would hold a file, and it lies in a folder that is wanted."""
    if not keep:
        return _LEFT_OUT.search(str(path)) is None
    folder = next((each for each in keep if path.is_relative_to(each)), None)
    return folder is not None and _LEFT_OUT.search(f"{path.relative_to(folder)}") is None


def is_generated(text: str) -> bool:
    """Whether a file's beginning says that nobody wrote it."""
    return _GENERATED.search(text[:2000]) is not None


def files(root: Path, language: str) -> Iterator[tuple[str, str]]:
    """Paths and texts of the files worth cutting, in order of path; tests and examples are left out."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in SUFFIXES[language] or _TESTS.search(name) or not path.is_file():
            continue
        if not SMALLEST <= path.stat().st_size <= LARGEST:
            continue
        try:
            text = path.read_text("utf-8")
        except ValueError:
            continue
        text = text.replace("\r\n", "\n")
        if not is_generated(text) and max(map(len, text.split("\n"))) <= LONGEST_LINE:
            yield name, text
