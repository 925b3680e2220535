"""What somebody does before a line is typed, and how a place is played: in virtual time, without a model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from foretype.lsp.completions.better import BETTER
from foretype.lsp.replay.place import Place
from foretype.tests.live.scenarios import (
    FAR_LINES,
    LONGEST_S,
    SCENARIOS,
    SHORTEST_S,
    Act,
    Close,
    Open,
    Other,
    Point,
    Type,
    Visit,
    pauses,
    typed,
)
from foretype.tests.live.session import Played, other_file, play
from foretype.tests.support import virtual_time

ABOVE = "".join(f"value_{number} = {number}\n" for number in range(200))
OTHER = (Path("/srv/other.py"), "other = 1\n")


def place(above: str = ABOVE) -> Place:
    """Somebody is about to write the rest of "total = sum(values)"."""
    root = Path("/srv")
    text = f"{above}total = \nprint(total)\n"
    line, left = "total = sum(values)", "(values)"
    offset = len(above) + len("total = ")
    return Place("p", root, root / "a.py", "python", text, offset, "sum", line, left, held_out=True)


def acts(name: str, where: Place | None = None, other: Other | None = OTHER) -> tuple[Act, ...]:
    found = SCENARIOS[name].acts(where or place(), other)
    assert found is not None
    return found


def kinds(name: str) -> list[str]:
    return [type(act).__name__ for act in acts(name)]


def test_keys_come_as_a_persons_and_always_the_same() -> None:
    found = pauses("somewhere", 400)
    assert found == pauses("somewhere", 400) != pauses("elsewhere", 400)
    assert all(SHORTEST_S <= each <= LONGEST_S for each in found)
    rates = [60 / (sum(pauses(str(number), 400)) / 399) for number in range(40)]
    assert 190 < min(rates) < max(rates) < 420


def test_every_scenario_ends_with_the_keys_of_the_place() -> None:
    for name in SCENARIOS:
        assert acts(name)[-1] == typed(place())


def test_scenarios_come_to_the_place_as_they_say() -> None:
    assert kinds("cold") == kinds("warm") == ["Open", "Rest", "Type"]
    assert kinds("second_visit") == ["Open", "Rest", "Close", "Rest", "Open", "Rest", "Type"]
    assert kinds("jump") == ["Open", "Rest", "Point", "Rest", "Type"]
    assert kinds("edit_above") == ["Open", "Rest", "Type", "Point", "Rest", "Type"]
    assert kinds("switch") == ["Open", "Rest", "Visit", "Rest", "Point", "Rest", "Type"]


def test_a_jump_comes_from_far_away() -> None:
    opened = acts("jump")[0]
    assert isinstance(opened, Open)
    here = place()
    lines = abs(here.text.count("\n", 0, opened.offset) - here.text.count("\n", 0, here.offset))
    assert lines == FAR_LINES


def test_a_word_that_is_written_above_makes_the_place_what_it_is() -> None:
    opened, _, edited, moved, *_ = acts("edit_above", place(ABOVE + "name = first_name\n\n\n"))
    assert isinstance(opened, Open)
    assert isinstance(edited, Type)
    assert isinstance(moved, Point)
    text = opened.text[: opened.offset] + edited.keys + opened.text[opened.offset :]
    assert text == place(ABOVE + "name = first_name\n\n\n").text
    assert moved.offset == place(ABOVE + "name = first_name\n\n\n").offset


@pytest.mark.parametrize(("name", "other"), [("jump", OTHER), ("edit_above", OTHER), ("switch", None)])
def test_a_place_that_does_not_serve_has_no_acts(name: str, other: Other | None) -> None:
    assert SCENARIOS[name].acts(place("\n"), other) is None


def test_the_other_file_is_the_one_beside_it(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.txt"):
        (tmp_path / name).write_text(f"{name}\r\n")
    where = Place("p", tmp_path, tmp_path / "a.py", "python", "", 0, "", "", "", held_out=False)
    assert other_file(where) == (tmp_path / "b.py", "b.py\n")
    (tmp_path / "b.py").unlink()
    assert other_file(where) is None


class Scripted:
    """A language server that answers with `says` after `after_s` where the last key was just pressed."""

    def __init__(self, says: str, after_s: float) -> None:
        self.notifications: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self.asked = 0
        self._says, self._after_s = says, after_s
        self._version = 0

    def notify(self, method: str, params: Any) -> None:
        self.heard.append(f"{method} {Path(params['textDocument']['uri']).name}")

    def request(self, method: str, params: Any) -> tuple[int, asyncio.Future[Any]]:
        assert method == "textDocument/inlineCompletion"
        self.asked += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        at = params["position"]
        says = self._says if self.asked <= len(place().keys) else "(better)"
        item = {
            "insertText": says,
            "range": {"start": at, "end": at},
            "command": {"arguments": [f"s{self.asked}"]},
        }
        asyncio.get_running_loop().call_later(self._after_s, answer.set_result, {"items": [item]})
        return self.asked, answer

    def open(self, uri: str, text: str, language: str) -> None:
        del text, language
        self.heard.append(f"open {Path(uri).name}")
        self._version = 1

    def insert(self, uri: str, line: int, character: int, text: str) -> int:
        del uri, line, character, text
        self._version += 1
        return self._version


def played(name: str, client: Scripted) -> Played:
    return virtual_time.run(play(client, place(), acts(name), lambda: 0.0))


def test_what_stands_there_is_looked_at_after_the_last_key() -> None:
    done = played("warm", Scripted("(values)", 0.2))
    assert [each.line for each in done.seen] == [None, *["total = sum(values)"] * 3]
    assert [each.after_s for each in done.seen] == [0.1, 0.3, 1.0, 3.0]
    assert done.text[: done.offset].endswith("total = sum")


def test_a_better_one_takes_the_place_of_what_stands_there() -> None:
    client = Scripted("(values)", 0.05)
    document = {"uri": place().path.as_uri()}
    better = {"method": BETTER, "params": {"textDocument": document, "suggestion": "x", "replaces": "s3"}}

    async def go() -> Played:
        loop = asyncio.get_running_loop()
        keys_s = 2.5 + sum(typed(place()).pauses)
        loop.call_later(keys_s + 0.6, client.notifications.append, better)
        return await play(client, place(), acts("warm"), lambda: 0.0)

    done = virtual_time.run(go())
    assert [each.ghost for each in done.seen] == ["(values)", "(values)", "(better)", "(better)"]
    assert (done.suggestions, done.replaced) == (4, 1)  # one for each key, then the better one


def test_the_server_hears_of_every_file_and_of_where_the_cursor_rests() -> None:
    client = Scripted("(values)", 0.05)
    played("switch", client)
    focus = "textDocument/didFocus"
    assert client.heard == [
        "open a.py",
        f"{focus} a.py",
        "open other.py",
        f"{focus} other.py",
        f"{focus} a.py",
    ]
    client = Scripted("(values)", 0.05)
    played("second_visit", client)
    assert client.heard.count("open a.py") == 2
    assert "textDocument/didClose a.py" in client.heard
    assert any(isinstance(act, Close) for act in acts("second_visit"))
    assert any(isinstance(act, Visit) for act in acts("switch"))
