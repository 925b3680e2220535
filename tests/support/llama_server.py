"""llama.cpp's own HTTP server, as the wheel xllamacpp has it compiled; takes llama-server's arguments.

For where no llama-server is: it answers the same, and slower, since the wheel is for any processor.
usage: python -m foretype.tests.support.llama_server -m MODEL --port PORT …
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import threading
from pathlib import Path
from typing import Any

NUMBERS = {"port": 8080, "np": 1, "c": 0, "b": 2048, "ub": 512, "t": 2, "cache_reuse": 0}
"""The arguments that are numbers, and what they are where nobody says."""


def is_there() -> bool:
    """Whether this Python has the wheel."""
    return importlib.util.find_spec("xllamacpp") is not None


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(prefix_chars="-")
    parser.add_argument("-m", required=True, type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    for name, number in NUMBERS.items():
        flag = f"-{name}" if len(name) < 3 else f"--{name.replace('_', '-')}"
        parser.add_argument(flag, dest=name, type=int, default=number)
    return parser.parse_args(arguments)


def main() -> None:
    """Serve until the process is ended, or the one that started it is gone."""
    started_by = os.getppid()
    wanted = parsed()
    llama: Any = importlib.import_module("xllamacpp")
    settings = llama.CommonParams()
    settings.model.path = str(wanted.m)
    settings.hostnames = [wanted.host]
    settings.port = wanted.port
    settings.n_parallel = wanted.np
    settings.n_ctx = wanted.c
    settings.n_batch, settings.n_ubatch = wanted.b, wanted.ub
    settings.n_cache_reuse = wanted.cache_reuse
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = wanted.t
    settings.endpoint_slots = settings.endpoint_props = True
    settings.ui = False
    server = llama.Server(settings)
    print(server.listening_address, flush=True)
    never = threading.Event()
    while os.getppid() == started_by:  # whoever was killed leaves no server behind
        never.wait(1.0)
    os._exit(0)


if __name__ == "__main__":
    main()
