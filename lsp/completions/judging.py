"""Judges what the model said beside the event loop, one answer at a time, and says what was cut and why.

What may be shown is `judge`'s decision; keeping it is `requests`'s.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ...context.shared.values import Completion
from ..documents.documents import DocumentStore
from ..workspace.related import Relations
from .generation import Generation
from .judge import Judgement, judge
from .observer import Observer

log = logging.getLogger(__name__)

NOTHING = Judgement(None)
"""On an answer that nobody wants any more."""


class Judging:
    """Its state: the one thread that judges."""

    def __init__(self, documents: DocumentStore, relations: Relations, observer: Observer) -> None:
        """Make it.

        Args:
            documents: the open documents; what is judged for one that was closed is dropped.
            relations: says what names the workspace knows.
            observer: told what was cut.
        """
        self._documents = documents
        self._relations = relations
        self._observer = observer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="foretype-judge")

    async def judged(
        self, generation: Generation, completion: Completion, *, invoked: bool = False
    ) -> Judgement:
        """What may be shown of an answer, and what else to ask for.

        Args:
            generation: what the answer is to.
            completion: the answer, or what was said so far.
            invoked: the user asked for it, and gets to see what the model itself doubts.
        """
        uri = generation.snapshot.uri
        if not completion.text or self._documents.get(uri) is None:
            return NOTHING
        work = partial(judge, completion, generation, self._relations.known(uri), invoked=invoked)
        judgement = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        if self._documents.get(uri) is None:
            return NOTHING
        if judgement.cuts:
            log.debug("suggestion %s was cut: %s", generation.id, ", ".join(judgement.cuts))
        if completion.timings.decode_tokens:
            for reason in judgement.cuts:
                self._observer.cut(reason)
        return judgement
