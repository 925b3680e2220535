"""The source code on which `tune` measures what a file type loses: several languages, always the same.

The texts are data and never change with the project: figures from different releases are measured on the
same bytes. `sample.toml` was written for this; the two `.py.txt` files are Python of this project as it
once was. Tokens are not made here.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

_FOLDER = Path(__file__).parent


def tuning_sample() -> bytes:
    """A few thousand tokens of C, TypeScript, Go, Rust and Python, in UTF-8."""
    texts = tomllib.loads((_FOLDER / "sample.toml").read_text(encoding="utf-8"))
    parts = [str(text).encode() for text in texts.values()]
    return b"\n".join([*parts, (_FOLDER / "sample.py.txt").read_bytes()])


def other_code() -> bytes:
    """Source code that is not in `sample`: about 80,000 tokens of Python, in UTF-8."""
    return (_FOLDER / "other.py.txt").read_bytes()
