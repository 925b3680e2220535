"""The files that the oracle cuts, by language: from the pinned releases of corpus.toml.

Fetching, checking and unpacking are `quality.corpus`'s. A release that can't be had is reported and left
out; the run says so and goes on with the others.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath, PurePosixPath

import attrs
from foretype.tests.quality import corpus as pinned
from foretype.tests.quality.corpus import CorpusProblem, Source

BUILD = Path(__file__).resolve().parents[2] / "build" / "truth"
TABLE = Path(__file__).with_name("corpus.toml")
SUFFIXES = {
    "python": (".py",),
    "javascript": (".js", ".mjs"),
    "typescript": (".ts",),
    "typescriptreact": (".tsx",),
    "go": (".go",),
    "rust": (".rs",),
    "java": (".java",),
    "c": (".c", ".h"),
    "cpp": (".cpp", ".hpp", ".cc", ".h"),
    "csharp": (".cs",),
    "ruby": (".rb",),
    "php": (".php",),
    "shellscript": (".sh", ".bash"),
    "lua": (".lua",),
    "html": (".html",),
    "css": (".css",),
    "json": (".json",),
    "yaml": (".yaml", ".yml"),
    "toml": (".toml",),
    "markdown": (".md",),
    "kotlin": (".kt",),
    "swift": (".swift",),
    "svelte": (".svelte",),
    "perl": (".pm", ".pl"),
    "ocaml": (".ml",),
    "cmake": (".cmake",),
    "zig": (".zig",),
    "vue": (".vue",),
    "scss": (".scss",),
    "julia": (".jl",),
    "nix": (".nix",),
    "scala": (".scala",),
    "dart": (".dart",),
    "haskell": (".hs",),
    "powershell": (".ps1", ".psm1"),
    "elixir": (".ex", ".exs"),
    "sql": (".sql",),
    "graphql": (".graphql", ".gql"),
    "terraform": (".tf",),
    "makefile": (".mk",),
    "dockerfile": (".dockerfile",),
}
NAMES = {
    "makefile": re.compile(r"(?:GNU)?[Mm]akefile(?:\.(?!am$|in$)\w+)?"),
    "dockerfile": re.compile(r"(?:Docker|Container)file(?:\.(?!j2$)\w+)?"),
}
"""What files are called whose language their suffix doesn't tell."""
SMALLEST, LARGEST = 500, 40_000
LONGEST_LINE = 300

_ALL = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


@attrs.frozen
class File:
    """One file of the corpus.

    Attributes:
        source: the release's name.
        path: relative to its folder.
        language: the editor's language identifier.
        text: as its authors wrote it, with LF.
        salt: makes other choices: which files, which holes.
    """

    source: str
    path: str
    language: str
    text: str
    salt: str = ""

    @property
    def key(self) -> str:
        """What decides everything that is left to chance."""
        return f"{self.source}/{self.path}{self.salt}"


def releases() -> dict[str, tuple[Source, tuple[str, ...]]]:
    """The pinned releases by name, each with the languages that are cut from it."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    own = {each.name: each for each in pinned.sources(TABLE)}
    shared = {each.name: each for each in pinned.sources()}
    found = {each["name"]: (shared[each["name"]], tuple(each["languages"])) for each in table["quality"]}
    return found | {each["name"]: (own[each["name"]], tuple(each["languages"])) for each in table["source"]}


def is_wanted(path: PurePosixPath) -> bool:
    """Whether a file may be one that is cut: by its suffix or its name, or a program without a suffix."""
    return (
        path.suffix in _ALL or named_language(path) is not None or (not path.suffix and "bin" in path.parts)
    )


def fetched(wanted: Collection[str] = tuple(SUFFIXES)) -> tuple[dict[str, Path], list[str]]:
    """The folders of all releases of some languages, by name, and a sentence for each that can't be had."""
    folders: dict[str, Path] = {}
    missing: list[str] = []
    for name, (source, languages) in releases().items():
        if set(wanted).isdisjoint(languages):
            continue
        try:
            folders[name] = pinned.unpacked(source, BUILD, is_wanted)
        except CorpusProblem as problem:
            missing.append(str(problem))
    return folders, missing


def files(language: str, folders: dict[str, Path], most: int, salt: str = "") -> list[File]:
    """At most `most` files of a language, evenly over its releases: always the same ones for one `salt`."""
    streams = [
        sorted(_of(name, folders[name], language, salt), key=lambda file: _order(file.key))
        for name, (_, languages) in releases().items()
        if language in languages and name in folders
    ]
    found: list[File] = []
    for number in range(max(map(len, streams), default=0)):
        found += [stream[number] for stream in streams if number < len(stream)]
    return found[:most]


def _order(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _of(name: str, root: Path, language: str, salt: str) -> Iterator[File]:
    for path in sorted(root.rglob("*")):
        if not path.is_file() or not SMALLEST <= path.stat().st_size <= LARGEST:
            continue
        try:
            text = path.read_text("utf-8").replace("\r\n", "\n")
        except ValueError:
            continue
        if not _speaks(path, text, language) or pinned.is_generated(text) or "\r" in text:
            continue
        if max(map(len, text.split("\n"))) <= LONGEST_LINE and "\x00" not in text:
            yield File(name, path.relative_to(root).as_posix(), language, text, salt)


def named_language(path: PurePath) -> str | None:
    """The language that a file's name tells."""
    return next((language for language, name in NAMES.items() if name.fullmatch(path.name)), None)


def _speaks(path: Path, text: str, language: str) -> bool:
    named = named_language(path)
    if named is not None:
        return named == language
    if path.suffix:
        return path.suffix in SUFFIXES[language]
    return (
        language == "shellscript" and text.startswith("#!") and "sh" in text[:40].split("\n", maxsplit=1)[0]
    )
