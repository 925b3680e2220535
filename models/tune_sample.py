"""The source code on which `tune` measures what a file type loses: several languages, always the same.

Text in `tune_sample.toml`, written for this, then some of this project's own Python. Tokens are not
made here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

_OWN = ("stops.py", "pace.py", "cache.py")


def sample() -> bytes:
    """A few thousand tokens of C, TypeScript, Go, Rust and Python, in UTF-8."""
    folder = Path(__file__).parent
    texts = tomllib.loads((folder / "tune_sample.toml").read_text(encoding="utf-8"))
    parts = [str(text).encode() for text in texts.values()]
    return b"\n".join([*parts, *((folder / name).read_bytes() for name in _OWN)])


def other_code() -> bytes:
    """Source code that is not in `sample`: this project's own Python, in UTF-8."""
    folder = Path(__file__).parent.parent / "context"
    return b"\n".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
