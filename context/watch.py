"""Changes in the workspace, as the operating system reports them, grouped and without what is ignored.

Only folders that the index walked are watched, so that a million files under node_modules cost nothing. What
changed is reported; what to do about it is the caller's business. Where the system can't watch (too many
folders, a network drive), the stream ends and says why: the caller can still walk again from time to time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import attrs
import watchfiles

from . import narrowing
from .ignore import IGNORE_FILES, is_secret_path, never_walked

MAX_FOLDERS = 8000
DEBOUNCE_MS = 80
_STEP_MS = 30


@attrs.frozen
class Changes:
    """What changed within a short time.

    Attributes:
        paths: files and folders relative to the workspace, with forward slashes, sorted.
        folders: whether folders came or went, or an ignore file changed: then the workspace has to be walked
            again (which reads only what is new) and watching begun anew with the folders that it finds.
    """

    paths: tuple[str, ...]
    folders: bool


@attrs.define
class Watch:
    """Watches the folders of one workspace until it is stopped.

    Args:
        root: the workspace's folder.
        folders: the folders to watch, relative to it; those beyond `MAX_FOLDERS` are not.

    Attributes:
        problem: why the stream ended by itself; "" while it hasn't.
    """

    root: Path
    folders: Sequence[str]
    problem: str = ""
    _stop: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def stop(self) -> None:
        """End the stream soon."""
        self._stop.set()

    async def changes(self) -> AsyncIterator[Changes]:
        """What changes, from now on, grouped within `DEBOUNCE_MS` ms."""
        watched = [self.root / folder for folder in self.folders[:MAX_FOLDERS]]
        watched = [folder for folder in watched if folder.is_dir()]
        if not watched:
            self.problem = "there is no folder to watch"
            return
        root = self.root.absolute()
        known = {str(folder.absolute()) for folder in watched}
        awatch: Callable[..., AsyncIterator[set[tuple[object, str]]]] = cast("Any", watchfiles).awatch
        try:
            async for group in awatch(
                *watched,
                watch_filter=None,
                debounce=DEBOUNCE_MS,
                step=_STEP_MS,
                stop_event=self._stop,
                recursive=False,
                ignore_permission_denied=True,
            ):
                found = interpret(root, known, [path for _, path in group])
                if found.paths or found.folders:
                    yield found
        except (OSError, RuntimeError) as error:
            self.problem = f"the system can't watch this workspace: {error}"


def interpret(root: Path, known: set[str], reported: Sequence[str]) -> Changes:
    """What a group of reported absolute paths means for the index.

    Args:
        root: the workspace's folder, absolute.
        known: the watched folders, absolute.
        reported: paths that came, went or changed.
    """
    paths: set[str] = set()
    folders = False
    for reported_path in reported:
        try:
            relative = Path(reported_path).relative_to(root).as_posix()
        except ValueError:
            continue
        name = relative.rsplit("/", 1)[-1]
        if relative == "." or is_secret_path(relative) or any(map(never_walked, relative.split("/"))):
            continue
        is_folder = reported_path in known or Path(reported_path).is_dir()
        new_or_gone = is_folder and (reported_path not in known or not Path(reported_path).exists())
        folders = folders or new_or_gone or name in (*IGNORE_FILES, narrowing.FILE)
        if not is_folder or new_or_gone:
            paths.add(relative)
    return Changes(tuple(sorted(paths)), folders)
