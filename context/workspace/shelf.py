"""Bytes laid aside in an unnamed file: what is seldom asked for doesn't have to be in memory.

A place that was given up is used again by what fits into it, so the file grows with what it holds, not with
how often that changes. It is gone with the process. Where the disk takes nothing the bytes stay in memory.
What they mean is the business of whoever lays them there.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import attrs

_ROOM = 256


def _room(length: int) -> int:
    """The size of a place for that number of bytes: a multiple, so that it can be used again."""
    return max(1, -(-length // _ROOM)) * _ROOM


@attrs.define(eq=False)
class Shelf:
    """The file. State: where it ends, and the places given up, by their room. Any thread may use it.

    Args:
        folder: where the file is to lie; None, or one that can't be written, is the system's for such files.
    """

    folder: Path | None = None
    _file: BinaryIO | None = attrs.field(default=None, init=False)
    _end: int = attrs.field(default=0, init=False)
    _free: dict[int, list[int]] = attrs.field(factory=dict[int, "list[int]"], init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def put(self, data: bytes) -> int:
        """Lay bytes aside; where they are."""
        room = _room(len(data))
        with self._lock:
            places = self._free.get(room)
            at = places.pop() if places else self._end
            if at == self._end:
                self._end += room
            if not self._written(at, data):  # the disk is full
                self._move_to_memory()
                self._written(at, data)
        return at

    def get(self, at: int, length: int) -> bytes:
        """The bytes that were laid at a place; fewer, or others, when it was given up."""
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None:
                self._file.seek(at)
                return self._file.read(length)
        return b""

    def give_up(self, at: int, length: int) -> None:
        """Nobody will ask for these bytes again."""
        with self._lock:
            self._free.setdefault(_room(length), []).append(at)

    def _written(self, at: int, data: bytes) -> bool:
        """Whether the file took all of it: a disk that is nearly full may take a part."""
        if self._file is None:
            self._file = self._opened()
        try:
            self._file.seek(at)
            return self._file.write(data) == len(data)
        except OSError:
            return False

    def _opened(self) -> BinaryIO:
        # Unbuffered: what is written is not worth a second copy, and an error must show where it happens.
        for folder in (self.folder, None):
            with contextlib.suppress(OSError):
                if folder is not None:
                    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                return cast("BinaryIO", tempfile.TemporaryFile(dir=folder, buffering=0))
        return BytesIO()

    def _move_to_memory(self) -> None:
        held = BytesIO()
        if self._file is not None:
            with contextlib.suppress(OSError), self._file as file:
                file.seek(0)
                held.write(file.read())
        self._file = held
