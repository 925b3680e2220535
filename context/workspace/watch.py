"""Changes in the workspace, as the operating system reports them, grouped and without what is never read.

Only folders that the index walked are watched, so that a million files under node_modules cost nothing;
folders that come later are added while watching goes on. What changed is reported; what to do about it is the
caller's business. Listening happens in threads, because the first look at thousands of folders takes a while.
Where the system can't watch (too many folders, a network drive), the stream ends and says why: the caller can
still walk again from time to time.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import attrs
import watchfiles

from .ignore import RULE_FILES, is_secret_folder, is_secret_path, never_walked

MAX_FOLDERS = 8000
DEBOUNCE_MS = 80
_STEP_MS = 30

MANY = 40
"""More changed files than this at once (a branch was switched) are reported when it has become quiet."""

QUIET_S = 0.4
"""Seconds without a change after which it counts as quiet …"""

LONGEST_S = 10.0
"""… or it never will be: then what there is is reported."""

MOST_PATHS = 2000
"""More paths than this are not named: the workspace has to be walked."""

_BEGUN_WITHIN_MS = 200
"""Nothing tells when listening has begun. After this time without a change it is assumed."""


@attrs.frozen
class Changes:
    """What changed within a short time.

    Attributes:
        paths: files and folders relative to the workspace, with forward slashes, sorted. A folder among them
        is
            new, or gone.
        folders: whether folders came or went, or a file that says what is left out changed.
    """

    paths: tuple[str, ...]
    folders: bool

    def __or__(self, other: Changes) -> Changes:
        """Both as one; of very many paths some are enough to see that."""
        paths = sorted({*self.paths, *other.paths})[: MOST_PATHS + 1]
        return Changes(tuple(paths), self.folders or other.folders)


@attrs.frozen
class _Ended:
    why: str


_Put = Callable[["Changes | _Ended"], None]


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
    _known: set[str] = attrs.field(factory=set[str], init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _put: _Put | None = attrs.field(default=None, init=False)
    _stopped: threading.Event = attrs.field(factory=threading.Event, init=False)
    _later: list[str] = attrs.field(factory=list[str], init=False)
    _listening: threading.Event | None = attrs.field(
        default=None, init=False
    )  # set to end who listens to those

    def stop(self) -> None:
        """End the stream soon."""
        self._stopped.set()
        if self._listening is not None:
            self._listening.set()
        if self._put is not None:
            self._put(_Ended(""))

    def add(self, folders: Sequence[str]) -> None:
        """Watch further folders, too. When that has begun they are reported once as changed.

        Whoever reads them now and again then misses nothing. At most three listeners exist at a time.
        """
        with self._lock:
            new = [each for each in folders if self._absolute(each) not in self._known]
            new = new[: max(0, MAX_FOLDERS - len(self._known))]
            self._known.update(map(self._absolute, new))
        if not new or self._put is None or self._stopped.is_set():
            return
        before_these = [each for each in self._later if self._absolute(each) in self._known]
        self._later = list(dict.fromkeys((*before_these, *new)))
        before, self._listening = self._listening, threading.Event()
        self._listen(self._later, self._listening, new, before)

    async def changes(self) -> AsyncIterator[Changes]:
        """What changes, from now on, grouped within `DEBOUNCE_MS` ms; very much at once as one."""
        queue: asyncio.Queue[Changes | _Ended] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def put(found: Changes | _Ended) -> None:
            try:
                loop.call_soon_threadsafe(queue.put_nowait, found)
            except RuntimeError:
                self._stopped.set()  # the loop has ended

        if self._stopped.is_set():
            return
        self._put = put
        first = list(self.folders[:MAX_FOLDERS])
        self._known.update(map(self._absolute, first))
        self._listen(first, self._stopped, (), None)
        async for found in _grouped(queue):
            if isinstance(found, _Ended):
                self.problem = found.why
                self._stopped.set()
                return
            yield found

    def _absolute(self, folder: str) -> str:
        return str(self.root.absolute() / folder)

    def _listen(
        self,
        folders: Sequence[str],
        stop: threading.Event,
        new: Sequence[str],
        before: threading.Event | None,
    ) -> None:
        """Listen in a thread of its own; when that has begun, `before` is ended and `new` reported."""

        def begun() -> None:
            if before is not None:
                before.set()
            if new:
                self._tell(Changes(tuple(sorted(new)), folders=True))

        def run() -> None:
            try:
                self._hear([Path(self._absolute(folder)) for folder in folders], stop, begun)
            except (OSError, RuntimeError) as error:
                self._tell(_Ended(f"the system can't watch this workspace: {error}"))

        threading.Thread(target=run, name="foretype-watch", daemon=True).start()

    def _hear(self, folders: Sequence[Path], stop: threading.Event, begun: Callable[[], None]) -> None:
        there = [folder for folder in folders if folder.is_dir()]
        if not there:
            if stop is self._stopped:
                self._tell(_Ended("there is no folder to watch"))
            begun()
            return
        listen: Callable[..., Iterator[set[tuple[watchfiles.Change, str]]]] = cast("Any", watchfiles).watch
        groups = listen(
            *there,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=stop,
            rust_timeout=_BEGUN_WITHIN_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=False,
            ignore_permission_denied=True,
        )
        for number, group in enumerate(groups):
            if number == 0:
                begun()
            found = self._interpreted(group) if group else None
            if found is not None and (found.paths or found.folders):
                self._tell(found)

    def _interpreted(self, group: set[tuple[watchfiles.Change, str]]) -> Changes:
        with self._lock:
            # A folder that came or went isn't watched any more, even if one of its name is there again.
            for change, path in group:
                if change is not watchfiles.Change.modified and path in self._known:
                    inside = path + "/"
                    self._known = {one for one in self._known if one != path and not one.startswith(inside)}
            known = self._known
        return interpret(self.root.absolute(), known, [path for _, path in group])

    def _tell(self, found: Changes | _Ended) -> None:
        if self._put is not None and not self._stopped.is_set():
            self._put(found)


async def _grouped(queue: asyncio.Queue[Changes | _Ended]) -> AsyncIterator[Changes | _Ended]:
    """What comes in, with what came meanwhile as one; what is much only when no more comes for a while."""
    loop = asyncio.get_running_loop()
    while True:
        found = await queue.get()
        until = loop.time() + LONGEST_S
        while not isinstance(found, _Ended):
            many = len(found.paths) > MANY
            if queue.empty() and not (many and loop.time() < until):
                break
            try:
                more = await asyncio.wait_for(queue.get(), QUIET_S)
            except TimeoutError:
                break
            if isinstance(more, _Ended):
                yield found
                found = more
            else:
                found |= more
        yield found


def interpret(root: Path, known: set[str], reported: Sequence[str]) -> Changes:
    """What a group of reported absolute paths means for the index.

    Args:
        root: the workspace's folder, absolute.
        known: the watched folders, absolute.
        reported: paths that came, went or changed.
    """
    paths: set[str] = set()
    folders = False
    for reported_path in itertools.islice(reported, MOST_PATHS + 1):
        try:
            relative = Path(reported_path).relative_to(root).as_posix()
        except ValueError:
            continue
        name = relative.rsplit("/", 1)[-1]
        if relative == "." or is_never_read(relative):
            continue
        is_folder = reported_path in known or Path(reported_path).is_dir()
        new_or_gone = is_folder and (reported_path not in known or not Path(reported_path).exists())
        folders = folders or new_or_gone or name in RULE_FILES
        if not is_folder or new_or_gone:
            paths.add(relative)
    return Changes(tuple(sorted(paths)), folders)


def is_never_read(path: str) -> bool:
    """Whether nothing about a path, relative to the workspace, matters, whatever its ignore files say."""
    return is_secret_path(path) or is_secret_folder(path) or any(map(never_walked, path.split("/")))
