"""From what the model said to what may be shown: trimming and checking, in one place.

Pure. The store of suggestions, and telling anybody, is `requests`'s.
"""

from __future__ import annotations

from typing import Protocol

import attrs

from ...context.checking.confidence import is_sure
from ...context.checking.ground import Symbols, ground
from ...context.checking.trim import trim
from ...context.imports import Importer
from ...context.shared.values import Completion, StopReason, StopRules
from ...context.syntax.includes import Headers
from ...context.syntax.snapshot import Snapshot
from .generation import LONGEST
from .suggestions import Suggestion, around


@attrs.frozen
class Judgement:
    """What came of one completion.

    Attributes:
        suggestion: what may be shown; None when nothing may.
        cuts: why something was cut off, in order: rules of `trim`, verdicts of `ground`, "doubt". Never
            code.
    """

    suggestion: Suggestion | None
    cuts: tuple[str, ...] = ()


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
    completion: Completion,
    asked: Asked,
    symbols: Symbols | None,
    mentions: Symbols | None = None,
    imports: Importer | None = None,
    *,
    headers: Headers | None = None,
    invoked: bool = False,
) -> Judgement:
    """Trim and check a completion in the place where its generation began.

    Args:
        completion: what the backend answered, or what it has said so far.
        asked: where it was asked for, and the id of the suggestion that comes of it.
        symbols: whether the workspace knows a name; None where nobody can say.
        mentions: whether another file of the workspace mentions a name; None where silence says nothing.
        imports: which names an import could bring; None where none can be added.
        headers: what the workspace's headers include; None where nobody knows them.
        invoked: the user asked for it, and gets to see what the model itself doubts.
    """
    snapshot, offset = asked.snapshot, asked.offset
    if len(completion.text) > LONGEST:
        completion = attrs.evolve(completion, text=completion.text[:LONGEST], stop=StopReason.LENGTH)
    # What was said so far ends with a whole line or word; only the engine's own end may cut one in two.
    cut = completion.stop if completion.timings.decode_tokens else None
    trimmed = trim(completion.text, snapshot, offset, asked.rules, cut)
    verdict = ground(
        trimmed.text, snapshot, offset, trimmed.replace_right, symbols, mentions, imports, headers=headers
    )
    cuts = (*trimmed.reasons, *verdict.reasons)
    if not verdict.shown or not verdict.text:
        return Judgement(None, cuts)
    if not invoked and not is_sure(completion):
        return Judgement(None, (*cuts, "doubt"))
    before, replaces, after = around(snapshot.text, offset, verdict.replace_right)
    suggestion = Suggestion(
        id=asked.id,
        uri=snapshot.uri,
        before=before,
        text=verdict.text,
        after=after,
        replaces=replaces,
        complete=completion.stop not in (StopReason.BUDGET, StopReason.LENGTH),
        mean_logprob=completion.mean_logprob,
        language=snapshot.language,
        early=completion.early,
        imports=verdict.imports,
    )
    return Judgement(suggestion, cuts)
