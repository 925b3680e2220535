"""The one way to write a file: beside its place, and moved there when it is complete.

So whoever reads sees the old file or the new one, and a full disk, a killed process or a power cut costs
nothing but the new one: what stands in it is on the disk before its name is. Where files lie, and what stands
in them, is the caller's business.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

_PRIVATE = 0o600
"""What a temporary file has."""


def write_atomically(path: Path, parts: Iterable[bytes], *, prefix: str = "", mode: int = _PRIVATE) -> None:
    """Write a file in place of an earlier one: at once or not at all. Folders that are missing are made.

    Args:
        path: where; a link there is replaced, not followed.
        parts: what stands in it, one after the other.
        prefix: how the name of the unfinished file begins; "" takes the file's own name, hidden.
        mode: the file's permissions.

    Raises:
        OSError: it could not be written, and the earlier one is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=prefix or f".{path.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if mode != _PRIVATE:
            unfinished.chmod(mode)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def rewrite(path: Path, content: bytes) -> None:
    """The same for a file of the user's: a link is followed, and permissions stay as they are.

    Raises:
        OSError: see `write_atomically`.
    """
    path = path.resolve()  # it may be a link into a repository of dotfiles
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    write_atomically(path, (content,), mode=mode)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
