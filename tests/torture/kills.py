"""Kills at random moments, with two editors typing: daemon, language server, indexing process, `tune`.

Each round is a home of its own with a daemon around a fake engine and two language servers over a small
workspace; in every fourth the daemon is the product's own, with a tiny model. Somebody is killed with SIGKILL
again and again. After each kill the next answers come; at the end everything is started once more and ended
properly: then no process, no socket and no unfinished file is left, and what was kept on disk can be read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import psutil
from foretype.context.workspace import storage
from foretype.lsp.statistics.store import connect
from foretype.models.cache.saved_states import StateStore
from foretype.tests.support.lsp_client import LspClient, Refused, python
from foretype.tests.support.private_home import private_home
from foretype.tests.support.tiny_gguf import tiny_model
from foretype.tests.torture import killed_daemon
from foretype.tests.torture.section import Found, Section

MARK = "FORETYPE_TORTURE_HOME"
"""Names a home for its processes, where the variables that they share are what is wrong."""

WORKER = "foretype.context.workspace.worker"

STEPS = 4000
STEP_S = 0.05
"""How long an answer may take, counted in steps: a machine that stood still counts as one."""


def written(number: int) -> str:
    """What stands in the document after so many changes: a place where something belongs."""
    return f"def area{number}(width, height):\n    return "


class Editor:
    """One editor that types and asks. Its state: its language server, and how often it showed something."""

    def __init__(self, home: dict[str, str], root: Path, name: str, wrapped: tuple[str, ...] = ()) -> None:
        """Begin nothing yet.

        Args:
            home: the language server's environment.
            root: the workspace.
            name: of the document, without its suffix.
            wrapped: a command in front of the server's.
        """
        self.shown = 0
        self._wrapped = wrapped
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

    async def answered(self) -> bool:
        """Type until an answer comes, whatever it is; False when none ever does."""
        for _ in range(STEPS):
            if await self.key():
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
        self._client = await LspClient.start(*self._wrapped, *command, env=self._home)
        folders = [{"uri": self._root.as_uri(), "name": "workspace"}]
        await self._client.initialize(workspaceFolders=folders)
        self._client.open(self._uri, written(0))

    async def status(self) -> dict[str, Any]:
        """What the server's status says."""
        assert self._client is not None
        return await self._client.ask(
            "workspace/executeCommand", {"command": "foretype.status", "arguments": []}
        )

    async def abandon(self) -> None:
        """End without a word, as an editor does that dies."""
        if self._client is not None and self._client.process.returncode is None:
            self._client.process.kill()
            await self._client.close()

    async def hang_up(self) -> None:
        """Close the pipe without a word, as an editor's death does."""
        assert self._client is not None
        assert self._client.process.stdin is not None
        self._client.process.stdin.close()

    async def deaf(self, requests: int) -> str:
        """Ask so often while nothing is read, then read; "" when every answer came."""
        assert self._client is not None
        transport: Any = getattr(self._client.process, "_transport").get_pipe_transport(1)  # noqa: B009
        transport.pause_reading()
        futures = [self._client.complete(self._uri, 1, len("    return "))[1] for _ in range(requests)]
        await asyncio.sleep(STEP_S * 20)
        transport.resume_reading()
        for _ in range(STEPS):
            _, waiting = await asyncio.wait(futures, timeout=STEP_S)
            if not waiting:
                return ""
        return f"{len(futures)} were asked, and not all were answered"

    async def end(self) -> int:
        """Say goodbye; the exit code."""
        code = 0 if self._client is None else await self._client.close()
        self._client = None
        return code


def processes_of(home: dict[str, str]) -> list[psutil.Process]:
    """Everything that runs in a home."""
    name = MARK if MARK in home else "XDG_RUNTIME_DIR"
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(name) == home[name]:
                found.append(process)
    return found


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


@attrs.define
class Scene:
    """A home in which somebody is killed. Its state: the editors, how many of whom were killed, what broke.

    Attributes:
        home: its environment.
        chance: decides who and when.
        editors: who type there.
        model: the model file, which `tune` measures.
        real: the daemon runs that model.
        killed: how many, by kind.
        wrong: sentences about what was broken.
    """

    home: dict[str, str]
    chance: random.Random
    editors: list[Editor]
    model: Path
    real: bool
    killed: Counter[str] = attrs.field(factory=Counter[str])
    wrong: list[str] = attrs.field(factory=list[str])

    async def kill_somebody(self) -> None:
        """Kill one while both editors type, and see that the next answers come."""
        kind = self.chance.choices(("daemon", "server", "worker", "tune"), (40, 30, 20, 10))[0]
        if kind == "tune":
            await self._kill_tune()
            return
        if kind == "worker":
            await self._forget_index()
        typing = asyncio.gather(*(editor.key() for editor in self.editors))
        await asyncio.sleep(self.chance.random() * self.chance.choice((0.01, 0.1, 0.4)))
        found = await self._found(kind)
        if found is not None:
            with contextlib.suppress(psutil.Error):
                found.send_signal(signal.SIGKILL)
                self.killed[kind] += 1
        await typing
        await self._next_answers(kind)

    async def _kill_tune(self) -> None:
        """Begin to tune, and kill that within some seconds: while it imports, measures or writes."""
        tuning = await self.tune()
        typing = asyncio.gather(*(editor.key() for editor in self.editors))
        await asyncio.sleep(self.chance.random() * self.chance.choice((0.5, 2.0, 6.0)))
        if tuning.returncode is None:
            tuning.kill()
            self.killed["tune"] += 1
        await tuning.wait()
        await typing
        await self._next_answers("tune")

    async def tune(self) -> asyncio.subprocess.Process:
        """`foretype tune` of the model, just begun."""
        begun = ("-c", "from foretype.daemon.cli.main import main; main()", "tune", str(self.model))
        quiet = asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(
            *python(*begun, "--anyway", "--threads", "1"), env=self.home, stdout=quiet, stderr=quiet
        )

    async def _next_answers(self, kind: str) -> None:
        for editor in self.editors:  # a server that was killed is started anew, as editors do
            if not await (editor.answered() if self.real else editor.suggested()):
                self.wrong.append(f"after {kind} was killed no answer came any more")

    async def _forget_index(self) -> None:
        """Have a workspace looked through anew: only then is there a process that does it."""
        await asyncio.to_thread(_remove_indexes, Path(self.home["XDG_CACHE_HOME"]))
        await self.chance.choice(self.editors).end()

    async def _found(self, kind: str) -> psutil.Process | None:
        """Who is to be killed; None when nobody of the kind runs."""
        for _ in range(40 if kind == "worker" else 1):
            of_kind = self._of_kind(kind)
            if of_kind:
                return self.chance.choice(of_kind)
            await asyncio.sleep(STEP_S / 5)
        return None

    def _of_kind(self, kind: str) -> list[psutil.Process]:
        if kind == "daemon":
            lock = Path(self.home["XDG_RUNTIME_DIR"]) / "foretype" / "daemon.lock"
            try:
                return [psutil.Process(int(lock.read_text("ascii").split()[0]))]
            except (OSError, ValueError, IndexError, psutil.Error):
                return []
        servers: list[psutil.Process] = []
        for editor in self.editors:
            with contextlib.suppress(psutil.Error):
                servers += [psutil.Process(editor.pid)] if editor.pid else []
        if kind == "server":
            return servers
        found: list[psutil.Process] = []
        for server in servers:
            with contextlib.suppress(psutil.Error):
                found += [each for each in server.children() if WORKER in " ".join(_command(each))]
        return found


def _remove_indexes(cache: Path) -> None:
    for file in cache.rglob("*.index"):
        file.unlink(missing_ok=True)


async def killed(seed: int, kills: int, *, real: bool = False) -> tuple[Counter[str], tuple[str, ...]]:
    """A home in which somebody is killed so many times; how many were, by kind, and what was broken."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        root.mkdir()
        for number in range(60):
            (root / f"m{number}.py").write_text(
                f"class Some{number}:\n    def act(self): return {number}\n" * 20
            )
        model = await asyncio.to_thread(tiny_model, "refact", Path(folder), layers=1)
        with private_home(model) as home:
            if real:
                home[killed_daemon.REAL] = "1"
            editors = [Editor(home, root, name) for name in ("first", "second")]
            scene = Scene(home, random.Random(seed), editors, model, real)
            for _ in range(kills):
                await scene.kill_somebody()
            await _ended(scene)
    return scene.killed, tuple(f"seed {seed}: {each}" for each in scene.wrong)


async def _ended(scene: Scene) -> None:
    """What is left after everybody was started once more and said goodbye."""
    home, wrong = scene.home, scene.wrong
    for editor in scene.editors:
        await editor.end()
        if not await (editor.answered() if scene.real else editor.suggested()):
            wrong.append("at the next start nothing was suggested")
        if await editor.end() != 0:
            wrong.append("the language server did not end as it should")
    if scene.killed["tune"]:
        await _tuned_once_more(scene)
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
    wrong += unfinished(Path(home["XDG_RUNTIME_DIR"]).parent)


async def _tuned_once_more(scene: Scene) -> None:
    """Begin to tune and end it as Ctrl-C does: what killed ones left is gone, and nothing is left of it."""
    tuning = await scene.tune()
    folder = Path(scene.home["XDG_DATA_HOME"]) / "foretype" / "tuned"
    for _ in range(STEPS):
        own = [each for each in folder.glob(".tuning-*") if f"-{tuning.pid}-" in each.name]
        if own or tuning.returncode is not None:
            break
        await asyncio.sleep(STEP_S)
    if tuning.returncode is None:
        tuning.terminate()
    await tuning.wait()


def unfinished(home: Path) -> list[str]:
    """What is wrong with the files in a home that nobody uses any more."""
    there = list(home.rglob("*"))
    files = [file for file in there if not file.is_dir()]
    wrong: list[str] = []
    for file in files:
        try:
            if file.is_file() and (said := _half_written(file)):
                wrong.append(said)
        except (ValueError, sqlite3.Error) as error:
            wrong.append(f"{file.name} is half written: {error}")
    # Now that each was opened: a database's next reader takes back what a killed writer began.
    left = [each.name for each in there if each.exists() and (each.name.startswith(".") or _is_left(each))]
    return wrong + [f"a file was left: {name}" for name in left]


def _half_written(file: Path) -> str:
    """What is wrong with a file of ours; ValueError and sqlite3.Error say it, too."""
    if file.suffix == ".index":
        for entry in storage.load(file, Path("/another")):
            storage.unpack_rows(entry.packed)
    elif file.suffix == ".json":
        json.loads(file.read_bytes())
    elif file.suffix == ".kv":
        StateStore(file.parent, bytes(32))  # removes what is not whole
        return "" if file.exists() else f"the saved state {file.name} is half written"
    elif file.suffix == ".sqlite3":
        with contextlib.closing(connect(file)) as connection:
            if connection.execute("pragma integrity_check").fetchone() != ("ok",):
                return "the statistics are damaged"
    return ""


def _is_left(path: Path) -> bool:
    return path.is_socket() or path.name.endswith(("-journal", "-wal", ".part"))


REAL_EVERY = 4


def play(seed: int, kills: int = 20) -> Found:
    """A round."""
    real = seed % REAL_EVERY == REAL_EVERY - 1
    done, wrong = asyncio.run(killed(seed, kills, real=real))
    by_kind = {f"kills.of.{kind}": number for kind, number in done.items()}
    lost = sum("no answer" in each or "nothing was suggested" in each for each in wrong)
    figures = {"kills.lost": lost, "kills.leftovers": len(wrong) - lost}
    return Found({"kills": done.total(), **by_kind, **figures}, wrong=wrong)


SECTION = Section("kills", "kills", 1000, "kills.wrong", play)
