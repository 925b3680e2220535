"""Kills at random moments, with two editors typing: daemon, language server, indexing process.

Each round is a home of its own with a daemon around a fake engine and two language servers over a small
workspace. Somebody is killed with SIGKILL again and again. After each kill the next answers come; at the end
everything is started once more and ended properly: then no process, no socket and no unfinished file is left,
and what was kept on disk can be read.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import psutil
from foretype.context.workspace import storage
from foretype.lsp.statistics.store import connect
from foretype.tests.support.lsp_client import LspClient, Refused, python
from foretype.tests.support.private_home import private_home
from foretype.tests.torture import killed_daemon
from foretype.tests.torture.section import Found, Section

STEPS = 600
STEP_S = 0.05
"""How long an answer may take, counted in steps: a machine that stood still counts as one."""


def written(number: int) -> str:
    """What stands in the document after so many changes: a place where something belongs."""
    return f"def area{number}(width, height):\n    return "


class Editor:
    """One editor that types and asks. Its state: its language server, and how often it showed something."""

    def __init__(self, home: dict[str, str], root: Path, name: str) -> None:
        self.shown = 0
        self._home = home
        self._root = root
        self._uri = (root / f"{name}.py").as_uri()
        self._client: LspClient | None = None
        self._changes = 0

    @property
    def pid(self) -> int:
        """The language server's process; 0 for none."""
        return self._client.process.pid if self._client is not None else 0

    async def suggested(self) -> bool:
        """Type until something is suggested, at a person's pace; False when nothing ever is."""
        for _ in range(STEPS):
            shown = self.shown
            if await self.key() and self.shown > shown:
                return True
            await asyncio.sleep(STEP_S)
        return False

    async def key(self) -> bool:
        """Write something and wait for the answer; False when it does not come, or the server is gone."""
        try:
            if self._client is None or self._client.process.returncode is not None:
                await self._begin()
        except (ConnectionError, Refused):
            return False  # it was killed while it said hello
        assert self._client is not None
        self._changes += 1
        self._client.change(self._uri, {"text": written(self._changes)})
        _, future = self._client.complete(self._uri, 1, len("    return "))
        for _ in range(STEPS):
            done, _ = await asyncio.wait({future}, timeout=STEP_S)
            if done:
                return self._answered(future)
        return False

    def _answered(self, future: asyncio.Future[Any]) -> bool:
        try:
            self.shown += bool(future.result()["items"])
        except Refused as refused:
            return refused.code == -32800
        except ConnectionError:
            return False
        return True

    async def _begin(self) -> None:
        if self._client is not None:
            await self._client.close()
        command = python("-P", "-m", str(killed_daemon.__name__), "lsp")
        self._client = await LspClient.start(*command, env=self._home)
        folders = [{"uri": self._root.as_uri(), "name": "workspace"}]
        await self._client.initialize(workspaceFolders=folders)
        self._client.open(self._uri, written(0))

    async def end(self) -> int:
        """Say goodbye; the exit code."""
        code = 0 if self._client is None else await self._client.close()
        self._client = None
        return code


def processes_of(home: dict[str, str]) -> list[psutil.Process]:
    """Everything that runs in a home."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("XDG_RUNTIME_DIR") == home["XDG_RUNTIME_DIR"]:
                found.append(process)
    return found


def victim(chance: random.Random, home: dict[str, str], editors: list[Editor]) -> psutil.Process | None:
    """Somebody to kill: a daemon half of the time, a language server, or a process that one started."""
    servers = {editor.pid for editor in editors}
    running = processes_of(home)
    daemons = [each for each in running if killed_daemon.DAEMON in " ".join(_command(each))]
    others = [each for each in running if each not in daemons and each.pid not in servers]
    kind = chance.random()
    chosen = daemons if kind < 0.5 else others if kind < 0.75 and others else []
    chosen = chosen or [each for each in running if each.pid in servers]
    return chance.choice(chosen) if chosen else None


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


async def killed(seed: int, kills: int) -> tuple[int, tuple[str, ...]]:
    """A home in which so many processes are killed; how many were, and what was broken."""
    chance, done, wrong = random.Random(seed), 0, list[str]()
    with tempfile.TemporaryDirectory() as folder, private_home() as home:
        root = Path(folder)
        for number in range(60):
            (root / f"m{number}.py").write_text(
                f"class Some{number}:\n    def act(self): return {number}\n" * 20
            )
        editors = [Editor(home, root, name) for name in ("first", "second")]
        for _ in range(kills):
            typing = asyncio.gather(*(editor.key() for editor in editors))
            await asyncio.sleep(chance.random() * chance.choice((0.01, 0.1, 0.4)))
            process = victim(chance, home, editors)
            if process is not None:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
                    done += 1
            await typing
            for editor in editors:  # a server that was killed is started anew, as editors do
                if not await editor.suggested():
                    wrong.append("after a kill nothing was suggested any more")
        wrong += await _ended(home, editors)
    return done, tuple(f"seed {seed}: {each}" for each in wrong)


async def _ended(home: dict[str, str], editors: list[Editor]) -> list[str]:
    """What is left after everybody was started once more and said goodbye."""
    wrong: list[str] = []
    for editor in editors:
        await editor.end()
        if not await editor.suggested():
            wrong.append("at the next start nothing was suggested")
        if await editor.end() != 0:
            wrong.append("the language server did not end as it should")
    ran = await asyncio.create_subprocess_exec(
        *python("-P", "-m", "foretype.daemon", "stop"), env=home, stdout=asyncio.subprocess.DEVNULL
    )
    await ran.wait()
    for _ in range(STEPS):
        if not processes_of(home):
            break
        await asyncio.sleep(STEP_S)
    left = [" ".join(_command(each))[-80:] for each in processes_of(home)]
    wrong += [f"a process was left: {each}" for each in left]
    return wrong + unfinished(Path(home["XDG_RUNTIME_DIR"]).parent)


def unfinished(home: Path) -> list[str]:
    """What is wrong with the files in a home that nobody uses any more."""
    files = [file for file in home.rglob("*") if not file.is_dir()]
    wrong = [
        f"a file was left: {file.name}" for file in files if file.is_socket() or file.name.startswith(".")
    ]
    for file in files:
        try:
            if file.suffix == ".index":
                for entry in storage.load(file, Path("/another")):
                    storage.unpack_rows(entry.packed)
            elif file.suffix == ".sqlite3":
                connection = connect(file)
                if connection.execute("pragma integrity_check").fetchone() != ("ok",):
                    wrong.append("the statistics are damaged")
                connection.close()
        except (ValueError, sqlite3.Error) as error:
            wrong.append(f"{file.name} is half written: {error}")
    return wrong


def play(seed: int, kills: int = 20) -> Found:
    """A round."""
    done, wrong = asyncio.run(killed(seed, kills))
    return Found({"kills": done}, wrong=wrong)


SECTION = Section("kills", "kills", 1000, "kills.wrong", play)
