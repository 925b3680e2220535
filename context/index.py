"""The workspace's symbols: walked, parsed and kept, at a pace that the caller sets.

State: for each file what was read of it, and for each name the files that define it. It walks and parses
nothing itself: `index_walk` does, in this process (`steps`) or in another whose findings come in through
`take`; questions (`find`, `knows`) may come from other threads meanwhile. Which files may not be read is
`ignore`'s decision, noticing changes is `watch`'s.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from . import index_file
from .ignore import is_left_out
from .index_file import Entry
from .index_walk import (
    Finding,
    Folders,
    Found,
    Gone,
    Known,
    Limits,
    Progress,
    entry_of,
    is_wanted,
    survey,
)
from .mentions import LEAST_FILES, Mentions
from .symbols import Symbol

__all__ = ["Index", "Limits", "Progress"]

_PER_NAME = 40


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
    _places: dict[str, str | tuple[str, ...]] = attrs.field(  # most names have one place: no tuple for it
        factory=dict[str, "str | tuple[str, ...]"], init=False
    )
    _mentions: Mentions = attrs.field(factory=Mentions, init=False)
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

    @property
    def speaks(self) -> bool:
        """Whether it says something that `mentions` finds nothing: there are enough files."""
        return len(self._entries) >= LEAST_FILES

    def mentions(self, name: str, but: str = "") -> bool:
        """Whether any file mentions a name, however; the one at the path `but` doesn't count."""
        own = self._entries.get(but)
        return self._mentions.anywhere(name, b"" if own is None else own.words)

    def find(self, name: str) -> tuple[Symbol, ...]:
        """The definitions of a name, in order of path."""
        paths = self._places_of(name)
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
        """Take what an earlier run kept; how many files that is. `steps` then reads only what changed.

        It lets go of the interpreter again and again, so that a loop in another thread goes on.
        """
        if self.cache is None:
            return 0
        for number, entry in enumerate(
            index_file.load(index_file.file_for(self.cache, self.root), self.root)
        ):
            self._put(entry)
            if number % index_file.BITE == 0:
                time.sleep(index_file.GIVE_WAY_S)
        self._changed = False
        return len(self._entries)

    def save(self) -> bool:
        """Keep what is known, when it has changed; whether it could be kept."""
        if self.cache is None or not self._changed:
            return self.cache is not None
        self._changed = False
        try:
            index_file.save(
                index_file.file_for(self.cache, self.root), self.root, list(self._entries.values())
            )
        except OSError:
            self._changed = True
            return False
        return True

    def steps(self) -> Iterator[Progress]:
        """Walk the workspace, read what is new or changed, forget what is gone: one step at a time."""
        for found in survey(self.root, self.limits, self.known()):
            self.take(found)
            if isinstance(found, Progress):
                yield found

    def known(self) -> list[Known]:
        """What is known, as `survey` wants to hear it."""
        return [Known(each.path, each.modified_ns, each.size) for each in self._entries.values()]

    def take(self, found: Finding) -> None:
        """Take over what `survey` found; from wherever it ran."""
        if isinstance(found, Entry):
            self._take(found)
        elif isinstance(found, Gone):
            self._drop(found.path)
        elif isinstance(found, Folders):
            self.folders = found.paths

    def update(self, paths: Iterable[str]) -> None:
        """Read some files anew, as they are on disk now: changed, new or gone. Folders may be gone, too."""
        for path in paths:
            status = None if is_left_out(self.root, path) else _status(self.root / path)
            if status is not None and is_wanted(path, status.st_size, self.limits):
                self._read(Found(path, status.st_mtime_ns, status.st_size))
                continue
            self._drop(path)
            for inside in [known for known in self._entries if known.startswith(f"{path}/")]:
                self._drop(inside)

    # -- work

    def _read(self, each: Found) -> None:
        self._take(entry_of(self.root, each, self.limits))

    def _take(self, entry: Entry) -> None:
        """Know a file as it was read; without its symbols where there are too many already."""
        self._drop(entry.path)
        if self._symbol_count + len(entry.names) > self.limits.symbols:
            entry = attrs.evolve(entry, names=(), packed=index_file.pack_rows(()))
        self._put(entry)

    def _put(self, entry: Entry) -> None:
        self._drop(entry.path)
        self._entries[entry.path] = entry
        self._mentions.add(entry.words)
        self._symbol_count += len(entry.names)
        for name in entry.names:
            places = self._places.get(name)
            if places is None:
                self._places[name] = entry.path
            elif isinstance(places, str):
                self._places[name] = tuple(sorted((places, entry.path)))
            elif len(places) < _PER_NAME:
                self._places[name] = tuple(sorted((*places, entry.path)))
        self._changed = True

    def _drop(self, path: str) -> None:
        entry = self._entries.pop(path, None)
        if entry is None:
            return
        self._mentions.remove(entry.words)
        self._symbol_count -= len(entry.names)
        for name in entry.names:
            places = tuple(place for place in self._places_of(name) if place != path)
            if places:
                self._places[name] = places[0] if len(places) == 1 else places
            else:
                self._places.pop(name, None)
        self._changed = True

    def _places_of(self, name: str) -> tuple[str, ...]:
        places = self._places.get(name, ())
        return (places,) if isinstance(places, str) else places


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None
