"""Where a new import belongs among the others, and how it is written there.

A file shows how it sorts and groups: that is read off and followed. Where it shows nothing, the language's
custom stands in. Lines are put in whole, never into one that has code. No language is known here by name.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import attrs

from ..text.lines import indent_of, line_end, line_start, newline_of, next_line_start
from .values import ImportEdit, ImportedItem, Statement

_T = TypeVar("_T")
SortKey = Callable[[Any], Any]

_WIDEST = 120
_HEADER_WORDS = (
    "copyright",
    "license",
    "licence",
    "spdx",
    "-*-",
    "coding:",
    "coding=",
    "@file",
    "@license",
    "frozen_string_literal",
    "typed:",
)


@attrs.frozen
class Custom:
    """How imports are ordered.

    Attributes:
        group: the number of the group that a statement belongs to; groups stand in that order.
        keys: orders that files use within a group, the customary first.
        separated: whether blank lines stand between groups where the file shows nothing.
        mixed: whether statements of different groups are sorted as one where nothing separates them.
        after: blank lines between the imports and code where there were none before.
    """

    group: Callable[[Statement], int]
    keys: tuple[SortKey, ...]
    separated: bool = False
    mixed: bool = False
    after: int = 1


def _position(known: Sequence[_T], new: _T, keys: Sequence[SortKey]) -> int:
    """Where `new` goes among `known`: by the first order that they keep, at their end when they keep none."""
    for key in keys:
        sorted_by = [key(each) for each in known]
        if all(one <= other for one, other in pairwise(sorted_by)):
            return bisect_right(sorted_by, key(new))
    return len(known)


def blank_between(text: str, one: Statement, other: Statement) -> bool:
    """Whether a blank line stands between two statements."""
    between = text[one.end : other.start].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return any(not line.strip() for line in between[1:-1])


def added(text: str, run: Sequence[Statement], new: Statement, written: str, custom: Custom) -> ImportEdit:
    """The edit that puts a statement of its own among those of a run, which has at least one."""
    groups = [custom.group(each) for each in run]
    own = custom.group(new)
    separated = _separated(text, run, groups, custom)
    same = [index for index, group in enumerate(groups) if group == own]
    if not same and custom.mixed and not separated:
        same = list(range(len(run)))
    if same:
        block = _first_block(text, run, same)
        at = _position([run[index] for index in block], new, custom.keys)
        if at < len(block):
            return _above(text, run[block[at]], written)
        return _below(text, run[block[-1]], written)
    earlier = [index for index, group in enumerate(groups) if group < own]
    if not earlier:
        return _above(text, run[0], written, blank=separated)
    last = earlier[-1]
    follows = last + 1 < len(run) and not blank_between(text, run[last], run[last + 1])
    return _below(text, run[last], written, blank=separated, blank_after=separated and follows)


def _separated(text: str, run: Sequence[Statement], groups: list[int], custom: Custom) -> bool:
    """Whether blank lines stand between groups in this file."""
    borders = [index for index in range(1, len(run)) if groups[index] != groups[index - 1]]
    if not borders:
        return custom.separated
    return any(blank_between(text, run[index - 1], run[index]) for index in borders)


def _first_block(text: str, run: Sequence[Statement], same: list[int]) -> list[int]:
    """The first of `same` and those of them that follow without a blank line in between."""
    block = same[:1]
    for index in same[1:]:
        if any(blank_between(text, run[one], run[one + 1]) for one in range(block[-1], index)):
            break
        block.append(index)
    return block


def _above(text: str, other: Statement, written: str, *, blank: bool = False) -> ImportEdit:
    newline = newline_of(text)
    at = line_start(text, other.start)
    indent = indent_of(text[at : other.start])
    return ImportEdit(at, at, indent + written + newline * (2 if blank else 1))


def _below(
    text: str, other: Statement, written: str, *, blank: bool = False, blank_after: bool = False
) -> ImportEdit:
    newline = newline_of(text)
    start = line_start(text, other.start)
    indent = indent_of(text[start : other.start])
    end = line_end(text, other.end)
    at = next_line_start(text, other.end)
    before = newline if blank else ""
    behind = newline if blank_after else ""
    if at == end:  # the file ends here, without a line end
        return ImportEdit(at, at, newline + before + indent + written)
    return ImportEdit(at, at, before + indent + written + newline + behind)


def first(text: str, header_end: int, written: str, custom: Custom, *, indent: str = "") -> ImportEdit:
    """The edit that puts in the first import of a file, behind a header that ends at `header_end`.

    Args:
        text: the whole text.
        header_end: where the header's last line ends, or 0 where there is no header.
        written: the statement.
        custom: how many blank lines belong behind it.
        indent: what the line begins with.
    """
    newline = newline_of(text)
    at = next_line_start(text, header_end - 1) if header_end else 0
    ended = at == 0 or text[at - 1 : at] in {"\n", "\r"}
    before = "" if not header_end else newline if ended else newline * 2
    rest = text[at:]
    code = rest.lstrip(" \t\r\n\f")
    blanks = rest[: len(rest) - len(code)]
    there = blanks.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    if not code:
        return ImportEdit(at, at, before + indent + written + newline)
    wanted = max(custom.after - there, 0)
    if before and there:  # the blank line above the code becomes the one above the import
        return ImportEdit(at, at, newline + indent + written + newline + newline * wanted)
    return ImportEdit(at, at, before + indent + written + newline + newline * wanted)


def header_end(text: str, parts: Sequence[tuple[int, int, bool]]) -> int:
    """Where a file's header ends: 0, or the end of its last part.

    Args:
        text: the whole text.
        parts: (start, end, whether it is a comment) of what stands at the beginning and may belong to the
            header, in order, up to the first statement that doesn't. A comment right above that statement
            belongs to it.
    """
    end = 0
    for index, (start, stop, comment) in enumerate(parts):
        if comment and not (
            _is_header_comment(text, start, stop)
            or _blank_behind(text, stop)
            or any(not other for _, _, other in parts[index + 1 :])
            or _belongs_to_header(text, parts[index + 1 :], stop)
        ):
            break
        end = max(end, stop)
    return end


def _belongs_to_header(text: str, later: Sequence[tuple[int, int, bool]], stop: int) -> bool:
    """Whether a comment's block ends with a blank line."""
    for start, end, _ in later:
        if text.count("\n", stop, start) + text.count("\r", stop, start) > 2:
            return True
        if _blank_behind(text, end):
            return True
        stop = end
    return False


def _is_header_comment(text: str, start: int, end: int) -> bool:
    said = text[start:end].lower()
    return (start == 0 and said.startswith("#!")) or any(word in said for word in _HEADER_WORDS)


def _blank_behind(text: str, end: int) -> bool:
    """Whether the line below what ends here is blank, or there is none."""
    below = next_line_start(text, max(end - 1, 0))
    return not text[below : line_end(text, below)].strip()


def widest(text: str, least: int) -> int:
    """How long lines may become: `least`, or as long as the file has them, within reason."""
    longest = max((len(line) for line in text.splitlines()), default=0)
    return min(max(least, longest), max(least, _WIDEST))


def listed(text: str, statement: Statement, written: str, keys: Sequence[SortKey], name: str) -> ImportEdit:
    """The edit that adds a name to a statement's list, which isn't empty.

    Args:
        text: the whole text.
        statement: the statement; its list may run over several lines.
        written: what is put in.
        keys: orders of names that files use, the customary first.
        name: what the new one is sorted by.
    """
    items = statement.items
    at = _position([item.name for item in items], name, keys)
    if statement.opened < 0:  # without brackets, a line break would end the statement
        if at < len(items):
            return ImportEdit(items[at].start, items[at].start, f"{written}, ")
        return ImportEdit(items[-1].end, items[-1].end, f", {written}")
    if at < len(items):
        here = items[at]
        return ImportEdit(here.start, here.start, f"{written},{_line_gap(text, here)}")
    last = items[-1]
    gap = _line_gap(text, last)
    if len(items) > 1:
        between = text[items[-2].end : last.start]
        gap = between[between.find(",") + 1 :] if not set("#/") & set(between) else gap
    return ImportEdit(last.end, last.end, f",{gap}{written}")


def _line_gap(text: str, other: ImportedItem) -> str:
    """What stands between an item and its neighbour, where one of them begins a line, or none does."""
    line = line_start(text, other.start)
    if not text[line : other.start].strip():
        return newline_of(text) + text[line : other.start]
    return " "
