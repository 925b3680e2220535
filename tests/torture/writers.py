"""Everything that foretype writes to disk, each alone: for a disk that is full at each write of it.

`python -m foretype.tests.torture.writers NAME FOLDER` writes one of them into a folder, as the product does,
and exits with 0 when it was written, with 3 when the product said in a sentence that it was not.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foretype.context.shared.atomic import rewrite
from foretype.context.shared.logs import log_to
from foretype.context.shared.problem import Problem
from foretype.context.workspace.shelf import Shelf
from foretype.daemon.process.home import Lock
from foretype.daemon.process.lifecycle import start_daemon
from foretype.tests.support.fake_daemon import place_in, spawn_fake
from foretype.tests.torture.fuzz_files import KINDS

NOT_WRITTEN = 3


def _of_kind(name: str) -> Callable[[Path], Any]:
    return KINDS[name].make


def _settings(folder: Path) -> None:
    rewrite(folder / "config.toml", b"[completion]\nenabled = true\n" * 400)


def _log(folder: Path) -> None:
    log_to(folder / "a.log", "info")
    for number in range(8000):  # long enough that a new file is begun
        logging.getLogger("foretype.torture").info("a line of a log, number %d, %s", number, "x" * 80)


def _shelf(folder: Path) -> None:
    shelf = Shelf(folder)
    places = [(shelf.put(data := bytes([number]) * 700), data) for number in range(40)]
    wrong = [at for at, data in places if shelf.get(at, len(data)) != data]
    assert not wrong, "what was laid aside is not what comes back"


def _lock(folder: Path) -> None:
    lock = Lock.take(folder / "daemon.lock")
    assert lock is not None
    lock.sign()
    lock.release()


def _daemon(folder: Path) -> None:
    place = place_in(folder)

    async def once() -> None:
        from foretype.daemon.client.client import DaemonClient

        await start_daemon(place, spawn=spawn_fake)
        client = DaemonClient(place)
        try:
            await client.status()
            await client.stop()
        finally:
            await client.aclose()

    asyncio.run(once())


WRITERS: dict[str, Callable[[Path], Any]] = {
    **{name: _of_kind(name) for name in KINDS},
    "settings": _settings,
    "log": _log,
    "shelf": _shelf,
    "lock": _lock,
    "daemon": _daemon,
}


def main() -> None:
    """Write one thing."""
    os.chdir("/")
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        WRITERS[sys.argv[1]](Path(sys.argv[2]))
    except (OSError, Problem) as error:
        print(error)
        sys.exit(NOT_WRITTEN)


if __name__ == "__main__":
    main()
