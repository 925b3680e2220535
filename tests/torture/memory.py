"""What the language server weighs with many files indexed, and what the daemon weighs beside its model.

The workspace is made up: modules of a few classes and functions each. The server is the product's, the engine
fake; it is looked at when the index lies on disk and after a few keys. The daemon is the product's with a
real model, in a large file of real code. Its yardstick is what llama.cpp needs for that model: weights, KV
cache, and working space.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
from foretype.context.shared.problem import ModelProblem
from foretype.models.gguf.file import read_gguf
from foretype.models.gguf.sizes import memory_needed
from foretype.models.library.store import resolve_model
from foretype.tests.support.coder_shape import coder_shape
from foretype.tests.support.lsp_client import LspClient, python
from foretype.tests.support.private_home import private_home
from foretype.tests.torture import killed_daemon, kills
from foretype.tests.torture.journal import ROOT
from foretype.tests.torture.section import Found, Section

WANTED_MB = {10_000: 90, 100_000: 120}
"""Files in the workspace, and what the server may weigh then."""

MOST_EXCESS = 0.15
"""What the daemon may weigh beyond its model, in parts of that. The default model, the smallest one, is only
measured: Python and the libraries take 60 MB before any model, which is more than such a part of it."""

MODELS: dict[str, Callable[[], Path]] = {
    "0.5b": lambda: coder_shape("0.5b", ROOT / "build" / "bench"),
    "smollm2-135m": lambda: resolve_model("smollm2-135m"),
}
"""By name: the shape of Qwen2.5-Coder 0.5B, and the default model."""

GATED = "0.5b"

KEYS = 40
STEPS = 5000
STEP_S = 0.1


def made_up(root: Path, files: int) -> None:
    """A workspace of so many files, a hundred a folder."""
    for number in range(files):
        folder = root / f"package{number // 100}"
        if number % 100 == 0:
            folder.mkdir()
        text = "".join(
            f"class Item{number}_{each}:\n    def act_{each}(self, v):\n        return v + {each}\n\n\n"
            for each in range(3)
        )
        (folder / f"module{number}.py").write_text(text, encoding="utf-8")


async def weight_mb(files: int) -> float | None:
    """Resident megabytes of a server that has indexed so many files; None where it never had."""
    with tempfile.TemporaryDirectory() as folder, private_home() as home:
        root = Path(folder)
        await asyncio.to_thread(made_up, root, files)
        command = python("-P", "-m", killed_daemon.__name__, "lsp")
        client = await LspClient.start(*command, env=home)
        async with client:
            await client.initialize(workspaceFolders=[{"uri": root.as_uri(), "name": "w"}])
            uri = (root / "package0" / "new.py").as_uri()
            client.open(uri, kills.written(0))
            if not await _indexed(Path(home["XDG_CACHE_HOME"])):
                return None
            for number in range(10):
                client.change(uri, {"text": kills.written(number)})
                await client.items(uri, 1, len("    return "))
            return psutil.Process(client.process.pid).memory_info().rss / 1e6


async def _indexed(cache: Path) -> bool:
    for _ in range(STEPS):
        if await asyncio.to_thread(lambda: list(cache.rglob("*.index"))):
            return True
        await asyncio.sleep(STEP_S)
    return False


async def excess(model: Path) -> float:
    """How much more than its model a daemon weighs after keys in a large file, in parts of the model."""
    text = "\n".join(each.read_text("utf-8") for each in sorted((ROOT / "context" / "prompt").glob("*.py")))
    line = text.count("\n") + 1
    with tempfile.TemporaryDirectory() as folder, private_home(model) as home:
        home[killed_daemon.REAL] = "1"
        root = Path(folder)
        uri = (root / "large.py").as_uri()
        client = await LspClient.start(*python("-P", "-m", killed_daemon.__name__, "lsp"), env=home)
        async with client:
            await client.initialize(
                workspaceFolders=[{"uri": root.as_uri(), "name": "w"}], initializationOptions={"status": True}
            )
            client.open(uri, text)
            await client.items(uri, 0, 0)
            while (await client.expect("foretype/status"))["params"]["state"] != "ready":
                pass
            for number in range(KEYS):
                typed = f"size{number} = "
                client.change(uri, {"text": f"{text}\n{typed}"})
                await client.items(uri, line, len(typed), context={"triggerKind": 1})
            lock = Path(home["XDG_RUNTIME_DIR"]) / "foretype" / "daemon.lock"
            daemon = psutil.Process(int(lock.read_text("ascii").split()[0]))
            return daemon.memory_info().rss / memory_needed(read_gguf(model)) - 1


def play(seed: int) -> Found:
    """A round: a workspace, the small one first, or a daemon with one of the models."""
    number = seed % ROUNDS
    if number < len(WANTED_MB):
        return indexed(list(WANTED_MB)[number])
    return loaded(list(MODELS)[number - len(WANTED_MB)])


def indexed(files: int) -> Found:
    """What the server weighs with so many files."""
    counts = {"memory.weighed": 1, "memory.files": files}
    found = asyncio.run(weight_mb(files))
    if found is None:
        return Found(counts, wrong=(f"{files} files were never indexed",))
    wanted = WANTED_MB.get(files)
    heavy = wanted is not None and found > wanted
    wrong = (f"with {files} files the language server weighs {found:.0f} MB, not {wanted}",) if heavy else ()
    return Found(counts, {f"memory.lsp.mb.{files}": round(found, 1)}, wrong)


def loaded(name: str) -> Found:
    """What the daemon weighs with a model."""
    try:
        model = MODELS[name]()
    except (OSError, ModelProblem, subprocess.SubprocessError) as problem:
        return Found({"memory.left_out": 1}, notes=(f"the model {name} is not here: {problem}",))
    found = asyncio.run(excess(model))
    heavy = name == GATED and found > MOST_EXCESS
    wrong = (f"with {name} the daemon weighs {found:.0%} more than the model",) if heavy else ()
    return Found({"memory.weighed": 1}, {f"memory.daemon.excess.{name}": round(found, 3)}, wrong)


ROUNDS = len(WANTED_MB) + len(MODELS)

SECTION = Section("memory", "memory.weighed", ROUNDS, "memory.wrong", play, rounds=ROUNDS)
