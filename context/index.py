"""The workspace's symbols: walked, parsed and kept, at a pace that the caller sets.

State: for each file what was read of it, and for each name the files that define it. Work is done in steps
of one file or folder (`steps`), so that a caller can do them in an idle thread, count them and stop at any
time; questions (`find`, `knows`) may come from other threads meanwhile. Which files may not be read is
`ignore`'s decision, noticing changes is `watch`'s.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from . import index_file
from .ignore import (
    IGNORE_FILES,
    Rules,
    is_left_out,
    is_secret_path,
    never_walked,
    read_rules,
    read_text,
)
from .index_file import Entry
from .languages import language, language_of
from .symbols import Symbol, symbols_of

_PER_NAME = 40


@attrs.frozen
class Limits:
    """How much of a workspace is indexed.

    Attributes:
        files: files at most; those nearer to the root come first.
        entries: directory entries looked at, at most.
        file_bytes: larger files are left out.
        symbols: symbols of all files together, at most.
    """

    files: int = 20_000
    entries: int = 400_000
    file_bytes: int = 500_000
    symbols: int = 600_000


@attrs.frozen
class Progress:
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
class _Found:
    path: str
    modified_ns: int
    size: int


@attrs.define
class Index:
    """The symbols of one workspace.

    Args:
        root: the workspace's folder.
        cache: the directory in which indexes are kept; None keeps nothing.
        limits: how much is indexed.
    """

    root: Path
    cache: Path | None = None
    limits: Limits = attrs.field(factory=Limits)
    _entries: dict[str, Entry] = attrs.field(factory=dict[str, Entry], init=False)
    _places: dict[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]], init=False)
    _symbol_count: int = attrs.field(default=0, init=False)
    _changed: bool = attrs.field(default=False, init=False)
    folders: tuple[str, ...] = attrs.field(default=(), init=False)

    def __repr__(self) -> str:
        return f"<Index {len(self._entries)} files, {len(self._places)} names>"

    # -- questions

    @property
    def file_count(self) -> int:
        """How many files are known."""
        return len(self._entries)

    def knows(self, name: str) -> bool:
        """Whether any file of the workspace defines a name."""
        return name in self._places

    def find(self, name: str) -> tuple[Symbol, ...]:
        """The definitions of a name, in order of path."""
        paths = self._places.get(name, ())
        return tuple(symbol for path in paths for symbol in self.symbols_in(path) if symbol.name == name)

    def symbols_in(self, path: str) -> tuple[Symbol, ...]:
        """The definitions of one file, in order."""
        entry = self._entries.get(path)
        if entry is None:
            return ()
        return tuple(
            Symbol(name, kind, container, signature, doc, path, line)
            for name, kind, container, signature, doc, line in index_file.unpack_rows(entry.packed)
        )

    def paths(self) -> tuple[str, ...]:
        """The paths of all known files."""
        return tuple(self._entries)

    # -- changes

    def load(self) -> int:
        """Take what an earlier run kept; how many files that is. `steps` then reads only what changed."""
        if self.cache is None:
            return 0
        for entry in index_file.load(index_file.file_for(self.cache, self.root), self.root):
            self._put(entry)
        self._changed = False
        return len(self._entries)

    def save(self) -> bool:
        """Keep what is known, when it has changed; whether it could be kept."""
        if self.cache is None or not self._changed:
            return self.cache is not None
        try:
            index_file.save(
                index_file.file_for(self.cache, self.root), self.root, list(self._entries.values())
            )
        except OSError:
            return False
        self._changed = False
        return True

    def steps(self) -> Iterator[Progress]:
        """Walk the workspace, read what is new or changed, forget what is gone: one step at a time."""
        found: dict[str, _Found] = {}
        folders: list[str] = []
        for batch in self._walk(folders):
            found.update((each.path, each) for each in batch)
            yield Progress(0, 0, 0)
        self.folders = tuple(folders)
        for path in [path for path in self._entries if path not in found]:
            self._drop(path)
        read = 0
        for number, each in enumerate(found.values(), 1):
            known = self._entries.get(each.path)
            if known is None or (known.modified_ns, known.size) != (each.modified_ns, each.size):
                self._read(each)
                read += each.size
            yield Progress(number, len(found), read)

    def update(self, paths: Iterable[str]) -> None:
        """Read some files anew, as they are on disk now: changed, new or gone. Folders may be gone, too."""
        for path in paths:
            status = None if is_left_out(self.root, path) else _status(self.root / path)
            if status is not None and self._is_wanted(path, status.st_size):
                self._read(_Found(path, status.st_mtime_ns, status.st_size))
                continue
            self._drop(path)
            for inside in [known for known in self._entries if known.startswith(f"{path}/")]:
                self._drop(inside)

    # -- work

    def _is_wanted(self, path: str, size: int) -> bool:
        described = language_of(path)
        return (
            bool(described)
            and size <= self.limits.file_bytes
            and bool(language(described).definitions_queries)
        )

    def _walk(self, folders: list[str]) -> Iterator[list[_Found]]:
        """The files worth reading, folder by folder, those near the root first. Links are not followed."""
        waiting: deque[tuple[str, Rules]] = deque([("", Rules())])
        seen = kept = 0
        while waiting and seen < self.limits.entries and kept < self.limits.files:
            folder, rules = waiting.popleft()
            entries = _listed(self.root / folder)
            seen += len(entries)
            if not folder or any(entry.name in IGNORE_FILES for entry in entries):
                rules = read_rules(self.root, folder, rules)
            folders.append(folder)
            found: list[_Found] = []
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if _is_folder(entry):
                    if not self._is_closed(entry.name, path, rules):
                        waiting.append((path, rules))
                    continue
                each = self._wanted(entry, path, rules)
                if each is not None and kept < self.limits.files:
                    kept += 1
                    found.append(each)
            yield found

    def _is_closed(self, name: str, path: str, rules: Rules) -> bool:
        return never_walked(name) or rules.ignores(path, is_folder=True) or is_secret_path(f"{path}/x")

    def _wanted(self, entry: os.DirEntry[str], path: str, rules: Rules) -> _Found | None:
        if not language_of(entry.name) or rules.ignores(path) or is_secret_path(path):
            return None
        try:
            if not entry.is_file(follow_symlinks=False):
                return None
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return None
        if not self._is_wanted(path, status.st_size):
            return None
        return _Found(path, status.st_mtime_ns, status.st_size)

    def _read(self, each: _Found) -> None:
        text = read_text(self.root / each.path, self.limits.file_bytes)
        symbols = () if text is None else symbols_of(text, language_of(each.path), each.path)
        self._drop(each.path)
        if self._symbol_count + len(symbols) > self.limits.symbols:
            symbols = ()
        rows = [
            (symbol.name, symbol.kind, symbol.container, symbol.signature, symbol.doc, symbol.line)
            for symbol in symbols
        ]
        names = tuple(dict.fromkeys(sys.intern(symbol.name) for symbol in symbols))
        self._put(Entry(each.path, each.modified_ns, each.size, names, index_file.pack_rows(rows)))

    def _put(self, entry: Entry) -> None:
        self._drop(entry.path)
        self._entries[entry.path] = entry
        self._symbol_count += len(entry.names)
        for name in entry.names:
            places = self._places.get(name, ())
            if len(places) < _PER_NAME:
                self._places[name] = tuple(sorted((*places, entry.path)))
        self._changed = True

    def _drop(self, path: str) -> None:
        entry = self._entries.pop(path, None)
        if entry is None:
            return
        self._symbol_count -= len(entry.names)
        for name in entry.names:
            places = tuple(place for place in self._places.get(name, ()) if place != path)
            if places:
                self._places[name] = places
            else:
                self._places.pop(name, None)
        self._changed = True


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []  # unreadable, or gone since it was found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
