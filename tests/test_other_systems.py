"""What other systems lack is asked for when it is used, never when a module is imported."""

from __future__ import annotations

import subprocess
import sys

CHILD = """
import importlib, os, pkgutil, signal, socket, sys

MISSING = {
    os: ("O_CLOEXEC", "O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "getuid", "nice", "sched_getaffinity"),
    signal: ("SIGHUP", "SIGKILL", "SIGUSR1"),
    socket: ("AF_UNIX", "SO_PEERCRED"),
}

def modules():
    for room in ("context", "models", "lsp", "daemon", "editors"):
        package = importlib.import_module(f"foretype.{room}")
        for found in pkgutil.walk_packages(package.__path__, f"foretype.{room}."):
            if not found.name.endswith("__main__"):
                yield found.name

names = sorted(modules())
for name in names:
    importlib.import_module(name)  # with all that others wrote, which has branches of its own for each system
for name in [name for name in sys.modules if name.split(".")[0] == "foretype"]:
    del sys.modules[name]
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for module, attributes in MISSING.items():
    for attribute in attributes:
        vars(module).pop(attribute, None)
for name in names:
    importlib.import_module(name)
print(len(names))
"""
"""Imports every module of all rooms as if the system had nothing that only Unix has."""


def test_every_module_can_be_imported_without_what_only_unix_has() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", CHILD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
