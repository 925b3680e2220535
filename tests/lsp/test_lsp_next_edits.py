"""The next edit over the protocol: as Copilot's language server speaks of it, and as an ordinary
completion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foretype.context.shared.values import Completion, StopReason
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.wire.messages import CompletionRequest, Priority
from foretype.tests.support.lsp_inside import EchoBackend
from foretype.tests.support.next_edit_editor import OTHER, SOURCE, URI, Editor, span


async def test_a_renamed_parameter_has_its_next_use_proposed_in_copilots_words() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    (edit,) = await editor.next_edits(0, 14, context={"triggerKind": 2})
    assert edit["text"] == "width"
    assert edit["range"] == span(1, 7, 1, 8)
    assert edit["textDocument"] == {"uri": URI, "version": 2}
    assert edit["command"]["command"] == "foretype.accepted"
    await editor.inside.end()


async def test_one_proposal_follows_the_other_until_nothing_is_left() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    taken: list[int] = []
    while found := await editor.next_edits(0, 14):
        place = found[0]["range"]
        start, end = place["start"], place["end"]
        span = (start["line"], start["character"], end["line"], end["character"])
        editor.change((span, found[0]["text"]))
        await editor.run(found[0]["command"]["command"], *found[0]["command"]["arguments"])
        taken.append(start["line"])
    assert taken == [1, 2, 3]
    await editor.inside.end()


async def test_positions_are_counted_as_the_editor_counts_them() -> None:
    editor = Editor()
    editor.open("def f(w):\n    return '😀', w\n")
    editor.change(((0, 6, 0, 7), "width"))
    (edit,) = await editor.next_edits(0, 11)
    assert edit["range"] == span(1, 17, 1, 18)
    await editor.inside.end()


async def test_a_pattern_that_was_dismissed_does_not_come_back() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    (edit,) = await editor.next_edits(0, 14)
    await editor.run("foretype.dismissed", *edit["command"]["arguments"])
    assert await editor.next_edits(0, 14) == []
    editor.change(((0, 16, 0, 22), "tall"))
    (other,) = await editor.next_edits(0, 20)
    assert other["text"] == "tall", "another pattern is proposed all the same"
    await editor.inside.end()


async def test_an_old_version_and_an_unknown_document_get_nothing() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    assert await editor.next_edits(0, 14, version=1) == []
    params = {"textDocument": {"uri": "file:///nowhere"}, "position": {"line": 0, "character": 0}}
    assert await editor.ask("textDocument/copilotInlineEdit", params) == {"edits": []}
    await editor.inside.end()


async def test_a_text_that_is_replaced_as_a_whole_has_no_history() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    editor.change((None, SOURCE.replace("area", "space")))
    assert await editor.next_edits(0, 14) == []
    await editor.inside.end()


async def test_next_edits_can_be_switched_off_and_for_a_language() -> None:
    for editor in (Editor(enabled=False), Editor(disabled_languages=("python",))):
        editor.open(SOURCE)
        editor.change(((0, 9, 0, 10), "width"))
        assert await editor.next_edits(0, 14) == []
        await editor.inside.end()


async def test_a_renamed_function_is_followed_into_another_open_file() -> None:
    for across_files, expected in ((True, [span(0, 19, 0, 23)]), (False, [])):
        editor = Editor(across_files=across_files)
        editor.open("from shapes import area\n\nprint(area(1, 2))\n", OTHER)
        editor.open("def area(width, height):\n    return width * height\n")
        editor.change(((0, 4, 0, 8), "surface"))
        found = await editor.next_edits(0, 11)
        assert [each["range"] for each in found] == expected
        assert [each["textDocument"]["uri"] for each in found] == [OTHER] * len(expected)
        await editor.inside.end()


async def test_an_edit_that_begins_at_the_cursor_is_an_ordinary_completion() -> None:
    editor = Editor()
    editor.open("draw(a, one)\ndraw(b, two)\ndraw(c, three)\n")
    editor.change(((0, 11, 0, 11), ", pen"))
    editor.change(((1, 11, 1, 11), ", pen"))
    params = {
        "textDocument": {"uri": URI},
        "position": {"line": 2, "character": 13},
        "context": {"triggerKind": 2},
    }
    found = await editor.ask("textDocument/inlineCompletion", params)
    assert [each["insertText"] for each in found["items"]] == [", pen"]
    await editor.inside.end()


async def test_the_server_says_that_it_speaks_of_next_edits() -> None:
    editor = Editor()
    await editor.inside.settle()
    (answer,) = editor.inside.answers["init"]
    assert answer["result"]["capabilities"]["experimental"] == {"copilotInlineEditProvider": True}
    await editor.inside.end()


async def test_what_was_shown_and_taken_is_counted_by_kind() -> None:
    editor = Editor()
    editor.open(SOURCE)
    counted: list[tuple[str, str]] = []
    editor.inside.server.session.books.edited = lambda kind, fate: counted.append((kind, fate))  # type: ignore[method-assign]
    editor.change(((0, 9, 0, 10), "width"))
    (edit,) = await editor.next_edits(0, 14)
    shown = {"item": {"command": edit["command"]}}
    editor.inside.feed({"jsonrpc": "2.0", "method": "textDocument/didShowInlineEdit", "params": shown})
    await editor.run("foretype.accepted", *edit["command"]["arguments"])
    assert counted == [("rename", "shown"), ("rename", "taken")]
    await editor.inside.end()


async def test_requests_that_come_faster_than_answers_are_all_answered() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    asked = [editor.next_edits(0, 14) for _ in range(4)]
    found = [len(each) for each in await asyncio.gather(*asked)]
    assert found[-1] == 1
    assert set(found) <= {0, 1}
    await editor.inside.end()


async def test_a_renamed_function_is_followed_into_a_file_that_nobody_has_open(tmp_path: Path) -> None:
    for across_files, expected in ((True, [span(0, 19, 0, 23)]), (False, [])):
        editor = Editor(across_files=across_files)
        uri = editor.in_folder(
            tmp_path,
            {"uses.py": "from shapes import area\n\nprint(area(1, 2))\n", "other.py": "area = 3\n"},
        )
        editor.open("def area(width, height):\n    return width * height\n", uri)
        editor.change(((0, 4, 0, 8), "surface"), uri=uri)
        found = await editor.next_edits(0, 11, uri=uri)
        assert [each["range"] for each in found] == expected
        place = {"uri": (tmp_path / "uses.py").as_uri(), "version": None}
        assert [each["textDocument"] for each in found] == [place] * len(expected)
        await editor.inside.end()


class RewritingBackend(EchoBackend):
    """A backend whose model was trained to predict edits: it answers with what `say` makes of the lines."""

    def __init__(self, say: Callable[[str], str]) -> None:
        super().__init__(say)
        self.requests: list[CompletionRequest] = []
        self.asked = asyncio.Event()
        self.waits: asyncio.Event | None = None

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        del on_delta
        if request.prompt.rewrite is None:
            return Completion("", StopReason.END)
        self.requests.append(request)
        self.asked.set()
        if self.waits is not None:
            await self.waits.wait()
        return Completion(self._say(request.prompt.rewrite.region), StopReason.END)


def rewriting(say: Callable[[str], str], **edits: Any) -> tuple[Editor, RewritingBackend]:
    backend = RewritingBackend(say)
    editor = Editor(backend, **edits)
    editor.open("def f(a):\n    return a\n\n\nprint(f(1))\n")
    editor.change(((4, 8, 4, 9), "2"))
    return editor, backend


async def test_where_patterns_say_nothing_a_model_proposes() -> None:
    editor, backend = rewriting(lambda region: region.replace("return a", "return a + a"))
    (edit,) = await editor.next_edits(4, 9)
    assert (edit["text"], edit["range"]["start"]["line"]) == (" + a", 1)
    (request,) = backend.requests
    assert request.prompt.rewrite is not None
    assert not request.prompt.rewrite.line
    assert request.priority is Priority.PREFETCH
    await editor.inside.end()


async def test_what_a_model_proposes_is_checked_like_every_suggestion() -> None:
    for wrong in ("return nowhere", "return (", "return a"):
        editor, backend = rewriting(lambda region, wrong=wrong: region.replace("return a", wrong))
        assert await editor.next_edits(4, 9) == []
        assert len(backend.requests) == 1
        await editor.inside.end()


async def test_no_model_is_asked_where_a_pattern_proposes_or_the_user_wants_none() -> None:
    editor, backend = rewriting(lambda region: region.replace("return a", "return a + a"), model="never")
    assert await editor.next_edits(4, 9) == []
    await editor.inside.end()
    other, asked = rewriting(lambda region: region)
    other.change(((0, 6, 0, 7), "alpha"))
    (edit,) = await other.next_edits(0, 11)
    assert edit["text"] == "alpha"
    assert backend.requests == asked.requests == []
    await other.inside.end()


async def test_an_ordinary_model_may_write_the_line_where_the_user_wants_that() -> None:
    editor, backend = rewriting(lambda region: region.replace("f(2)", "f(2, 3)"), model="line")
    (edit,) = await editor.next_edits(4, 9)
    assert edit["text"] == ", 3"
    rewrite = backend.requests[0].prompt.rewrite
    assert rewrite is not None
    assert rewrite.line
    await editor.inside.end()


async def test_what_a_model_thought_of_an_older_text_is_not_shown() -> None:
    editor, backend = rewriting(lambda region: region.replace("return a", "return a + a"))
    backend.waits = asyncio.Event()
    waiting = asyncio.ensure_future(editor.next_edits(4, 9))
    await backend.asked.wait()
    editor.change(((4, 8, 4, 9), "3"))
    backend.waits.set()
    assert await waiting == []
    await editor.inside.end()


async def test_a_proposal_that_was_undone_does_not_come_back() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    (edit,) = await editor.next_edits(0, 14)
    editor.change(((1, 7, 1, 8), "width"))
    await editor.run("foretype.accepted", *edit["command"]["arguments"])
    assert len(await editor.next_edits(1, 12)) == 1
    editor.change(((1, 7, 1, 12), "w"))
    assert await editor.next_edits(1, 8) == []
    await editor.inside.end()


async def test_undoing_an_edit_takes_its_proposals_away_and_redoing_brings_them_back() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    editor.change(((0, 9, 0, 14), "w"))
    assert await editor.next_edits(0, 10) == []
    editor.change(((0, 9, 0, 10), "width"))
    assert len(await editor.next_edits(0, 14)) == 1
    await editor.inside.end()


async def test_a_merge_that_is_not_finished_gets_no_proposals() -> None:
    editor = Editor()
    editor.open(f"{SOURCE}<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> other\n")
    editor.change(((0, 9, 0, 10), "width"))
    assert await editor.next_edits(0, 14) == []
    await editor.inside.end()


async def test_a_formatter_ends_the_history() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    editor.change(((0, 9, 0, 10), "w "), ((1, 0, 1, 4), "  "), ((2, 0, 2, 8), "   "), ((3, 0, 3, 4), " "))
    assert await editor.next_edits(0, 14) == []
    await editor.inside.end()


async def test_a_huge_paste_is_no_edit_and_moves_what_is_proposed() -> None:
    editor = Editor()
    editor.open(SOURCE)
    editor.change(((0, 9, 0, 10), "width"))
    editor.change(((0, 0, 0, 0), "x = 1\n" * 500))
    (edit,) = await editor.next_edits(500, 14)
    assert (edit["text"], edit["range"]) == ("width", span(501, 7, 501, 8))
    editor.change(((500, 0, 504, 0), "y = 2\n" * 500))
    assert await editor.next_edits(500, 0) == []
    await editor.inside.end()


async def test_several_cursors_that_renamed_every_use_leave_nothing_to_propose() -> None:
    editor = Editor()
    editor.open(SOURCE)
    uses = ((3, 11, 3, 12), (2, 25, 2, 26), (1, 7, 1, 8), (0, 9, 0, 10))
    editor.change(*((place, "width") for place in uses))
    assert await editor.next_edits(0, 14) == []
    editor.change(((0, 16, 0, 22), "tall"))
    assert len(await editor.next_edits(0, 20)) == 1
    await editor.inside.end()
