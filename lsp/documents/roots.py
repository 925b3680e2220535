"""Paths of documents: from their URIs, and from the workspace's folders that they lie in. Pure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePath

from pygls import uris

from .cell_uris import file_uri_of_cell

_LONGEST_NAME = 255
"""Bytes that a file's name may have on the systems there are."""


def path_of(uri: str) -> str:
    """The path of a URI of a file or of a notebook's cell, with forward slashes; "" for any other.

    What no system can have as a path, such as one with a null character, is none.
    """
    try:
        path = uris.to_fs_path(file_uri_of_cell(uri) or uri if _has_path(uri) else "")
        name = os.fsencode(path or "")
        possible = b"\0" not in name and all(len(part) <= _LONGEST_NAME for part in name.split(b"/"))
    except Exception:  # noqa: BLE001 - a URI is the client's, and may be anything
        return ""
    return PurePath(path).as_posix() if path and possible else ""


def _has_path(uri: str) -> bool:
    return uri.startswith("file:") or bool(file_uri_of_cell(uri))


def root_of(uri: str, roots: Sequence[str]) -> str:
    """The innermost of the workspace's folders that a document lies in; "" outside all of them."""
    return root_of_file(path_of(uri), roots)


def root_of_file(path: str, roots: Sequence[str]) -> str:
    """The innermost of the workspace's folders that a file lies in; "" outside all of them."""
    inside = [root.rstrip("/") for root in roots if path.startswith(root.rstrip("/") + "/")]
    return max(inside, key=len, default="")


def relative_path(path: str, roots: Sequence[str]) -> str:
    """The path below the innermost of the workspace's folders, or the bare file name outside all of them."""
    root = root_of_file(path, roots)
    return path[len(root) + 1 :] if root else path.rsplit("/", 1)[-1]
