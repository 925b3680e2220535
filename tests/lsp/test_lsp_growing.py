"""The rest of an answer of which a part was shown when the time was up: whoever rests sees it without a key.

The model says a word every 0.3 s, so the budget ends in the middle of a line. The clock is virtual.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import attrs
from foretype.context.shared.values import Completion, StopReason
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.wire.messages import CompletionRequest
from foretype.tests.support import virtual_time
from foretype.tests.support.lsp_inside import EchoBackend
from foretype.tests.support.one_at_editor import OneAtEditor

BEFORE = "def total(prices):\n    amount = 0\n    return "
WORDS = ("amount", " + ", "len(", "prices", ") * ", "amount")
WORD_S = 0.3


@attrs.define(eq=False)
class Slow(EchoBackend):
    """Says some words, one after the other; those that were typed already are not said."""

    words: tuple[str, ...] = WORDS
    asked: int = 0

    def __attrs_post_init__(self) -> None:
        super().__init__(lambda _: "")

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        self.asked += 1
        left, said = "".join(self.words).removeprefix(request.prompt.prefix.removeprefix(BEFORE)), ""
        for word in self.words:
            await asyncio.sleep(WORD_S)
            piece, left = left[: len(word)], left[len(word) :]
            said += piece
            if on_delta is not None:
                on_delta(piece)
        return Completion(said, StopReason.END)


Person = OneAtEditor[Slow]


def played(scene: Callable[[Person], Awaitable[None]], words: tuple[str, ...] = WORDS) -> Person:
    """A scene, and its end."""

    async def play() -> Person:
        person = Person(Slow(words), BEFORE)
        try:
            await scene(person)
        finally:
            await person.inside.end()
        return person

    return virtual_time.run(play())


def test_who_rests_is_told_of_the_rest_once() -> None:
    async def scene(person: Person) -> None:
        item = await person.ask()
        assert item is not None
        assert item["insertText"] == "amount", "whole words, when the time is up twice"
        await asyncio.sleep(5)
        name = item["command"]["arguments"][0]
        assert [(news["suggestion"], news["replaces"]) for news in person.news] == [(name, name)]
        assert await person.sees() == "".join(WORDS)
        await asyncio.sleep(5)

    person = played(scene)
    assert len(person.news) == 1
    assert person.backend.asked == 1


def test_what_was_all_at_once_is_no_news() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() == "amount"
        await asyncio.sleep(5)

    assert not played(scene, words=("amount",)).news


def test_who_types_along_is_told_at_the_place_where_they_rest() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() == "amount"
        person.type("am")
        assert await person.sees() is not None
        await asyncio.sleep(5)
        assert await person.sees() == "".join(WORDS).removeprefix("am")

    person = played(scene)
    assert len(person.news) == 1
    assert person.news[0]["textDocument"]["version"] == person.version


def test_who_typed_something_else_or_sent_it_away_hears_nothing() -> None:
    async def elsewhere(person: Person) -> None:
        assert await person.sees() == "amount"
        person.type("x")
        await asyncio.sleep(5)

    async def away(person: Person) -> None:
        item = await person.ask()
        assert item is not None
        await person.dismiss(item)
        await asyncio.sleep(5)

    for scene in (elsewhere, away):
        assert not played(scene).news
