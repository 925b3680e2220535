"""The index on disk: one MessagePack file for each workspace, replaced atomically, never trusted.

A header says what the entries depend on: this format, the workspace, and the grammars and queries that found
the symbols. Anything that doesn't fit, or can't be read to its end, makes the whole file as good as missing.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import attrs
import msgpack

from ..languages import all_languages, query_text
from ..shared.leftovers import sweep_leftovers, write_marked

_Row = tuple[str, str, str, str, str, int]
"""A symbol: name, kind, container, signature, doc, line."""

INDEX_FORMAT = 5
_MAX_BYTES = 512 << 20


@attrs.frozen
class IndexedFile:
    """What is kept of one file.

    Attributes:
        path: relative to the workspace, with forward slashes.
        modified_ns: its modification time in ns since the epoch.
        size: its size in bytes.
        names: the names that it defines.
        packed: its symbols, as `pack_rows` makes them.
        words: the words that it and its path mention, as `mentions.words_of` makes them.
        included: the headers that it includes, where it is a header itself.
    """

    path: str
    modified_ns: int
    size: int
    names: tuple[str, ...]
    packed: bytes
    words: bytes = b""
    included: tuple[str, ...] | None = None


def pack_rows(rows: Sequence[_Row]) -> bytes:
    """Symbols, packed and compressed: text of code shrinks to a third."""
    return zlib.compress(_pack(list(rows)), 1)


def unpack_rows(packed: bytes) -> list[_Row]:
    """Symbols, unpacked; none where the bytes are damaged."""
    try:
        rows = cast("list[Any]", _unpack(zlib.decompress(packed)))
        return [(str(a), str(b), str(c), str(d), str(e), int(line)) for a, b, c, d, e, line in rows]
    except (zlib.error, ValueError, TypeError, msgpack.UnpackException):
        return []


def pack_entry(entry: IndexedFile) -> bytes:
    """An entry as bytes, which the file holds one after the other."""
    return _pack(attrs.astuple(entry, recurse=False))


def unpack_entry(data: bytes) -> IndexedFile:
    """The entry that `pack_entry` made these bytes of.

    Raises:
        ValueError: they are no such bytes.
    """
    try:
        return entry_from(cast("list[Any]", _unpack(data)))
    except (TypeError, msgpack.UnpackException) as error:
        raise ValueError("an entry of the index is damaged") from error


def entry_from(values: list[Any]) -> IndexedFile:
    """An entry from the values of its fields, in order.

    Raises:
        TypeError, ValueError: they are no such values.
    """
    path, modified_ns, size, names, packed, words, included = values
    return IndexedFile(
        str(path),
        int(modified_ns),
        int(size),
        tuple(str(name) for name in names),
        bytes(packed),
        bytes(words),
        None if included is None else tuple(str(header) for header in included),
    )


def _pack(value: object) -> bytes:
    return cast("bytes", cast("Any", msgpack).packb(value))


def _unpack(packed: bytes) -> object:
    return cast("object", cast("Any", msgpack).unpackb(packed))


def _fingerprint() -> str:
    """What the symbols depend on beside the files: the format, the grammars' versions and the queries."""
    parts = [str(INDEX_FORMAT)]
    for described in all_languages():
        if described.grammar is None:
            continue
        package = described.grammar.package.replace("_", "-")
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "none"
        parts.append(f"{described.id}:{version}:{query_text(described.definitions_queries)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def file_for(cache: Path, root: Path) -> Path:
    """Where the index of a workspace lies in a cache directory."""
    return cache / f"{hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:24]}.index"


def load(path: Path, root: Path) -> Iterator[IndexedFile]:
    """All entries; none when the file is missing, of another version or of another workspace.

    Raises:
        ValueError: it is damaged; entries that came before mean nothing then.
    """
    sweep_leftovers(path.parent)
    try:
        file = path.open("rb")
    except OSError:
        return
    try:
        with file:
            if os.fstat(file.fileno()).st_size > _MAX_BYTES:
                return
            rows = iter(
                cast("Iterable[Any]", cast("Any", msgpack).Unpacker(file, max_buffer_size=_MAX_BYTES))
            )
            if next(rows, None) != _header(root):
                return
            for row in rows:
                if row is None:
                    return
                yield unpack_entry(row)
    except (OSError, TypeError, msgpack.UnpackException) as error:
        raise ValueError("the index is damaged") from error
    raise ValueError("the index ends early")


def _header(root: Path) -> dict[str, str]:
    return {"fingerprint": _fingerprint(), "root": str(root.absolute())}


def save(path: Path, root: Path, entries: Iterable[bytes]) -> None:
    """Replace the file atomically.

    Args:
        path: the file.
        root: the workspace's folder.
        entries: as `pack_entry` makes them.

    Raises:
        OSError: it can't be written; what was there before remains.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    rows = itertools.chain((_header(root),), entries, (None,))
    write_marked(path, map(_pack, rows))
