"""The line index and the positions against naive models, and the two cases that pygls gets wrong."""

from __future__ import annotations

import re
import timeit
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from foretype.lsp.documents import line_index
from foretype.lsp.documents.document import Document
from foretype.lsp.documents.line_index import LineIndex
from foretype.lsp.documents.positions import (
    Encoding,
    negotiate,
    offset_at,
    position_at,
    units,
    without_surrogates,
)
from hypothesis import given
from hypothesis import strategies as st

ALPHABET = st.sampled_from(
    ["a", "b", " ", "\n", "\r", "\r\n", "\f", "\u2028", "\x85", "é", "世", "😀", "\x00"]
)
TEXTS = st.lists(ALPHABET, max_size=30).map("".join)
ENCODINGS = st.sampled_from(list(Encoding))


def naive_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\r\n|\n|\r", text))]


def naive_offset(text: str, line: int, character: int, encoding: Encoding) -> int:
    """Walk the text one code point at a time."""
    starts = naive_starts(text)
    if line < 0:
        return 0
    if line >= len(starts):
        return len(text)
    offset, used = starts[line], 0
    while offset < len(text) and text[offset] not in "\r\n":
        used += (
            len(text[offset].encode(encoding.value + ("-le" if encoding is not Encoding.UTF8 else "")))
            // {
                Encoding.UTF8: 1,
                Encoding.UTF16: 2,
                Encoding.UTF32: 4,
            }[encoding]
        )
        if used > character:
            break
        offset += 1
    return offset


def check_index(index: LineIndex, text: str) -> None:
    assert [index.start(line) for line in range(len(index))] == naive_starts(text)
    for offset in range(len(text) + 1):
        assert index.line_at(offset) == sum(1 for start in naive_starts(text) if start <= offset) - 1
    for line in range(len(index)):
        start, end = index.bounds(line)
        assert not re.search("[\r\n]", text[start:end])
        assert end == len(text) or text[end] in "\r\n"


PARTS = pytest.mark.parametrize("part", [1, 2, 3, 100])


@PARTS
@given(text=TEXTS)
def test_a_fresh_index_finds_every_line(part: int, text: str) -> None:
    with patch.object(line_index, "_PART", part):
        check_index(LineIndex(text), text)


@PARTS
@given(text=TEXTS, edits=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8), TEXTS), max_size=8))
def test_an_edited_index_equals_a_fresh_one(part: int, text: str, edits: list[tuple[int, int, str]]) -> None:
    with patch.multiple(line_index, _PART=part, _MANY=3):
        edit_and_check(text, edits)


def edit_and_check(text: str, edits: list[tuple[int, int, str]]) -> None:
    index = LineIndex(text)
    for at, removed, inserted in edits:
        start = min(at, len(text))
        end = min(start + removed, len(text))
        new = text[:start] + inserted + text[end:]
        index.edit(new, start, end, start + len(inserted))
        text = new
        check_index(index, text)


@given(TEXTS, st.integers(-2, 12), st.integers(-2, 40), ENCODINGS)
def test_positions_agree_with_a_walk_through_the_text(
    text: str, line: int, character: int, encoding: Encoding
) -> None:
    assert offset_at(text, LineIndex(text), line, character, encoding) == naive_offset(
        text, line, character, encoding
    )


@given(TEXTS, st.integers(0, 60), ENCODINGS)
def test_an_offset_survives_the_way_out_and_back(text: str, offset: int, encoding: Encoding) -> None:
    index = LineIndex(text)
    offset = min(offset, len(text))
    if text[offset - 1 : offset + 1] == "\r\n" and offset:
        return  # no position lies inside a line break
    assert offset_at(text, index, *position_at(text, index, offset, encoding), encoding) == offset


@given(st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010), max_size=12))
def test_lone_surrogates_become_one_replacement_character_each(text: str) -> None:
    clean = without_surrogates(text)
    assert len(clean) == len(text)
    assert clean.encode("utf-8").decode("utf-8") == clean
    for encoding in Encoding:
        assert units(clean, encoding) == units(text, encoding)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, Encoding.UTF16),
        ([], Encoding.UTF16),
        (["utf-16"], Encoding.UTF16),
        (["utf-7", "utf-8"], Encoding.UTF8),
        (["utf-16", "utf-8", "utf-32"], Encoding.UTF16),
        (["utf-8", "utf-32", "utf-16"], Encoding.UTF8),
        (["utf-7", "utf-32", "utf-8"], Encoding.UTF32),
    ],
)
def test_the_encoding_is_the_first_that_the_client_lists(offered: list[str] | None, chosen: Encoding) -> None:
    assert negotiate(offered) is chosen


def change(line: int, character: int, end_line: int, end_character: int, text: str) -> dict[str, object]:
    return {
        "range": {
            "start": {"line": line, "character": character},
            "end": {"line": end_line, "character": end_character},
        },
        "text": text,
    }


def edited(text: str, *changes: dict[str, object]) -> str:
    document = Document("untitled:x", "plaintext", 1, text)
    for item in changes:
        document.apply(item, Encoding.UTF16)
    return document.text


@pytest.mark.parametrize("odd", ["\f", "\u2028", "\u2029", "\x85", "\v", "\x1c"])
def test_an_edit_below_an_odd_break_lands_on_its_line(odd: str) -> None:
    assert edited(f"one{odd}more\ntwo\n", change(1, 0, 1, 3, "TWO")) == f"one{odd}more\nTWO\n"


def test_a_column_past_the_end_of_a_last_line_without_newline_is_its_end() -> None:
    assert edited("one\ntwo", change(1, 99, 1, 99, "!")) == "one\ntwo!"


@given(TEXTS, st.lists(st.tuples(*[st.integers(-1, 6)] * 4, TEXTS), max_size=6), ENCODINGS)
def test_a_document_follows_any_changes(
    text: str, changes: list[tuple[int, int, int, int, str]], encoding: Encoding
) -> None:
    document = Document("untitled:x", "python", 1, text)
    for line, character, end_line, end_character, new in changes:
        start = naive_offset(text, line, character, encoding)
        end = naive_offset(text, end_line, end_character, encoding)
        start, end = min(start, end), max(start, end)
        text = text[:start] + new + text[end:]
        document.apply(change(line, character, end_line, end_character, new), encoding)
        assert document.text == text
        check_index(document.lines, text)


def test_half_a_change_is_better_than_an_exception() -> None:
    document = Document("untitled:x", "python", 1, "abc")
    odd: list[Any] = [
        {},
        {"text": 3},
        {"range": None, "text": "x"},
        {"range": {"start": 1}, "text": "y"},
        None,
        [],
    ]
    for broken in odd:
        document.apply(broken, Encoding.UTF16)
    assert isinstance(document.text, str)


def test_fifty_megabytes_are_edited_without_a_rebuild() -> None:
    text = ("x" * 99 + "\n") * 500_000
    document = Document("file:///big.txt", "plaintext", 1, text)
    before = document.lines
    for column in range(5):
        document.apply(change(400_000, column, 400_000, column, "é"), Encoding.UTF16)
    assert document.lines is before
    assert document.offset_at(400_000, 5, Encoding.UTF16) == 400_000 * 100 + 5
    assert document.offset_at(499_999, 99, Encoding.UTF16) == 50_000_004
    assert document.snapshot().tree is None


def test_a_hundred_thousand_lines_are_taken_in_at_once() -> None:
    """Pasting them costs less than a quarter of what looking for each line's start does."""
    pasted = "int number;\n" * 100_000

    def seconds(work: Callable[[], object]) -> float:
        return min(timeit.repeat(work, number=1, repeat=5))

    assert 4 * seconds(lambda: len(LineIndex(pasted))) < seconds(lambda: naive_starts(pasted))
