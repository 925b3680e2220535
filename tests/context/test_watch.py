"""Changes on disk reach the index, and watching goes on whatever comes and goes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import attrs
from foretype.context.workspace import watch as watching
from foretype.context.workspace.index import Index
from foretype.context.workspace.watch import MANY, Changes, Watch, interpret

PATIENCE_S = 20.0


def test_what_matters_is_told_from_what_does_not(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "fresh").mkdir()
    known = {str(tmp_path), str(tmp_path / "src")}
    reported = [
        str(tmp_path / "src" / "a.py"),
        str(tmp_path / "src"),
        str(tmp_path / ".env"),
        str(tmp_path / ".git" / "index"),
        str(tmp_path / "node_modules" / "x.js"),
        str(tmp_path / ".ssh"),
        "/elsewhere/b.py",
        str(tmp_path),
    ]
    assert interpret(tmp_path, known, reported) == Changes(("src/a.py",), folders=False)
    assert interpret(tmp_path, known, [str(tmp_path / "fresh")]) == Changes(("fresh",), folders=True)
    for name in (".gitignore", ".foretypeignore", ".foretype.toml"):
        assert interpret(tmp_path, known, [str(tmp_path / name)]).folders
    (tmp_path / "src").rmdir()
    assert interpret(tmp_path, known, [str(tmp_path / "src")]) == Changes(("src",), folders=True)


@attrs.define
class Following:
    """What a watch of a folder reports."""

    root: Path
    folders: tuple[str, ...] = ("",)
    seen: list[Changes] = attrs.field(factory=list[Changes])
    watch: Watch = attrs.field(init=False)
    task: asyncio.Task[None] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.watch = Watch(self.root, self.folders)
        self.task = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        async for changes in self.watch.changes():
            self.seen.append(changes)

    def paths(self) -> set[str]:
        return {path for changes in self.seen for path in changes.paths}

    async def until(
        self, condition: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        """When the system begins to watch, nobody is told: so `meanwhile` is done again and again."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                meanwhile()
                await asyncio.sleep(0.03)

    async def begun(self) -> None:
        probe = self.root / "probe.py"
        await self.until(lambda: "probe.py" in self.paths(), lambda: probe.write_text("x"))

    async def end(self) -> None:
        self.watch.stop()
        await asyncio.wait_for(self.task, PATIENCE_S)


async def test_a_changed_file_reaches_the_index(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def before(): pass\n")
    index = Index(tmp_path)
    for _ in index.steps():
        pass
    following = Following(tmp_path, index.folders)
    await following.begun()
    (tmp_path / "a.py").write_text("def after(): pass\n")
    await following.until(lambda: "a.py" in following.paths())
    assert index.update(["a.py"])
    assert index.knows("after")
    assert not index.knows("before")
    assert not index.update(["a.py"])
    await following.end()
    assert not following.watch.problem


async def test_folders_that_come_later_are_watched_by_one_more_listener(tmp_path: Path) -> None:
    following = Following(tmp_path)
    await following.begun()
    listeners = set(threading.enumerate())
    for number in range(12):
        inner = tmp_path / f"new{number}" / "inner"
        inner.mkdir(parents=True)
        await following.until(lambda n=number: f"new{n}" in following.paths())
        following.watch.add([f"new{number}", f"new{number}/inner"])
        file = inner / "x.py"
        await following.until(
            lambda n=number: f"new{n}/inner/x.py" in following.paths(),
            lambda file=file: file.write_text("x"),
        )
    (tmp_path / "a.py").write_text("x")
    (tmp_path / "new0" / "inner" / "y.py").write_text("x")
    await following.until(lambda: {"a.py", "new0/inner/y.py"} <= following.paths())
    more = [each for each in threading.enumerate() if each not in listeners and "watch" in each.name]
    assert len(more) <= 2
    await following.end()


async def test_a_folder_that_went_and_came_again_is_new(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    following = Following(tmp_path, ("", "src"))
    await following.begun()
    (tmp_path / "src").rmdir()
    (tmp_path / "src").mkdir()
    await following.until(lambda: "src" in following.paths())
    following.seen.clear()
    following.watch.add(["src"])
    await following.until(
        lambda: "src/x.py" in following.paths(),
        lambda: (tmp_path / "src" / "x.py").write_text("x"),
    )
    await following.end()


async def test_what_is_added_is_reported_once_when_listening_has_begun(tmp_path: Path) -> None:
    """Whoever read it before reads it again, and misses nothing."""
    following = Following(tmp_path)
    await following.begun()
    (tmp_path / "src").mkdir()
    await following.until(lambda: "src" in following.paths())
    following.seen.clear()
    following.watch.add(["src"])
    await following.until(lambda: Changes(("src",), folders=True) in following.seen)
    following.watch.add(["src"])
    await following.end()
    assert following.seen.count(Changes(("src",), folders=True)) == 1


async def test_very_many_changes_are_one(tmp_path: Path) -> None:
    """As when a branch is switched, which takes longer than one group of changes does."""
    following = Following(tmp_path)
    await following.begun()
    following.seen.clear()

    def switch() -> None:
        pause = threading.Event()
        for number in range(3000):
            (tmp_path / f"m{number}.py").write_text("x")
            if number % 300 == 0:
                pause.wait(0.05)

    await asyncio.to_thread(switch)
    (tmp_path / "m0.py").write_text("y")
    await following.until(lambda: any(len(each.paths) > MANY for each in following.seen))
    await following.end()
    much = [each for each in following.seen if len(each.paths) > MANY]
    assert len(much) == 1
    assert len(following.seen) <= 2  # the system may tell of the first few alone
    assert len(much[0].paths) <= watching.MOST_PATHS + 1


async def test_a_watch_that_is_stopped_ends(tmp_path: Path) -> None:
    watch = Watch(tmp_path, [""])
    watch.stop()
    assert [change async for change in watch.changes()] == []


async def test_nothing_to_watch_is_said(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "nowhere", [""])
    assert [change async for change in watch.changes()] == []
    assert watch.problem
