"""What a project's .editorconfig files say about how a file is indented.

The `editorconfig` library reads the files' lines and sections. Whether a section is about the file is decided
here: the library makes regular expressions of patterns, and a workspace is data whose patterns must not be
able to hang anything, nor its lines: those that are longer than anybody writes are left out. Matching takes
time in proportion to pattern and path. Pure; reading files is `lsp`'s.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any, cast

from editorconfig.exceptions import ParsingError
from editorconfig.ini import EditorConfigParser

from ..text.indentation import NOTHING_SAID, IndentOptions

EDITORCONFIG_FILE = ".editorconfig"

MAX_EDITORCONFIG_BYTES = 64_000
"""A larger file is left out."""

_LONGEST_LINE = 1000
_LONGEST_PATH = 1000
_DEEPEST = 8
_WIDEST = 16
_BLANKS = {"space": True, "tab": False}
_RANGE = re.compile(r"([+-]?\d{1,9})\.\.([+-]?\d{1,9})")
_NUMBER = re.compile(r"[+-]?\d{1,9}")


class Section(EditorConfigParser):
    """One .editorconfig file: `options` are what it says about the path, `root_file` is true for the last."""

    def matches_filename(self, config_filename: str, glob: str) -> bool:
        """Whether a section is about the path. `self.filename` is relative to the file's folder."""
        del config_filename
        glob = glob.replace("\\#", "#").replace("\\;", ";")
        name = self.filename if "/" in glob else self.filename.rsplit("/", 1)[-1]
        return editorconfig_matches("/" + name, "/" + glob.removeprefix("/"))

    def take(self, text: str) -> None:
        """Read the file's text; what can't be understood is skipped."""
        lines = [line + "\n" for line in text.splitlines() if len(line) <= _LONGEST_LINE]
        try:
            self._read(cast("Any", io.StringIO("".join(lines))), EDITORCONFIG_FILE)
        except ParsingError:
            return  # told at the end, when everything else has been read


def project_indent(path: str, files: Sequence[tuple[str, str]]) -> IndentOptions:
    """What .editorconfig files say about a file.

    Args:
        path: the file's, absolute, with forward slashes.
        files: folder and text of each .editorconfig above it, the innermost first.
    """
    values: dict[str, str] = {}
    for folder, text in files:
        inside = path.removeprefix(folder.rstrip("/") + "/")
        if len(inside) > _LONGEST_PATH:
            return NOTHING_SAID
        section = Section(inside)
        section.take(text)
        values = {**section.options, **values}
        if section.root_file:
            break
    tab_width = _columns(values.get("tab_width", ""))
    size = _columns(values.get("indent_size", ""))
    if values.get("indent_size", "").lower() == "tab":
        size = tab_width
    return IndentOptions(_BLANKS.get(values.get("indent_style", "").lower()), size, tab_width or size)


def is_last(text: str) -> bool:
    """Whether nothing above this .editorconfig counts (`root = true`)."""
    section = Section("")
    section.take(text)
    return section.root_file


def _columns(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and 0 < int(value[:3]) <= _WIDEST else 0


def editorconfig_matches(path: str, pattern: str) -> bool:
    """Whether a pattern of .editorconfig is about a path; both begin with a slash."""
    return len(path) in _ends(pattern, path, {0}, 0)


def _ends(pattern: str, path: str, starts: set[int], depth: int) -> set[int]:
    """Where a pattern may end in a path if it begins at one of `starts`."""
    now: set[int] = starts
    at = 0
    while at < len(pattern) and now:
        if pattern.startswith("/**/", at):
            first = min((here for here in now if path.startswith("/", here)), default=len(path))
            now, at = {here + 1 for here in range(first, len(path)) if path[here] == "/"}, at + 4
        elif pattern.startswith("**", at):
            now, at = set(range(min(now), len(path) + 1)), at + 2
        elif pattern[at] == "*":
            now, at = _within_a_name(path, now), at + 1
        elif pattern[at] == "{" and (end := _closing(pattern, at)) > 0 and depth < _DEEPEST:
            now, at = _any_of(pattern[at + 1 : end], path, now, depth), end + 1
        else:
            allowed, at = _character(pattern, at)
            now = {here + 1 for here in now if here < len(path) and allowed(path[here])}
    return now


def _within_a_name(path: str, starts: set[int]) -> set[int]:
    """What `*` reaches."""
    reached: set[int] = set()
    going = False
    for here in range(min(starts), len(path) + 1):
        going = going or here in starts
        if going:
            reached.add(here)
        going = going and not path.startswith("/", here)
    return reached


def _closing(pattern: str, at: int) -> int:
    """Where the brace that opens at `at` closes; -1 where it doesn't."""
    depth = 0
    while at < len(pattern):
        depth += {"{": 1, "}": -1}.get(pattern[at], 0)
        if not depth:
            return at
        at += 2 if pattern[at] == "\\" else 1
    return -1


def _any_of(inside: str, path: str, starts: set[int], depth: int) -> set[int]:
    """What braces reach: one of several patterns, a number of a range, or, with neither, themselves."""
    parts, level, at, begin = list[str](), 0, 0, 0
    while at < len(inside):
        level += {"{": 1, "}": -1}.get(inside[at], 0)
        if inside[at] == "," and not level:
            parts.append(inside[begin:at])
            begin = at + 1
        at += 2 if inside[at] == "\\" else 1
    if parts:
        return {end for part in [*parts, inside[begin:]] for end in _ends(part, path, starts, depth + 1)}
    span = _RANGE.fullmatch(inside)
    if span is None:
        return _ends("\\{" + inside + "\\}", path, starts, depth + 1)
    low, high = sorted((int(span[1]), int(span[2])))
    found = [number for here in starts if (number := _NUMBER.match(path, here)) is not None]
    return {number.end() for number in found if low <= int(number[0]) <= high}


def _character(pattern: str, at: int) -> tuple[_Allowed, int]:
    """(which characters stand for the next piece of a pattern, where the piece after it begins)."""
    character = pattern[at]
    end = pattern.find("]", at + 2) if character == "[" else -1
    if end > 0 and "/" not in pattern[at:end]:
        negated = pattern[at + 1] in "!^"
        members = _members(pattern[at + 2 if negated else at + 1 : end])
        return _Allowed(members, negated=negated), end + 1
    if character == "?":
        return _Allowed("/", negated=True), at + 1
    if character == "\\" and at + 1 < len(pattern):
        return _Allowed(pattern[at + 1]), at + 2
    return _Allowed(character), at + 1


class _Allowed:
    """A set of characters, or all others but the slash."""

    def __init__(self, members: str, *, negated: bool = False) -> None:
        self._members = members
        self._negated = negated

    def __call__(self, character: str) -> bool:
        if self._negated:
            return character not in self._members and character != "/"
        return character in self._members


def _members(listed: str) -> str:
    """The characters of `a-cx`."""
    ranges = re.sub(
        r"([0-9A-Za-z])-([0-9A-Za-z])",
        lambda found: "".join(map(chr, range(ord(found[1]), ord(found[2]) + 1))),
        listed,
    )
    return ranges.replace("\\", "")
