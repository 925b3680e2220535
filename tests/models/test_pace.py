"""How long a draft is: pure functions of what batches cost and of how often drafts come true."""

from __future__ import annotations

import pytest
from foretype.models.cache.step_costs import MAX_DRAFT, CostCurve, StepCosts
from foretype.models.drafting.acceptance import Acceptance, DraftEvidence, Tally, chance, odds
from foretype.models.drafting.draft_length import ALLOWED_LOSS, STAKE, Purse, best_length, draft_length
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
        length = best_length(0.9, 0.9, MAX_DRAFT, LAPTOP.ratios(), risk=purse.risk(5.0)).length
        cost = LAPTOP.ratios()[length]
        purse.settle(1, 5.0 * cost, 5.0)
        lost, tokens = lost + cost - 1, tokens + 1
    assert lost / tokens < 0.025


@given(
    steps=st.lists(
        st.tuples(st.lists(PROBABILITY, max_size=MAX_DRAFT), st.integers(0, MAX_DRAFT)),
        min_size=1,
        max_size=120,
    ),
    costs=st.lists(st.floats(1, 30), min_size=MAX_DRAFT, max_size=MAX_DRAFT),
)
def test_however_wrong_the_estimates_a_session_never_loses_more_than_its_stake_and_the_allowed_share(
    steps: list[tuple[list[float], int]], costs: list[float]
) -> None:
    ratios = [1.0, *costs]
    purse, spent, tokens = Purse(), 0.0, 0
    for believed, true in steps:
        length = draft_length(believed, ratios, risk=purse.risk(20.0)).length
        accepted = min(length, true)
        purse.settle(accepted + 1, 20.0 * ratios[length], 20.0)
        spent, tokens = spent + ratios[length], tokens + accepted + 1
        assert spent <= tokens * (1 + ALLOWED_LOSS) + STAKE + 1e-6


@given(believed=st.lists(PROBABILITY, min_size=1, max_size=MAX_DRAFT))
def test_no_other_length_promises_more(believed: list[float]) -> None:
    ratios = LAPTOP.ratios()
    choice = draft_length(believed, ratios)
    alive, expected = 1.0, 1.0
    for length, likely in enumerate(believed, 1):
        alive *= likely
        expected += alive
        assert expected / ratios[length] <= max(choice.gain, 1.1) + 1e-9


# ── how likely a drafted token is ────────────────────────────────────────────────────────────────────


@given(length=st.integers(1, 40), distance=st.integers(0, 10**6), elsewhere=st.booleans())
def test_a_longer_match_makes_every_token_likelier_and_so_does_each_that_came_true(
    length: int, distance: int, elsewhere: bool
) -> None:
    shorter, longer = (
        DraftEvidence(number, distance, elsewhere=elsewhere).log_odds(MAX_DRAFT, 0)
        for number in (length, length + 1)
    )
    assert all(one < other for one, other in zip(shorter, longer, strict=True))
    assert shorter == sorted(shorter)


def test_occurrences_and_sources_that_agree_speak_for_a_token_and_others_against_it() -> None:
    def first(company: int = 0, agreeing: int = 1, *, split: bool = False, differing: bool = False) -> float:
        match = DraftEvidence(3, 100, agreeing, split=split, differing=differing)
        return chance(match.log_odds(1, company)[0])

    assert first(split=True) < first(differing=True) < first() < first(0, 2) < first(0, 3)
    assert first(-1) < first() < first(1)
    assert 0.5 < first() < 0.8


def test_odds_are_the_inverse_of_chances() -> None:
    assert chance(odds(0.83)) == pytest.approx(0.83)


def test_acceptance_is_what_was_expected_until_told_and_what_was_told_in_the_end() -> None:
    everywhere, before = Acceptance(), [odds(0.8), odds(0.9)]
    assert everywhere.chances("a", before) == pytest.approx([0.8, 0.9])
    one, other = Acceptance(everywhere), Acceptance(everywhere)
    for _ in range(40):
        one.learn("a", before[0], first=True, hit=False)
    assert one.chances("a", before)[0] < 0.1
    assert one.chances("a", before)[0] < other.chances("a", before)[0] < 0.8, "warned, not convinced"
    assert one.chances("a", before)[1] == pytest.approx(0.9)
    assert one.chances("b", before) == pytest.approx([0.8, 0.9]), "other sources are not to blame"


@given(st.lists(PROBABILITY, max_size=60))
def test_what_came_true_as_often_as_expected_changes_nothing(expected: list[float]) -> None:
    tally = Tally()
    for probability in expected:
        share = round(100 * probability)
        for outcome in [True] * share + [False] * (100 - share):
            tally.add(hit=outcome, expected=share / 100, memory=1e9)
    assert tally.shift(1.0) == pytest.approx(0.0, abs=1e-6)


def test_a_tally_forgets_what_was_long_ago() -> None:
    often = Tally()
    for hit in [True] * 500 + [False] * 100:
        often.add(hit=hit, expected=0.5, memory=40.0)
    assert chance(often.shift(1.0)) < 0.15
