"""The front desk: every request is answered once, in the right order, whatever the engine does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import attrs
import pytest
from foretype.context.shared.problem import ModelProblem
from foretype.context.shared.values import (
    Completion,
    Prompt,
    Restriction,
    Stage,
    StopReason,
    StopRules,
    Timings,
)
from foretype.daemon.server import model_host, scheduler
from foretype.daemon.server.desk import COUNTED, Totals
from foretype.daemon.server.service import Service
from foretype.daemon.wire.messages import (
    CompletionRequest,
    DaemonStatus,
    ModelState,
    ModelStatus,
    Priority,
    WarmRequest,
)
from foretype.tests.support.clock import FakeClock
from foretype.tests.support.fake_engine import FakeEngine, FakeSource, until


@attrs.define
class Desk:
    """A service, its engine, and the answers by the name that the test gave each request."""

    service: Service
    engine: FakeEngine
    source: FakeSource
    clock: FakeClock
    models: list[ModelStatus] = attrs.field(factory=list[ModelStatus])
    answers: dict[str, Completion] = attrs.field(factory=dict[str, Completion])
    order: list[str] = attrs.field(factory=list[str])
    numbers: dict[str, int] = attrs.field(factory=dict[str, int])
    texts: list[str] = attrs.field(factory=list[str])

    def ask(
        self, name: str, session: str, priority: Priority = Priority.INTERACTIVE, owner: str = "vim"
    ) -> None:
        request = CompletionRequest(session, Prompt(name), StopRules(), priority)
        self.numbers[name] = self.service.submit(owner, request, self.answer_of(name), self.texts.append)

    def warm(self, name: str, session: str, owner: str = "vim") -> None:
        request = WarmRequest(session, Prompt(name))
        self.numbers[name] = self.service.submit(owner, request, self.answer_of(name))

    def answer_of(self, name: str) -> Callable[[Completion], None]:
        def answer(completion: Completion) -> None:
            assert name not in self.answers, f"{name} was answered twice"
            self.answers[name] = completion
            self.order.append(name)

        return answer

    async def answered(self, *names: str) -> None:
        await until(lambda: all(name in self.answers for name in names))

    async def begun(self, name: str) -> None:
        await until(lambda: any(call.prompt == Prompt(name) for call in self.engine.calls))

    def stop_of(self, name: str) -> tuple[StopReason, Stage]:
        return self.answers[name].stop, self.answers[name].stage


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    engine, clock = FakeEngine(), FakeClock()
    source = FakeSource(engine)
    models: list[ModelStatus] = []
    service = Service(source, on_model=models.append, clock=clock, idle_after_s=0.0)
    yield Desk(service, engine, source, clock, models)
    engine.run_freely()
    source.gate.set()
    assert await service.close()


async def test_a_request_loads_the_model_and_is_answered(desk: Desk) -> None:
    desk.ask("one", "a")
    await desk.answered("one")
    assert desk.answers["one"].text == "return 42\n"
    assert [model.state for model in desk.models] == ["loading", "loading", "loading", "ready"]
    assert "".join(desk.texts) == "return 42\n"
    assert (desk.service.sessions, desk.service.queued, desk.service.totals.requests) == (1, 0, 1)


async def test_the_engine_hears_how_an_answer_must_begin(desk: Desk) -> None:
    wanted = Restriction("return ", ("one", "other"))
    for name, restriction in (("free", None), ("restricted", wanted)):
        request = CompletionRequest("a", Prompt(name), StopRules(), restriction=restriction)
        desk.service.submit("vim", request, desk.answer_of(name))
        await desk.answered(name)
    assert [call.restriction for call in desk.engine.of("complete")] == [None, wanted]


async def test_a_newer_request_supersedes_the_running_one(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("old", "a")
    await desk.begun("old")
    desk.engine.release(2)
    await until(lambda: desk.engine.calls[0].text == "return ")
    desk.ask("new", "a")
    desk.engine.run_freely()
    await desk.answered("old", "new")
    assert desk.stop_of("old") == (StopReason.SUPERSEDED, Stage.DECODE)
    assert desk.answers["new"].stop is StopReason.END


async def test_a_newer_request_supersedes_a_waiting_one_at_once(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("other", "b")
    await desk.begun("other")
    desk.ask("old", "a")
    desk.ask("new", "a")
    assert desk.stop_of("old") == (StopReason.SUPERSEDED, Stage.QUEUE)


async def test_cancelling_in_the_queue_is_answered_at_once(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("first", "a")
    await desk.begun("first")
    desk.ask("second", "b")
    desk.clock.advance(0.25)
    desk.service.cancel(desk.numbers["second"])
    assert desk.stop_of("second") == (StopReason.CANCELLED, Stage.QUEUE)
    assert desk.answers["second"].timings.queue_ms == 250.0


async def test_cancelling_while_decoding_ends_it_there(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("one", "a")
    await desk.begun("one")
    desk.engine.release(1)
    await until(lambda: desk.engine.calls[0].text)
    desk.service.cancel(desk.numbers["one"])
    await desk.answered("one")
    assert desk.stop_of("one") == (StopReason.CANCELLED, Stage.DECODE)
    desk.service.cancel(desk.numbers["one"])  # too late, and harmless


async def test_the_time_in_the_queue_is_part_of_the_answer(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("first", "a")
    await desk.begun("first")
    desk.ask("second", "b")
    desk.clock.advance(1.5)
    desk.engine.run_freely()
    await desk.answered("second")
    assert desk.answers["second"].timings.queue_ms == 1500.0
    assert desk.answers["second"].timings.decode_tokens == 4


async def test_a_keystroke_preempts_a_warm_up_which_goes_on_afterwards(desk: Desk) -> None:
    desk.engine.warm_steps = 3
    desk.engine.hold()
    desk.warm("warm", "a")
    await desk.begun("warm")
    desk.engine.release(2)
    desk.ask("key", "b")
    await desk.begun("key")
    desk.engine.run_freely()
    await desk.answered("key", "warm")
    assert desk.order == ["key", "warm"]
    assert [call.stop for call in desk.engine.of("warm")] == [StopReason.CANCELLED, StopReason.END]


async def test_a_prefetch_preempts_a_warm_up_and_yields_to_a_keystroke(desk: Desk) -> None:
    desk.engine.hold()
    desk.warm("warm", "a")
    await desk.begun("warm")
    desk.ask("fetch", "b", Priority.PREFETCH)
    await desk.begun("fetch")
    desk.ask("key", "c")
    await desk.begun("key")
    desk.engine.run_freely()
    await desk.answered("key", "fetch", "warm")
    assert desk.order == ["key", "fetch", "warm"]
    assert "".join(desk.texts) == "return 42\n"  # only the keystroke streams


async def test_an_aged_warm_up_keeps_the_engine_for_its_slice(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("first", "a")
    await desk.begun("first")
    desk.warm("warm", "b")
    desk.ask("second", "c")
    desk.clock.advance(scheduler.AGED_S)
    desk.engine.release(4)
    await desk.begun("warm")
    assert not desk.engine.of("complete")[1:]
    desk.engine.run_freely()
    await desk.answered("warm", "second")
    assert desk.order == ["first", "warm", "second"]


async def test_a_superseded_warm_up_is_not_resurrected_by_its_preemption(desk: Desk) -> None:
    desk.engine.hold()
    desk.warm("warm", "a")
    await desk.begun("warm")
    desk.ask("key", "a")
    desk.engine.run_freely()
    await desk.answered("warm", "key")
    assert desk.stop_of("warm") == (StopReason.SUPERSEDED, Stage.PREFILL)
    assert len(desk.engine.of("warm")) == 1


async def test_two_editors_take_turns(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("zero", "z")
    await desk.begun("zero")
    for number in range(3):
        desk.ask(f"vim{number}", f"v{number}")
    desk.ask("code", "c", owner="code")
    desk.engine.run_freely()
    await desk.answered("vim0", "vim1", "vim2", "code")
    desk.engine.hold()
    desk.clock.advance(1.0)
    desk.ask("vim3", "v0")
    await desk.begun("vim3")
    desk.clock.advance(1.0)
    desk.ask("code1", "c", owner="code")
    desk.ask("vim4", "v0")  # supersedes, and was served last: the other editor is next
    desk.engine.run_freely()
    await desk.answered("vim4", "code1")
    assert desk.order[-2:] == ["code1", "vim4"]


async def test_sessions_of_two_editors_with_one_name_are_apart(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("vim", "a", owner="vim")
    desk.ask("code", "a", owner="code")
    desk.engine.run_freely()
    await desk.answered("vim", "code")
    assert [desk.answers[name].stop for name in ("vim", "code")] == [StopReason.END, StopReason.END]
    assert len({call.session for call in desk.engine.of("complete")}) == 2


async def test_the_queue_is_bounded(desk: Desk) -> None:
    desk.source.gate.clear()
    for number in range(scheduler.MAX_WAITING + 3):
        desk.ask(f"{number}", f"s{number}")
    assert desk.service.queued == scheduler.MAX_WAITING
    assert desk.order == ["0", "1", "2"]
    assert desk.answers["0"].stop is StopReason.UNAVAILABLE


async def test_forgetting_ends_requests_and_gives_cells_back(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("running", "a")
    await desk.begun("running")
    desk.warm("waiting", "b")
    desk.ask("stays", "c", owner="code")
    desk.service.forget_owner("vim")
    desk.engine.run_freely()
    await desk.answered("running", "waiting", "stays")
    assert desk.answers["running"].stop is StopReason.CANCELLED
    assert desk.answers["stays"].stop is StopReason.END
    await until(lambda: desk.engine.sessions("forget") == ["a"])
    assert desk.service.sessions == 1


async def test_idle_work_goes_on_until_there_is_none_left(desk: Desk) -> None:
    desk.engine.idle_steps = 3
    desk.ask("a", "a")
    desk.ask("b", "b")
    await desk.answered("a", "b")
    await until(lambda: len(desk.engine.of("idle")) == 6 and desk.engine.running is None)
    assert desk.engine.sessions("idle") == ["b"] * 3 + ["a"] * 3


async def test_what_an_early_answer_did_not_see_is_read_without_waiting_for_a_rest() -> None:
    engine = FakeEngine(idle_steps=1)
    engine.context = 0.3
    service = Service(FakeSource(engine), idle_after_s=3600.0)
    answers: list[Completion] = []
    service.submit("vim", CompletionRequest("a", Prompt("one"), StopRules()), answers.append)
    await until(lambda: answers and len(engine.of("idle")) == 1 and engine.running is None)
    assert await service.close()


async def test_idle_work_is_preempted_at_once_and_taken_up_again(desk: Desk) -> None:
    desk.engine.idle_steps = 1
    desk.ask("one", "a")
    await desk.answered("one")
    desk.engine.hold()
    desk.ask("two", "a")
    desk.engine.release(4)
    await desk.answered("two")
    await until(lambda: desk.engine.running is not None and desk.engine.running.kind == "idle")
    desk.ask("three", "b")
    await desk.begun("three")
    desk.engine.run_freely()
    await desk.answered("three")
    await until(lambda: desk.engine.sessions("idle")[-1] == "a" and desk.engine.running is None)


async def test_a_model_that_cannot_be_loaded_is_a_sentence_in_every_answer(desk: Desk) -> None:
    desk.source.problem = ModelProblem("There is no model; pull one.")
    desk.ask("one", "a")
    desk.ask("two", "b")
    await desk.answered("one", "two")
    assert desk.answers["two"] == Completion(
        "",
        StopReason.UNAVAILABLE,
        Stage.QUEUE,
        desk.answers["two"].timings,
        detail="There is no model; pull one.",
    )
    desk.ask("three", "a")  # not tried again so soon
    assert desk.answers["three"].detail == "There is no model; pull one."
    assert desk.source.loads == 1
    assert desk.service.model.state is ModelState.ERROR


@pytest.mark.parametrize("what", ["the file changes", "time passes", "it is asked for"])
async def test_a_failed_load_is_tried_again_when(desk: Desk, what: str) -> None:
    desk.source.problem = ModelProblem("Damaged.")
    desk.ask("one", "a")
    await desk.answered("one")
    desk.source.problem = None
    if what == "the file changes":
        desk.source.version = 2
    elif what == "time passes":
        desk.clock.advance(model_host.RETRY_S)
    else:
        assert (await desk.service.load()).state is ModelState.READY
    desk.ask("two", "a")
    await desk.answered("two")
    assert desk.answers["two"].stop is StopReason.END


async def test_a_request_can_be_cancelled_while_the_model_loads(desk: Desk) -> None:
    desk.source.gate.clear()
    desk.ask("one", "a")
    desk.service.cancel(desk.numbers["one"])
    assert desk.stop_of("one") == (StopReason.CANCELLED, Stage.QUEUE)


async def test_a_defect_while_loading_is_a_sentence_too(desk: Desk) -> None:
    desk.source.problem = RuntimeError("secret source code")
    desk.ask("one", "a")
    await desk.answered("one")
    assert "RuntimeError" in desk.answers["one"].detail
    assert "secret" not in desk.answers["one"].detail


async def test_a_defect_of_the_engine_is_an_answer_and_no_code_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.engine.fail_with = ValueError("def secret(): ...")
    desk.ask("one", "a")
    await desk.answered("one")
    assert desk.answers["one"].stop is StopReason.UNAVAILABLE
    desk.engine.fail_with = None
    desk.ask("two", "a")
    await desk.answered("two")
    assert desk.answers["two"].stop is StopReason.END
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_replaced_model_is_unloaded_when_idle_and_loaded_anew(desk: Desk) -> None:
    desk.ask("one", "a")
    await desk.answered("one")
    await until(lambda: desk.engine.of("idle") and desk.engine.running is None and not desk.service.busy)
    desk.source.version = 2
    await until(lambda: desk.service.refresh() or desk.service.model.state is ModelState.UNLOADED)
    desk.ask("two", "a")
    await desk.answered("two")
    assert desk.source.loads == 2


async def test_a_model_that_is_replaced_while_it_answers_makes_room_right_after(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("one", "a")
    await desk.begun("one")
    desk.source.version = 2
    assert (await desk.service.load()).state is ModelState.READY  # the old one, until it has answered
    desk.engine.run_freely()
    await desk.answered("one")
    await until(lambda: desk.source.loads == 2 and desk.service.model.state is ModelState.READY)


async def test_closing_answers_everything(desk: Desk) -> None:
    desk.engine.hold()
    desk.ask("running", "a")
    await desk.begun("running")
    desk.ask("waiting", "b")
    assert await desk.service.close()
    assert desk.answers["running"].stop is StopReason.CANCELLED
    assert desk.answers["waiting"].stop is StopReason.UNAVAILABLE
    desk.ask("late", "c")
    assert desk.answers["late"].stop is StopReason.UNAVAILABLE
    assert desk.engine.closed


async def test_closing_does_not_wait_for_a_load_that_hangs(desk: Desk) -> None:
    desk.source.gate.clear()
    desk.ask("one", "a")
    assert not await desk.service.close(within_s=0.05)
    assert desk.answers["one"].stop is StopReason.UNAVAILABLE


async def test_what_keeps_the_model_from_answering_is_in_its_status_until_it_answers(desk: Desk) -> None:
    desk.engine.refuse_with = "The model computed no numbers."
    desk.ask("one", "a")
    await desk.answered("one")
    assert desk.answers["one"].detail == desk.service.model.detail == "The model computed no numbers."
    assert desk.service.model.state == "ready"
    desk.engine.refuse_with = ""
    desk.ask("two", "a")
    await desk.answered("two")
    assert desk.service.model.detail == ""


async def test_what_is_to_be_known_of_how_a_model_runs_stays_in_its_status(desk: Desk) -> None:
    desk.engine.note = "16 of 33 layers run on the GPU."
    desk.ask("one", "a")
    await desk.answered("one")
    assert (desk.service.model.state, desk.service.model.detail) == ("ready", desk.engine.note)
    desk.engine.refuse_with = "No numbers."
    desk.ask("two", "a")
    await desk.answered("two")
    assert desk.service.model.detail == "No numbers."
    desk.engine.refuse_with = ""
    desk.ask("three", "a")
    await desk.answered("three")
    assert desk.service.model.detail == desk.engine.note


async def test_closing_many_documents_delays_no_key(desk: Desk) -> None:
    """What they leave behind is saved while nobody asks, and any request stops that at once."""
    for name in ("one", "two", "three"):
        desk.ask(name, name)
    await desk.answered("one", "two", "three")
    desk.engine.unsaved = 3
    desk.engine.hold()
    desk.service.forget("vim", "one")
    desk.service.forget("vim", "two")
    await until(lambda: desk.engine.of("keep"))
    desk.engine.release()
    await until(lambda: desk.engine.unsaved == 2)
    desk.ask("key", "three")
    await until(lambda: desk.engine.of("keep")[0].stop is StopReason.CANCELLED)
    desk.engine.run_freely()
    await desk.answered("key")
    assert desk.answers["key"].text
    await until(lambda: not desk.engine.unsaved)
    assert len(desk.engine.of("keep")) == 2, "it goes on where it was stopped"


def test_every_counter_is_one_of_the_timings_and_of_the_status() -> None:
    assert set(COUNTED) <= set(attrs.fields_dict(Timings))
    assert set(attrs.fields_dict(Totals)) <= set(attrs.fields_dict(DaemonStatus))
    once = Timings(**{name: number for number, name in enumerate(COUNTED, 1)})
    twice = Totals().plus(once).plus(once, requests=0)
    assert twice == Totals(1, **{name: 2 * number for number, name in enumerate(COUNTED, 1)})


async def test_everybody_hears_how_far_a_file_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_host, "LOOK_AT_READING_S", 0.0)
    desk.engine.reading = 0.0
    desk.ask("one", "a")
    await desk.answered("one")
    for part in (0.254, 0.4, 1.0):
        desk.engine.reading = part
        await until(lambda part=part: desk.service.model.reading == round(part, 2))
    said = [model.reading for model in desk.models]
    assert said[-3:] == [0.25, 0.4, 1.0]
    desk.engine.reading = 0.5
    desk.warm("two", "a")
    await until(lambda: desk.models[-1].reading == 0.5)
