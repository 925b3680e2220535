"""A table of the workspace's n-grams: what usually follows three tokens, in code seen so far.

It covers what the prompt does not: idioms of other files. A fixed number of slots, each with the hash of
three tokens, the token that followed and how often in a row it did, so that size and time are bounded
whatever the workspace holds. It is filled while the user is idle and kept on disk with a checksum; a file
that is damaged, or of another model, is ignored. It holds hashes and tokens, no text.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import zlib
from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np

from ...context.shared import leftovers
from ..cache.step_costs import MAX_DRAFT
from .drafts import Draft
from .late_writing import LateWriting

log = logging.getLogger(__name__)

SLOTS = 1 << 16
ORDER = 3
_LEAST = 2
"""Times that a token must have followed before it is drafted."""

_MOST = 255
_MAGIC = b"foretype-ngrams1"
_HEADER = struct.Struct("<16s32sI")  # magic, model, checksum


class Ngrams:
    """The table of one workspace; a `drafts.Source`. State: the slots.

    Attributes:
        changed: something was learned since it was loaded or saved.
    """

    def __init__(self, model: bytes, barriers: Container[int] = ()) -> None:
        """Start empty.

        Args:
            model: 32 bytes that name the vocabulary; a table of another one is refused.
            barriers: tokens that are no text.
        """
        self.changed = False
        self._model = model
        self._barriers = barriers
        self._checks = np.zeros(SLOTS, np.uint32)
        self._tokens = np.zeros(SLOTS, np.int32)
        self._counts = np.zeros(SLOTS, np.uint8)

    def learn(self, tokens: Sequence[int]) -> None:
        """Take a row of tokens in. Of several continuations for one slot the more frequent one keeps it."""
        barriers = self._barriers
        for at in range(ORDER, len(tokens)):
            row = tokens[at - ORDER : at + 1]
            if any(token in barriers for token in row):
                continue
            slot, check = _key(row)
            count = int(self._counts[slot])
            if count and self._checks[slot] == check and self._tokens[slot] == row[-1]:
                self._counts[slot] = min(_MOST, count + 1)
            elif count > 1:
                self._counts[slot] = count - 1
            else:
                self._checks[slot], self._tokens[slot], self._counts[slot] = check, row[-1], 1
        self.changed = self.changed or len(tokens) > ORDER

    def propose(self, tokens: Sequence[int]) -> Draft | None:
        """See `drafts.Source`."""
        row, draft = list(tokens[-ORDER:]), list[int]()
        while len(row) >= ORDER and len(draft) < MAX_DRAFT:
            slot, check = _key(row[-ORDER:])
            if self._counts[slot] < _LEAST or self._checks[slot] != check:
                break
            draft.append(int(self._tokens[slot]))
            row.append(draft[-1])
        return Draft(draft, "workspace") if draft else None

    def content(self) -> tuple[bytes, bytes]:
        """The file as it would be now, its header apart. What is learned from here on changes it again."""
        body = self._checks.tobytes() + self._tokens.tobytes() + self._counts.tobytes()
        self.changed = False
        return _HEADER.pack(_MAGIC, self._model, zlib.crc32(body)), body

    def load(self, path: Path) -> bool:
        """Fill the table from a file; False, and it stays as it is, when that is missing or damaged."""
        size = SLOTS * 9
        try:
            data = path.read_bytes()
            magic, model, checksum = _HEADER.unpack_from(data)
        except (OSError, struct.error):
            return False
        body = data[_HEADER.size :]
        if (magic, model, len(body)) != (_MAGIC, self._model, size) or zlib.crc32(body) != checksum:
            log.info("the workspace's n-grams are damaged or of another model, and are begun anew")
            return False
        tokens = np.frombuffer(body, np.int32, SLOTS, SLOTS * 4)
        self._checks = np.frombuffer(body, np.uint32, SLOTS).copy()
        self._tokens = tokens.copy()
        self._counts = np.frombuffer(body, np.uint8, SLOTS, SLOTS * 8).copy()
        return True


def _key(row: Sequence[int]) -> tuple[int, int]:
    """The slot of the first `ORDER` tokens, and 32 other bits of their hash that tell them apart."""
    mixed = 0
    for token in row[:ORDER]:
        mixed = (mixed ^ token) * 0x9E3779B97F4A7C15 & 0xFFFF_FFFF_FFFF_FFFF
        mixed ^= mixed >> 29
    return mixed & (SLOTS - 1), mixed >> 32


class NgramTables:
    """The tables of the workspaces in use, each in a file of its own. State: the tables, newest last."""

    def __init__(self, directory: Path | None, model: bytes, barriers: Container[int]) -> None:
        """Start without any.

        Args:
            directory: where the files lie; None keeps nothing beyond this process.
            model: see `Ngrams`.
            barriers: see `Ngrams`.
        """
        if directory is not None:
            leftovers.sweep_leftovers(directory)
        self._directory = directory
        self._model = model
        self._barriers = barriers
        self._tables: dict[str, Ngrams] = {}
        self._writing = LateWriting(_MAX_FILES)

    def of(self, name: str) -> Ngrams:
        """The table of the workspace called `name`, read from its file where there is one."""
        table = self._tables.pop(name, None)
        if table is None:
            table = Ngrams(self._model, self._barriers)
            if self._directory is not None:
                table.load(self._path(self._directory, name))
        self._tables[name] = table
        while len(self._tables) > MAX_WORKSPACES:
            del self._tables[next(iter(self._tables))]
        return table

    def save(self) -> None:
        """Have written what was learned since. What can't be is lost with the process."""
        if self._directory is None:
            return
        for name, table in self._tables.items():
            if table.changed:
                self._writing.put(self._path(self._directory, name), table.content())

    def wait(self, seconds: float) -> bool:
        """Wait for what is being written, for at most that long; whether all of it is."""
        return self._writing.wait(seconds)

    def _path(self, directory: Path, name: str) -> Path:
        digest = hashlib.sha256(self._model + name.encode("utf-8", "surrogatepass")).hexdigest()
        return directory / f"{digest[:24]}.ngrams"


MAX_WORKSPACES = 4
_MAX_FILES = 16
