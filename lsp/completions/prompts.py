"""The one maker of prompts: what the model sees for a cursor, and where it stops.

A text keeps its window from one prompt to the next, so that typing changes as little as possible of what the
model has evaluated already. What stands in a window is `context`'s decision; who asks, and when, is not known
here.
"""

from __future__ import annotations

import os

from ...context.prompt.assemble import assemble
from ...context.prompt.rules import stop_rules
from ...context.prompt.size import ContextSize
from ...context.prompt.window import Window
from ...context.shared.values import Prompt, StopRules
from ...context.syntax.snapshot import Snapshot
from ...daemon.settings.context_size import size_for
from ...daemon.settings.settings import CompletionSettings
from ..documents.documents import DocumentStore
from ..workspace.related import Relations

DECODE_WITHIN = 6.0
"""The decoding time of one generation, in latency budgets: its beginning is answered within one or two."""


class Prompts:
    """Its state: the last window of each text.

    Attributes:
        sees_suffix: whether the loaded model sees what stands behind the cursor.
        tokens_per_s: what the machine evaluates of a prompt; 0 while no model is loaded.
    """

    def __init__(self, documents: DocumentStore, relations: Relations) -> None:
        """Make it.

        Args:
            documents: the open documents.
            relations: the related code that was chosen for them.
        """
        self.sees_suffix = True
        self.tokens_per_s = 0.0
        self._documents = documents
        self._relations = relations
        self._windows: dict[str, Window] = {}

    def prompt(
        self, snapshot: Snapshot, offset: int, settings: CompletionSettings, *, keep: bool = True
    ) -> Prompt:
        """What the model sees for a cursor. With `keep` the next prompt begins with the same window."""
        prompt, window = self._assembled(snapshot, offset, settings)
        if keep:
            self._windows[snapshot.session] = window
        return prompt

    def seen(self, snapshot: Snapshot, offset: int, settings: CompletionSettings) -> tuple[int, int]:
        """From where to where the model would see the text itself, in code points."""
        _, window = self._assembled(snapshot, offset, settings)
        return window.seen(suffix=self.sees_suffix)

    def size(self, settings: CompletionSettings) -> ContextSize:
        """How much the model is shown."""
        return size_for(settings, self.tokens_per_s, sees_suffix=self.sees_suffix)

    def forget(self, sheet: str) -> None:
        """A text was closed."""
        self._windows.pop(sheet, None)

    def _assembled(
        self, snapshot: Snapshot, offset: int, settings: CompletionSettings
    ) -> tuple[Prompt, Window]:
        root, size = self._documents.root(snapshot.uri), self.size(settings)
        return assemble(
            snapshot,
            offset,
            size,
            self._windows.get(snapshot.session),
            self._relations.parts(snapshot.uri),
            repository=root.rsplit("/", 1)[-1],
        )


def rules_at(
    snapshot: Snapshot, offset: int, settings: CompletionSettings, within: float = DECODE_WITHIN
) -> StopRules:
    """Where decoding stops; `within` is its time in latency budgets."""
    decode_ms = settings.latency_budget_ms * within
    return stop_rules(snapshot, offset, settings.max_tokens, decode_ms, settings.multiline)


def session_of(sheet: str) -> str:
    """The name of a text's session at the daemon: no two editors share one."""
    return f"{os.getpid()} {sheet}"
