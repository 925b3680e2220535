"""A disk that is full, fails or is slow at each write of each thing that is written.

What must hold: the old file or the new one is there, whole, and nothing beside it; and whoever writes ends
with a sentence, or goes on without what could not be kept.
"""

from __future__ import annotations

import asyncio
import errno
import subprocess
import tempfile
from pathlib import Path

from foretype.tests.support.lsp_client import python
from foretype.tests.support.private_home import private_home
from foretype.tests.torture import kills, shim, writers
from foretype.tests.torture.fault import Fault
from foretype.tests.torture.fuzz_files import KINDS

_MOST_WRITES = 12
"""Of one thing; those of a log are more, and all alike."""


def _write(name: str, folder: Path, faults: shim.Faults, home: dict[str, str]) -> str:
    ran = subprocess.run(
        python("-P", "-m", writers.__name__, name, str(folder)),
        env={**home, **faults.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if ran.returncode not in (0, writers.NOT_WRITTEN):
        last = ran.stderr.strip().splitlines()[-1:] or [f"exit code {ran.returncode}"]
        return f"writing ended in {last[0]}"
    if "Traceback" in ran.stderr:
        return f"writing printed {ran.stderr.strip().splitlines()[-1]}"
    return ""


def _damage(name: str, folder: Path) -> str:
    """What is wrong with the files after a write that may have failed."""
    complaints = kills.unfinished(folder)
    if complaints:
        return "; ".join(complaints)
    if name in KINDS:
        files = [each for each in folder.iterdir() if each.suffix in SUFFIXES.get(name, ())]
        return next((said for each in files if (said := KINDS[name].read(each))), "")
    return ""


SUFFIXES = {
    "state": (".kv",),
    "index": (".index",),
    "n-grams": (".ngrams",),
    "tuned": (".json",),
    "statistics": (".sqlite3",),
}


def _full_at_each_write(name: str) -> str:
    """The disk is full at the first write, at the second, and so on, until all goes well."""
    with private_home() as home, tempfile.TemporaryDirectory() as base:
        for number in range(_MOST_WRITES):
            folder = Path(base) / str(number)
            folder.mkdir()
            with shim.faults(folder) as faults:
                faults.set(writes_left=number)
                said = _write(name, folder, faults, home)
                writes = faults.get("writes_seen")
                faults.clear()
                said = said or _damage(name, folder)
                if said:
                    return f"full at write {number + 1}: {said}"
                if writes == 0:
                    return "nothing was written where the disk was to be full"
                if writes <= number:
                    break
    return ""


def _failing(name: str, **numbers: int) -> str:
    """The same with calls that fail for good."""
    with private_home() as home, tempfile.TemporaryDirectory() as base:
        folder = Path(base)
        with shim.faults(folder) as faults:
            faults.set(**numbers)
            said = _write(name, folder, faults, home)
            faults.clear()
            return said or _damage(name, folder)


def _each(**numbers: int) -> str:
    complaints = [(name, _failing(name, **numbers)) for name in (*KINDS, "settings", "shelf")]
    return "; ".join(f"{name}: {said}" for name, said in complaints if said)


def _full(name: str, sentence: str) -> Fault:
    async def play() -> str:
        return await asyncio.to_thread(_full_at_each_write, name)

    return Fault(f"disk full at each write: {name}", sentence, play)


def _calls(name: str, sentence: str, **numbers: int) -> Fault:
    async def play() -> str:
        return await asyncio.to_thread(_each, **numbers)

    return Fault(name, sentence, play)


FAULTS = (
    _full("state", "The KV state is not kept; the next start evaluates that file anew."),
    _full("index", "The index is not kept; the next start looks through the workspace again."),
    _full("n-grams", "What was learned for drafts is not kept; the earlier table stays."),
    _full("tuned", "Tuning ends with a sentence; the earlier choice holds."),
    _full("statistics", "These counts are lost, the database stays whole, and typing goes on."),
    _full("settings", "The command ends with a sentence; the user's file is what it was."),
    _full("log", "Lines are lost; nothing is printed and nobody ends."),
    _full("shelf", "What was laid aside is kept in memory instead."),
    _full("lock", "The lock holds; only the process id that people read in it is missing."),
    _full("daemon", "The daemon serves; its log is cut short."),
    _calls("fsync says EIO", "The new file is thrown away and the old one stays.", fsync=errno.EIO),
    _calls("rename says EIO", "The new file is thrown away and the old one stays.", rename=errno.EIO),
    _calls(
        "rename is done and its answer lost, as on NFS",
        "The new file is there, and what reads it finds it whole.",
        rename_lost=1,
    ),
    _calls("rename says ESTALE, as on NFS", "The old file stays.", rename=errno.ESTALE),
    _calls(
        "no file can be made", "Nothing is kept, and each says so or goes on without.", create=errno.EROFS
    ),
    _calls("quota is used up", "Nothing is kept, and each says so or goes on without.", create=errno.EDQUOT),
)
