"""Where foretype's files lie on this machine. Only names: nothing here creates or reads anything.

`platformdirs` decides, so XDG variables and each system's customs are honoured.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import platformdirs

APPLICATION = "foretype"


def config_file() -> Path:
    """The user's configuration, TOML."""
    return Path(platformdirs.user_config_dir(APPLICATION, appauthor=False)) / "config.toml"


def data_dir() -> Path:
    """Models and statistics: what the user would miss."""
    return Path(platformdirs.user_data_dir(APPLICATION, appauthor=False))


def cache_dir() -> Path:
    """What can be made again: workspace indexes, saved KV states."""
    return Path(platformdirs.user_cache_dir(APPLICATION, appauthor=False))


def caches_dir() -> Path:
    """Where this system has all programs keep what can be made again."""
    return Path(platformdirs.user_cache_dir())


def applications_dirs() -> tuple[Path, ...]:
    """Where this system has all programs keep what is the user's, each folder once."""
    found = (platformdirs.user_config_dir(roaming=True), platformdirs.user_data_dir(roaming=True))
    return tuple(Path(each) for each in dict.fromkeys(found))


def log_dir() -> Path:
    """Logs of the daemon and of language servers."""
    return Path(platformdirs.user_log_dir(APPLICATION, appauthor=False))


def runtime_dir() -> Path:
    """The directory of the daemon's socket and lock, of this user alone.

    `$XDG_RUNTIME_DIR` where the system provides one; else a directory in the temporary folder that
    carries the user's id, so that two users of one machine never meet.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / APPLICATION
    if sys.platform == "win32":
        return Path(platformdirs.user_runtime_dir(APPLICATION, appauthor=False))  # in the user's own AppData
    return Path(tempfile.gettempdir()) / f"{APPLICATION}-{os.getuid()}"


def socket_path() -> Path:
    """The daemon's Unix socket."""
    return runtime_dir() / "daemon.sock"


def lock_path() -> Path:
    """The lock file that the one running daemon holds."""
    return runtime_dir() / "daemon.lock"
