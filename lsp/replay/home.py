"""A home of its own for a language server and its daemon: sockets, settings, caches, logs, statistics apart.

So what runs there disturbs nothing of the user's, and nothing that the user's own daemon has learnt helps it.
Which model it runs is the caller's business.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

STOPPING_S = 120.0
"""How long a daemon may take to end."""

_FOLDERS = {
    "XDG_RUNTIME_DIR": "run",
    "XDG_CONFIG_HOME": "config",
    "XDG_CACHE_HOME": "cache",
    "XDG_STATE_HOME": "state",
    "XDG_DATA_HOME": "data",
}


@contextmanager
def private_environment(settings: str, tuned: Path | None = None) -> Generator[dict[str, str]]:
    """The environment of a fresh home. A daemon that was started in it is ended with it.

    Args:
        settings: the text of its configuration file, TOML; "" for none.
        tuned: where the user's choices of tuned models lie, which are to hold there as well.
    """
    base = Path(tempfile.mkdtemp(prefix="ft"))  # short: a socket's path may have 107 bytes
    folders = {name: base / folder for name, folder in _FOLDERS.items()}
    for folder in folders.values():
        folder.mkdir(mode=0o700)
    if settings:
        config = folders["XDG_CONFIG_HOME"] / "foretype" / "config.toml"
        config.parent.mkdir()
        config.write_text(settings, encoding="utf-8")
        config.chmod(0o600)
    if tuned is not None and tuned.is_dir():
        copied = folders["XDG_DATA_HOME"] / "foretype" / tuned.name
        copied.mkdir(parents=True)
        for choice in tuned.glob("*.json"):  # they name their files by whole paths
            shutil.copy(choice, copied)
    environment = {**os.environ, **{name: str(folder) for name, folder in folders.items()}}
    try:
        yield environment
    finally:
        run_foretype(environment, "daemon", "stop")
        shutil.rmtree(base, ignore_errors=True)


def run_foretype(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a home."""
    return subprocess.run(
        [sys.executable, "-c", "from foretype.daemon.cli.main import main; main()", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=STOPPING_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )
