"""The one way from a model's answer to what may be shown: trimmed, looked up, cut where it guesses.

Everybody who shows a suggestion, or measures one, comes through here, so that nobody cuts in a way of their
own. Pure; which answers are kept, counted or told about is decided elsewhere.
"""

from __future__ import annotations

import attrs

from ..imports import Import
from ..shared.values import Completion, StopReason, StopRules, Timings
from ..syntax.cursor_lines import CursorLines, cursor_lines
from ..syntax.snapshot import Snapshot
from .closers import Line
from .confidence import PRICES, Kind, Prices, Reach, is_sure
from .endings import may_end, possible_ends, reach_of
from .facts import NOTHING_KNOWN, KnownNames, WorkspaceFacts
from .ground import ground
from .trim import Trimmed, trim
from .unknown import UnknownName

__all__ = [
    "CheckRequest",
    "Checked",
    "KnownNames",
    "WorkspaceFacts",
    "check",
    "ground_trimmed",
    "kind_at",
    "trim_answer",
    "what_is_sure",
]

_MOST_TRIES = 4
"""Ends of an answer that are tried: each is trimmed and parsed once more."""
_MOST_LOOKED_AT = 40
"""Ends of an answer that are looked at."""


@attrs.frozen
class CheckRequest:
    """An answer in the place that it was asked for.

    Attributes:
        completion: what the model said, or has said so far.
        snapshot: the document, without it.
        offset: the cursor, in code points.
        rules: where the answer had to stop.
        known: what is known of the workspace.
        everything: what the model itself doubts is shown, too: the user asked for it.
        prices: what showing something is worth, and what it costs.
    """

    completion: Completion
    snapshot: Snapshot
    offset: int
    rules: StopRules
    known: WorkspaceFacts = NOTHING_KNOWN
    everything: bool = False
    prices: Prices = PRICES


@attrs.frozen
class Checked:
    """What may be shown.

    Attributes:
        text: the text to insert; "" where nothing may be shown.
        replace_right: code points right of the cursor that it replaces.
        reasons: why something was cut off, in order; "doubt" where the model itself guesses. Never code.
        names: the unknown names that it was cut at.
        imports: what the document has to import when it is accepted.
        cut_short: the model had more to say, of which it is not sure.
        unknown: the unknown name that it was cut at, for `renaming`.
    """

    text: str
    replace_right: int = 0
    reasons: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()
    cut_short: bool = False
    unknown: UnknownName | None = attrs.field(default=None, eq=False, repr=False)


def check(request: CheckRequest) -> Checked:
    """Trim an answer, look it up, and cut it where the model begins to guess. Total: never raises."""
    trimmed = trim_answer(request)
    checked = ground_trimmed(request, trimmed)
    return checked if request.everything else what_is_sure(request, trimmed, checked)


def trim_answer(request: CheckRequest) -> Trimmed:
    """The first part of `check`, for those who measure the parts apart."""
    completion = request.completion
    # What was said so far ends with a whole line or word; only the engine's own end may cut one in two.
    stop = completion.stop if completion.timings.decode_tokens else None
    return trim(completion.text, request.snapshot, request.offset, request.rules, stop)


def ground_trimmed(request: CheckRequest, trimmed: Trimmed) -> Checked:
    """The second part of `check`."""
    verdict = ground(
        trimmed.text,
        request.snapshot,
        request.offset,
        trimmed.replace_right,
        request.known,
    )
    return Checked(
        verdict.text if verdict.shown else "",
        verdict.replace_right,
        (*trimmed.reasons, *verdict.reasons),
        verdict.names,
        verdict.imports if verdict.shown else (),
        unknown=verdict.unknown,
    )


def what_is_sure(request: CheckRequest, trimmed: Trimmed, checked: Checked) -> Checked:
    """The third part: as much of what may be shown as is expected to be worth reading.

    The ends that a person would accept are tried from the best on. What is left is trimmed and looked up like
    an answer that ended there. Where nothing of the whole may be shown, a beginning of it may.
    """
    completion = request.completion
    doubtful = attrs.evolve(
        checked, text="", replace_right=0, reasons=(*checked.reasons, "doubt"), imports=()
    )
    if not completion.ends:
        return checked if not checked.text or is_sure(completion) else doubtful
    if not trimmed.text:
        return checked
    place = cursor_lines(request.snapshot, request.offset)
    line = Line(place.before, place.after, place.language, place.newline)
    limit = reach_of(completion.text, checked.text or trimmed.text)
    whole = limit if checked.text else -1
    ends = _ends_by_worth(request, place, limit, whole)[:_MOST_LOOKED_AT]
    acceptable = (end for end in ends if end == whole or may_end(completion.text, end, line))
    for tried, end in enumerate(acceptable):
        if end == whole:
            return checked
        if tried == _MOST_TRIES:
            break
        # No engine ended it there: its last line may be part of one.
        ended = attrs.evolve(completion, text=completion.text[:end], stop=StopReason.LINE, timings=Timings())
        shorter = attrs.evolve(request, completion=ended)
        found = ground_trimmed(shorter, trim_answer(shorter))
        if found.text:
            return attrs.evolve(
                found, reasons=(*found.reasons, "doubt"), cut_short=True, unknown=checked.unknown
            )
    return doubtful if checked.text else checked


def _ends_by_worth(request: CheckRequest, place: CursorLines, limit: int, whole: int) -> list[int]:
    """Where an answer may end, the best end first; none that is not worth reading up to there."""
    reach = Reach.of(request.completion, kind_at(place, request.rules))
    inside = () if place.prose else possible_ends(request.completion.text, limit)
    ends = {*inside, *([whole] if whole >= 0 else [])}
    worths = {end: reach.worth(end, request.prices) for end in ends}
    return sorted((end for end, worth in worths.items() if worth > 0), key=lambda end: (-worths[end], -end))


def kind_at(place: CursorLines, rules: StopRules) -> Kind:
    """What is asked for at a place."""
    if rules.multiline:
        return Kind.BLOCK
    return Kind.LINE if place.blank else Kind.REST
