"""foretype's own version, read from the installed distribution."""

from __future__ import annotations

import functools
import importlib.metadata


@functools.cache
def release() -> str:
    """The version, such as "0.1.0"; "unknown" when run from files that were never installed."""
    try:
        return importlib.metadata.version("foretype")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
