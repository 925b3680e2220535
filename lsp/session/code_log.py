"""`[log] include_code`: writes prompts and the model's answers to the language server's log.

Without it no log holds code, whatever the log's level. With it they are written whatever the level, since
the user asked for them. Only the user's own file can ask: editors and workspaces have no say in the log.
What is made of an answer (trimmed, checked, shown) is not written here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from ...context.shared.values import Completion
from ...daemon.client.backend import Backend, OnDelta
from ...daemon.wire.messages import CompletionRequest, DaemonStatus, ForgetRequest, ModelStatus, WarmRequest

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


class CodeLog:
    """A backend that writes what passes through it to the log, as long as `included` says so.

    Args:
        backend: what completes.
        included: whether the log may hold code; asked at every request.
    """

    def __init__(self, backend: Backend, included: Callable[[], bool]) -> None:
        self._backend = backend
        self._included = included

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        included = self._included()
        if included:
            log.info("%s", _described(request))
        completion = await self._backend.complete(request, on_delta)
        if included:
            log.info("%s: the model answered (%s)\n%s", request.session, completion.stop, completion.text)
        return completion

    async def warm(self, request: WarmRequest) -> None:
        await self._backend.warm(request)

    async def forget(self, request: ForgetRequest) -> None:
        await self._backend.forget(request)

    async def load(self) -> ModelStatus:
        return await self._backend.load()

    async def status(self) -> DaemonStatus:
        return await self._backend.status()

    async def aclose(self) -> None:
        await self._backend.aclose()


def _described(request: CompletionRequest) -> str:
    """A request in full: each part under a line that says what it is, the cursor between the last two."""
    prompt = request.prompt
    related = [f"--- related: {part.path} ({part.origin})\n{part.text}" for part in prompt.related]
    told = f"{request.session}: a prompt for {prompt.path or 'an untitled file'} ({prompt.language})"
    around = [f"--- before the cursor\n{prompt.prefix}", f"--- behind it\n{prompt.suffix}"]
    return "\n".join([told, *related, *around])
