"""One hole through the product and the verdicts: every answer, at every moment it is asked.

Moments: at once ("0"), after the authors' next 1 and 5 characters were typed ("1", "5"), and after typing up
to the first bracket that an editor closes by itself ("closed").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
from foretype.tests.truth.answers import Answer, answers
from foretype.tests.truth.cuts import CLOSED
from foretype.tests.truth.editor import State, begun, first_opener, typed
from foretype.tests.truth.holes import Hole
from foretype.tests.truth.product import Product, Session, applied
from foretype.tests.truth.verdict import CORRUPT, EXACT, KILLED, SILENT, Verdict, judged, unshown

TYPED = (1, 5)
MOST_TYPED = 60


@attrs.frozen
class Outcome:
    """One answer at one moment.

    Attributes:
        language, kind, answer: of the hole and the answer.
        asked: the product asks there by itself; otherwise the user did with a key.
        moment: see the module.
        verdict: its class and fault; its class is "asked anew" where nothing is remembered after typing.
        example: what to show of it, where it isn't as it should be.
    """

    language: str
    kind: str
    answer: str
    asked: bool
    moment: str
    verdict: Verdict
    example: Example | None = None


@attrs.frozen
class Example:
    """A fault as people read it. The cursor is ‸."""

    name: str
    before: str
    said: str
    shown: str
    document: str
    wanted: str
    cuts: tuple[str, ...]


def outcomes(
    hole: Hole, product: Callable[[Hole], Product], only: Callable[[str], bool] = lambda _: True
) -> Iterator[Outcome]:
    """Everything about one hole; `only` says which kinds of answers."""
    at = product(hole)
    for answer in answers(hole):
        if not only(answer.kind):
            continue
        session = at.answered(answer)
        state = begun(hole)
        verdict, example = _asked(session, state, answer)

        def outcome(
            moment: str, verdict: Verdict, example: Example | None, answer: Answer = answer
        ) -> Outcome:
            return Outcome(hole.language, hole.kind, answer.kind, at.asks, moment, verdict, example)

        yield outcome("0", verdict, example)
        if verdict.outcome in {KILLED, SILENT}:
            continue
        for moment, later in _moments(hole, state):
            verdict, example = _asked(session, later, answer)
            if verdict.outcome in {KILLED, SILENT}:
                verdict, example = Verdict("asked anew"), None
            yield outcome(moment, verdict, example)


def _moments(hole: Hole, state: State) -> Iterator[tuple[str, State]]:
    closes = hole.kind in CLOSED
    for count in TYPED:
        if count < hole.end - hole.start:
            yield str(count), typed(state, count, closes=closes)
    until = first_opener(hole, MOST_TYPED)
    if until:
        yield "closed", typed(state, until, closes=True)


def _asked(session: Session, state: State, answer: Answer) -> tuple[Verdict, Example | None]:
    edit = session.asked_at(state)
    if edit is None or not edit.text.strip():
        verdict = unshown(state, answer)
        return verdict, _example(session, state, answer, None, "") if verdict.outcome == KILLED else None
    document = applied(state, edit)
    verdict = judged(state, answer, document)
    fine = verdict.outcome == EXACT
    return verdict, None if fine else _example(session, state, answer, edit.text, document)


def _example(session: Session, state: State, answer: Answer, shown: str | None, document: str) -> Example:
    hole = state.hole
    first = hole.code.text.rfind("\n", 0, hole.start) + 1
    finished, text = hole.code.text, state.text

    def excerpt(whole: str, until: int) -> str:
        end = whole.find("\n", max(until, 0))
        return whole[first : len(whole) if end < 0 else end]

    behind = len(finished) - hole.end
    return Example(
        hole.name,
        text[first : state.offset] + "‸" + excerpt(text, state.offset)[state.offset - first :],
        answer.text,
        "" if shown is None else shown,
        excerpt(document, len(document) - behind) if document else "",
        excerpt(finished, hole.end),
        session.cuts,
    )


def is_fault(outcome: Outcome) -> bool:
    """Whether somebody should look at it."""
    return outcome.verdict.outcome in {CORRUPT, KILLED}
