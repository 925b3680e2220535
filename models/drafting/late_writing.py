"""Files that are written soon, in a thread of their own: nobody waits for a disk to say that it has them.

For what a process has learned and can do without. Of two writings of one file that wait the later one counts.
What is to be written, and what becomes of a file that could not be, is the caller's business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path


class LateWriting:
    """State: what waits, by the file it is for, and the thread that writes while something does."""

    def __init__(self) -> None:
        """Nothing waits."""
        self._waiting: dict[Path, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, path: Path, write: Callable[[], None]) -> None:
        """Have `write` called soon, in the thread. It must not raise."""
        with self._lock:
            self._waiting[path] = write
            if self._thread is None:
                # A daemon thread: a disk that never answers must not keep the process alive.
                self._thread = threading.Thread(target=self._run, name="foretype-late-writing", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for at most that long; whether everything is written."""
        thread = self._thread
        if thread is not None:
            thread.join(max(0.0, seconds))
        return self._thread is None

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                write = self._waiting.pop(next(iter(self._waiting)))
            write()
