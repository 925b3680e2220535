"""The next edit as a model sees it, where patterns say nothing: asked, and what comes back is checked.

The daemon's model is asked behind everything that somebody waits for at the cursor; a newer request, a key or
the editor's cancelling ends that. Not: what may be proposed of an answer, which `context/edits` decides.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ...context.shared.values import StopRules
from ..documents.background import aside

if TYPE_CHECKING:
    from ...context.edits.propose import EditedDocument, Proposal
    from ...daemon.client.backend import Backend
    from ...daemon.settings.settings import Settings
    from ..documents.document import Document

NEVER, LINE = "never", "line"

_RULES = StopRules(max_tokens=96)
"""For one line; a model that writes a stretch anew gets rules of its own from its engine."""


class ModelEditHost(Protocol):
    """Who is asked, and what may leave the machine; a `Session` is one."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    def stays_here(self, document: Document) -> bool:
        """Whether the workspace forbids that a document's text leaves this machine."""
        ...

    async def backend(self) -> Backend:
        """Who completes."""
        ...


async def model_edit(
    host: ModelEditHost, document: Document, edited: EditedDocument, offset: int
) -> Proposal | None:
    """The edit that the model proposes; None where it isn't to be asked, or proposes nothing that holds.

    Args:
        host: who is asked.
        document: where the user is.
        edited: the same with its tree and the user's edits.
        offset: of the cursor, in code points.
    """
    wanted = host.settings.edits.model
    if wanted == NEVER or not edited.edits:
        return None
    # What talks to the daemon takes its time to be imported, and a server starts without it.
    from ...context.edits.rewriting import proposal_of, rewrite_request
    from ...daemon.wire.messages import CompletionRequest, Priority

    asked = rewrite_request(edited, offset, document.path, line=wanted == LINE)
    if asked is None:
        return None
    backend = await host.backend()
    answer = await backend.complete(
        CompletionRequest(
            f"{os.getpid()} {document.sheet} next edit",
            asked.prompt,
            _RULES,
            Priority.PREFETCH,
            whole=True,
            local_only=host.stays_here(document),
        )
    )
    check = partial(proposal_of, asked, edited, answer.text)
    return await aside(check) if answer.text else None
