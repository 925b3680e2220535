"""Files that are written soon, in a thread of their own: nobody waits for a disk to say that it has them.

For what a process has learned and can do without: what can't be written is lost with the process. Of two
contents of one file that wait the later one counts. What is in a file is the caller's business.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path

from ...context.shared import leftovers

log = logging.getLogger(__name__)


class LateWriting:
    """State: what waits, by the file it is for, and the thread that writes while something does."""

    def __init__(self, most_files: int) -> None:
        """Nothing waits.

        Args:
            most_files: of a folder, with one suffix, that stay: those written last.
        """
        self._most_files = most_files
        self._waiting: dict[Path, tuple[bytes, ...]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, path: Path, content: tuple[bytes, ...]) -> None:
        """Replace a file soon, in the thread; what it shall hold comes in pieces."""
        with self._lock:
            self._waiting[path] = content
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
                path, content = next(iter(self._waiting.items()))
                del self._waiting[path]
            self._write(path, content)

    def _write(self, path: Path, content: tuple[bytes, ...]) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            leftovers.write_marked(path, content)
        except OSError as error:
            log.info("%s could not be saved: %s", path.name, error)
            return
        with contextlib.suppress(OSError):
            files = sorted(path.parent.glob(f"*{path.suffix}"), key=lambda each: each.stat().st_mtime)
            for old in files[: -self._most_files]:
                old.unlink(missing_ok=True)
