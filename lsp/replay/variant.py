"""One configuration that runs, in a home of its own: a language server for each place, one daemon for all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import attrs
import psutil

from ..demo.client import Client
from .place import Place
from .typist import Pace, Replayed, type_place


@attrs.frozen
class Variant:
    """What is compared with others.

    Attributes:
        name: for the figures.
        home: the environment of its processes; see `home`.
        python: the interpreter whose foretype runs.
    """

    name: str
    home: dict[str, str]
    python: str = sys.executable

    def processes(self) -> list[psutil.Process]:
        """The language servers and daemons of this home."""
        runtime = self.home["XDG_RUNTIME_DIR"]
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("XDG_RUNTIME_DIR") == runtime:
                    found.append(process)
        return found

    def processor_s(self) -> float:
        """Processor time of everything that runs in this home, in seconds."""
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total


@contextlib.asynccontextmanager
async def language_server(made: Variant, root: Path) -> AsyncGenerator[Client]:
    """A server of a variant for one folder; what it says counts code points.

    Raises:
        ServerProblem: it did not say hello.
    """
    client = await Client.start((made.python, "-P", "-m", "foretype.lsp"), env=made.home)
    try:
        await client.initialize(
            capabilities={"general": {"positionEncodings": ["utf-32"]}},
            initializationOptions={"betterSuggestions": True},
            workspaceFolders=[{"uri": root.as_uri(), "name": root.name}],
        )
        yield client
    finally:
        await client.close()


async def replay_place(made: Variant, place: Place, pace: Pace) -> Replayed:
    """One place through a server of its own and the variant's daemon.

    Raises:
        ServerProblem: the server did not say hello.
    """
    async with language_server(made, place.root) as client:
        return await type_place(client, place, pace, made.processor_s)
