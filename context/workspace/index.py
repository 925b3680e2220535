"""The workspace's symbols: walked, parsed and kept, at a pace that the caller sets.

State: for each file what was read of it, on disk (`shelf`), and for each name the files that define
it. It walks and parses nothing itself: `walk` does, in this process (`steps`) or in another whose
findings come in through `take`; questions (`find`, `knows`) may come from other threads meanwhile. Which
files may not be read is `ignore`'s decision, noticing changes is `watch`'s.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from ..syntax.includes import Includes
from . import storage
from .definers import Definers
from .ignore import is_left_out
from .mentioning import FileSignatures
from .mentions import LEAST_FILES, Mentions, has_words, words_of
from .shelf import Shelf
from .storage import IndexedFile
from .symbols import Symbol
from .walk import (
    ALL_FOLDERS,
    Folders,
    FoundFile,
    Gone,
    Known,
    Limits,
    WalkFinding,
    WalkProgress,
    entry_of,
    is_inside,
    is_wanted,
    survey,
)

__all__ = ["Index", "Limits", "WalkProgress"]

_BITE = 50
_GIVE_WAY_S = 0.0001
"""Pause in seconds between groups of entries, so that a thread that answers keys gets the interpreter."""

_RECORD = struct.Struct("<IqQQI")


@attrs.frozen
class _Record:
    """What is known of a file without looking at its entry. Packed, it takes a fifth of the memory.

    Attributes:
        number: what `Definers` calls it.
        modified_ns: see `IndexedFile`.
        size: see `IndexedFile`.
        at: where its entry lies on the shelf.
        length: of the entry there, in bytes.
    """

    number: int
    modified_ns: int
    size: int
    at: int
    length: int

    def packed(self) -> bytes:
        return _RECORD.pack(self.number, self.modified_ns, self.size, self.at, self.length)


def _record(packed: bytes) -> _Record:
    return _Record(*_RECORD.unpack(packed))


@attrs.define
class Index:
    """The symbols of one workspace.

    Args:
        root: the workspace's folder.
        cache: the directory in which indexes are kept; None keeps nothing.
        limits: how much is indexed.

    Attributes:
        folders: the folders that were walked, relative to the root.
        changes: grows whenever a file is known anew, or no longer.
    """

    root: Path
    cache: Path | None = None
    limits: Limits = attrs.field(factory=Limits)
    _files: dict[str, bytes] = attrs.field(factory=dict[str, bytes], init=False)
    _paths: list[str] = attrs.field(factory=list[str], init=False)  # by number
    _unused: list[int] = attrs.field(factory=list[int], init=False)
    _shelf: Shelf = attrs.field(init=False)
    _lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)  # changes come from two threads
    _definers: Definers = attrs.field(factory=Definers, init=False)
    _mentions: Mentions = attrs.field(factory=Mentions, init=False)
    _signatures: FileSignatures = attrs.field(factory=FileSignatures, init=False)
    _includes: Includes = attrs.field(factory=Includes, init=False)
    _symbol_count: int = attrs.field(default=0, init=False)
    _changed: bool = attrs.field(default=False, init=False)
    changes: int = attrs.field(default=0, init=False)
    folders: tuple[str, ...] = attrs.field(default=(), init=False)

    def __attrs_post_init__(self) -> None:
        self._shelf = Shelf(self.cache)

    def __repr__(self) -> str:
        return f"<Index {len(self._files)} files, {self._symbol_count} names>"

    # -- questions

    @property
    def file_count(self) -> int:
        """How many files are known."""
        return len(self._files)

    def knows(self, name: str) -> bool:
        """Whether any file of the workspace defines a name."""
        return name in self._definers

    def defined_once(self, name: str) -> bool:
        """Whether exactly one file of the workspace defines a name."""
        return len(self._definers.of(name)) == 1

    @property
    def absence_is_evidence(self) -> bool:
        """Whether it says something that `mentions` finds nothing: there are enough files."""
        return len(self._files) >= LEAST_FILES

    def mentions(self, name: str, but: str = "") -> bool:
        """Whether any file mentions a name, however; the one at the path `but` doesn't count."""
        own = self._entry(but) if but else None
        return self._mentions.anywhere(name, b"" if own is None else own.words)

    def mentioning(self, words: tuple[str, ...]) -> Iterator[str]:
        """The paths of the files that mention all of some words, found as they are asked for.

        Only the entries of files whose signature has the words are read.
        """
        wanted = words_of(" ".join(words))
        with self._lock:
            paths = [self._paths[number] for number in self._signatures.having(wanted)]
        for path in paths:
            entry = self._entry(path)
            if entry is not None and has_words(entry.words, wanted):
                yield path

    def headers(self, header: str) -> tuple[str, ...] | None:
        """What the headers of that name include; None where the workspace has none."""
        return self._includes.of(header)

    def find(self, name: str) -> tuple[Symbol, ...]:
        """The definitions of a name, in order of path."""
        paths = sorted(self._paths[number] for number in self._definers.of(name))
        return tuple(symbol for path in paths for symbol in self.symbols_in(path) if symbol.name == name)

    def symbols_in(self, path: str) -> tuple[Symbol, ...]:
        """The definitions of one file, in order."""
        entry = self._entry(path)
        if entry is None:
            return ()
        return tuple(
            Symbol(name, kind, container, signature, doc, path, line)
            for name, kind, container, signature, doc, line in storage.unpack_rows(entry.packed)
        )

    def has(self, path: str) -> bool:
        """Whether a file is known."""
        return path in self._files

    def paths(self) -> tuple[str, ...]:
        """The paths of all known files."""
        return tuple(self._files)

    def _data(self, path: str) -> bytes:
        """What was read of a file, as `storage.pack_entry` made it; b"" where nothing is known of it."""
        with self._lock:
            packed = self._files.get(path)
            if packed is None:
                return b""
            record = _record(packed)
            return self._shelf.get(record.at, record.length)

    def _entry(self, path: str) -> IndexedFile | None:
        """What was read of a file; None where nothing is known of it, or the disk doesn't give it back."""
        try:
            return storage.unpack_entry(self._data(path))
        except ValueError:
            return None

    # -- changes

    def load(self) -> int:
        """Take what an earlier run kept; how many files that is. `steps` then reads only what changed.

        It lets go of the interpreter again and again, so that a loop in another thread goes on.
        """
        if self.cache is None:
            return 0
        try:
            for number, entry in enumerate(storage.load(storage.file_for(self.cache, self.root), self.root)):
                self._take(entry)
                if number % _BITE == 0:
                    time.sleep(_GIVE_WAY_S)
        except ValueError:
            for path in self.paths():
                self._drop(path)
        self._changed = False
        return len(self._files)

    def save(self) -> bool:
        """Keep what is known, when it has changed; whether it could be kept."""
        if self.cache is None or not self._changed:
            return self.cache is not None
        self._changed = False
        try:
            storage.save(storage.file_for(self.cache, self.root), self.root, self._packed_entries())
        except OSError:
            self._changed = True
            return False
        return True

    def _packed_entries(self) -> Iterator[bytes]:
        for number, path in enumerate(self.paths()):
            data = self._data(path)
            if data:
                yield data
            if number % _BITE == 0:
                time.sleep(_GIVE_WAY_S)

    def steps(self, inside: tuple[str, ...] = ALL_FOLDERS) -> Iterator[WalkProgress]:
        """Walk the workspace, read what is new or changed, forget what is gone: one step at a time."""
        for found in survey(self.root, self.limits_for(inside), self.known(inside), inside):
            self.take(found)
            if isinstance(found, WalkProgress):
                yield found

    def limits_for(self, inside: tuple[str, ...]) -> Limits:
        """How much may be found in some folders, given what is known of the others."""
        if "" in inside:
            return self.limits
        others = sum(not is_inside(path, inside) for path in list(self._files))
        return attrs.evolve(self.limits, files=max(0, self.limits.files - others))

    def known(self, inside: tuple[str, ...] = ALL_FOLDERS) -> Iterator[Known]:
        """What is known at this moment of some folders, as `survey` wants to hear it."""
        for path, packed in list(self._files.items()):
            if is_inside(path, inside):
                record = _record(packed)
                yield Known(path, record.modified_ns, record.size)

    def take(self, found: WalkFinding) -> None:
        """Take over what `survey` found; from wherever it ran."""
        if isinstance(found, IndexedFile):
            self._take(found)
        elif isinstance(found, Gone):
            self._drop(found.path)
        elif isinstance(found, Folders):
            others = [each for each in self.folders if not is_inside(each, found.inside)]
            self.folders = (*others, *found.paths)

    def update(self, paths: Iterable[str]) -> bool:
        """Read some files anew, as they are on disk now: changed, new or gone. Folders may be gone, too.

        Returns:
            whether anything is known now that wasn't before.
        """
        news = False
        for path in paths:
            status = None if is_left_out(self.root, path) else _status(self.root / path)
            if status is not None and is_wanted(path, status.st_size, self.limits):
                now = FoundFile(path, status.st_mtime_ns, status.st_size)
                packed = self._files.get(path)
                record = None if packed is None else _record(packed)
                if record is None or (record.modified_ns, record.size) != (now.modified_ns, now.size):
                    self._read(now)
                    news = True
                continue
            gone = [known for known in list(self._files) if is_inside(known, (path,))]
            for inside in gone:
                self._drop(inside)
            news = news or bool(gone)
        return news

    # -- work

    def _read(self, each: FoundFile) -> None:
        self._take(entry_of(self.root, each, self.limits))

    def _take(self, entry: IndexedFile) -> None:
        """Know a file as it was read; without its symbols where there are too many already."""
        with self._lock:
            self._drop(entry.path)
            if self._symbol_count + len(entry.names) > self.limits.symbols:
                entry = attrs.evolve(entry, names=(), packed=storage.pack_rows(()))
            self._add(entry)

    def _add(self, entry: IndexedFile) -> None:
        number = self._unused.pop() if self._unused else len(self._paths)
        if number == len(self._paths):
            self._paths.append("")
        self._paths[number] = entry.path
        data = storage.pack_entry(entry)
        record = _Record(number, entry.modified_ns, entry.size, self._shelf.put(data), len(data))
        self._files[entry.path] = record.packed()
        self._mentions.add(entry.words)
        self._signatures.add(number, entry.words)
        if entry.included is not None:
            self._includes.add(entry.path, entry.included)
        self._symbol_count += len(entry.names)
        for name in entry.names:
            self._definers.add(name, number)
        self._changed = True
        self.changes += 1

    def _drop(self, path: str) -> None:
        with self._lock:
            packed = self._files.get(path)
            if packed is None:
                return
            self._includes.remove(path)
            record, entry = _record(packed), self._entry(path)
            self._signatures.remove(record.number)
            if entry is not None:
                self._mentions.remove(entry.words)
                self._symbol_count -= len(entry.names)
                for name in entry.names:
                    self._definers.remove(name, record.number)
            self._shelf.give_up(record.at, record.length)
            del self._files[path]
            self._paths[record.number] = ""
            self._unused.append(record.number)
            self._changed = True
            self.changes += 1


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None
