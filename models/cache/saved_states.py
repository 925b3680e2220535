"""KV states of recent files on disk, so that a restarted daemon need not evaluate them again.

A state is found by its tokens, not by a file's name: whatever prompt begins with the same tokens may use it.
Each file names the model it belongs to and carries a checksum; one that is damaged or of another version is
removed, never trusted. The files hold tokens of the user's code, so they lie in the user's own cache
directory with mode 0600, and there are few of them. When to save is decided in `leaving`, when to load in
`serving`.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import struct
import threading
import zlib
from pathlib import Path

import attrs
import numpy as np

from ...context.shared import leftovers
from ..llama.cancellation import Cancellation
from .cells import common_prefix

log = logging.getLogger(__name__)

_FORMAT = 2
_MAX_FILES = 8
MAX_STATES_BYTES = 512 * 1024 * 1024

LOAD_BYTES_PER_MS = 250_000
"""A cautious reading speed, checksum included: a state is worth loading where evaluating takes longer."""

_MAGIC = b"foretype-kv"
_LENGTH = struct.Struct("<Q")
_HEADER = struct.Struct("<11sB32sIQI")  # magic, format, model, tokens, bytes of state, checksum of both


def fingerprint(path: Path, *facts: object) -> bytes:
    """32 bytes that name a model file and everything else that the layout of a state depends on.

    A hash of the file's size and its first and last megabyte: the metadata and some weights. Hashing all
    of an 8 GB file would take longer than evaluating what is saved here.
    """
    digest = hashlib.sha256(repr(facts).encode())
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
        file.seek(max(0, size - (1 << 20)))
        digest.update(file.read(1 << 20))
    return digest.digest()


def file_bytes(tokens: int, state: int) -> int:
    """What the file of so many tokens takes at most, if their state is of so many bytes."""
    # Each part says its length, and in a head of llama.cpp's what it holds.
    return _HEADER.size + 4 * tokens + state + state // 32


@attrs.frozen
class SavedState:
    """A state on disk whose header was read.

    Attributes:
        path: the file.
        tokens: what the sequence held.
        size: bytes of the state.
        modified: when it was written, ns since the epoch.
    """

    path: Path
    tokens: list[int] = attrs.field(repr=False)
    size: int
    modified: int


class StateStore:
    """The saved states of one model. State: the headers read at the start and written since."""

    def __init__(self, directory: Path, model: bytes) -> None:
        """Read the headers in `directory`; what does not belong there is left alone or removed.

        Args:
            directory: made when the first state is saved.
            model: `fingerprint` of the model.
        """
        self._directory = directory
        self._model = model
        leftovers.sweep_leftovers(directory)
        self._known = [state for path in _files(directory) if (state := self._header(path)) is not None]

    def find(self, target: list[int], at_least: int) -> tuple[SavedState, int] | None:
        """The state that shares the most leading tokens with `target`, and how many."""
        best = max(self._known, key=lambda state: common_prefix(state.tokens, target), default=None)
        if best is None:
            return None
        shared = common_prefix(best.tokens, target)
        return (best, shared) if shared >= at_least else None

    def read(self, saved: SavedState, cancellation: Cancellation) -> list[bytes] | None:
        """The state itself in its parts, checked; None (and gone) when it is damaged, None when cancelled."""
        try:
            with saved.path.open("rb") as file:
                _, _, _, count, size, checksum = _HEADER.unpack(file.read(_HEADER.size))
                found, parts = zlib.crc32(file.read(4 * count)), list[bytes]()
                while size > 0 and not cancellation.cancelled:
                    head = file.read(_LENGTH.size)
                    part = file.read(min(size, *_LENGTH.unpack(head)))
                    size -= len(head) + len(part)
                    found = zlib.crc32(part, zlib.crc32(head, found))
                    parts.append(part)
                if cancellation.cancelled:
                    return None
                if size == 0 and found == checksum and not file.read(1):
                    return parts
        except (OSError, struct.error) as error:
            log.info("a saved KV state could not be read: %s", error)
        self._remove(saved)
        return None

    def begin(self, tokens: list[int], parts: list[bytes]) -> Writing:
        """Begin to write a state in a thread, so that nobody waits for a slow disk. Call `end` afterwards.

        The thread also removes what the new state extends, and the oldest ones where there are many.
        """
        extended = [old for old in self._known if common_prefix(old.tokens, tokens) == len(old.tokens)]
        return Writing(self._directory, self._model, tokens, parts, [old.path for old in extended])

    def end(self, writing: Writing) -> bool:
        """List what was written, and no longer what was removed.

        Returns:
            False when it could not be written.
        """
        tokens, path, modified = writing.tokens, writing.path, writing.modified
        if modified is None:
            return False
        self._known = [old for old in self._known if old.path != path and old.path not in writing.removed]
        self._known.append(SavedState(path, list(tokens), writing.size, modified))
        return True

    def discard_all(self) -> None:
        """Remove every state of this model: what they were computed with is not to be trusted."""
        for saved in self._known:
            _unlink(saved.path)
        self._known = []

    def _header(self, path: Path) -> SavedState | None:
        try:
            with path.open("rb") as file:
                head = file.read(_HEADER.size)
                magic, version, model, count, size, _ = _HEADER.unpack(head)
                status = path.stat()
                whole = _HEADER.size + 4 * count + size == status.st_size
                if magic == _MAGIC and version == _FORMAT and whole:
                    if model != self._model:
                        return None  # another model's, perhaps wanted again
                    tokens = np.frombuffer(file.read(4 * count), np.int32).tolist()
                    return SavedState(path, tokens, size, status.st_mtime_ns)
        except (OSError, struct.error, ValueError) as error:
            log.info("a saved KV state is ignored: %s", error)
        _unlink(path)
        return None

    def _remove(self, saved: SavedState) -> None:
        _unlink(saved.path)
        self._known = [state for state in self._known if state is not saved]


class Writing:
    """A state on its way to the disk. Its state: the thread that writes.

    Attributes:
        tokens: what the sequence held.
        path: the file that there will be.
        size: bytes of the parts.
        modified: once it is written, when: ns since the epoch; None before, and when it could not be written.
        removed: the files that had to go for it.
    """

    def __init__(
        self, directory: Path, model: bytes, tokens: list[int], parts: list[bytes], extended: list[Path]
    ) -> None:
        """Begin.

        Args:
            directory: where states lie.
            model: `fingerprint` of the model.
            tokens: what the sequence held.
            parts: of its state.
            extended: files that are of no use beside this one.
        """
        row = np.asarray(tokens, np.int32).tobytes()
        self.tokens = list(tokens)
        self.path = directory / f"{hashlib.sha256(model + row).hexdigest()[:32]}.kv"
        self.size = sum(_LENGTH.size + len(part) for part in parts)
        self.modified: int | None = None
        self.removed: set[Path] = set()
        arguments = (model, row, parts, extended)
        # A daemon thread: a disk that never answers must not keep the process alive.
        self._thread = threading.Thread(
            target=self._write, args=arguments, name="foretype-states", daemon=True
        )
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for at most that long; whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _write(self, model: bytes, row: bytes, parts: list[bytes], extended: list[Path]) -> None:
        pieces = [row, *(piece for part in parts for piece in (_LENGTH.pack(len(part)), part))]
        checksum = 0
        for piece in pieces:
            checksum = zlib.crc32(piece, checksum)
        header = _HEADER.pack(_MAGIC, _FORMAT, model, len(self.tokens), self.size, checksum)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            leftovers.write_marked(self.path, (header, *pieces))
            modified = self.path.stat().st_mtime_ns
        except OSError as error:
            log.info("a KV state could not be saved: %s", error)
            return
        self.removed = {path for path in extended if path != self.path}
        for path in self.removed:
            _unlink(path)
        self.removed |= _prune(self.path.parent)
        self.modified = modified


def _prune(directory: Path) -> set[Path]:
    """Keep the newest files of all models within `MAX_FILES` and `MAX_STATES_BYTES`; which ones went."""
    sizes: list[tuple[int, int, Path]] = []
    for path in _files(directory):
        with contextlib.suppress(OSError):
            status = path.stat()
            sizes.append((status.st_mtime_ns, status.st_size, path))
    total, gone = 0, set[Path]()
    for number, (_, size, path) in enumerate(sorted(sizes, reverse=True)):
        total += size
        if number >= _MAX_FILES or total > MAX_STATES_BYTES:
            _unlink(path)
            gone.add(path)
    return gone


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(directory.glob("*.kv"))
    except OSError:
        return []


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
