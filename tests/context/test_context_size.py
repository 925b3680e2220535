"""How much the model is shown follows the machine, where the user has not said how much."""

from __future__ import annotations

import attrs
import pytest
from foretype.context.prompt.size import (
    AUTOMATIC,
    CHARACTERS_PER_TOKEN,
    LARGEST,
    READ_IN_S,
    SMALLEST,
    STEP,
    ContextSize,
    context_size,
)
from hypothesis import given
from hypothesis import strategies as st

FOLLOWS = ContextSize(AUTOMATIC, AUTOMATIC, AUTOMATIC)
SPEEDS = st.floats(1, 100_000)


@pytest.mark.parametrize("tokens_per_s", [0.0, 5_000.0])
def test_a_fast_machine_and_one_whose_speed_is_not_known_show_the_largest(tokens_per_s: float) -> None:
    assert context_size(FOLLOWS, tokens_per_s) == LARGEST


def test_a_slow_one_shows_what_is_still_worth_reading() -> None:
    assert context_size(FOLLOWS, 20.0) == SMALLEST


def test_what_the_user_has_set_is_taken_as_it_is() -> None:
    assert context_size(ContextSize(9000, 0, AUTOMATIC), 20.0) == ContextSize(9000, 0, SMALLEST.related)


@given(tokens_per_s=SPEEDS, sees_suffix=st.booleans())
def test_what_is_more_than_the_smallest_is_evaluated_in_a_rest(
    tokens_per_s: float, sees_suffix: bool
) -> None:
    size = context_size(FOLLOWS, tokens_per_s, sees_suffix=sees_suffix)
    parts = zip(attrs.astuple(size), attrs.astuple(SMALLEST), strict=True)
    grown = [part for part, smallest in parts if part > smallest]
    seen = sum(grown) - (size.suffix if not sees_suffix and size.suffix in grown else 0)
    assert seen <= tokens_per_s * READ_IN_S * CHARACTERS_PER_TOKEN


@given(tokens_per_s=SPEEDS, sees_suffix=st.booleans())
def test_a_faster_machine_never_shows_less(tokens_per_s: float, sees_suffix: bool) -> None:
    one = context_size(FOLLOWS, tokens_per_s, sees_suffix=sees_suffix)
    faster = context_size(FOLLOWS, tokens_per_s * STEP, sees_suffix=sees_suffix)
    assert all(a <= b for a, b in zip(attrs.astuple(one), attrs.astuple(faster), strict=True))
