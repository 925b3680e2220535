"""The key of an engine elsewhere: read from where the settings say, and shown to nobody.

It is kept in a value that hides it, so that no log, status or traceback can hold it. Sending it is
`transport`'s, which does so to one host alone.
"""

from __future__ import annotations

import importlib
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from .failure import FailureKind, RemoteFailedError

_MOST_BYTES = 16384


@attrs.frozen
class Secret:
    """A text that is never shown. `value` is what it hides, "" for nothing."""

    value: str = attrs.field(default="", repr=False)

    def __str__(self) -> str:
        return "(hidden)" if self.value else "(none)"


def read_key(reference: str, environment: Mapping[str, str]) -> Secret:
    """The key that a reference of the settings names.

    Args:
        reference: "env:VARIABLE", "file:PATH", "keyring:NAME" or "".
        environment: the variables.

    Raises:
        RemoteFailedError: it is named and cannot be had, or others could read it.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        found = environment.get(name, "")
    elif kind == "file":
        found = _from_file(Path(name).expanduser())
    elif kind == "keyring":
        found = _from_keyring(name)
    else:
        found = ""
    key = found.strip()
    if not key.isascii() or any(ord(char) < 32 for char in key):
        raise _unusable("The key of [remote] holds what no key holds, such as a line break.")
    return Secret(key)


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if sys.platform != "win32" and (
                stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.getuid()
            ):
                raise _unusable(
                    f"Others can read the key in {path}, so it is not used; 'chmod 600 {path}' mends that."
                )
            return file.read(_MOST_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(f"The key of [remote] cannot be read from {path}.") from error


def _from_keyring(name: str) -> str:
    try:
        keyring: Any = importlib.import_module("keyring")
    except ImportError as error:
        raise _unusable(
            "The key of [remote] is in the system's keyring; reading that needs 'pip install keyring'."
        ) from error
    try:
        found = keyring.get_password("foretype", name)
    except Exception as error:
        raise _unusable(f"The system's keyring does not give out the key '{name}'.") from error
    if not found:
        raise _unusable(
            f"The system's keyring has no key '{name}'; 'keyring set foretype {name}' puts it there."
        )
    return str(found)


def _unusable(sentence: str) -> RemoteFailedError:
    return RemoteFailedError(FailureKind.KEY, sentence)
