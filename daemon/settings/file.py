"""Reads the user's TOML file and says, line by line, what in it was ignored.

A line that is not TOML is left out and the rest is honoured, so a half-edited file never switches
everything back to its defaults. What values are allowed is `settings`'s knowledge.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from ...context.shared.files import never_waiting
from .settings import ConfigComplaint, Settings, apply

_MAX_BYTES = 1_000_000
MAX_BAD_LINES = 25
"""How many lines are left out before the rest of a file is given up."""

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)$")
_ASSIGNMENT = re.compile(r"""^\s*+((?:"(?:[^"\\]|\\.)*+"|'[^']*+'|[\w.\-]++|\s++(?!=))++)\s*=""")
_HEADER = re.compile(r"^\s*\[{1,2}[^\[\]]+\]{1,2}\s*(#.*)?$")
_LOST_SECTION = "\0a header that is not TOML"


def load_settings(path: Path) -> tuple[Settings, list[ConfigComplaint]]:
    """The settings in a file and what in it was ignored. Never raises.

    A file that is not there means the defaults and is no complaint.
    """
    source = str(path)
    try:
        with open(path, "rb", opener=never_waiting) as file:  # noqa: PTH123 - Path.open takes no opener
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return Settings(), []
    except OSError as error:
        return Settings(), [
            ConfigComplaint(source, 0, "", f"it cannot be read ({error.strerror}); the defaults are used.")
        ]
    if len(data) > _MAX_BYTES:
        return Settings(), [
            ConfigComplaint(
                source, 0, "", "it is over 1 MB, so this is no configuration; the defaults are used."
            )
        ]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Settings(), [ConfigComplaint(source, line, "", "it is not UTF-8; the defaults are used.")]
    return parse_settings(text, source)


def parse_settings(text: str, source: str) -> tuple[Settings, list[ConfigComplaint]]:
    """The settings in TOML text; see `load_settings`."""
    lines = text.replace("\r\n", "\n").split("\n")
    values, bad_lines = _tolerant(lines)
    complaints = [ConfigComplaint(source, line, "", what) for line, what in bad_lines]
    values.pop(_LOST_SECTION, None)
    settings, flaws = apply(Settings(), values)
    places = dict(_keys(lines))
    for flaw in flaws:
        line = next(
            (
                places[flaw.path[:depth]]
                for depth in range(len(flaw.path), 0, -1)
                if flaw.path[:depth] in places
            ),
            0,
        )
        complaints.append(ConfigComplaint(source, line, ".".join(flaw.path), flaw.what))
    return settings, sorted(complaints, key=lambda complaint: complaint.line)


def _tolerant(lines: list[str]) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """The parsed file, and each line that had to be left out with a sentence. Blanks those in `lines`."""
    bad: list[tuple[int, str]] = []
    for _ in range(MAX_BAD_LINES):
        try:
            return tomllib.loads("\n".join(lines)), bad
        except tomllib.TOMLDecodeError as error:
            found = _AT_LINE.search(str(error))
            number = int(found[1]) if found else _last_line(lines)
            why = _AT_LINE.sub("", str(error)).removesuffix("(at end of document)").strip().rstrip(".")
        except RecursionError:
            return {}, [*bad, (0, "it is nested too deeply; the defaults are used.")]
        if not lines[number - 1].strip():
            number = _last_line(lines[:number])
        bad.append((number, f"this line is not TOML and is ignored ({why[:1].lower()}{why[1:]})."))
        # What follows a lost header belongs to no section, rather than to the one before.
        lost = f'["\\u0000a header that is not TOML".n{number}]'
        lines[number - 1] = lost if lines[number - 1].lstrip().startswith("[") else ""
    bad.append((0, f"more than {MAX_BAD_LINES} lines are not TOML; the defaults are used."))
    return {}, bad


def _last_line(lines: list[str]) -> int:
    """The number of the last line with anything on it, or 1."""
    return next((number for number in range(len(lines), 0, -1) if lines[number - 1].strip()), 1)


def _keys(lines: list[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Where each key and section begins. For complaints only: text that looks like a key may mislead it."""
    section: tuple[str, ...] = ()
    for number, line in enumerate(lines, 1):
        if _HEADER.match(line[:500]):
            section = _path(line)
            yield section, number
        elif assignment := _ASSIGNMENT.match(line[:500]):
            yield (*section, *_path(f"{assignment[1]} = 0")), number


def _path(line: str) -> tuple[str, ...]:
    """The path of keys that one line of TOML makes; () when it makes none."""
    try:
        node: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while node and isinstance(node, dict | list):
        if isinstance(node, list):
            node = cast("list[Any]", node)[0]
            continue
        key, node = next(iter(cast("dict[str, Any]", node).items()))
        path.append(key)
    return tuple(path)
