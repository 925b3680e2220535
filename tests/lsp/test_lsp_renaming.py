"""Where an answer was cut at a name that exists nowhere, one with another name may take its place.

The model says `summed`, which nobody declares; asked again, it has to choose among what is there. The clock
is virtual.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from foretype.context.shared.values import Completion, StopReason, Timings
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.wire.messages import CompletionRequest, Priority
from foretype.tests.support import virtual_time
from foretype.tests.support.lsp_inside import EchoBackend
from foretype.tests.support.one_at_editor import OneAtEditor

BEFORE = "def total(prices, rebate):\n    amount = 0\n    return "
ANSWER_S = 0.05


@attrs.define(eq=False)
class Inventive(EchoBackend):
    """Says `first`; where it is restricted `second`, in `second_s` seconds, the name being so `likely`."""

    first: str = "amount - summed(rebate)"
    second: str = "amount - sum(rebate)"
    second_s: float = 0.05
    likely: float | None = -0.5
    early: str | None = None  # what it says before it has seen everything, where that is something else
    asked: list[CompletionRequest] = attrs.field(factory=list[CompletionRequest])
    finished: list[CompletionRequest] = attrs.field(factory=list[CompletionRequest])

    def __attrs_post_init__(self) -> None:
        super().__init__(lambda _: "")

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        del on_delta
        self.asked.append(request)
        restricted = request.restriction is not None
        await asyncio.sleep(self.second_s if restricted else ANSWER_S)
        self.finished.append(request)
        if self.early is not None and not request.whole:
            return Completion(self.early, StopReason.END, timings=Timings(decode_tokens=3), context=0.2)
        said = Completion(self.first, StopReason.END, timings=Timings(decode_tokens=9), logprobs=(-0.1,))
        return attrs.evolve(said, text=self.second, name_logprob=self.likely) if restricted else said

    @property
    def again(self) -> list[CompletionRequest]:
        return [request for request in self.asked if request.restriction is not None]


Person = OneAtEditor[Inventive]


def played(
    scene: Callable[[Person], Awaitable[None]], before: str = BEFORE, **says: Any
) -> tuple[Person, Inventive]:
    """A scene, and its end."""

    async def play() -> tuple[Person, Inventive]:
        backend = Inventive(**says)
        person = Person(backend, before)
        try:
            await scene(person)
        finally:
            await person.inside.end()
        return person, backend

    return virtual_time.run(play())


def test_a_name_that_exists_takes_the_place_of_one_that_does_not() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() == "amount - sum(rebate)"
        assert await person.sees() == "amount - sum(rebate)", "from the store"

    person, backend = played(scene)
    (request,) = backend.again
    assert request.restriction is not None
    assert request.restriction.beginning == "amount - "
    assert {"amount", "prices", "rebate", "sum", "total"} <= set(request.restriction.names)
    assert "summed" not in request.restriction.names
    assert (request.session, request.priority) == (backend.asked[0].session, Priority.INTERACTIVE)
    assert not person.news


@pytest.mark.parametrize("likely", [None, -20.0])
def test_an_unlikely_name_or_none_at_all_leaves_the_answer_cut(likely: float | None) -> None:
    """A daemon that doesn't know of restrictions says nothing of a name's likelihood."""

    async def scene(person: Person) -> None:
        assert await person.sees() is None

    played(scene, likely=likely)


def test_what_is_cut_again_at_another_name_stays_what_it_was() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() is None

    _, backend = played(scene, second="amount - sum(rebated)")
    assert len(backend.again) == 1, "asked once, not for ever"


def test_lines_that_were_sound_are_shown_in_time_and_the_rest_is_told_later() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() == "\n        first = amount"
        await asyncio.sleep(5)
        assert [each["textDocument"]["version"] for each in person.news] == [1]
        assert await person.sees() == "\n        first = amount\n        return sum(first)"

    played(
        scene,
        before="def total(prices, rebate):\n    amount = 0\n    if rebate:",
        first="\n        first = amount\n        return summed(first)",
        second="\n        first = amount\n        return sum(first)",
        second_s=2.0,
    )


def test_a_key_ends_the_asking() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() is None
        assert len(person.backend.again) == 1
        person.type("x")
        await person.sees()
        await asyncio.sleep(5)

    person, backend = played(scene, second_s=2.0)
    ended = [request for request in backend.finished if request.restriction is not None]
    assert all(request.prompt.prefix == BEFORE + "x" for request in ended)
    assert all(each["textDocument"]["version"] == 2 for each in person.news)


def test_an_early_answer_is_left_to_the_better_one_which_may_need_another_name() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() is None
        await asyncio.sleep(5)
        assert [each["replaces"] for each in person.news] == [""]
        assert await person.sees() == "amount - sum(rebate)"

    _, backend = played(scene, early="summed_up(rebate)")
    assert [(request.priority, request.whole) for request in backend.again] == [(Priority.PREFETCH, True)]


def test_a_sound_answer_is_not_asked_about_again() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() == "amount"

    _, backend = played(scene, first="amount")
    assert not backend.again
