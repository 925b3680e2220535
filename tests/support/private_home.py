"""A home of its own for a test that starts real processes: sockets, logs, caches and settings apart.

The model is the one exception: it is the user's, named by path in the private configuration.
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

import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.models.library.store import resolve_model

DEFAULT_MODEL = "smollm2-135m"


def default_model() -> Path:
    """The default model's file; skips the test where it was never pulled."""
    try:
        return resolve_model(DEFAULT_MODEL)
    except ModelProblem:
        pytest.skip(f"needs the model: 'foretype models pull {DEFAULT_MODEL}'")


@contextmanager
def private_home(model: Path | None = None) -> Generator[dict[str, str]]:
    """The environment of a fresh home. A daemon that was started in it is ended with it."""
    base = Path(tempfile.mkdtemp(prefix="ft"))  # short: a socket's path may have 107 bytes
    folders = {
        "XDG_RUNTIME_DIR": base / "run",
        "XDG_CONFIG_HOME": base / "config",
        "XDG_CACHE_HOME": base / "cache",
        "XDG_STATE_HOME": base / "state",
        "XDG_DATA_HOME": base / "data",
    }
    for folder in folders.values():
        folder.mkdir(mode=0o700)
    if model is not None:
        config = folders["XDG_CONFIG_HOME"] / "foretype" / "config.toml"
        config.parent.mkdir()
        config.write_text(f'[model]\npath = "{model}"\n')
    environment = {**os.environ, **{name: str(folder) for name, folder in folders.items()}}
    try:
        yield environment
    finally:
        foretype(environment, "daemon", "stop")
        shutil.rmtree(base, ignore_errors=True)


def foretype(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a home."""
    return subprocess.run(
        [sys.executable, "-c", "from foretype.daemon.cli.main import main; main()", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
