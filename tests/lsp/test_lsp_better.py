"""An answer gets better while the user looks at it, once at most; what was typed into at a rest or a key.

The model answers at once from a short context and says something else when it has seen everything, which
takes a second. The clock is virtual.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from foretype.context.shared.values import Completion, StopReason
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.wire.messages import CompletionRequest, Priority
from foretype.lsp.completions.better import RESTS_S, STANDS_S, successor
from foretype.lsp.completions.suggestions import Rest, Suggestion
from foretype.tests.support import virtual_time
from foretype.tests.support.lsp_inside import EchoBackend
from foretype.tests.support.one_at_editor import URI, OneAtEditor
from hypothesis import given
from hypothesis import strategies as st

OTHER = "file:///srv/space/other.py"
BEFORE = "def total(prices):\n    amount = 0\n    return "
EARLY_S, WHOLE_S = 0.05, 1.0


@attrs.define(eq=False)
class TwoMinds(EchoBackend):
    """Says `early` from a short context, `whole` when it may take its time; `stop` is how that ends."""

    early: str = "amount"
    whole: str = "sum(prices)"
    stop: StopReason = StopReason.END
    whole_s: float = WHOLE_S
    remote: bool = False
    asked: list[CompletionRequest] = attrs.field(factory=list[CompletionRequest])
    finished: list[CompletionRequest] = attrs.field(factory=list[CompletionRequest])

    def __attrs_post_init__(self) -> None:
        super().__init__(lambda _: "")

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        del on_delta
        self.asked.append(request)
        await asyncio.sleep(self.whole_s if request.whole else EARLY_S)
        self.finished.append(request)
        if request.whole:
            said = _left(self.whole, request) if self.stop is StopReason.END else ""
            return Completion(said, self.stop, remote=self.remote)
        return Completion(_left(self.early, request), StopReason.END, context=0.1)

    @property
    def asked_again(self) -> int:
        """How many questions waited for the whole context."""
        return sum(request.whole for request in self.asked)


def _left(said: str, request: CompletionRequest) -> str:
    """What of the words is not typed yet."""
    return said.removeprefix(request.prompt.prefix.removeprefix(BEFORE))


Person = OneAtEditor[TwoMinds]


def played(
    scene: Callable[[Person], Awaitable[None]], *, hears: bool = True, **minds: Any
) -> tuple[Person, TwoMinds]:
    """A scene, and its end."""

    async def play() -> tuple[Person, TwoMinds]:
        backend = TwoMinds(**minds)
        person = Person(backend, BEFORE, hears=hears)
        try:
            await scene(person)
        finally:
            await person.inside.end()
        return person, backend

    return virtual_time.run(play())


def test_the_next_request_at_the_place_gets_the_better_answer() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() == "amount"
        assert await person.sees() == "amount", "asked again too soon"
        await asyncio.sleep(2)
        assert await person.sees() == "sum(prices)"
        person.type("sum")
        assert await person.sees() == "(prices)"

    _, backend = played(scene)
    again = [request for request in backend.asked if request.whole]
    assert {request.priority for request in again} == {Priority.PREFETCH}


def test_a_client_that_hears_is_told_once_and_only_when_it_is_another_one() -> None:
    async def scene(person: Person) -> None:
        item = await person.ask()
        assert item is not None
        await asyncio.sleep(5)
        assert [each["replaces"] for each in person.news] == item["command"]["arguments"]
        assert person.news[0]["textDocument"] == {"uri": URI, "version": person.version}
        better = await person.ask()
        assert better is not None
        assert better["command"]["arguments"] == [person.news[0]["suggestion"]]
        await asyncio.sleep(5)

    person, backend = played(scene)
    assert len(person.news) == 1
    assert backend.asked_again == 1


def test_the_same_answer_is_no_news() -> None:
    async def scene(person: Person) -> None:
        item = await person.ask()
        await asyncio.sleep(5)
        assert await person.ask() == item

    person, backend = played(scene, whole="amount")
    assert not person.news
    assert backend.asked_again == 1


def test_more_of_the_same_keeps_its_name() -> None:
    async def scene(person: Person) -> None:
        item = await person.ask()
        await asyncio.sleep(5)
        longer = await person.ask()
        assert item is not None
        assert longer is not None
        assert longer["insertText"] == "amount + prices[0]"
        assert longer["command"] == item["command"]

    person, _ = played(scene, whole="amount + prices[0]")
    assert len(person.news) == 1


def test_who_has_seen_the_better_one_does_not_get_the_early_one_back() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(5)
        assert await person.sees() == "sum(prices)"
        person.type("a")
        await person.ask()
        assert any(request.prompt.prefix == BEFORE + "a" for request in person.backend.asked), "it came back"

    played(scene)


def test_where_nothing_could_be_shown_the_better_answer_appears() -> None:
    async def scene(person: Person) -> None:
        assert await person.sees() is None
        await asyncio.sleep(5)
        assert [each["replaces"] for each in person.news] == [""]
        assert await person.sees() == "sum(prices)"

    played(scene, early="")


@pytest.mark.parametrize("whole", ["", "unheard_of_function(prices)"])
def test_what_stands_there_stays_when_the_whole_context_says_nothing_that_may_be_shown(whole: str) -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(5)
        assert await person.sees() == "amount"

    person, _ = played(scene, whole=whole)
    assert not person.news


def test_a_suggestion_stands_for_a_moment_before_another_takes_its_place() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(STANDS_S - 0.01)
        assert len(person.backend.finished) == 2
        assert not person.news
        await asyncio.sleep(0.02)
        assert person.news

    played(scene, whole_s=0.01)


@pytest.mark.parametrize("after_s", [0.0, 0.5])
def test_what_somebody_has_typed_into_is_replaced_when_they_rest(after_s: float) -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(after_s)
        person.type("s")
        item = await person.ask()
        assert item is not None
        assert item["insertText"] == "tr(prices)"
        await asyncio.sleep(RESTS_S - 0.05)
        assert not person.news
        await asyncio.sleep(0.2)
        assert [each["replaces"] for each in person.news] == item["command"]["arguments"]
        assert await person.sees() == "um(prices)"
        await asyncio.sleep(5)

    person, _ = played(scene, early="str(prices)", whole_s=RESTS_S + 0.1)
    assert len(person.news) == 1


def test_what_somebody_has_typed_into_is_replaced_at_the_next_key() -> None:
    async def scene(person: Person) -> None:
        early = await person.ask()
        assert early is not None
        person.type("s")
        await person.ask()
        await asyncio.sleep(RESTS_S - 0.1)
        assert not person.news
        person.type("u")
        assert await person.sees() == "m(prices)"
        await asyncio.sleep(0.05)
        assert [each["replaces"] for each in person.news] == early["command"]["arguments"]
        assert await person.sees() == "m(prices)"
        person.type("m")
        assert await person.sees() == "(prices)"
        await asyncio.sleep(5)

    person, _ = played(scene, early="super(prices)", whole_s=0.1)
    assert len(person.news) == 1


def test_what_comes_from_elsewhere_never_replaces_what_was_typed_into_before_the_next_key() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        person.type("s")
        await person.ask()
        await asyncio.sleep(RESTS_S + 5)
        assert not person.news
        person.type("u")
        assert await person.sees() == "m(prices)", "it is in the store"

    played(scene, early="super(prices)", whole_s=0.1, remote=True)


def test_a_key_ends_the_asking_also_where_nothing_is_asked_for_it() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(0.5)
        assert person.backend.asked_again == 1
        person.type("x")
        await asyncio.sleep(5)

    person, backend = played(scene)
    assert not any(request.whole for request in backend.finished)
    assert not person.news


def test_a_key_while_the_old_one_has_not_stood_long_enough_ends_the_telling() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(STANDS_S / 2)
        person.type("x")
        await asyncio.sleep(5)

    person, _ = played(scene, whole_s=0.01)
    assert not person.news


def test_a_better_answer_for_another_place_is_never_shown() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(5)
        person.type("-")
        assert await person.sees() == "amount", "the early answer of the new place"

    played(scene)


@pytest.mark.parametrize("after_s", [0.0, 0.5, 5.0])
def test_what_was_dismissed_has_no_successor(after_s: float) -> None:
    async def scene(person: Person) -> None:
        item = await person.ask()
        assert item is not None
        await asyncio.sleep(after_s)
        told = len(person.news)
        await person.dismiss(item)
        await asyncio.sleep(5)
        assert await person.sees() is None
        assert len(person.news) == told

    played(scene)


def test_somebody_who_asked_with_a_key_keeps_what_was_offered() -> None:
    async def scene(person: Person) -> None:
        await person.ask(kind=1)
        await asyncio.sleep(5)

    person, backend = played(scene)
    assert not backend.asked_again
    assert not person.news


def test_a_client_that_hears_nothing_still_gets_the_better_one_at_its_next_request() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(5)
        assert await person.sees() == "sum(prices)"

    person, _ = played(scene, hears=False)
    assert not person.news


def test_a_daemon_that_dies_in_between_changes_nothing_and_is_asked_at_the_next_request() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        await asyncio.sleep(5)
        assert await person.sees() == "amount"
        person.backend.stop = StopReason.END
        await asyncio.sleep(5)
        assert await person.sees() == "sum(prices)"

    person, backend = played(scene, stop=StopReason.UNAVAILABLE)
    assert backend.asked_again == 2
    assert len(person.news) == 1


def test_no_place_is_asked_about_twice() -> None:
    async def scene(person: Person) -> None:
        for _ in range(3):
            assert await person.sees() == "amount"
            await asyncio.sleep(5)

    _, backend = played(scene, whole="amount")
    assert backend.asked_again == 1


def test_a_document_that_is_closed_is_not_asked_about() -> None:
    async def scene(person: Person) -> None:
        await person.ask()
        person.tell("textDocument/didClose", {"textDocument": {"uri": URI}})
        await asyncio.sleep(5)

    person, backend = played(scene)
    assert not any(request.whole for request in backend.finished)
    assert not person.news


def test_two_editors_and_two_documents_are_asked_about_apart() -> None:
    async def play() -> list[list[dict[str, Any]]]:
        backend = TwoMinds()
        people = [Person(backend, BEFORE), Person(backend, BEFORE), Person(backend, BEFORE, uri=OTHER)]
        try:
            await asyncio.gather(*(person.ask() for person in people))
            await asyncio.sleep(0.5)
            people[0].type("x")
            await asyncio.sleep(5)
            return [person.news for person in people]
        finally:
            for person in people:
                await person.inside.end()

    typed, same, other = virtual_time.run(play())
    assert not typed
    assert [each["textDocument"]["uri"] for each in (*same, *other)] == [URI, OTHER]


SAID = st.text("ab(\n", min_size=1, max_size=6)


@given(early=SAID, whole=SAID, typed=st.integers(0, 3), dismissed=st.booleans())
def test_only_what_is_wanted_has_a_successor(early: str, whole: str, typed: int, dismissed: bool) -> None:
    old = Suggestion("old", URI, "", early, "", dismissed=dismissed, early=True)
    new = Suggestion("new", URI, "", whole, "")
    kept = successor(Rest(old, min(typed, len(early) - 1), early[typed:], 0), new)
    if dismissed:
        assert kept is None
    else:
        assert kept is not None
        assert not kept.early
        assert (kept.id == "old") == whole.startswith(early[typed:])
        assert (kept.instead_of == "old") == (kept.id == "new")
    assert successor(None, new) is new
    assert successor(None, None) is None
