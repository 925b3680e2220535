"""People type, and every answer is about the text that they see when it comes.

Persons of three speeds write the same source file: with slips of the finger, words picked from the popup
menu, suggestions accepted as a whole or by the word, requests taken back, and rests in which related code is
chosen. The model takes its time. The clock is virtual, so a quarter of an hour takes seconds.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import attrs
import pytest
from foretype.context.shared.values import Completion, StopReason
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.wire.messages import CompletionRequest, WarmRequest
from foretype.lsp.protocol.fields import as_map
from foretype.tests.support import virtual_time
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer

URI = "file:///srv/space/ledger.py"
OTHER = "file:///srv/space/prices.py"
PRICES = """class Price:
    def rounded(self, places):
        return self.amount


def default_price():
    return Price()
"""
TARGET = '''"""Ledger of a café 😀: what was sold, and for how much."""


class Ledger:
    def __init__(self, owner):
        self.owner = owner
        self.entries = []

    def add(self, entry, price):
        if price.rounded(2) < 0:
            raise ValueError("a négative price")
        self.entries.append((entry, price))
        return len(self.entries)

    def total(self):
        amount = 0
        for entry, price in self.entries:
            amount += price.rounded(2)
        return amount


def make_ledger(owner, entries):
    ledger = Ledger(owner)
    for entry, price in entries:
        ledger.add(entry, price)
    return ledger
'''
BEHIND = "\n\nif __name__ == '__main__':\n    print(make_ledger('x', []).total())\n"
PATIENCE_S = 60.0


class Writer(EchoBackend):
    """A model that knows what is being written: it needs time for the prompt and for every token.

    After a slip of the finger it says something else. Its state: when it is sure, and what it was asked.
    """

    def __init__(self, chance: random.Random) -> None:
        super().__init__(self._continue)
        self.warmed: list[WarmRequest] = []
        self._chance = chance

    def _continue(self, prefix: str) -> str:
        if not TARGET.startswith(prefix) or self._chance.random() < 0.15:
            return "entry.append(price)"
        lines = TARGET[len(prefix) :].split("\n")
        return "\n".join(lines[: self._chance.randint(1, 3)])

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        prefix = request.prompt.prefix
        text = self._continue(prefix)
        self.said.append((prefix, text))
        self.running += 1
        try:
            await asyncio.sleep(self._chance.uniform(0.02, 0.5))
            for start in range(0, len(text), 4):
                await asyncio.sleep(self._chance.uniform(0.01, 0.06))
                if on_delta is not None:
                    on_delta(text[start : start + 4])
        finally:
            self.running -= 1
        return Completion(text, StopReason.END)

    async def warm(self, request: WarmRequest) -> None:
        self.warmed.append(request)
        await asyncio.sleep(self._chance.uniform(0.1, 0.6))


@attrs.frozen
class Asked:
    """A request: the document's text and the cursor in it, and the popup menu's entry with its beginning."""

    text: str
    offset: int
    selected: str
    start: int


class Person:
    """Somebody who writes `TARGET` into an editor. Looks at each answer at the moment when it is written.

    Its state: the text left of the cursor, the ghost text, what was asked and taken back, and what happened.
    """

    def __init__(self, keys_a_minute: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.backend = Writer(random.Random(seed + 1))
        self.inside = InsideServer(self.backend, self.look)
        self.happened: Counter[str] = Counter()
        self.asked: dict[int | str, Asked] = {}
        self.taken_back: set[int | str] = set()
        self._pause = 60 / keys_a_minute
        self._written, self._ghost, self._version = "", "", 1
        self._later: set[asyncio.TimerHandle] = set()

    # -- the editor

    def look(self, number: int | str, answer: dict[str, Any]) -> None:
        """What every answer must be, whenever it comes."""
        asked = self.asked.get(number)
        if asked is None:
            return
        superseded = number != max(self.asked, key=int)
        error = answer.get("error")
        if error is not None:
            assert error["code"] == -32800
            assert number in self.taken_back or superseded, "nobody wanted that to be cancelled"
            self.happened["cancelled" if number in self.taken_back else "superseded"] += 1
            return
        assert number not in self.taken_back, "a request that was taken back before its answer was answered"
        assert not superseded, "a request that was replaced was answered all the same"
        items = as_map(answer.get("result"))["items"]
        if not items:
            self.happened["nothing"] += 1
            return
        document = self.inside.server.session.documents.get(URI)
        assert document is not None
        assert document.text == self._written + BEHIND == asked.text, "the document has moved on"
        for item in items:
            self._look_at(item, asked)
        self.happened["with the popup's entry" if asked.selected else "shown"] += 1
        self._ghost = "" if asked.selected else items[0]["insertText"]

    def _look_at(self, item: dict[str, Any], asked: Asked) -> None:
        assert item["range"]["start"] == self._position(asked.start)
        assert item["insertText"].startswith(asked.selected)
        promised = without_blanks(asked.text[: asked.start] + item["insertText"])
        assert any(without_blanks(prefix + said).startswith(promised) for prefix, said in self.backend.said)

    def _position(self, offset: int) -> dict[str, int]:
        before = (self._written + BEHIND)[:offset]
        line = before[before.rfind("\n") + 1 :]
        return {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self.inside.feed({"jsonrpc": "2.0", "method": method, "params": params})

    def _request(self, method: str, params: dict[str, Any]) -> int:
        number = len(self.inside.asked)
        if method == "textDocument/inlineCompletion":
            self.asked[number] = self._about
        self.inside.feed({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def _replace(self, erased: int, typed: str) -> None:
        """One change of the text in front of the cursor."""
        end = len(self._written)
        span = {"start": self._position(end - erased), "end": self._position(end)}
        self._written = self._written[: end - erased] + typed
        self._version += 1
        document = {"uri": URI, "version": self._version}
        self._notify(
            "textDocument/didChange",
            {"textDocument": document, "contentChanges": [{"range": span, "text": typed}]},
        )
        self._ghost = ""

    def _ask(self, selected: str = "") -> None:
        end = len(self._written)
        start = end - len(self._word()) if selected else end
        self._about = Asked(self._written + BEHIND, end, selected, start)
        context: dict[str, Any] = {"triggerKind": 2}
        if selected:
            span = {"start": self._position(start), "end": self._position(end)}
            context["selectedCompletionInfo"] = {"range": span, "text": selected}
        number = self._request(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": URI, "version": self._version},
                "position": self._position(end),
                "context": context,
            },
        )
        if self.chance.random() < 0.1:
            delay = self.chance.uniform(0, 2 * self._pause)
            self._later.add(asyncio.get_running_loop().call_later(delay, self._take_back, number))

    def _take_back(self, number: int) -> None:
        if number not in self.inside.answers:
            self.taken_back.add(number)
        self._notify("$/cancelRequest", {"id": number})

    # -- the person

    async def write(self) -> None:
        """Write all of `TARGET`."""
        self.inside.begin()
        for uri, text in ((OTHER, PRICES), (URI, BEHIND)):
            document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
            self._notify("textDocument/didOpen", {"textDocument": document})
        while self._written != TARGET:
            await asyncio.sleep(self._pause * self.chance.uniform(0.3, 1.7))
            if self.chance.random() < 0.4 and self.asked:  # some editors take back what is open, some don't
                self._take_back(int(max(self.asked, key=int)))
            self._press()
            if self._written.endswith("\n") and self.chance.random() < 0.4:
                self.happened["rested"] += 1
                await asyncio.sleep(self.chance.uniform(1, 4))
        await asyncio.sleep(PATIENCE_S)

    def _press(self) -> None:
        """One key: a slip is mended, a fitting suggestion may be accepted, else the next character."""
        wrong = not TARGET.startswith(self._written)
        left = TARGET[len(self._written) :]
        if wrong:
            self._replace(1, "")
            self.happened["erased"] += 1
        elif self._ghost and left.startswith(self._ghost) and self.chance.random() < 0.3:
            self._accept(self._ghost)
        elif self.chance.random() < 0.04:
            self._replace(0, self.chance.choice("xq(."))
        else:
            self._type(left)
            return
        self._ask()

    def _type(self, left: str) -> None:
        self._replace(0, left[0])
        entry = self._entry()
        if not entry or self.chance.random() < 0.5:
            self._ask()
            return
        self._ask(entry)
        if self.chance.random() < 0.2:
            self._replace(len(self._word()), entry)
            self.happened["picked"] += 1
            self._ask()

    def _accept(self, ghost: str) -> None:
        word = len(ghost) - len(ghost.lstrip()) + len(ghost.split(maxsplit=1)[0])
        whole = self.chance.random() < 0.5
        self._replace(0, ghost if whole else ghost[:word])
        self.happened["accepted" if whole else "accepted a word"] += 1

    def _word(self) -> str:
        """The beginning of a word in front of the cursor."""
        start = len(self._written)
        while start and (self._written[start - 1].isalnum() or self._written[start - 1] == "_"):
            start -= 1
        return self._written[start:]

    def _entry(self) -> str:
        """The word that the popup menu would have selected: longer than what stands there; or ""."""
        word, end = self._word(), len(self._written)
        if len(word) < 2:
            return ""
        while end < len(TARGET) and (TARGET[end].isalnum() or TARGET[end] == "_"):
            end += 1
        return TARGET[len(self._written) - len(word) : end] if end > len(self._written) else ""


def without_blanks(text: str) -> str:
    """The code alone: trimming may change blanks."""
    return "".join(text.split())


async def written(keys_a_minute: int, seed: int) -> Person:
    person = Person(keys_a_minute, seed)
    try:
        await person.write()
    finally:
        await person.inside.end()
    return person


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("keys_a_minute", [120, 400, 900])
def test_every_answer_is_about_the_text_as_it_is_and_comes_once(keys_a_minute: int, seed: int) -> None:
    person = virtual_time.run(written(keys_a_minute, seed))
    assert {number: len(person.inside.answers[number]) for number in person.asked} == dict.fromkeys(
        person.asked, 1
    )
    document = person.inside.server.session.documents.get(URI)
    assert document is not None
    assert document.text == TARGET + BEHIND
    assert person.backend.running == 0
    for event in ("shown", "nothing", "cancelled", "with the popup's entry", "erased", "picked"):
        assert person.happened[event] > 0, (event, person.happened)
    assert person.happened["accepted"] + person.happened["accepted a word"] > 0
    assert any(request.prompt.related for request in person.backend.warmed), "no rest was used"
