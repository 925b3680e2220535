"""Much at once, and a model's file that changes under the daemon that has it open."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
from foretype.tests.support.fake_engine import until
from foretype.tests.support.lsp_client import python
from foretype.tests.support.tiny_gguf import tiny_model
from foretype.tests.torture import kills
from foretype.tests.torture.fault import CannotBeMadeHereError, Fault
from foretype.tests.torture.fault_scene import FaultScene, fault, needs, played, scene

SERVERS = int(os.environ.get("FORETYPE_TORTURE_SERVERS", "100"))
FILES = int(os.environ.get("FORETYPE_TORTURE_FILES", "10000"))
_EACH_BYTES = 60 << 20


async def _many_servers() -> str:
    """All start at once with no daemon there: one daemon serves them all."""
    if psutil.virtual_memory().available < SERVERS * _EACH_BYTES:
        raise CannotBeMadeHereError("less memory than so many servers take")
    async with scene() as made:
        editors = [kills.Editor(made.home, made.root, f"m{number}") for number in range(SERVERS)]
        try:
            shown = await asyncio.gather(*(editor.suggested() for editor in editors))
            daemons = [
                each
                for each in kills.processes_of(made.home)
                if kills.killed_daemon.DAEMON in " ".join(each.cmdline())
            ]
            codes = await asyncio.gather(*(editor.end() for editor in editors))
        finally:
            for editor in editors:
                await editor.abandon()
        if not all(shown):
            return f"{shown.count(False)} of {SERVERS} were never suggested anything"
        if len(daemons) != 1:
            return f"{len(daemons)} daemons ran"
        return "" if not any(codes) else "not every server ended as it should"


def _git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(("git", *who, *arguments), cwd=root, check=True, capture_output=True)


def _two_branches(root: Path) -> None:
    _git(root, "init")
    for branch in ("first", "second"):
        _git(root, "checkout", "-q", "--orphan", branch)
        for number in range(FILES):
            folder = root / f"p{number // 100}"
            folder.mkdir(exist_ok=True)
            (folder / f"f{number}.py").write_text(f"def {branch}_{number}(): return {number}\n")
        _git(root, "add", "-A")
        _git(root, "commit", "-q", "-m", branch)


async def _checkout(made: FaultScene) -> str:
    """A branch on which all files differ is checked out, there and back, while somebody types."""
    needs("git")
    await asyncio.to_thread(_two_branches, made.root)
    said = await made.suggests()
    for branch in ("first", "second"):
        switching = asyncio.ensure_future(asyncio.to_thread(_git, made.root, "checkout", "-q", branch))
        while not switching.done():
            if not await made.editor.answered():
                return "no answer came while the branch was switched"
        await switching
        said = said or await made.suggests()
    return said


def _truncated(model: Path) -> None:
    os.truncate(model, 4096)


def _replaced(model: Path) -> None:
    with tempfile.TemporaryDirectory(dir=model.parent) as folder:
        tiny_model("starcoder", Path(folder), layers=1).replace(model)


def _with_model(change: Callable[[Path], None]) -> Callable[[], Awaitable[str]]:
    async def play() -> str:
        with tempfile.TemporaryDirectory() as folder:
            model = await asyncio.to_thread(tiny_model, "refact", Path(folder), layers=1)

            async def act(made: FaultScene) -> str:
                if not await made.editor.answered():
                    return "no answer came at the start"
                await asyncio.to_thread(change, model)
                for _ in range(10):
                    if not await made.editor.answered():
                        return "no answer came afterwards"
                return ""

            return await played(act, model=model)

    return play


_TOO_LITTLE = 200 << 20
"""Bytes that a daemon may take beyond what it has: for llama.cpp, not for the model of 200 MB as well."""


def _limit(pid: int, *, more: int) -> None:
    if sys.platform != "linux":
        raise CannotBeMadeHereError("this system limits no other process")
    process = psutil.Process(pid)
    most = process.memory_info().vms + more
    process.rlimit(psutil.RLIMIT_AS, (most, most))


async def _no_memory_while_loading() -> str:
    """The daemon may have less memory than the model takes: a sentence, and nobody dies of it."""
    with tempfile.TemporaryDirectory() as folder:
        model = await asyncio.to_thread(tiny_model, "refact", Path(folder), layers=1, embedding=1024)

        async def act(made: FaultScene) -> str:
            command = python("-P", "-m", "foretype.daemon", "run")
            limited = await asyncio.create_subprocess_exec(*command, env=made.home, start_new_session=True)
            try:
                await until((made.folder("run") / "daemon.sock").exists)
                _limit(limited.pid, more=_TOO_LITTLE)
                said = await made.says("not enough memory")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    limited.terminate()
                await limited.wait()
            return said

        return await played(act, model=model)


FAULTS: tuple[Fault, ...] = (
    Fault("a hundred language servers at once", "One daemon is started and serves them all.", _many_servers),
    fault(
        "a checkout changes 10,000 files while somebody types",
        "Keys are answered meanwhile; the index follows when it is quiet.",
        _checkout,
    ),
    Fault(
        "the model's file is cut short while it is loaded",
        "The daemon may end, with a sentence; answers are empty until the file is whole.",
        _with_model(_truncated),
    ),
    Fault(
        "the model's file is removed while it is loaded",
        "The daemon goes on with what it has loaded.",
        _with_model(Path.unlink),
    ),
    Fault(
        "the model's file is replaced by another while it is loaded",
        "The new one is loaded.",
        _with_model(_replaced),
    ),
    Fault(
        "the memory limit is reached while a model is loaded",
        "A sentence says so; the language server serves on.",
        _no_memory_while_loading,
    ),
)
