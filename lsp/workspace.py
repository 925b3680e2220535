"""The workspace's folders: an index for each, read in the background, kept up to date while it changes.

A folder is indexed when the first document in it is opened. What is in an index, and how it gets there
without getting in anybody's way, is `context`'s; this module decides when, says how far it has come, and
answers which index is about a document. It reads nothing itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from ..context.ignore import is_left_out, read_text
from ..context.index import Index, Progress
from ..context.indexing import refresh
from ..context.retrievers import Sources
from ..context.watch import Watch

log = logging.getLogger(__name__)

INDEX_AFTER_S = 1.0
"""The model and the first suggestion come first; an editor that opens and closes a file is left alone."""

WALK_AGAIN_S = 300.0
"""Where the system can't tell what changes, the folder is walked again after so many seconds."""

MANY = 40
"""More changed files than this (a branch was switched) are read as the first time, in the background."""

_REPOSITORIES = (".git", ".hg", ".svn", ".jj")
"""One of these lies at the top of a repository, which is the whole project however many packages it has."""

_MARKS = (
    *(".foretypeignore", ".foretype.toml", "Makefile", "CMakeLists.txt"),
    *("pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml", "build.gradle"),
    *("composer.json", "Gemfile"),
)
"""Without a repository, one of these lies at the root of a project."""


@attrs.frozen
class Step:
    """How far a folder's index has come.

    Attributes:
        root: the folder.
        done: files dealt with.
        total: files found; 0 while they are still being looked for.
        read_bytes: bytes of source that had to be read for it.
        finished: the index is complete.
    """

    root: Path
    done: int
    total: int
    read_bytes: int = 0
    finished: bool = False


OnStep = Callable[[Step], None]


@attrs.define(eq=False)
class Folder:
    """One folder of the workspace.

    Attributes:
        root: where it is.
        index: its symbols.
        ready: everything in it has been read once, so that a name it doesn't know exists nowhere in it.
    """

    root: Path
    index: Index
    ready: bool = False
    task: asyncio.Task[None] | None = None

    def sources(self) -> Sources:
        """What retrievers may ask about this folder."""
        return Sources(
            find=self.index.find, symbols_in=self.index.symbols_in, paths=self.index.paths(), read=self.read
        )

    def read(self, path: str) -> str | None:
        """A file's text; None where it can't or must not be read."""
        return None if is_left_out(self.root, path) else read_text(self.root / path)

    async def keep(self, on_step: OnStep) -> None:
        """Bring the index up to date, and keep it so until cancelled."""
        await asyncio.sleep(INDEX_AFTER_S)
        await asyncio.to_thread(self.index.load)
        while True:
            await self._read_all(on_step)
            await self._follow()

    async def _read_all(self, on_step: OnStep) -> None:
        def tell(progress: Progress) -> None:
            on_step(Step(self.root, progress.done, progress.total, progress.read_bytes))

        await refresh(self.index, tell)
        self.ready = True
        on_step(Step(self.root, self.index.file_count, self.index.file_count, finished=True))
        await asyncio.to_thread(self.index.save)

    async def _follow(self) -> None:
        """Read what changes, until the folder has to be walked again."""
        watch = Watch(self.root, self.index.folders)
        # Begins once this task waits, which is when watching has begun: finds what changed until then.
        missed = asyncio.ensure_future(refresh(self.index, lambda _: None))
        try:
            async for changes in watch.changes():
                if changes.folders or len(changes.paths) > MANY:
                    return
                await asyncio.to_thread(self.index.update, changes.paths)
        finally:
            watch.stop()
            missed.cancel()
            await asyncio.gather(missed, return_exceptions=True)
        log.info("%s", watch.problem)
        await asyncio.sleep(WALK_AGAIN_S)


class Workspaces:
    """The folders that are open in one editor. Its state: a folder for each root that was needed."""

    def __init__(self, cache: Path | None, on_step: OnStep, *, wanted: Callable[[], bool]) -> None:
        """Make it.

        Args:
            cache: where indexes are kept between runs; None keeps nothing.
            on_step: told how far an index has come.
            wanted: whether the user wants workspaces to be indexed.
        """
        self._cache = cache
        self._on_step = on_step
        self._wanted = wanted
        self._folders: dict[Path, Folder] = {}

    def __iter__(self) -> Iterator[Folder]:
        return iter(tuple(self._folders.values()))

    def begin(self, root: str) -> None:
        """A document of this root was opened: index it, unless that has begun already."""
        path = Path(root)
        if path in self._folders or not self._wanted() or not is_project(path, Path.home()):
            return
        folder = Folder(path, Index(path, self._cache))
        self._folders[path] = folder
        folder.task = asyncio.ensure_future(self._run(folder))

    def at(self, root: str) -> Folder | None:
        """The folder of a root, as far as it is indexed."""
        return self._folders.get(Path(root)) if root else None

    async def keep_only(self, roots: tuple[str, ...]) -> None:
        """The workspace has just these folders now: let go of all others."""
        wanted = {Path(root) for root in roots}
        gone = [self._folders.pop(path) for path in tuple(self._folders) if path not in wanted]
        await _end(gone)

    async def aclose(self) -> None:
        """Let go of everything."""
        folders, self._folders = list(self._folders.values()), {}
        await _end(folders)

    async def _run(self, folder: Folder) -> None:
        try:
            await folder.keep(self._on_step)
        except Exception:
            log.exception("a workspace is no longer indexed")


async def _end(folders: list[Folder]) -> None:
    tasks = [folder.task for folder in folders if folder.task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def is_project(root: Path, home: Path) -> bool:
    """Whether a folder is worth indexing: not somebody's whole home or disk, which editors name as well."""
    return root.is_absolute() and root != home and root not in home.parents and root.parent != root


def root_for(path: Path) -> Path | None:
    """The project that a file belongs to: its repository, else the innermost folder that looks like one."""
    folders = [folder for folder in path.parents if is_project(folder, Path.home())]
    for marks in (_REPOSITORIES, _MARKS):
        for each in folders:
            if any((each / mark).exists() for mark in marks):
                return each
    return None
