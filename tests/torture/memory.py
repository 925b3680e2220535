"""What the language server weighs with 10,000 and with 100,000 files indexed.

The workspace is made up: modules of a few classes and functions each. The server is the product's, the engine
fake. It is looked at when the index lies on disk and after a few keys.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import psutil
from foretype.tests.support.lsp_client import LspClient, python
from foretype.tests.support.private_home import private_home
from foretype.tests.torture import killed_daemon, kills
from foretype.tests.torture.section import Found, Section

WANTED_MB = {10_000: 90, 100_000: 120}
"""Files in the workspace, and what the server may weigh then."""

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


def play(seed: int, files: int = 0) -> Found:
    """A round: the first with the small workspace, the second with the large one."""
    files = files or list(WANTED_MB)[seed % len(WANTED_MB)]
    found = asyncio.run(weight_mb(files))
    if found is None:
        return Found({"memory.files": files}, wrong=(f"{files} files were never indexed",))
    wanted = WANTED_MB.get(files)
    heavy = wanted is not None and found > wanted
    wrong = (f"with {files} files the language server weighs {found:.0f} MB, not {wanted}",) if heavy else ()
    return Found({"memory.files": files}, {f"memory.lsp.mb.{files}": round(found, 1)}, wrong)


SECTION = Section("memory", "memory.files", 110_000, "memory.wrong", play, rounds=2)
