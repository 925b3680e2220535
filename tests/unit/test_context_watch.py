"""Changes on disk reach the index."""

from __future__ import annotations

import asyncio
from pathlib import Path

from foretype.context.index import Index
from foretype.context.watch import Changes, Watch, interpret


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
        "/elsewhere/b.py",
        str(tmp_path),
    ]
    assert interpret(tmp_path, known, reported) == Changes(("src/a.py",), folders=False)
    assert interpret(tmp_path, known, [str(tmp_path / "fresh")]) == Changes(("fresh",), folders=True)
    assert interpret(tmp_path, known, [str(tmp_path / ".gitignore")]).folders
    (tmp_path / "src").rmdir()
    assert interpret(tmp_path, known, [str(tmp_path / "src")]) == Changes(("src",), folders=True)


async def test_a_changed_file_reaches_the_index(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def before(): pass\n")
    index = Index(tmp_path)
    for _ in index.steps():
        pass
    watch = Watch(tmp_path, index.folders)

    async def follow() -> None:
        async for changes in watch.changes():
            index.update(changes.paths)
            if index.knows("after"):
                watch.stop()

    async def keep_writing() -> None:
        # The system's watch begins at a moment that nobody is told: write until a change has been seen.
        number = 0
        while not following.done():
            (tmp_path / "a.py").write_text(f"def after(): pass\n# {number}\n")
            number += 1
            await asyncio.wait([following], timeout=0.05)

    following = asyncio.ensure_future(follow())
    await asyncio.wait_for(asyncio.gather(following, keep_writing()), 20)
    assert index.knows("after")
    assert not index.knows("before")
    assert not watch.problem


async def test_a_watch_that_is_stopped_ends(tmp_path: Path) -> None:
    watch = Watch(tmp_path, [""])
    watch.stop()
    assert [change async for change in watch.changes()] == []


async def test_nothing_to_watch_is_said(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "nowhere", [""])
    assert [change async for change in watch.changes()] == []
    assert watch.problem
