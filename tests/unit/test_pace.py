"""How long a draft is: pure functions of what batches cost and of how often drafts come true."""

from __future__ import annotations

import pytest
from foretype.models.pace import (
    MAX_DRAFT,
    Acceptance,
    CostCurve,
    Frequency,
    Purse,
    StepCosts,
    best_length,
)
from hypothesis import given
from hypothesis import strategies as st

LAPTOP = CostCurve.from_measured({1: 5.0, 2: 8.3, 4: 9.9, 8: 13.6, 12: 18.0, 16: 19.1})
STEEP = CostCurve.from_measured({1: 5.0, 2: 10.0, 4: 20.0, 8: 40.0, 12: 60.0, 16: 80.0})
FLAT = CostCurve.from_measured({1: 20.0, 2: 20.0, 4: 20.5, 8: 21.0, 12: 21.5, 16: 22.0})


@pytest.mark.parametrize(
    ("curve", "first", "following", "length"),
    [
        (LAPTOP, 0.3, 0.8, 0),  # a weak draft loses on this curve
        (LAPTOP, 0.7, 0.7, 3),
        (LAPTOP, 0.98, 0.97, MAX_DRAFT),
        (STEEP, 0.99, 0.99, 0),  # batches that cost what their tokens cost: nothing to gain
        (FLAT, 0.3, 0.5, 7),  # bound by memory: even weak drafts gain
        (FLAT, 0.9, 0.9, MAX_DRAFT),
    ],
)
def test_length_by_curve_and_acceptance(
    curve: CostCurve, first: float, following: float, length: int
) -> None:
    assert best_length(first, following, MAX_DRAFT, curve.ratios()).length == length


PROBABILITY = st.floats(0, 1)


@given(
    first=PROBABILITY,
    following=PROBABILITY,
    available=st.integers(0, 20),
    costs=st.lists(st.floats(1, 30), min_size=MAX_DRAFT, max_size=MAX_DRAFT),
    risk=st.floats(0, 8),
)
def test_no_choice_promises_less_than_plain_decoding_or_risks_more_than_it_may(
    first: float, following: float, available: int, costs: list[float], risk: float
) -> None:
    ratios = [1.0, *costs]
    choice = best_length(first, following, available, ratios, risk=risk)
    assert 0 <= choice.length <= min(available, MAX_DRAFT)
    assert choice.gain >= 1
    assert (1 - first) * (ratios[choice.length] - 1) <= risk


def test_a_draft_that_costs_something_must_earn_it() -> None:
    free = best_length(0.8, 0.8, MAX_DRAFT, FLAT.ratios())
    dear = best_length(0.8, 0.8, MAX_DRAFT, FLAT.ratios(), draft_cost=0.3)
    assert dear.length < free.length
    assert dear.gain < free.gain


def test_a_curve_learns_from_steps_and_forgives_a_busy_machine() -> None:
    curve = CostCurve.from_measured({1: 5.0, 4: 10.0})
    for _ in range(30):
        curve.learn(1, 5.0)
        curve.learn(4, 12.5)
    assert curve.ratios()[3] == pytest.approx(2.5, abs=0.1)
    curve.learn(4, 500.0)
    assert curve.ratios()[3] < 3.1


def test_sizes_never_measured_follow_those_that_were() -> None:
    cheap, dear = CostCurve.from_measured({1: 5.0, 4: 7.0}), CostCurve.from_measured({1: 5.0, 4: 20.0})
    assert cheap.ratios()[7] < CostCurve().ratios()[7] < dear.ratios()[7]


@given(st.lists(st.tuples(st.integers(-3, 40), st.floats(-1, 1e6)), max_size=40))
def test_whatever_is_measured_a_batch_never_costs_less_than_one_token(
    samples: list[tuple[int, float]],
) -> None:
    curve = CostCurve()
    for batch, milliseconds in samples:
        curve.learn(batch, milliseconds)
    assert len(curve.ratios()) == MAX_DRAFT + 1
    assert curve.ratios()[0] == 1.0
    assert all(ratio >= 1.0 for ratio in curve.ratios())


def test_fewer_threads_make_larger_batches_dearer() -> None:
    costs = StepCosts()
    costs.put(4, LAPTOP)
    assert costs.curve(1).ratios()[3] > LAPTOP.ratios()[3]
    assert costs.curve(4) is LAPTOP


def test_a_purse_bounds_what_wrong_drafts_cost() -> None:
    purse, lost, tokens = Purse(), 0.0, 0
    for _ in range(2000):
        length = best_length(0.9, 0.9, MAX_DRAFT, LAPTOP.ratios(), risk=purse.contents).length
        cost = LAPTOP.ratios()[length]
        purse.settle(1, cost)
        lost, tokens = lost + cost - 1, tokens + 1
    assert lost / tokens < 0.025


def test_acceptance_is_its_prior_until_told_and_what_was_told_in_the_end() -> None:
    everywhere = Acceptance({"a": (0.8, 0.9)})
    assert everywhere.expected("a") == (0.8, 0.9)
    one, other = Acceptance({}, everywhere), Acceptance({}, everywhere)
    for _ in range(40):
        one.learn("a", first=True, hit=False)
    assert one.expected("a")[0] < 0.1
    assert one.expected("a")[0] < other.expected("a")[0] < 0.8, "other sessions are warned, not convinced"
    assert one.expected("a")[1] == 0.9


def test_a_frequency_forgets_what_was_long_ago() -> None:
    often = Frequency()
    for hit in [True] * 500 + [False] * 100:
        often.add(hit, 40.0)
    assert often.estimate(0.5, 1.0) < 0.15
