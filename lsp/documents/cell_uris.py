"""What the URI of a notebook's cell says: the notebook's file, and which cell it is. Pure.

Editors number cells in ways of their own; VS Code writes the notebook's scheme into the fragment.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote

CELL = re.compile(r"([\w.+-]*notebook-cell):(?://[^/#?]*)?([^#?]*)(?:\?[^#]*)?(?:#(.*))?", re.DOTALL)
_HANDLE = re.compile(r"([W-Za-f])([0-6]+)s([\w+/=-]*)")
_NUMBERED = re.compile(r"(?:[A-Za-z_-]*?)(\d+)|ch(\d{7}).*")
_UNSAVED = "untitled"


def file_uri_of_cell(uri: str) -> str:
    """The URI of the file that a cell's URI names; "" for any other URI, and where there is no file yet."""
    found = CELL.fullmatch(uri)
    if found is None or not found[2].startswith("/"):
        return ""
    fragment = _HANDLE.fullmatch(unquote(found[3] or ""))
    unsaved = fragment is not None and _scheme(fragment[3]) == _UNSAVED
    return "" if unsaved else "file://" + found[2]


def _scheme(encoded: str) -> str:
    """The scheme of the notebook itself, which VS Code writes into its cells' URIs."""
    try:
        padded = encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4)
        return base64.b64decode(padded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def cell_number(uri: str) -> int | None:
    """The number in a cell's URI, if there is one: VS Code counts cells as they come to be."""
    fragment = unquote(uri.partition("#")[2])
    if (handle := _HANDLE.fullmatch(fragment)) is not None:
        return int(handle[2], 7)
    numbered = _NUMBERED.fullmatch(fragment)
    return int(numbered[1] or numbered[2]) if numbered is not None else None
