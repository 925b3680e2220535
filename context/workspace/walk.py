"""Looking through a workspace: which files are worth reading, and what is new in them.

Pure of state: what is known comes in, what was found comes out piece by piece, so that it may run in a thread
or in a process of its own. Every bound on a workspace (`Limits`) holds here. What becomes of the findings is
the business of `index`.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from ..languages import language, language_of
from ..syntax.origins import headers_in, is_included
from . import storage
from .ignore import RULE_FILES, Rules, is_closed, is_secret_path, read_rules, read_text, rules_around
from .ignore_git import MARK
from .mentions import words_of
from .storage import IndexedFile
from .symbols import symbols_of

_MANIFESTS = frozenset({"Cargo.toml"})
"""Files that name packages which code may use without another mention."""


@attrs.frozen
class Limits:
    """How much of a workspace is indexed.

    Attributes:
        files: files at most; those nearer to the root come first.
        entries: directory entries looked at, at most, in all folders together.
        file_bytes: larger files are left out.
        symbols: symbols of all files together, at most.
    """

    files: int = 20_000
    entries: int = 400_000
    file_bytes: int = 500_000
    symbols: int = 600_000


@attrs.frozen
class WalkProgress:
    """How far indexing has come.

    Attributes:
        done: files dealt with.
        total: files found; 0 while they are still being looked for.
        read_bytes: bytes of source that had to be read and parsed so far.
    """

    done: int
    total: int
    read_bytes: int


@attrs.frozen
class Known:
    """A file that was read before: its path, modification time in ns since the epoch, and size in bytes."""

    path: str
    modified_ns: int
    size: int


@attrs.frozen
class Gone:
    """A known file that is no longer there, or no longer wanted."""

    path: str


ALL_FOLDERS = ("",)
"""The folders to walk when all of the workspace is meant."""


@attrs.frozen
class Folders:
    """The folders that were walked, relative to the workspace, in those that should be."""

    paths: tuple[str, ...]
    inside: tuple[str, ...] = ALL_FOLDERS


WalkFinding = IndexedFile | Gone | Folders | WalkProgress
FoundFile = Known
"""A file worth reading, as it is on disk now."""


def survey(
    root: Path, limits: Limits, known: Iterable[Known], inside: tuple[str, ...] = ALL_FOLDERS
) -> Iterator[WalkFinding]:
    """Walk a workspace and read what is new or changed; a `WalkProgress` after each folder and each file.

    Args:
        root: the workspace's folder.
        limits: where to stop.
        known: what was read before, in the folders that are walked.
        inside: the folders to walk, relative to the workspace, with all in them.
    """
    before = {each.path: each for each in known}
    found: list[FoundFile] = []
    folders: list[str] = []
    for batch in walk(root, limits, folders, inside):
        found.extend(batch)
        yield WalkProgress(0, 0, 0)
    yield Folders(tuple(folders), inside)
    for path in before.keys() - {each.path for each in found}:
        yield Gone(path)
    read = 0
    for number, each in enumerate(found, 1):
        if before.get(each.path) != each:
            yield entry_of(root, each, limits)
            read += each.size
        yield WalkProgress(number, len(found), read)


def is_inside(path: str, folders: tuple[str, ...]) -> bool:
    """Whether a relative path is one of some folders, or lies in one."""
    return any(not folder or path == folder or path.startswith(f"{folder}/") for folder in folders)


def entry_of(root: Path, each: FoundFile, limits: Limits) -> IndexedFile:
    """Read one file; unreadable, vanished and binary ones have no symbols."""
    text = read_text(root / each.path, limits.file_bytes)
    symbols = () if text is None else symbols_of(text, language_of(each.path), each.path)
    rows = [
        (symbol.name, symbol.kind, symbol.container, symbol.signature, symbol.doc, symbol.line)
        for symbol in symbols
    ]
    names = tuple(dict.fromkeys(symbol.name for symbol in symbols))
    # A module is imported by its file's name, which no file needs to mention.
    said = "" if text is None else text
    if Path(each.path).name in _MANIFESTS:
        said += said.replace("-", "_")  # as code spells a package with a dash
    words = words_of(f"{said}\n{each.path}")
    packed = storage.pack_rows(rows)
    return IndexedFile(
        each.path, each.modified_ns, each.size, names, packed, words, _included(each.path, text or "")
    )


def _included(path: str, text: str) -> tuple[str, ...] | None:
    """What a header includes; None for other files."""
    names = language(language_of(path)).names
    return headers_in(text, names) if is_included(path, names) else None


def is_wanted(path: str, size: int, limits: Limits) -> bool:
    """Whether a file is small enough, and of a language whose definitions can be found or a manifest."""
    described = language_of(path)
    telling = Path(path).name in _MANIFESTS or bool(language(described).definitions_queries)
    return bool(described) and size <= limits.file_bytes and telling


def walk(
    root: Path, limits: Limits, folders: list[str], inside: tuple[str, ...] = ALL_FOLDERS
) -> Iterator[list[FoundFile]]:
    """The files worth reading, folder by folder, those near the root first. Links are not followed.

    Args:
        root: the workspace's folder.
        limits: where to stop.
        folders: every folder that was looked at is added here.
        inside: where to begin, relative to the workspace; what is left out isn't entered.
    """
    waiting: deque[tuple[str, Rules]] = deque()
    for start in inside:
        rules = rules_around(root, start)
        if rules is not None and not (start and (root / start).is_symlink()):
            waiting.append((start, rules))
    seen = kept = 0
    while waiting and seen < limits.entries and kept < limits.files:
        folder, rules = waiting.popleft()
        entries = _listed(root / folder, limits.entries - seen)
        seen += len(entries) + 1
        if not folder or any(entry.name in RULE_FILES or entry.name == MARK for entry in entries):
            rules = read_rules(root, folder, rules)
        folders.append(folder)
        found: list[FoundFile] = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if _is_folder(entry):
                if not is_closed(path, rules):
                    waiting.append((path, rules))
                continue
            each = _wanted(entry, path, rules, limits)
            if each is not None and kept < limits.files:
                kept += 1
                found.append(each)
        yield found


def _wanted(entry: os.DirEntry[str], path: str, rules: Rules, limits: Limits) -> FoundFile | None:
    if not language_of(entry.name) or rules.ignores(path) or is_secret_path(path):
        return None
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if not is_wanted(path, status.st_size, limits):
        return None
    return FoundFile(path, status.st_mtime_ns, status.st_size)


def _listed(folder: Path, most: int) -> list[os.DirEntry[str]]:
    """A folder's entries by name, `most` of them at most: one folder alone may hold a million."""
    try:
        with os.scandir(folder) as entries:
            return sorted(itertools.islice(entries, most), key=lambda entry: entry.name)
    except OSError:
        return []  # unreadable, or gone since it was found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
