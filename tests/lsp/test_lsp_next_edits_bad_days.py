"""What editors and programs do to a text beside typing: no next edit comes of it, or a right one."""

from __future__ import annotations

from typing import Any

import pytest
from foretype.tests.support.next_edit_editor import OTHER, SOURCE, URI, Editor

CALLS = "draw(a, one)\ndraw(b, two)\ndraw(c, three)\n"
LONG = SOURCE + "".join(f"\n\ndef f{number}(x):\n    return x + {number}\n" for number in range(40))


async def lines_proposed(editor: Editor, line: int = 0, character: int = 14, uri: str = URI) -> list[int]:
    """The lines of what is proposed."""
    return [each["range"]["start"]["line"] for each in await editor.next_edits(line, character, uri=uri)]


def renamed(text: str = SOURCE, uri: str = URI) -> Editor:
    """An editor in which a parameter was renamed."""
    editor = Editor()
    editor.open(text, uri)
    editor.change(((0, 9, 0, 10), "width"), uri=uri)
    return editor


async def test_what_is_undone_is_no_edit_and_redone_it_is_one_again() -> None:
    editor = renamed()
    editor.change(((0, 9, 0, 14), "w"))
    assert await lines_proposed(editor, 0, 10) == []
    editor.change(((0, 9, 0, 10), "width"))
    assert await lines_proposed(editor) == [1]
    await editor.inside.end()


async def test_a_proposal_that_was_taken_and_undone_is_proposed_again_at_its_place() -> None:
    editor = renamed()
    editor.change(((1, 7, 1, 8), "width"))
    assert await lines_proposed(editor, 1, 12) == [2]
    editor.change(((1, 7, 1, 12), "w"))
    assert await lines_proposed(editor, 1, 8) == [1]
    await editor.inside.end()


@pytest.mark.parametrize("cuts", [3, 40])
async def test_a_formatter_that_rewrites_the_file_leaves_nothing_wrong(cuts: int) -> None:
    """Its changes come as one, or as many small ones; both orders of blank lines are a formatter's own."""
    editor = renamed(LONG)
    changes: list[tuple[tuple[int, int, int, int] | None, str]] = []
    for number in reversed(range(cuts)):
        line = 7 + 4 * number  # `    return x + n` gets blanks around nothing, as formatters do
        changes.append(((line, 0, line, 4), "  "))
    editor.change(*changes)
    for found in await editor.next_edits(0, 14):
        assert found["text"] in {"width", "  "}, "the user's rename, or what the formatter does everywhere"
    await editor.inside.end()


async def test_a_whole_text_that_is_replaced_has_no_history() -> None:
    """A branch is switched underneath, a file is read anew, a formatter sends everything."""
    for text in (SOURCE, SOURCE.replace("area", "surface"), ""):
        editor = renamed()
        editor.change((None, text))
        assert await lines_proposed(editor, 0, 0) == []
        await editor.inside.end()


async def test_a_file_that_was_closed_and_opened_has_no_history() -> None:
    editor = renamed()
    editor.inside.feed(
        {"jsonrpc": "2.0", "method": "textDocument/didClose", "params": {"textDocument": {"uri": URI}}}
    )
    editor.open(SOURCE)
    assert await lines_proposed(editor) == []
    await editor.inside.end()


async def test_a_file_with_a_merge_in_it_is_left_alone() -> None:
    conflict = "<<<<<<< ours\ndraw(a)\n=======\ndraw(b)\n>>>>>>> theirs\n"
    editor = renamed(SOURCE + conflict)
    assert await lines_proposed(editor) == []
    await editor.inside.end()


async def test_a_huge_paste_is_no_edit_of_the_users() -> None:
    editor = renamed()
    editor.change(((4, 0, 4, 0), "paste(w, of, many, lines)\n" * 3000))
    found = await editor.next_edits(0, 14)
    assert [each["text"] for each in found] in ([], ["width"])
    await editor.inside.end()


async def test_a_file_that_is_too_large_is_left_alone() -> None:
    editor = renamed(SOURCE + "x = 1\n" * 100_000)
    assert await lines_proposed(editor) == []
    await editor.inside.end()


async def test_several_cursors_at_once_are_as_many_witnesses() -> None:
    """Two of three calls are edited in one notification; the third follows, and no half of it."""
    editor = Editor()
    editor.open(CALLS)
    for typed, text in enumerate(", pen"):
        editor.change(*(((line, 11 + typed, line, 11 + typed), text) for line in (1, 0)))
    (found,) = await editor.next_edits(1, 16)
    assert (found["range"]["start"]["line"], found["text"]) == (2, ", pen")
    await editor.inside.end()


async def test_all_cursors_at_once_leave_nothing_to_do() -> None:
    editor = Editor()
    editor.open(CALLS)
    ends: Any = [(2, 13), (1, 11), (0, 11)]
    editor.change(*(((line, at, line, at), ", pen") for line, at in ends))
    assert await editor.next_edits(2, 18) == []
    await editor.inside.end()


async def test_two_editors_know_nothing_of_each_other() -> None:
    """The other one sees the file change on the disk and reads it anew, which is no edit of its user's."""
    first, second = renamed(), Editor()
    second.open(SOURCE)
    second.change((None, SOURCE.replace("(w,", "(width,")))
    assert await lines_proposed(first) == [1]
    assert await lines_proposed(second) == []
    await first.inside.end()
    await second.inside.end()


async def test_what_was_proposed_for_another_file_is_gone_when_that_changes() -> None:
    editor = Editor()
    editor.open("from shapes import area\n\nprint(area(1, 2))\n", OTHER)
    editor.open("def area(width, height):\n    return width * height\n")
    editor.change(((0, 4, 0, 8), "surface"))
    assert len(await editor.next_edits(0, 11)) == 1
    editor.change((None, "from shapes import surface\n"), uri=OTHER)
    assert await editor.next_edits(0, 11) == []
    await editor.inside.end()
