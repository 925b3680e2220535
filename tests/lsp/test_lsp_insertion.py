"""What the file is after accepting an answer: golden cases by language, from the stop rules to the edit."""

from __future__ import annotations

import time

import pytest
from foretype.context.checking.trim import trim
from foretype.context.prompt.rules import stop_rules
from foretype.context.shared.values import StopReason
from foretype.tests.support.context_cases import Case, cases, check
from foretype.tests.support.cursor import snapshot_at
from foretype.tests.support.insertion import MAX_TOKENS, accepted


@pytest.mark.parametrize("case", cases("insertion"), ids=str)
async def test_what_is_accepted_belongs_there(case: Case) -> None:
    # A generation holds a future, which wants a running loop.
    check(case, {"accepted": accepted(case.fields, case.language) or ""})


@pytest.mark.parametrize("unit", ["(a, ", "{\n  b: [", "x)\n", ") + 1", "function() ", "a, b\n"])
@pytest.mark.parametrize("source", ["foo(‸);\n", "foo(‸) + 1;\n", "const a = {‸};\n"])
@pytest.mark.parametrize("stop", [StopReason.LENGTH, StopReason.END])
async def test_an_endless_answer_in_front_of_what_stays_is_judged_soon(
    unit: str, source: str, stop: StopReason
) -> None:
    snapshot, offset = snapshot_at(source, "javascript")
    rules = stop_rules(snapshot, offset, MAX_TOKENS, 0.0)
    before = time.thread_time()
    trim(unit * (60_000 // len(unit)), snapshot, offset, rules, stop)
    assert time.thread_time() - before < 1.0
