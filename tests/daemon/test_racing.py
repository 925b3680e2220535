"""Two engines and one answer: who gives it, when, and what becomes of the other's."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.context.shared.values import Completion, Prompt, Restriction, StopReason, StopRules
from foretype.daemon.server.race import Course, Move, Standing, next_move
from foretype.daemon.server.racing import Racing
from foretype.daemon.server.remote_source import ConfiguredRemote, RemoteWish
from foretype.daemon.wire.messages import (
    CompletionRequest,
    ModelState,
    ModelStatus,
    Priority,
    WarmRequest,
)
from foretype.models.remote.engine import RemoteEngine, RemoteTarget
from foretype.tests.support.fake_engine import FakeEngine, FakeSource, until
from foretype.tests.support.remote_server import Fault, RemoteServer, remote_server
from hypothesis import given
from hypothesis import strategies as st

HERE = ("local", " ", "answer")


def says(*tokens: str) -> Callable[[str], Sequence[str]]:
    """A model that says the same whatever stands there."""

    def model(_prompt: str) -> Sequence[str]:
        return tokens

    return model


THERE = ("remote", " ", "answer", "\n")
LOCAL, REMOTE = "local answer", "remote answer"
SOON_S, NEVER_S = 0.05, 3600.0
SLACK_S = 0.05
"""What an answer may take beyond the latency budget."""


@attrs.define
class SetRemote:
    """A `RemoteProvider` for one server."""

    server: RemoteServer
    alone: bool = False
    budget_s: float = NEVER_S
    version: int = 0
    timeout_s: float = 60.0
    most_at_once: int = 0
    most_of_one: int = 0

    def fingerprint(self) -> object:
        return self.version

    def wish(self) -> RemoteWish:
        target = RemoteTarget(self.server.url, timeout_s=self.timeout_s)
        return RemoteWish(target, target.shown, self.alone, self.budget_s)

    def make(self, target: RemoteTarget) -> RemoteEngine:
        return Watched(target, self)


class Watched(RemoteEngine):
    """Counts how many requests are on their way; the server hears of a closed stream a little later."""

    def __init__(self, target: RemoteTarget, counts: SetRemote) -> None:
        super().__init__(target, {})
        self._seen = counts
        self._asking: list[str] = []

    async def complete(self, session: str, prompt: Prompt, rules: StopRules, **how: Any) -> Completion:
        self._asking.append(session)
        self._seen.most_at_once = max(self._seen.most_at_once, len(self._asking))
        self._seen.most_of_one = max(self._seen.most_of_one, self._asking.count(session))
        try:
            return await super().complete(session, prompt, rules, **how)
        finally:
            self._asking.remove(session)


@attrs.define
class Desk:
    """A front desk, its two engines, and the answers by the name that the test gave each request."""

    racing: Racing
    here: FakeEngine
    there: RemoteServer
    remote: SetRemote
    source: FakeSource
    models: list[ModelStatus] = attrs.field(factory=list[ModelStatus])
    answers: dict[str, Completion] = attrs.field(factory=dict[str, Completion])
    took_s: dict[str, float] = attrs.field(factory=dict[str, float])
    numbers: dict[str, int] = attrs.field(factory=dict[str, int])
    texts: list[str] = attrs.field(factory=list[str])

    def ask(self, name: str, session: str = "a", owner: str = "vim", **how: Any) -> None:
        prompt = Prompt(how.pop("prefix", f"{name}("), "\n")
        rules = StopRules(multiline=how.pop("multiline", False), max_tokens=100)
        request = CompletionRequest(session, prompt, rules, **how)
        began = time.perf_counter()

        def answer(completion: Completion) -> None:
            assert name not in self.answers, f"{name} was answered twice"
            self.took_s[name] = time.perf_counter() - began
            self.answers[name] = completion

        self.numbers[name] = self.racing.submit(owner, request, answer, self.texts.append)

    async def answered(self, *names: str) -> None:
        await until(lambda: all(name in self.answers for name in names), 60.0)

    async def asked(self, name: str, **how: Any) -> Completion:
        self.ask(name, **how)
        await self.answered(name)
        return self.answers[name]


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Any]]:
    """Makes desks, and ends them."""
    desks: list[Desk] = []
    servers: list[Any] = []

    async def made(
        *, alone: bool = False, budget_s: float = NEVER_S, timeout_s: float = 60.0, **how: Any
    ) -> Desk:
        wanted: dict[str, Any] = {"model": says(*THERE), **how}
        context = remote_server(**wanted)
        there = await context.__aenter__()
        servers.append(context)
        here = FakeEngine(lambda _prompt: HERE)
        source, remote = FakeSource(here), SetRemote(there, alone, budget_s, timeout_s=timeout_s)
        models: list[ModelStatus] = []
        racing = Racing(source, remote, on_model=models.append)
        desks.append(Desk(racing, here, there, remote, source, models))
        return desks[-1]

    yield made
    for desk in desks:
        desk.there.release()
        desk.here.run_freely()
        desk.source.gate.set()
        assert await desk.racing.close()
    for context in servers:
        await context.__aexit__(None, None, None)


async def ready(desk: Desk) -> None:
    """Both have answered once."""
    await desk.asked("first", session="other", prefix="x")
    await desk.racing.load()
    await until(lambda: desk.racing.remote is not None and desk.racing.remote.protocol)


async def test_the_engine_elsewhere_answers_where_it_is_in_time(make: Any) -> None:
    desk = await make()
    desk.here.hold()
    completion = await desk.asked("one")
    assert (completion.text, completion.remote, completion.early) == (REMOTE, True, False)
    await until(lambda: desk.here.running is None and desk.racing.totals.requests)
    assert desk.racing.totals.requests == 1


async def test_the_engine_here_answers_where_the_other_is_late_and_the_later_one_is_had_once(
    make: Any,
) -> None:
    desk = await make(budget_s=SOON_S)
    await ready(desk)
    desk.there.hold()
    early = await desk.asked("one")
    assert (early.text, early.remote, early.early) == (LOCAL, False, True)
    asked = len(desk.there.asked)
    desk.ask("better", prefix="one(", priority=Priority.PREFETCH, whole=True)
    desk.there.release()
    await desk.answered("better")
    assert (desk.answers["better"].text, desk.answers["better"].early) == (REMOTE, False)
    assert len(desk.there.asked) == asked
    assert desk.racing.remote is not None


async def test_a_later_answer_that_is_there_already_is_given_at_once(make: Any) -> None:
    desk = await make(budget_s=SOON_S)
    await ready(desk)
    desk.there.hold()
    await desk.asked("one")
    desk.there.release()
    await until(lambda: desk.there.open == 0)
    asked = len(desk.there.asked)
    better = await desk.asked("better", prefix="one(", priority=Priority.PREFETCH, whole=True)
    assert better.text == REMOTE
    assert len(desk.there.asked) == asked


async def kept(make: Any, **how: Any) -> Desk:
    """A desk whose engine here has answered `one(`, and whose engine elsewhere is still at it."""
    desk = await make(budget_s=SOON_S, **how)
    await ready(desk)
    desk.there.hold()
    assert (await desk.asked("one")).early
    return desk


async def test_who_types_along_gets_the_rest_of_what_comes_late_and_nothing_more_is_asked(make: Any) -> None:
    desk = await kept(make)
    asked = len(desk.there.asked)
    for typed in ("r", "re", "rem"):  # each key takes back what the one before had asked for
        desk.ask(typed, prefix=f"one({typed}", priority=Priority.PREFETCH, whole=True)
        await asyncio.sleep(0)
        if typed != "rem":
            desk.racing.cancel(desk.numbers[typed])
    desk.there.release()
    await desk.answered("rem")
    assert (desk.answers["rem"].text, desk.answers["rem"].remote) == (REMOTE[3:], True)
    assert (await desk.asked("next", prefix="one(remo")).text == REMOTE[4:]
    assert len(desk.there.asked) == asked
    status = desk.racing.remote
    assert status is not None
    assert status.aborted == 0


async def test_a_key_that_only_the_later_answer_agrees_with_gets_its_rest_at_once(make: Any) -> None:
    desk = await kept(make)
    desk.there.release()
    await until(lambda: desk.there.open == 0)
    asked = len(desk.there.asked)
    desk.here.hold()
    assert (await desk.asked("two", prefix="one(remote ")).text == "answer"
    assert len(desk.there.asked) == asked


async def test_a_later_answer_that_says_something_else_than_was_typed_is_asked_for_anew(make: Any) -> None:
    desk = await kept(make)
    asked = len(desk.there.asked)
    desk.ask("two", prefix="one(x", priority=Priority.PREFETCH, whole=True)
    await asyncio.sleep(0)
    desk.there.release()
    await desk.answered("two")
    assert desk.answers["two"].stop is not StopReason.SUPERSEDED
    await until(lambda: desk.there.open == 0)
    assert len(desk.there.asked) == asked + 1


async def test_what_comes_late_is_given_up_once_another_place_is_asked_about(make: Any) -> None:
    desk = await kept(make)
    aborted = desk.there.aborted
    desk.ask("two", prefix="other(")
    await until(lambda: desk.there.aborted == aborted + 1)
    desk.there.release()
    await desk.answered("two")


async def test_whole_lines_that_are_there_in_time_are_passed_on(make: Any) -> None:
    desk = await make(budget_s=SOON_S, model=says("one\n", "two\n", "three\n"))
    await desk.racing.load()
    await until(lambda: desk.racing.remote.protocol)
    desk.here.hold()
    desk.there.always = Fault("stall", number=2)
    desk.ask("one", multiline=True, stream=True)
    await until(lambda: desk.texts)
    assert "".join(desk.texts) == "one\ntwo"[: len("".join(desk.texts))]
    desk.racing.cancel(desk.numbers["one"])
    await desk.answered("one")
    assert desk.answers["one"].stop is StopReason.CANCELLED


async def test_of_an_answer_that_breaks_off_what_was_passed_on_remains(make: Any) -> None:
    desk = await make(budget_s=SOON_S, model=says("one\n", "two\n", "thr", "ee\n"), token_s=0.1)
    await desk.racing.load()
    await until(lambda: desk.racing.remote.protocol)
    desk.here.hold()
    desk.there.always = Fault("cut", number=3)
    desk.ask("one", multiline=True, stream=True)
    await desk.answered("one")
    completion = desk.answers["one"]
    assert completion.text.startswith("".join(desk.texts))
    assert completion.text in ("one", "one\ntwo")
    assert completion.stop is StopReason.BUDGET


FAULTS = [
    Fault("drop"),
    Fault("cut", number=1),
    Fault("garbage"),
    Fault("html"),
    Fault("wrong length"),
    Fault("redirect"),
    Fault("status", 401),
    Fault("status", 429, headers={"Retry-After": "1"}),
    Fault("status", 500),
    Fault("status", 503),
    Fault("error", number=1),
    Fault("endless"),
    Fault("hang"),
    Fault("stall", number=1),
    Fault("loris"),
    Fault(delay_s=30.0),
]


async def lag_of(work: Any) -> tuple[Any, float]:
    """What some work brings, and by how many seconds this machine was late meanwhile."""
    worst, over = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal worst
        while not over.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - began - 0.005)

    watching = asyncio.ensure_future(watch())
    try:
        return await work, worst
    finally:
        over.set()
        await watching


@pytest.mark.parametrize("alone", [False, True], ids=["race", "always"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}{fault.number or ''}" or "late")
async def test_whatever_goes_wrong_the_engine_here_answers_in_time_and_once(
    make: Any, fault: Fault, alone: bool
) -> None:
    desk = await make(alone=alone, budget_s=0.2)
    await desk.racing.local.load()
    await ready(desk)
    desk.there.faults = [fault] * 2
    completion, lag_s = await lag_of(desk.asked("one"))
    assert completion.text == LOCAL
    assert desk.took_s["one"] <= 0.2 + SLACK_S + 4 * lag_s
    desk.there.faults = []
    status = desk.racing.remote
    assert status is not None
    if fault.kind in ("", "hang", "stall", "loris", "endless"):
        return  # nobody knows yet
    assert status.trouble
    assert desk.models[-1].detail.endswith("The local engine answers meanwhile.")
    assert desk.models[-1].state is ModelState.READY


@pytest.mark.parametrize("seed", range(3))
async def test_faults_on_a_schedule_leave_every_answer_right_and_in_time(make: Any, seed: int) -> None:
    """Each key meets another fault or none, with latency before it now and then; nobody waits out a pause."""
    chance = random.Random(seed)
    desk = await make(alone=seed % 2 == 1, budget_s=0.15, timeout_s=2.0)
    await desk.racing.local.load()
    await ready(desk)
    late = 0
    for count in range(24):
        fault = chance.choice([Fault(), *FAULTS])
        delay_s = chance.choice((0.0, 0.0, 0.02, 0.3))
        desk.there.faults = [attrs.evolve(fault, delay_s=fault.delay_s or delay_s)] * 2
        name = f"{seed} {count}"
        completion, lag_s = await lag_of(desk.asked(name, session=chance.choice("ab")))
        assert completion.text == (REMOTE if completion.remote else LOCAL)
        assert desk.took_s[name] <= 0.15 + SLACK_S + 10 * lag_s
        late += completion.early
        desk.racing._flights.engine.breaker._until = 0.0
    assert late, "the schedule held no server that is late"
    desk.there.faults = []
    await until(lambda: desk.there.open == 0)
    desk.racing._wish = attrs.evolve(desk.racing._wish, budget_s=NEVER_S)
    answers: list[str] = []
    while REMOTE not in answers and len(answers) < 20:  # what failed last may be heard of a little later
        desk.racing._flights.engine.breaker._until = 0.0
        answers.append((await desk.asked(f"last {len(answers)}")).text)
    assert REMOTE in answers


async def test_trouble_is_told_once_and_nobody_waits_for_it_any_more(make: Any) -> None:
    desk = await make()
    await ready(desk)
    desk.there.always = Fault("status", 500)
    for name in ("one", "two", "three"):
        completion = await desk.asked(name)
        assert (completion.text, completion.early) == (LOCAL, False)
    assert len({model.detail for model in desk.models if model.detail}) == 1
    assert sum(bool(model.detail) for model in desk.models) == 1
    assert len([each for each in desk.there.asked if "one(" in each.prompt or "two(" in each.prompt]) == 1
    desk.there.always = Fault()
    desk.racing._flights.engine.breaker._until = 0.0
    assert (await desk.asked("four")).text == REMOTE
    assert desk.models[-1].detail == ""


async def test_where_it_alone_is_asked_the_engine_here_is_not_even_loaded(make: Any) -> None:
    desk = await make(alone=True)
    status = await desk.racing.load()
    assert (status.state, status.name) == (ModelState.READY, "tiny-starcoder")
    assert status.elsewhere == f"127.0.0.1:{desk.there.port}"
    assert (await desk.asked("one")).text == REMOTE
    assert desk.source.loads == 0
    assert desk.racing.totals.requests == 1
    desk.there.always = Fault("status", 500)
    assert (await desk.asked("two")).text == LOCAL
    assert desk.source.loads == 1


async def test_without_any_engine_the_answer_says_why_there_is_none(make: Any) -> None:
    desk = await make(alone=True)
    desk.there.always = Fault("status", 500)
    desk.source.problem = ModelProblem("There is no model.")
    completion = await desk.asked("one")
    assert (completion.stop, completion.detail) == (StopReason.UNAVAILABLE, "There is no model.")


async def test_a_model_that_is_missing_here_does_not_keep_the_other_from_answering(make: Any) -> None:
    desk = await make()
    desk.source.problem = ModelProblem("There is no model.")
    status = await desk.racing.load()
    assert (status.state, status.name) == (ModelState.READY, "tiny-starcoder")
    assert (await desk.asked("one")).text == REMOTE


@pytest.mark.parametrize("alone", [False, True], ids=["race", "always"])
async def test_the_newest_request_of_a_document_wins_and_the_older_streams_are_closed(
    make: Any, alone: bool
) -> None:
    desk = await make(alone=alone)
    await ready(desk)
    desk.there.hold()
    desk.here.hold()
    for count in range(5):
        desk.ask(f"{count}")
        await until(lambda: desk.there.open == 1)
    await until(lambda: desk.there.open == 1)
    assert desk.there.most_open == 1
    desk.there.release()
    desk.here.run_freely()
    await desk.answered(*map(str, range(5)))
    assert {desk.answers[str(count)].stop for count in range(4)} == {StopReason.SUPERSEDED}
    assert desk.answers["4"].text == REMOTE


@pytest.mark.parametrize("alone", [False, True], ids=["race", "always"])
async def test_what_is_taken_back_closes_the_stream_at_once(make: Any, alone: bool) -> None:
    desk = await make(alone=alone)
    await ready(desk)
    desk.there.hold()
    desk.here.hold()
    desk.ask("one")
    await until(lambda: any("one(" in each.prompt for each in desk.there.asked))
    desk.racing.cancel(desk.numbers["one"])
    assert desk.answers["one"].stop is StopReason.CANCELLED
    await until(lambda: desk.there.open == 0)
    assert desk.there.aborted == 1
    assert desk.racing.remote.aborted == 1


async def test_two_that_ask_for_the_same_are_both_answered_by_one_request(make: Any) -> None:
    desk = await make(alone=True)
    await ready(desk)
    desk.there.hold()
    desk.ask("one", prefix="same(")
    await until(lambda: any("same(" in each.prompt for each in desk.there.asked))
    desk.ask("other", prefix="same(", priority=Priority.PREFETCH)
    desk.racing.cancel(desk.numbers["one"])
    assert desk.answers["one"].stop is StopReason.CANCELLED
    desk.there.release()
    assert (await desk.asked("third", prefix="same(")).text == REMOTE
    await desk.answered("other")
    assert desk.answers["other"].text == REMOTE
    assert sum("same(" in each.prompt for each in desk.there.asked) == 1


async def test_as_many_are_asked_at_once_as_the_engine_takes(make: Any) -> None:
    desk = await make(alone=True, slots=3)
    await ready(desk)
    desk.there.hold()
    for count in range(10):
        desk.ask(f"{count}", session=f"{count}", owner=f"{count % 2}")
    await until(lambda: desk.there.open == 3)
    assert desk.racing.queued == 7
    desk.there.release()
    await desk.answered(*map(str, range(10)))
    assert desk.there.most_open == 3
    assert {desk.answers[str(count)].text for count in range(10)} == {REMOTE}


async def test_what_a_workspace_forbids_and_what_needs_names_stays_here(make: Any) -> None:
    desk = await make()
    assert (await desk.asked("one", local_only=True)).text == LOCAL
    assert (await desk.asked("two", restriction=Restriction("", ("answer",)))).text == LOCAL
    done: list[Completion] = []
    desk.racing.submit("vim", WarmRequest("a", Prompt("three("), local_only=True), done.append)
    await until(lambda: desk.here.of("warm"))
    assert desk.there.received == []


async def test_a_warm_up_is_for_both(make: Any) -> None:
    desk = await make()
    await ready(desk)
    seen = len(desk.there.received)
    done: list[Completion] = []
    desk.racing.submit("vim", WarmRequest("a", Prompt("def one():\n    x("), False), done.append)
    await until(lambda: done and len(desk.there.received) == seen + 1)
    assert [call.kind for call in desk.here.calls][-1] == "warm"
    assert desk.there.received[-1].body["n_predict"] == 0


async def test_other_settings_are_followed(make: Any) -> None:
    desk = await make()
    await ready(desk)
    async with remote_server(model=says("another", "\n")) as other:
        desk.remote.server, desk.remote.version = other, 1
        desk.racing.refresh()
        assert (await desk.asked("one")).text == "another"
        assert desk.models[-1].elsewhere == f"127.0.0.1:{other.port}"


async def test_the_engine_elsewhere_comes_from_the_users_own_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    remote = ConfiguredRemote(file, {})
    assert remote.wish().target is None
    before = remote.fingerprint()
    file.write_text('[remote]\nurl = "https://gpu.example.org/v1"\nuse = "always"\n')
    assert remote.fingerprint() != before
    wish = remote.wish()
    assert (wish.where, wish.alone) == ("gpu.example.org", True)
    assert ConfiguredRemote(file, {"FORETYPE_REMOTE_USE": "never"}).wish().target is None
    variables = {"FORETYPE_REMOTE_URL": "http://127.0.0.1:9", "FORETYPE_REMOTE_CA_FILE": "/ca.pem"}
    asked = ConfiguredRemote(tmp_path / "none", variables).wish()
    assert asked.where == "127.0.0.1:9"
    assert asked.target is not None
    assert (asked.target.ca_file, asked.target.key) == ("/ca.pem", "env:FORETYPE_REMOTE_KEY")


@pytest.mark.parametrize("seed", range(6))
async def test_every_request_is_answered_once_whatever_happens(make: Any, seed: int) -> None:
    """Random histories: keys, other documents, cancellations, closed documents, a server that fails."""
    chance = random.Random(seed)
    quick = [Fault(), Fault(), Fault("cut", number=1), Fault("status", 500), Fault("drop"), Fault("html")]
    desk = await make(alone=seed % 2 == 1, budget_s=0.02, slots=2, timeout_s=5.0)
    await ready(desk)
    for count in range(60):
        desk.there.faults = [*desk.there.faults, chance.choice(quick)]
        session = chance.choice("abcd")
        priority = chance.choice((Priority.INTERACTIVE, Priority.INTERACTIVE, Priority.PREFETCH))
        desk.ask(str(count), session=session, prefix=f"{session}{count // 3}(", priority=priority)
        event = chance.random()
        if event < 0.2:
            desk.racing.cancel(desk.numbers[str(chance.randrange(count + 1))])
        elif event < 0.25:
            desk.racing.forget("vim", session)
        elif event < 0.6:
            await asyncio.sleep(0)
        elif event < 0.8:
            await until(lambda asked=str(count): asked in desk.answers, 60.0)
    await desk.answered(*map(str, range(60)))
    for completion in desk.answers.values():
        whole = completion.stop in (StopReason.END, StopReason.LINE)
        assert completion.text == (REMOTE if completion.remote else LOCAL) or not whole
    assert desk.remote.most_at_once <= 2
    assert desk.remote.most_of_one == 1
    await until(lambda: desk.there.open == 0)


FOLLOWS = (None, Move.FOLLOW_LOCAL, Move.FOLLOW_REMOTE)
EVERY = [
    Standing(*each)
    for each in itertools.product(Course, Course, (False, True), FOLLOWS)
    if each[0] is not Course.UNASKED
]
ANSWERS = {Move.ANSWER_LOCAL, Move.ANSWER_REMOTE, Move.ANSWER_PART}


@pytest.mark.parametrize("now", EVERY, ids=str)
def test_what_was_passed_on_is_never_taken_back(now: Standing) -> None:
    move = next_move(now)
    if now.follows is Move.FOLLOW_LOCAL:
        assert move in (Move.WAIT, Move.ANSWER_LOCAL)
    if now.follows is Move.FOLLOW_REMOTE:
        assert move in (Move.WAIT, Move.ANSWER_REMOTE, Move.ANSWER_PART)


@given(st.sampled_from(EVERY))
def test_nobody_waits_for_what_has_ended(now: Standing) -> None:
    move = next_move(now)
    over = {Course.DONE, Course.FAILED}
    if now.remote in over and now.local in over:
        assert move in ANSWERS
    if now.late and now.local is Course.DONE and now.follows is not Move.FOLLOW_REMOTE:
        assert move is not Move.WAIT
    if now.remote is Course.DONE and now.follows is not Move.FOLLOW_LOCAL:
        assert move is Move.ANSWER_REMOTE
    if move is Move.ANSWER_LOCAL:
        assert now.local in over
