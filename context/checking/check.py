"""The one way from a model's answer to what may be shown: trimmed, then looked up and parsed.

Everybody who shows a suggestion, or measures one, comes through here, so that nobody cuts in a way of their
own. Pure; which answers are kept, counted or told about is decided elsewhere.
"""

from __future__ import annotations

import attrs

from ..imports import Import
from ..shared.values import Completion, StopRules
from ..syntax.snapshot import Snapshot
from .confidence import is_sure
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
    "trim_answer",
]


@attrs.frozen
class CheckRequest:
    """An answer in the place that it was asked for.

    Attributes:
        completion: what the model said, or has said so far.
        snapshot: the document, without it.
        offset: the cursor, in code points.
        rules: where the answer had to stop.
        known: what is known of the workspace.
    """

    completion: Completion
    snapshot: Snapshot
    offset: int
    rules: StopRules
    known: WorkspaceFacts = NOTHING_KNOWN


@attrs.frozen
class Checked:
    """What may be shown.

    Attributes:
        text: the text to insert; "" where nothing may be shown.
        replace_right: code points right of the cursor that it replaces.
        reasons: why something was cut off, in order; never code.
        names: the unknown names that it was cut at.
        imports: what the document has to import when it is accepted.
        doubted: the model itself finds it unlikely; shown only to those who asked for it.
        unknown: the unknown name that it was cut at, for `renaming`.
    """

    text: str
    replace_right: int = 0
    reasons: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()
    doubted: bool = False
    unknown: UnknownName | None = attrs.field(default=None, eq=False, repr=False)


def check(request: CheckRequest) -> Checked:
    """Trim an answer and look it up. Total: never raises."""
    return ground_trimmed(request, trim_answer(request))


def trim_answer(request: CheckRequest) -> Trimmed:
    """The first half of `check`, for those who measure the halves apart."""
    completion = request.completion
    # What was said so far ends with a whole line or word; only the engine's own end may cut one in two.
    stop = completion.stop if completion.timings.decode_tokens else None
    return trim(completion.text, request.snapshot, request.offset, request.rules, stop)


def ground_trimmed(request: CheckRequest, trimmed: Trimmed) -> Checked:
    """The second half of `check`."""
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
        not is_sure(request.completion),
        verdict.unknown,
    )
