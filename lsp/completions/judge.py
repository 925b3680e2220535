"""From what the model said to a suggestion: checked, and with what it stands between.

Pure. The store of suggestions, and telling anybody, is `requests`'s.
"""

from __future__ import annotations

from typing import Protocol

import attrs

from ...context.checking.check import CheckRequest, WorkspaceFacts, check
from ...context.checking.facts import NOTHING_KNOWN
from ...context.checking.renaming import restriction_at
from ...context.shared.values import Completion, Restriction, StopReason, StopRules
from ...context.syntax.snapshot import Snapshot
from .generation import LONGEST_ANSWER
from .suggestions import Suggestion, around


@attrs.frozen
class Judgement:
    """What came of one completion.

    Attributes:
        suggestion: what may be shown; None when nothing may.
        cuts: why something was cut off, in order: rules of `trim`, verdicts of `ground`, "doubt". Never
            code.
        restriction: what to ask the model for where it was cut at an unknown name and others could stand
            there; None otherwise, and for an answer that isn't whole.
    """

    suggestion: Suggestion | None
    cuts: tuple[str, ...] = ()
    restriction: Restriction | None = None


class Asked(Protocol):
    """What a completion was asked for; a `Generation` is one."""

    @property
    def id(self) -> str:
        """The suggestion that comes of it."""
        ...

    @property
    def snapshot(self) -> Snapshot:
        """The document."""
        ...

    @property
    def offset(self) -> int:
        """The place, in code points."""
        ...

    @property
    def rules(self) -> StopRules:
        """Where it had to stop."""
        ...


def judge(
    completion: Completion, asked: Asked, known: WorkspaceFacts = NOTHING_KNOWN, *, invoked: bool = False
) -> Judgement:
    """Check a completion in the place where its generation began.

    Args:
        completion: what the backend answered, or what it has said so far.
        asked: where it was asked for, and the id of the suggestion that comes of it.
        known: what is known of the workspace.
        invoked: the user asked for it, and gets to see what the model itself doubts.
    """
    snapshot, offset = asked.snapshot, asked.offset
    if len(completion.text) > LONGEST_ANSWER:
        completion = attrs.evolve(completion, text=completion.text[:LONGEST_ANSWER], stop=StopReason.LENGTH)
    checked = check(CheckRequest(completion, snapshot, offset, asked.rules, known, everything=invoked))
    whole = bool(completion.timings.decode_tokens)
    unknown = checked.unknown if whole else None
    restriction = None if unknown is None else restriction_at(unknown, completion.text)
    if not checked.text:
        return Judgement(None, checked.reasons, restriction)
    before, replaces, after = around(snapshot.text, offset, checked.replace_right)
    suggestion = Suggestion(
        id=asked.id,
        uri=snapshot.uri,
        before=before,
        text=checked.text,
        after=after,
        replaces=replaces,
        complete=not checked.cut_short and completion.stop not in (StopReason.BUDGET, StopReason.LENGTH),
        mean_logprob=completion.mean_logprob,
        language=snapshot.language,
        early=completion.early,
        imports=checked.imports,
    )
    return Judgement(suggestion, checked.reasons, restriction)
