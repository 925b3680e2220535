"""The workspace's folders: an index for each, read in the background, kept up to date while it changes.

A folder is indexed when the first document in it is opened. What is in an index, and how it gets there
without getting in anybody's way, is `context`'s; this module decides when, says how far it has come, and
answers which index is about a document.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs

from ...context.related.sources import Sources
from ...context.workspace.ignore import RULE_FILES, is_left_out, read_text
from ...context.workspace.index import Index, WalkProgress
from ...context.workspace.refresh import refresh
from ...context.workspace.walk import ALL_FOLDERS, walk
from ...context.workspace.watch import MANY, Changes, Watch

log = logging.getLogger(__name__)

INDEX_AFTER_S = 1.0
"""The model and the first suggestion come first; an editor that opens and closes a file is left alone."""

WALK_AGAIN_S = 300.0
"""Seconds between two walks of a folder where the system can't report changes."""

_REPOSITORIES = (".git", ".hg", ".svn", ".jj")
"""One of these lies at the top of a repository, which is the whole project however many packages it has."""

_MARKS = (
    *(".foretypeignore", ".foretype.toml", "Makefile", "CMakeLists.txt"),
    *("pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml", "build.gradle"),
    *("composer.json", "Gemfile"),
)
"""Without a repository, one of these lies at the root of a project."""


@attrs.frozen
class IndexingStep:
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


class FolderObserver:
    """Is told what happens to the folders. This one ignores everything: override what matters."""

    def indexing(self, step: IndexingStep) -> None:
        """An index has come so far."""

    def changed(self, root: Path) -> None:
        """Something in a folder's files, as they are on disk, is known that wasn't before."""

    def rules_changed(self, root: Path) -> None:
        """A file in a folder that says what is left out has changed."""


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
    _watch: Watch | None = None
    _again: asyncio.Task[None] | None = None

    def sources(self) -> Sources:
        """What retrievers may ask about this folder."""
        return Sources(index=self.index, paths=self.index.paths(), read=self.read)

    def has(self, path: str) -> bool:
        """Whether there is a file at a path: one that is indexed, or one that marks a package."""
        return self.index.has(path) or (
            path.endswith(("package.json", "go.mod")) and (self.root / path).is_file()
        )

    def read(self, path: str) -> str | None:
        """A file's text; None where it can't or must not be read."""
        return None if is_left_out(self.root, path) else read_text(self.root / path)

    async def keep(self, observer: FolderObserver) -> None:
        """Bring the index up to date, and keep it so until cancelled."""
        await asyncio.sleep(INDEX_AFTER_S)
        await asyncio.to_thread(self.index.load)
        while True:
            await self._read_all(observer.indexing)
            await self._follow(observer)

    async def _read_all(self, on_step: Callable[[IndexingStep], None]) -> None:
        def tell(progress: WalkProgress) -> None:
            on_step(IndexingStep(self.root, progress.done, progress.total, progress.read_bytes))

        await refresh(self.index, tell)
        self.ready = True
        on_step(IndexingStep(self.root, self.index.file_count, self.index.file_count, finished=True))
        await asyncio.to_thread(self.index.save)

    async def _follow(self, observer: FolderObserver) -> None:
        """Read what changes, for as long as the system tells."""
        watch = self._watch = Watch(self.root, self.index.folders)
        # Begins once this task waits, which is when watching has begun: finds what changed until then.
        missed = asyncio.ensure_future(self._find_missed(watch, observer))
        try:
            async for changes in watch.changes():
                await self._take(changes, watch, observer)
        finally:
            watch.stop()
            missed.cancel()
            await asyncio.gather(missed, return_exceptions=True)
        log.info("%s", watch.problem)
        await asyncio.sleep(WALK_AGAIN_S)

    async def _find_missed(self, watch: Watch, observer: FolderObserver) -> None:
        """Read what changed before it was watched; what is found here is no news to the watch any more."""
        before = self.index.changes
        await self._catch_up(watch)
        if self.index.changes != before:
            observer.changed(self.root)

    def tasks(self) -> list[asyncio.Task[None]]:
        """What runs for the folder."""
        return [task for task in (self.task, self._again) if task is not None]

    def walk_again(self) -> None:
        """A file above the folder, which nobody watches, says something else about what is left out."""
        if self._watch is not None and (self._again is None or self._again.done()):
            self._again = asyncio.ensure_future(self._catch_up(self._watch))

    async def _catch_up(self, watch: Watch, inside: tuple[str, ...] = ALL_FOLDERS) -> None:
        await refresh(self.index, lambda _: None, inside)
        watch.add(self.index.folders)

    async def _take(self, changes: Changes, watch: Watch, observer: FolderObserver) -> None:
        """Know what a group of changes means."""
        rules = any(path.rsplit("/", 1)[-1] in RULE_FILES for path in changes.paths)
        if rules:
            observer.rules_changed(self.root)
        if rules or len(changes.paths) > MANY:
            await self._catch_up(watch)
            observer.changed(self.root)
            return
        files, folders = await asyncio.to_thread(self._sorted, changes.paths)
        news = await asyncio.to_thread(self.index.update, files)
        if news:  # before anything is walked: somebody may rest in the file beside it
            observer.changed(self.root)
        if folders and await self._walk_new(folders, watch):
            observer.changed(self.root)

    def _sorted(self, paths: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
        """Which of some paths are files or gone, and which are folders that may be read, on disk."""
        there = {path: (self.root / path).is_dir() for path in paths}
        folders = [path for path, is_dir in there.items() if is_dir]
        wanted = [path for path in folders if not is_left_out(self.root, path, is_folder=True)]
        return [path for path, is_dir in there.items() if not is_dir], tuple(wanted)

    async def _walk_new(self, folders: tuple[str, ...], watch: Watch) -> bool:
        """Read new folders, and nothing else, and watch what is in them, too; whether there is any news."""
        before = self.index.changes
        if await asyncio.to_thread(self._is_much, folders):
            await self._catch_up(watch, folders)
        else:
            await asyncio.to_thread(self._read_inside, folders)
            watch.add(self.index.folders)
        return self.index.changes != before

    def _is_much(self, folders: tuple[str, ...]) -> bool:
        """Whether so much is to be read in some folders that another process had better do it."""
        count = 0
        for found in walk(self.root, self.index.limits, [], folders):
            count += len(found)
            if count > MANY:
                return True
        return False

    def _read_inside(self, folders: tuple[str, ...]) -> None:
        for _ in self.index.steps(folders):
            pass


class WorkspaceFolders:
    """The folders that are open in one editor. Its state: a folder for each root that was needed."""

    def __init__(self, cache: Path | None, observer: FolderObserver, *, wanted: Callable[[], bool]) -> None:
        """Make it.

        Args:
            cache: where indexes are kept between runs; None keeps nothing.
            observer: told what happens.
            wanted: whether the user wants workspaces to be indexed.
        """
        self._cache = cache
        self._observer = observer
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
            await folder.keep(self._observer)
        except Exception:
            log.exception("a workspace is no longer indexed")


async def _end(folders: list[Folder]) -> None:
    tasks = [task for folder in folders for task in folder.tasks()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def is_project(root: Path, home: Path) -> bool:
    """Whether a folder is worth indexing: not somebody's whole home or disk, which editors name as well."""
    return root.is_absolute() and root != home and root not in home.parents and root.parent != root


def root_for(path: Path) -> Path | None:
    """The project that a file belongs to: its repository, else the innermost folder that seems one."""
    folders = [folder for folder in path.parents if is_project(folder, Path.home())]
    for marks in (_REPOSITORIES, _MARKS):
        for each in folders:
            if any((each / mark).exists() for mark in marks):
                return each
    return None
