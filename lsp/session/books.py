"""Counts what happens in a session: what became of suggestions, how requests ended, what answers cost.

The user may switch that off; then nothing is kept. It holds no code.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from ..statistics.ledger import Ledger

if TYPE_CHECKING:
    from ...daemon.settings.settings import Settings
    from ..completions.items import Report
    from ..statistics.ledger import Settled
    from ..statistics.store import Statistics


class Books:
    """Its state: the open suggestions, the store once something was counted, and the model's name.

    Attributes:
        ledger: the open suggestions.
        model: the name of the loaded model.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        """Make them.

        Args:
            settings: those in force.
        """
        self.ledger = Ledger(self._settled)
        self.model = ""
        self._settings = settings
        self._statistics: Statistics | None = None

    @property
    def statistics(self) -> Statistics | None:
        """Where to count; None when the user does not want that."""
        settings = self._settings().statistics
        if not settings.enabled:
            return None
        if self._statistics is None:
            from ..statistics.store import Statistics, statistics_file

            self._statistics = Statistics(statistics_file(), settings.keep_days)
        return self._statistics

    def reported(self, report: Report) -> None:
        """A request has ended."""
        self.ledger.offered(report.uri, report.language, report.total_ms, report.offers)
        statistics = self.statistics
        if statistics is None:
            return
        statistics.outcome(report.outcome.value)
        if report.completion is not None and report.completion.timings.decode_tokens:
            from ..statistics.store import AnswerRow

            statistics.answered(
                AnswerRow(
                    time=time.time(),
                    language=report.language,
                    model=self.model,
                    total_ms=report.total_ms,
                    context_ms=report.context_ms,
                    remote=report.completion.remote,
                    **attrs.asdict(report.completion.timings),
                )
            )

    def cut(self, reason: str) -> None:
        """A part of an answer was not shown, for this reason."""
        if self.statistics is not None:
            self.statistics.cut(reason)

    def edited(self, kind: str, fate: str) -> None:
        """This became of a next edit."""
        if self.statistics is not None:
            self.statistics.edit(kind, fate)

    async def aclose(self) -> None:
        """Write what was counted."""
        self.ledger.close_all()
        if self._statistics is not None:
            await asyncio.to_thread(self._statistics.close)

    def _settled(self, suggestion: Settled) -> None:
        if self.statistics is not None:
            self.statistics.settled(suggestion)
