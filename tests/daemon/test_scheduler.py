"""Who goes next: the rules of `scheduler`, one sentence each, and a machine that tries to break them."""

from __future__ import annotations

import attrs
from foretype.daemon.server import scheduler
from foretype.daemon.server.scheduler import AGED_S, MAX_WAITING, SLICE_S, Job, Turn
from foretype.daemon.wire.messages import Priority
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

INTERACTIVE, PREFETCH, WARM_UP = Priority.INTERACTIVE, Priority.PREFETCH, Priority.WARM_UP


def job(
    number: int, session: str, priority: Priority = INTERACTIVE, since: float = 0.0, owner: str = "vim"
) -> Job:
    return Job(number, owner, session, priority, since)


def check_next(
    expected: int,
    *waiting: Job,
    served: dict[str, float] | None = None,
    now: float = 1.0,
    after_aged: bool = False,
) -> Turn:
    turn = scheduler.next_turn(waiting, served or {}, now, after_aged=after_aged)
    assert turn is not None
    assert turn.job.number == expected
    return turn


def test_nobody_waits() -> None:
    assert scheduler.next_turn([], {}, 0.0) is None


def test_interactive_goes_before_prefetch_before_warm_up() -> None:
    jobs = [job(1, "a", WARM_UP), job(2, "b", PREFETCH), job(3, "c")]
    check_next(3, *jobs)
    check_next(2, *jobs[:2])


def test_the_session_served_longest_ago_goes_first() -> None:
    check_next(1, job(1, "a"), job(2, "b"), served={"a": 1.0, "b": 2.0})
    check_next(2, job(1, "a"), job(2, "b"), served={"a": 2.0, "b": 1.0})
    check_next(2, job(1, "a"), job(2, "b"), served={"a": 2.0})


def test_sessions_never_served_go_in_the_order_of_arrival() -> None:
    check_next(1, job(2, "b"), job(1, "a"))


def test_a_warm_up_that_waited_too_long_gets_a_protected_slice() -> None:
    old = job(1, "a", WARM_UP, since=0.0)
    turn = check_next(1, old, job(2, "b", since=9.0), now=AGED_S)
    assert turn.aged
    assert turn.protected_until == AGED_S + SLICE_S


def test_a_warm_up_that_has_not_waited_so_long_gives_way() -> None:
    assert not check_next(2, job(1, "a", WARM_UP), job(2, "b"), now=AGED_S - 0.01).aged


def test_two_aged_turns_never_follow_each_other() -> None:
    check_next(3, job(1, "a", WARM_UP), job(2, "b", WARM_UP), job(3, "c"), now=99.0, after_aged=True)


def test_aged_slices_double_so_that_every_job_ends() -> None:
    once = attrs.evolve(job(1, "a", PREFETCH), aged_turns=2)
    turn = check_next(1, once, job(2, "b"), now=10.0)
    assert turn.protected_until == 10.0 + 4 * SLICE_S


def test_an_ordinary_turn_is_not_protected() -> None:
    assert Turn(job(1, "a", WARM_UP), 5.0).protected_until < 0


def test_only_the_more_important_preempts() -> None:
    warm, fetch, live = job(1, "a", WARM_UP), job(2, "b", PREFETCH), job(3, "c")
    assert scheduler.preempting(Turn(warm, 0.0), [fetch, live]) == live
    assert scheduler.preempting(Turn(warm, 0.0), [fetch]) == fetch
    assert scheduler.preempting(Turn(fetch, 0.0), [warm]) is None
    assert scheduler.preempting(Turn(live, 0.0), [job(4, "d"), fetch, warm]) is None


def test_preemption_keeps_the_age_and_an_aged_turn_spends_it() -> None:
    warm = job(1, "a", WARM_UP, since=2.0)
    assert scheduler.requeued(Turn(warm, 5.0), 6.0).since == 2.0
    assert scheduler.requeued(Turn(warm, 5.0, aged=True), 6.0).since == 6.0


def test_the_newest_request_of_a_session_supersedes_its_older_one() -> None:
    assert scheduler.superseded([job(1, "a"), job(2, "b")], job(3, "a")) == (job(1, "a"),)


def test_a_keystroke_supersedes_its_sessions_prefetch_and_warm_up() -> None:
    background = (job(1, "a", WARM_UP), job(2, "a", PREFETCH))
    assert scheduler.superseded(background, job(3, "a")) == background


def test_a_prefetch_never_supersedes_a_keystroke() -> None:
    assert scheduler.superseded([job(1, "a")], job(2, "a", PREFETCH)) == ()


def test_nothing_supersedes_itself_or_a_newer_one() -> None:
    assert scheduler.superseded([job(2, "a"), job(3, "a")], job(2, "a")) == ()


def test_overflow_drops_the_least_important_then_the_oldest() -> None:
    jobs = [job(1, "a"), job(2, "b", WARM_UP), job(3, "c", WARM_UP), job(4, "d", PREFETCH)]
    assert [dropped.number for dropped in scheduler.overflowing(jobs, 2)] == [2, 3]
    assert scheduler.overflowing(jobs, 4) == ()


def test_overflow_hits_the_client_that_asks_for_the_most() -> None:
    jobs = [job(1, "x", owner="quiet"), job(2, "a", owner="loud"), job(3, "b", owner="loud")]
    assert [dropped.number for dropped in scheduler.overflowing(jobs, 2)] == [2]


class Machine(RuleBasedStateMachine):
    """Drives the decisions as the service does, with an engine that only lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.numbers = 0
        self.waiting: dict[int, Job] = {}
        self.turn: Turn | None = None
        self.after_aged = False
        self.served: dict[str, float] = {}
        self.answers: dict[int, int] = {}
        self.overtaken: dict[int, int] = {}

    def answer(self, number: int) -> None:
        self.answers[number] = self.answers.get(number, 0) + 1

    @rule(session=st.sampled_from("abcdefgh"), priority=st.sampled_from(Priority))
    def request(self, session: str, priority: Priority) -> None:
        self.numbers += 1
        new = Job(self.numbers, session.upper(), session, priority, self.now)
        self.answers[new.number] = 0
        for old in scheduler.superseded(list(self.waiting.values()), new):
            del self.waiting[old.number]
            self.answer(old.number)
        if self.turn and scheduler.superseded([self.turn.job], new):
            self.answer(self.turn.job.number)
            self.turn = None
        self.waiting[new.number] = new
        self.drop_overflowing()

    def drop_overflowing(self) -> None:
        for dropped in scheduler.overflowing(self.waiting.values(), 6):
            del self.waiting[dropped.number]
            self.answer(dropped.number)

    @rule(seconds=st.sampled_from((0.01, 0.2, 1.0, 5.0)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.turn is None)
    @rule()
    def next_turn(self) -> None:
        turn = scheduler.next_turn(self.waiting.values(), self.served, self.now, after_aged=self.after_aged)
        assert (turn is None) == (not self.waiting)
        if turn is None:
            return
        del self.waiting[turn.job.number]
        for other in self.waiting.values():
            if other.priority == turn.job.priority and not turn.aged:
                assert self.served.get(turn.job.session, -1.0) <= self.served.get(other.session, -1.0)
            if not turn.aged:
                assert turn.job.priority <= other.priority
        assert not (turn.aged and self.after_aged)
        self.turn, self.after_aged = turn, turn.aged

    @precondition(lambda self: self.turn is not None)
    @rule(ends=st.booleans())
    def turn_ends_or_is_preempted(self, ends: bool) -> None:
        turn = self.turn
        assert turn is not None
        by = scheduler.preempting(turn, self.waiting.values())
        if by is not None and not ends and self.now >= turn.protected_until:
            assert by.priority < turn.job.priority
            again = scheduler.requeued(turn, self.now)
            self.waiting[again.number] = again
            self.drop_overflowing()
        else:
            self.answer(turn.job.number)
        self.served[turn.job.session] = self.now
        self.turn = None

    @invariant()
    def every_request_has_one_answer_or_is_on_its_way(self) -> None:
        for number, count in self.answers.items():
            pending = number in self.waiting or (self.turn is not None and self.turn.job.number == number)
            assert count == (0 if pending else 1)

    @invariant()
    def the_queue_is_bounded(self) -> None:
        assert len(self.waiting) <= 6 <= MAX_WAITING

    @invariant()
    def a_session_waits_at_most_once_for_each_priority(self) -> None:
        pairs = [(waiting.session, waiting.priority) for waiting in self.waiting.values()]
        assert len(pairs) == len(set(pairs))


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_nothing_starves_under_constant_typing() -> None:
    """Two people type without a pause; ten warm-ups of a second each still end, each in bounded time."""
    now, number, after_aged = 0.0, 100, False
    work = dict.fromkeys(range(10), 1.0)
    waiting = {n: job(n, f"w{n}", WARM_UP, owner="other") for n in work}
    served: dict[str, float] = {}
    longest_keystroke = 0.0
    while work and now < 600:
        for session in "xy":  # each answer is followed by the next keystroke at once
            if not any(waits.session == session for waits in waiting.values()):
                number += 1
                waiting[number] = job(number, session, since=now)
        turn = scheduler.next_turn(waiting.values(), served, now, after_aged=after_aged)
        assert turn is not None
        after_aged = turn.aged
        del waiting[turn.job.number]
        if turn.job.priority is INTERACTIVE:
            longest_keystroke = max(longest_keystroke, now - turn.job.since)
            now += 0.1
        else:
            spent = min(turn.protected_until - now, work[turn.job.number])
            now += spent
            work[turn.job.number] -= spent
            if work[turn.job.number] <= 1e-9:
                del work[turn.job.number]
            else:
                waiting[turn.job.number] = scheduler.requeued(turn, now)
        served[turn.job.session] = now
    assert not work
    assert longest_keystroke < 1.2
