"""An index is brought up to date by a process of its own, and nobody who types notices."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.context.workspace import refresh as indexing
from foretype.context.workspace import worker
from foretype.context.workspace.index import Index, Limits, WalkProgress
from foretype.context.workspace.refresh import refresh
from foretype.context.workspace.walk import Known, survey


def write(root: Path, count: int) -> None:
    root.mkdir(exist_ok=True)
    for number in range(count):
        (root / f"m{number}.py").write_text(f"class C{number}:\n    def shared(self): pass\n")


@attrs.define
class Children:
    """Remembers the processes that indexing starts."""

    started: list[Any] = attrs.field(factory=list[Any])

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        start: Callable[..., Any] = asyncio.create_subprocess_exec

        async def remembering(*command: str, **options: Any) -> Any:
            self.started.append(await start(*command, **options))
            return self.started[-1]

        monkeypatch.setattr(asyncio, "create_subprocess_exec", remembering)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Children:
    found = Children()
    found.watch(monkeypatch)
    return found


def same(one: Index, other: Index) -> None:
    names = [f"C{number}" for number in range(40)]
    assert sorted(one.paths()) == sorted(other.paths())
    assert [one.find(name) for name in (*names, "shared")] == [
        other.find(name) for name in (*names, "shared")
    ]
    assert one.folders == other.folders


async def test_a_process_finds_what_this_one_would_find(tmp_path: Path, children: Children) -> None:
    write(tmp_path, 30)
    write(tmp_path / "sub", 3)
    here, there = Index(tmp_path), Index(tmp_path)
    for _ in here.steps():
        pass
    steps: list[WalkProgress] = []
    await refresh(there, steps.append)
    same(there, here)
    assert steps[-1] == WalkProgress(33, 33, sum(each.size for each in here.known()))
    assert [child.returncode is not None for child in children.started] == [True]


async def test_a_second_time_only_what_changed_is_read(tmp_path: Path) -> None:
    root, cache = tmp_path / "work", tmp_path / "cache"
    write(root, 5)
    index = Index(root, cache)
    await refresh(index, lambda _: None)
    assert index.save()
    (root / "m1.py").write_text("def changed(): pass\n")
    (root / "m2.py").unlink()
    again = Index(root, cache)
    again.load()
    steps: list[WalkProgress] = []
    await refresh(again, steps.append)
    assert steps[-1] == WalkProgress(4, 4, len("def changed(): pass\n"))
    assert again.knows("changed")
    assert not again.knows("C1")
    assert not again.knows("C2")


async def test_whoever_cancels_leaves_no_process_behind(tmp_path: Path, children: Children) -> None:
    write(tmp_path, 300)
    began = asyncio.Event()
    task = asyncio.ensure_future(refresh(Index(tmp_path), lambda _: began.set()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children.started[0].returncode is not None


def test_the_process_ends_when_nobody_waits_for_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "foretype.context.workspace.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    write(tmp_path, 1500)  # more findings than a pipe holds: it waits for a reader who never comes
    assert process.stdin is not None
    for part in worker.packed_request(tmp_path, Limits(), []):
        process.stdin.write(part)
    process.stdin.close()
    assert process.wait(30) == 0


async def test_without_processes_a_thread_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 3)

    async def refused(*_: str, **__: Any) -> None:
        raise PermissionError("no more processes")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refused)
    index = Index(tmp_path)
    steps: list[WalkProgress] = []
    await refresh(index, steps.append)
    await asyncio.sleep(0)
    assert index.knows("C2")
    assert steps[-1].done == 3


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "print('nonsense')"])
async def test_a_process_that_fails_is_replaced_by_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    write(tmp_path, 3)
    monkeypatch.setattr(indexing, "_COMMAND", (sys.executable, "-c", program))
    index = Index(tmp_path)
    await refresh(index, lambda _: None)
    assert index.knows("C2")


async def test_the_event_loop_goes_on_meanwhile(tmp_path: Path) -> None:
    """Not by the clock, which tells nothing on a busy machine: by what this process has to compute."""
    source = "".join(
        f"def function_{n}(first, second):\n    return first + second * {n}\n\n" for n in range(3000)
    )
    for number in range(8):
        (tmp_path / f"large{number}.py").write_text(source)
    index = Index(tmp_path)
    before = time.process_time()
    await refresh(index, lambda _: None)
    ours = time.process_time() - before
    before = time.process_time()
    for _ in Index(tmp_path).steps():
        pass
    assert ours * 4 < time.process_time() - before


def test_the_process_runs_at_idle_priority(tmp_path: Path) -> None:
    program = (
        "import os; from foretype.context.shared.background import give_way; give_way();"
        "print(os.nice(0), os.sched_getscheduler(0) == os.SCHED_IDLE)"
    )
    if not hasattr(os, "SCHED_IDLE"):
        pytest.skip("there is no idle scheduling here")
    said = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert said.stdout.split() == ["19", "True"]


def test_a_survey_says_what_is_new_and_what_is_gone(tmp_path: Path) -> None:
    write(tmp_path, 1)
    said = [type(each).__name__ for each in survey(tmp_path, Limits(), [Known("old.py", 1, 1)])]
    assert said == ["WalkProgress", "Folders", "Gone", "IndexedFile", "WalkProgress"]
