"""A model's answer on its way into the document, as the product takes it: what the file is after accepting.

From the stop rules over trimming, checking and the store of suggestions to the edit that an editor applies.
No model, no server and no event loop: the answer is given.
"""

from __future__ import annotations

import attrs
from foretype.context.prompt.rules import stop_rules
from foretype.context.shared.values import Completion, StopReason, StopRules, Timings
from foretype.context.syntax.snapshot import Snapshot
from foretype.lsp.completions.items import item
from foretype.lsp.completions.judge import Judgement, judge
from foretype.lsp.completions.suggestions import Suggestions
from foretype.lsp.documents.target import Target
from foretype.models.decoding.stops import StopWatch, cursor_line
from foretype.tests.support.context_cases import Fields
from foretype.tests.support.cursor import snapshot_at

MAX_TOKENS = 256


@attrs.frozen
class Case:
    """A place where a completion is wanted, as `judge` has to know it."""

    id: str
    snapshot: Snapshot
    offset: int
    rules: StopRules


@attrs.frozen
class Accepted:
    """What came of an answer: the document after accepting it (None: nothing was shown), and why."""

    document: str | None
    judgement: Judgement


def decoded(raw: str, rules: StopRules, before: str, stop: StopReason, step: int = 3) -> Completion:
    """An answer that arrives in pieces of `step` code points, 1,000 at most, ended as decoding ends it."""
    watch = StopWatch(rules, cursor_line(before))
    step = max(step, len(raw) // 1000)
    for start in range(0, len(raw), step):
        ended = watch.feed(raw[start : start + step])
        if ended is not None:
            return Completion(watch.text[: ended.keep], ended.reason, timings=Timings(decode_tokens=1))
    return Completion(watch.text, stop, timings=Timings(decode_tokens=1))


def accept(snapshot: Snapshot, offset: int, raw: str, stop: StopReason = StopReason.END) -> Accepted:
    """Take `raw` for the model's answer at `offset`, and accept what is shown of it."""
    rules = stop_rules(snapshot, offset, MAX_TOKENS, 0.0)
    completion = decoded(raw, rules, snapshot.text[:offset], stop)
    judgement = judge(completion, Case("case", snapshot, offset, rules))
    if judgement.suggestion is None:
        return Accepted(None, judgement)
    store = Suggestions()
    store.remember(judgement.suggestion)
    rest = store.find(snapshot.uri, snapshot.text, offset)
    if rest is None:
        raise AssertionError("A suggestion does not fit the place that it was made for.")
    shown = item(rest, Target(snapshot.text, offset, offset, offset), snapshot.text)
    return Accepted(snapshot.text[: shown.start] + shown.text + snapshot.text[shown.end :], judgement)


def accepted(fields: Fields, language: str) -> str | None:
    """The document after accepting the answer of one golden case; None where nothing is shown."""
    snapshot, offset = snapshot_at(fields["source"], language)
    return accept(snapshot, offset, fields["raw"], StopReason(fields.get("stop", "end"))).document
