"""What the file is after accepting an answer: golden cases by language, from the stop rules to the edit."""

from __future__ import annotations

import pytest
from foretype.tests.support.context_cases import Case, cases, check
from foretype.tests.support.insertion import accepted


@pytest.mark.parametrize("case", cases("insertion"), ids=str)
async def test_what_is_accepted_belongs_there(case: Case) -> None:
    # A generation holds a future, which wants a running loop.
    check(case, {"accepted": accepted(case.fields, case.language) or ""})
