"""Values of the protocol as clients really send them: read leniently, so that an odd field costs nothing.

It knows no method and no document.
"""

from __future__ import annotations

from typing import Any, cast


def as_map(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_int(value: Any) -> int:
    """The value if it is a number, else 0."""
    return int(value) if isinstance(value, int | float) and value == value and abs(value) < 2**53 else 0  # noqa: PLR0124 - NaN


def read_position(value: Any) -> tuple[int, int]:
    """(line, character) of a protocol position; what is missing counts as 0."""
    fields = as_map(value)
    return as_int(fields.get("line")), as_int(fields.get("character"))
