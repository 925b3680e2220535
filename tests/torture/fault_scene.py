"""An editor that types with the product's processes and a made-up model, in a home where something is wrong.

What must hold whatever is wrong: answers come, nothing is printed that no user should read, everybody ends as
they should, and nothing half written is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import psutil
from foretype.tests.support.lsp_client import python
from foretype.tests.support.private_home import private_home
from foretype.tests.torture import kills, shim
from foretype.tests.torture.fault import CannotBeMadeHereError, Fault

_PRINTED = re.compile(r"Traceback|Exception ignored")
_OUT_OF_FILES = re.compile(r"^OSError: \[Errno 24\]", re.MULTILINE)
"""The event loop's own note on a connection that it could not accept."""

Act = Callable[["FaultScene"], Awaitable[str]]


@attrs.define
class FaultScene:
    """Its state: the editor, which may have begun.

    Attributes:
        home: the environment of all processes.
        base: the folder of all of the home's folders.
        root: the workspace.
        editor: who types.
        faults: what the machine does, where the fault asked for that.
    """

    home: dict[str, str]
    base: Path
    root: Path
    editor: kills.Editor
    faults: shim.Faults | None = None

    def folder(self, kind: str) -> Path:
        """One of foretype's own folders: "config", "cache", "state", "data" or "run"."""
        return self.base / kind / "foretype"

    def daemon(self) -> psutil.Process | None:
        """The daemon that runs in this home."""
        try:
            return psutil.Process(int((self.folder("run") / "daemon.lock").read_text("ascii").split()[0]))
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def server(self) -> psutil.Process:
        """The language server."""
        return psutil.Process(self.editor.pid)

    async def suggests(self) -> str:
        """Type until something is suggested; "" when it was."""
        return "" if await self.editor.suggested() else "nothing was suggested"

    async def says(self, *words: str) -> str:
        """Type and look at the status: a sentence there has one of these words; "" when it has."""
        message = ""
        for _ in range(200):
            if not await self.editor.answered():
                return "no answer came"
            message = (await self.editor.status()).get("message") or ""
            if any(word in message for word in words):
                return "" if message.rstrip().endswith(".") else f"no sentence: {message!r}"
            await asyncio.sleep(kills.STEP_S)
        return f"the status says {message!r}"


@asynccontextmanager
async def scene(
    *,
    changed: Mapping[str, str | None] | None = None,
    wrapped: tuple[str, ...] = (),
    faulty: Callable[[Path, Path], Path] | None = None,
    model: Path | None = None,
) -> AsyncGenerator[FaultScene]:
    """A home, a workspace and an editor that has not begun.

    Args:
        changed: variables of the environment; None removes one. "{base}" is the home's folder.
        wrapped: a command in front of the language server's.
        faulty: of the home's folder and the workspace, where files are faulty; None for no shim.
        model: the model that the product's own daemon loads; None for a made-up one.
    """
    if faulty is not None and not shim.available():
        raise CannotBeMadeHereError("no C compiler for the shim")
    with tempfile.TemporaryDirectory(prefix="w") as folder, private_home(model) as home:
        base, root = Path(home["XDG_RUNTIME_DIR"]).parent, Path(folder)
        home[kills.MARK] = str(base)
        for number in range(20):
            (root / f"m{number}.py").write_text(f"class Some{number}:\n    def act(self): return {number}\n")
        if model is not None:
            home[kills.killed_daemon.REAL] = "1"
        for name, value in (changed or {}).items():
            home.pop(name, None)
            if value is not None:
                home[name] = value.replace("{base}", str(base))
        editor = kills.Editor(
            home, root, "first", tuple(each.replace("{base}", str(base)) for each in wrapped)
        )
        with contextlib.ExitStack() as stack:
            faults = stack.enter_context(shim.faults(faulty(base, root))) if faulty else None
            if faults is not None:
                home.update(faults.environment)
            try:
                yield FaultScene(home, base, root, editor, faults)
            finally:
                await editor.abandon()
                await _all_ended(home)


async def _all_ended(home: dict[str, str]) -> None:
    for process in kills.processes_of(home):
        with contextlib.suppress(psutil.Error):
            process.resume()
            process.kill()


async def played(act: Act, *, ends: bool = True, **how: Any) -> str:
    """Play an act in a scene of its own, then end everything; what was wrong, or "".

    Args:
        act: what goes wrong, and what is looked at; "" when that is well.
        ends: whether everybody can say goodbye, and what is left can be looked at.
        how: see `scene`.
    """
    async with scene(**how) as made:
        said = await act(made)
        if said or not ends:
            return said
        if made.faults is not None:
            made.faults.clear()
        code = await made.editor.end()
        if code != 0:
            return f"the language server ended with {code}"
        stopped = await asyncio.create_subprocess_exec(
            *python("-P", "-m", "foretype.daemon", "stop"),
            env={name: value for name, value in made.home.items() if name != "LD_PRELOAD"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await stopped.wait()
        for _ in range(kills.STEPS):
            if not kills.processes_of(made.home):
                break
            await asyncio.sleep(kills.STEP_S)
        return "; ".join(await asyncio.to_thread(_left, made))


def _left(made: FaultScene) -> list[str]:
    wrong = [f"{len(left)} processes were left" for left in [kills.processes_of(made.home)] if left]
    wrong += kills.unfinished(made.base)
    for file in made.base.rglob("*.log"):
        text = file.read_text("utf-8", "replace") if file.is_file() else ""
        printed = _PRINTED.search(text)
        if printed and not _OUT_OF_FILES.search(text, printed.start()):
            ends = re.findall(
                r"^[\w.]+(?:Error|Exception|Problem|Left)\b.*", text[printed.start() :], re.MULTILINE
            )
            wrong.append(f"{file.name} has a {printed.group()}: {ends[:1]}")
    return wrong


def fault(name: str, sentence: str, act: Act, **how: Any) -> Fault:
    """A fault that is an act in a scene; see `played`."""

    async def play() -> str:
        return await played(act, **how)

    return Fault(name, sentence, play)


def needs(*programs: str) -> None:
    """Raise CannotBeMadeHereError where one of these is missing."""
    for program in programs:
        if shutil.which(program) is None:
            raise CannotBeMadeHereError(f"there is no {program}")
