"""A remote answer that comes after the local one, while somebody types along: it is there for the next key.

The language server and the front desk are the real ones in this process, the server elsewhere is the tests'
own; what happens is decided by events, never by how fast this machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from foretype.context.shared.values import Completion, Prompt
from foretype.daemon.client.backend import OnDelta
from foretype.daemon.server.racing import Racing
from foretype.daemon.server.remote_source import RemoteWish
from foretype.daemon.wire.messages import CompletionRequest, ModelStatus
from foretype.models.remote.engine import RemoteEngine, RemoteTarget
from foretype.tests.support.fake_engine import FakeEngine, FakeSource, until
from foretype.tests.support.lsp_inside import EchoBackend
from foretype.tests.support.one_at_editor import OneAtEditor
from foretype.tests.support.remote_server import RemoteServer, remote_server

BEFORE = "def total(prices):\n    amount = 0\n    return "
HERE, THERE = "amount", "amount + len(prices)"


class Beside:
    """A `RemoteProvider` for one server, which the engine here never waits for."""

    def __init__(self, served: RemoteServer) -> None:
        self._target = RemoteTarget(served.url, timeout_s=60.0)

    def fingerprint(self) -> object:
        return 1

    def wish(self) -> RemoteWish:
        return RemoteWish(self._target, self._target.shown, budget_s=0.0)

    def make(self, target: RemoteTarget) -> RemoteEngine:
        return RemoteEngine(target, {})


class Desk(EchoBackend):
    """A backend that is a front desk with two engines."""

    def __init__(self, racing: Racing) -> None:
        super().__init__(lambda _: "")
        self.racing = racing

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        del on_delta
        answered: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()

        def answer(completion: Completion) -> None:
            if not answered.done():
                answered.set_result(completion)

        number = self.racing.submit("here", request, answer)
        try:
            return await answered
        except asyncio.CancelledError:
            self.racing.cancel(number)
            raise

    async def load(self) -> ModelStatus:
        return await self.racing.load()


def left(said: str, prompt: str) -> list[str]:
    """What of the words is not typed yet, as one token."""
    typed = prompt.rpartition("return")[2].lstrip()
    return [said.removeprefix(typed)] if said.startswith(typed) else []


@contextlib.asynccontextmanager
async def editing() -> AsyncGenerator[tuple[OneAtEditor[Desk], RemoteServer]]:
    def there(prompt: str) -> list[str]:
        return [" ", *left(THERE, prompt), "\n"]

    def here(prompt: Prompt) -> list[str]:
        return [*left(HERE, prompt.prefix), "\n"]

    async with remote_server(model=there) as served:
        racing = Racing(FakeSource(FakeEngine(here)), Beside(served))
        await racing.load()
        await until(lambda: racing.remote is not None and racing.remote.protocol)
        served.hold()
        person = OneAtEditor(Desk(racing), BEFORE)
        try:
            yield person, served
        finally:
            served.release()
            await person.inside.end()
            await racing.close()


def stored(person: OneAtEditor[Desk]) -> str | None:
    """What the store has for the end of the document."""
    rest = person.inside.server.session.inline.suggestions.find(person.uri, person.text, len(person.text))
    return None if rest is None else rest.text


async def test_who_types_along_has_the_remote_answer_at_the_next_key() -> None:
    async with editing() as (person, served):
        assert await person.sees() == HERE
        await until(lambda: served.open == 1)
        for key in "am":
            person.type(key)
            assert await person.sees() == HERE.removeprefix(person.text.removeprefix(BEFORE))
        assert served.open == 1
        assert len(served.asked) == 1, "a key that was typed through has asked"
        served.release()
        await until(lambda: stored(person) == THERE.removeprefix("am"), 60.0)
        assert not person.news, "what was typed into stays until then"
        person.type("o")
        assert await person.sees() == THERE.removeprefix("amo")
        assert len(served.asked) == 1
        assert served.aborted == 0


async def test_who_goes_elsewhere_has_the_stream_closed_and_is_asked_for_anew() -> None:
    async with editing() as (person, served):
        assert await person.sees() == HERE
        await until(lambda: served.open == 1)
        person.type("amount\n    # and then\n    x = ")
        await person.ask()
        await until(lambda: served.aborted == 1)
        await until(lambda: len(served.asked) == 2)
