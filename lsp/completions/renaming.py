"""Asks once more where an answer was cut at an unknown name: for the same answer with a name that exists.

Which names could stand there, and whether the model finds its choice likely enough, is decided in `context`;
how long that is waited for, and what becomes of it, in `better`.
"""

from __future__ import annotations

import attrs

from ...context.checking.renaming import is_likely, reaches_the_name
from ...context.shared.values import Restriction
from ...daemon.client.backend import Backend
from ...daemon.wire.messages import CompletionRequest
from .generation import Generation
from .judging import Judging
from .observer import Observer
from .suggestions import Suggestion

RENAMED = "renamed"
"""What is counted beside the reasons for a cut: one was made good."""

RENAMED_WITHIN = 0.9
"""Until then a cut answer waits for one with another name, in latency budgets since the model was asked."""


class Renaming:
    """It keeps nothing."""

    def __init__(self, judging: Judging, observer: Observer) -> None:
        """Make it.

        Args:
            judging: says what of an answer may be shown.
            observer: told when another name was found.
        """
        self._judging = judging
        self._observer = observer

    async def renamed(
        self, backend: Backend, request: CompletionRequest, generation: Generation, restriction: Restriction
    ) -> Suggestion | None:
        """What may be shown with another name; None where that is no better.

        Args:
            backend: what completes.
            request: what was asked for.
            generation: what came of it, and was cut.
            restriction: the names that there are.
        """
        completion = await backend.complete(attrs.evolve(request, stream=False, restriction=restriction))
        if not is_likely(completion):
            return None
        judgement = await self._judging.judged(generation, completion, invoked=generation.invoked)
        found = judgement.suggestion
        if found is None or not reaches_the_name(found.text, restriction):
            return None
        self._observer.cut(RENAMED)
        return found
