"""What .editorconfig says about the open documents: read beside the event loop, now and then again.

Only the first key in a document waits for it, and not long: until the answer comes, nothing is said. What the
files mean is `context`'s knowledge.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from pathlib import Path, PurePath
from weakref import WeakKeyDictionary

import attrs

from ...context.shared.files import read_text
from ...context.text.indentation import IndentOptions
from ...context.workspace.project_indent import (
    EDITORCONFIG_FILE,
    MAX_EDITORCONFIG_BYTES,
    is_last,
    project_indent,
)
from .background import Threads
from .document import Document

_FRESH_S = 5.0
"""How long, in seconds, what was read counts as true."""

WITHIN_S = 0.02
"""Seconds that a request waits for the first answer about its document."""

_AT_ONCE = 4
"""Documents that are looked at at the same time, at most: each on a hanging drive costs a thread."""

_HIGHEST = 64


def read_project_indent(path: str) -> IndentOptions:
    """What the .editorconfig files above an absolute path say; they are plain files, of a bounded size."""
    files: list[tuple[str, str]] = []
    for folder in list(PurePath(path).parents)[:_HIGHEST]:
        found = Path(folder) / EDITORCONFIG_FILE
        text = None if found.is_symlink() else read_text(found, MAX_EDITORCONFIG_BYTES)
        if text is not None:
            files.append((folder.as_posix(), text))
            if is_last(text):
                break
    return project_indent(PurePath(path).as_posix(), files)


@attrs.define
class _Known:
    at: float = -math.inf
    reading: asyncio.Future[IndentOptions] | None = None


class ProjectIndents:
    """Its state: when each document's files were read, and what is being read."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[str], IndentOptions] = read_project_indent,
    ) -> None:
        """Make it.

        Args:
            clock: seconds.
            read: looks at the files above a path; may never return.
        """
        self._clock = clock
        self._read = read
        self._threads = Threads("foretype-editorconfig")
        self._known: WeakKeyDictionary[Document, _Known] = WeakKeyDictionary()

    def look(self, document: Document) -> asyncio.Future[IndentOptions] | None:
        """Have the files above a document read unless that was just done; what is awaited, if anything is."""
        known = self._known.setdefault(document, _Known())
        busy = sum(each.reading is not None for each in self._known.values())
        if known.reading is not None or not document.file or busy >= _AT_ONCE:
            return known.reading
        if self._clock() - known.at < _FRESH_S:
            return None
        known.reading = asyncio.get_running_loop().run_in_executor(self._threads, self._read, document.file)
        known.reading.add_done_callback(lambda reading: self._take(document, known, reading))
        return known.reading

    async def settle(self, document: Document) -> None:
        """Have the files above a document read; wait a moment where nothing is known of them yet."""
        reading = self.look(document)
        if reading is not None and document.project_indent is None:
            await asyncio.wait({reading}, timeout=WITHIN_S)

    def _take(self, document: Document, known: _Known, reading: asyncio.Future[IndentOptions]) -> None:
        known.reading, known.at = None, self._clock()
        if not reading.cancelled() and reading.exception() is None:
            document.project_indent = reading.result()
