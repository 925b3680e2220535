"""A place where somebody is about to finish a line. A value; where places come from is others' business."""

from __future__ import annotations

from pathlib import Path

import attrs

MOST_KEYS = 20
LEAST_KEYS = 8
LEAST_LEFT = 4
"""Code points that are left to write, blanks at either end not counted."""


@attrs.frozen
class Place:
    """Somebody is about to finish a line.

    Attributes:
        name: it stays the same in every run.
        root: the repository.
        path: of the file.
        language: the editor's language identifier.
        text: the document before the first key.
        offset: where the cursor stands then, in code points.
        keys: what is typed, one character a key.
        line: the whole line as its authors wrote it.
        left: what of it is left to write after the last key.
        held_out: rules were not made on this file.
    """

    name: str
    root: Path
    path: Path
    language: str
    text: str
    offset: int
    keys: str
    line: str
    left: str
    held_out: bool
