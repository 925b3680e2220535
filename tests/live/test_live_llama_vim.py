"""How llama.vim asks and shows: in virtual time, with a server that takes the time that it is told to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from foretype.lsp.replay.place import Place
from foretype.tests.bench.peer import infill_body
from foretype.tests.live.llama_vim import continuing, play_vim, shown_of
from foretype.tests.live.session import Played
from foretype.tests.support import virtual_time

LINE = "total = sum(values)"


class Server:
    """Says what is left of a line, `seconds` after it was asked; one request after the other."""

    def __init__(self, seconds: float, line: str = LINE) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self._running = 0
        self._seconds, self._line = seconds, line

    async def infill(self, body: dict[str, Any]) -> str:
        self.asked.append(body["prompt"])
        self._running += 1
        self.at_once = max(self.at_once, self._running)
        await asyncio.sleep(self._seconds)
        self._running -= 1
        return self._line.removeprefix(body["prompt"])


def played(server: Server, *, right: str = "") -> Played:
    root = Path("/srv")
    text = f"values = [1]\ntotal = {right}\nprint(total)\n"
    offset = text.index("total = ") + len("total = ")
    place = Place("p", root, root / "a.py", "python", text, offset, "sum", LINE, "(values)", held_out=True)
    return virtual_time.run(play_vim(server, place, lambda: 0.0))


def test_an_answer_that_was_typed_through_is_shown_without_a_request() -> None:
    server = Server(0.01)
    done = played(server)
    assert server.asked == ["total = s"]
    assert [each.line for each in done.seen] == [LINE] * 4


def test_while_a_request_runs_no_other_is_sent_and_nothing_ends_it() -> None:
    server = Server(1.5, "other")
    done = played(server)
    assert server.at_once == 1
    assert server.asked == ["total = s", "total = sum"]
    assert [each.line is not None for each in done.seen] == [False, False, False, True]


def test_with_much_right_of_the_cursor_nobody_is_asked() -> None:
    server = Server(0.01)
    assert played(server, right="  # of all values").seen[-1].line is None
    assert not server.asked


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("value", "value"),
        ("value\n\n", "value"),
        ("\n", ""),
        (")", ""),
        ("\n    last", ""),
        ("x)\nmore", "x)\nmore"),
    ],
)
def test_what_stands_there_already_is_not_shown(content: str, shown: str) -> None:
    text = "call()\n    last\n"
    assert shown_of(content, text, text.index(")")) == shown


def test_a_model_without_markers_is_asked_for_what_comes_next() -> None:
    body = infill_body("one = 1\ntwo = ", "\nthree = 3\n")
    asked = continuing(body)
    assert asked["prompt"] == "one = 1\ntwo = "
    assert (asked["top_k"], asked["cache_prompt"], asked["n_predict"]) == (1, True, 128)


def test_the_next_line_once_more_is_not_shown() -> None:
    text = "one = 1\n\none = 12\n"
    assert shown_of("2", text, len("one = 1")) == ""
