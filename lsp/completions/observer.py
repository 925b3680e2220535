"""What inline completions need of the editor's session, and what they tell it.

Interfaces alone. The session provides both; tests provide what they look at.
"""

from __future__ import annotations

from typing import Protocol

from ...daemon.client.backend import Backend
from ...daemon.settings.settings import Settings
from ..documents.document import Document
from .items import BetterSuggestion, Report


class CompletionHost(Protocol):
    """Who completes, by which settings, and for whom not."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    async def backend(self) -> Backend:
        """What completes; made when first asked for."""
        ...

    def refused(self, document: Document) -> str:
        """Why a document gets no suggestions now, a sentence; "" when it does."""
        ...

    def stays_here(self, document: Document) -> bool:
        """Whether the workspace forbids that a document's text leaves this machine."""
        ...

    async def settle(self, document: Document) -> object:
        """Wait a little for what `refused` depends on to be up to date."""
        ...


class Observer:
    """Receives what happens to requests. This one ignores everything: override what matters."""

    def reported(self, report: Report) -> None:
        """A request has ended."""

    def cut(self, reason: str) -> None:
        """A part of an answer was not shown, for this reason. Never code."""

    def running(self, count: int) -> None:
        """The number of running generations has changed."""

    def trouble(self, sentence: str) -> None:
        """Nothing can be completed, for this reason; "" when that is over."""

    def better(self, better: BetterSuggestion) -> None:
        """The store has something better for the place of the last answer."""
