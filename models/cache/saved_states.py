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

    def read(self, saved: SavedState) -> list[bytes] | None:
        """The state itself in its parts, checked; None (and gone) when it is damaged."""
        try:
            data = saved.path.read_bytes()
            _, _, _, count, size, checksum = _HEADER.unpack_from(data)
            body = memoryview(data)[_HEADER.size :]
            if len(body) == 4 * count + size and zlib.crc32(body) == checksum:
                return _parts(body[4 * count :])
        except (OSError, struct.error) as error:
            log.info("a saved KV state could not be read: %s", error)
        self._remove(saved)
        return None

    def begin(self, tokens: list[int], parts: list[bytes]) -> Writing:
        """Begin to write a state in a thread, so that nobody waits for a slow disk. Call `end` afterwards."""
        return Writing(self._directory, self._model, tokens, parts)

    def end(self, writing: Writing) -> bool:
        """List what was written, in place of what it extends; the oldest go if there are many.

        Returns:
            False when it could not be written.
        """
        tokens, path, modified = writing.tokens, writing.path, writing.modified
        if modified is None:
            return False
        for old in [old for old in self._known if common_prefix(old.tokens, tokens) == len(old.tokens)]:
            if old.path != path:
                self._remove(old)
        self._known = [old for old in self._known if old.path != path]
        self._known.append(SavedState(path, list(tokens), writing.size, modified))
        self._prune()
        return True

    def discard_all(self) -> None:
        """Remove every state of this model: what they were computed with is not to be trusted."""
        for saved in self._known:
            _unlink(saved.path)
        self._known = []

    def _prune(self) -> None:
        """Keep the newest files of all models within `MAX_FILES` and `MAX_BYTES`."""
        sizes: list[tuple[int, int, Path]] = []
        for path in _files(self._directory):
            with contextlib.suppress(OSError):
                status = path.stat()
                sizes.append((status.st_mtime_ns, status.st_size, path))
        total = 0
        for number, (_, size, path) in enumerate(sorted(sizes, reverse=True)):
            total += size
            if number >= _MAX_FILES or total > MAX_STATES_BYTES:
                _unlink(path)
                self._known = [state for state in self._known if state.path != path]

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
    """

    def __init__(self, directory: Path, model: bytes, tokens: list[int], parts: list[bytes]) -> None:
        row = np.asarray(tokens, np.int32).tobytes()
        self.tokens = list(tokens)
        self.path = directory / f"{hashlib.sha256(model + row).hexdigest()[:32]}.kv"
        self.size = sum(_LENGTH.size + len(part) for part in parts)
        self.modified: int | None = None
        arguments = (model, row, parts)
        # A daemon thread: a disk that never answers must not keep the process alive.
        self._thread = threading.Thread(
            target=self._write, args=arguments, name="foretype-states", daemon=True
        )
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for at most that long; whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _write(self, model: bytes, row: bytes, parts: list[bytes]) -> None:
        pieces = [row, *(piece for part in parts for piece in (_LENGTH.pack(len(part)), part))]
        checksum = 0
        for piece in pieces:
            checksum = zlib.crc32(piece, checksum)
        header = _HEADER.pack(_MAGIC, _FORMAT, model, len(self.tokens), self.size, checksum)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            leftovers.write_marked(self.path, (header, *pieces))
            self.modified = self.path.stat().st_mtime_ns
        except OSError as error:
            log.info("a KV state could not be saved: %s", error)


def _parts(body: memoryview) -> list[bytes]:
    """The parts of a state; struct.error where lengths do not add up."""
    found: list[bytes] = []
    at = 0
    while at < len(body):
        (length,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size + length
        if at > len(body):
            raise struct.error("a part is cut short")
        found.append(bytes(body[at - length : at]))
    return found


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(directory.glob("*.kv"))
    except OSError:
        return []


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
