"""What is done ahead of the next key: related code is chosen, and the model's cache made ready.

When a document comes to the front its window is evaluated; when the user rests in another declaration,
related code is chosen anew and the prompt that shows it is evaluated while nothing else is asked. A request
takes the window and the related code that are there and waits for neither.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ...context.prompt.size import ContextSize
from ...daemon.wire.messages import ForgetRequest, ModelState, ModelStatus, WarmRequest
from ..documents.document import Document
from ..documents.documents import DocumentStore
from ..documents.trees import Trees
from ..workspace.related import Relations
from .observer import CompletionHost
from .prompts import Prompts, session_of

log = logging.getLogger(__name__)

WARM_AFTER_S = 0.1
"""An editor that restores twenty files opens them all at once: only the one that stays in front is warmed."""

REST_S = 0.6
"""Seconds without a request that count as a rest: then there is time to choose related code."""


NEWS_S = 0.05
"""So soon after a file was saved, related code is chosen anew, unless a key comes before. Together with what
the system takes to tell of the file that is less than 300 ms."""


class Ahead:
    """Its state: where the cursor last was in each document, the document in front, and who rests."""

    def __init__(
        self,
        documents: DocumentStore,
        host: CompletionHost,
        prompts: Prompts,
        relations: Relations,
        trees: Trees,
        *,
        load: Callable[[], Awaitable[ModelStatus]],
        running: Callable[[str], bool],
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            host: what completes, by which settings, and for whom not.
            prompts: says what the model would see.
            relations: the related code.
            trees: makes the documents' trees.
            load: has the model loaded.
            running: whether a generation runs for a document.
        """
        self._documents = documents
        self._host = host
        self._prompts = prompts
        self._relations = relations
        self._trees = trees
        self._load = load
        self._running = running
        self._asked: dict[str, int] = {}
        self._front = ""
        self._openings = 0
        self._rests: dict[str, asyncio.TimerHandle] = {}
        self._background: set[asyncio.Task[Any]] = set()

    def opened(self, uri: str, offset: int | None = None) -> None:
        """A document was opened or came to the front: be ready by the time of the first key.

        Args:
            uri: which.
            offset: where the cursor rests, in code points, where the client says so.
        """
        self._front = uri
        if offset is not None:
            self._asked[uri] = offset
        self._openings += 1
        self.in_background(self._prepare(uri, self._openings))

    def asked(self, uri: str, offset: int) -> None:
        """A suggestion was asked for at an offset of the document, in code points; then may come a rest."""
        self._front = uri
        self._asked[uri] = offset
        self._relations.visited(uri, offset)
        self._await_rest(uri)

    def indexed(self) -> None:
        """A workspace's index is complete: related code is worth choosing anew."""
        self._relations.indexed()
        if self._front in self._asked:
            self._await_rest(self._front)

    def changed(self, root: str) -> None:
        """Files in a folder of the workspace have changed on disk: related code is worth choosing anew."""
        self._relations.changed(root)
        if self._front in self._asked and self._documents.root(self._front) == root:
            self._await_rest(self._front, NEWS_S)

    def closed(self, uri: str, sheet: str) -> None:
        """A document is gone: what was kept for it goes, and with the last of its sheet what they shared."""
        self._asked.pop(uri, None)
        self._stop_rest(uri)
        if not self._is_open(sheet):
            self._prompts.forget(sheet)
            self._relations.forget(sheet)
            self.in_background(self._forget(sheet))

    def _is_open(self, sheet: str) -> bool:
        return any(document.sheet == sheet for document in self._documents)

    async def aclose(self) -> None:
        """End what runs."""
        for uri in tuple(self._rests):
            self._stop_rest(uri)
        tasks = tuple(self._background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _await_rest(self, uri: str, after_s: float = REST_S) -> None:
        """Look again after `after_s` seconds, unless a key comes before."""
        self._stop_rest(uri)
        self._rests[uri] = asyncio.get_running_loop().call_later(
            after_s, lambda: self.in_background(self._rested(uri))
        )

    def _stop_rest(self, uri: str) -> None:
        timer = self._rests.pop(uri, None)
        if timer is not None:
            timer.cancel()

    async def _rested(self, uri: str) -> None:
        """Choose related code anew if it is time to, and have the model evaluate what it would see."""
        offset, document = self._asked.get(uri), self._documents.get(uri)
        if document is None or offset is None or self._host.refused(document):
            return
        text, offset = document.whole, document.before + offset
        if await self._choose(document, offset) and document.whole is text and not self._running(uri):
            await self._warm(document, offset)

    async def _choose(self, document: Document, offset: int) -> bool:
        snapshot = await self._trees.snapshot(document, offset)
        offset = min(offset, len(snapshot.text))
        settings = self._host.settings.completion
        seen = self._prompts.seen(snapshot, offset, settings)
        return await self._relations.choose(snapshot, offset, seen, self._prompts.size(settings).related)

    async def _prepare(self, uri: str, opening: int) -> None:
        """Have the model loaded, then the document's window evaluated if it stays in front."""
        model = await self._load()
        if model.state is not ModelState.READY:
            return
        self._prompts.sees_suffix, self._prompts.tokens_per_s = model.sees_suffix, model.tokens_per_s
        await asyncio.sleep(WARM_AFTER_S)
        document = self._documents.get(uri)
        if document is None or self._front != uri or opening != self._openings or self._running(uri):
            return
        asked = self._asked.get(uri)
        last = None if asked is None else document.before + asked
        offset = warm_offset(len(document.whole), last, self._prompts.size(self._host.settings.completion))
        if offset is None:
            return
        self._relations.visited(uri, offset - document.before)
        await self._choose(document, offset)
        if self._documents.get(uri) is document and not self._running(uri):
            await self._warm(document, min(offset, len(document.whole)))

    async def _warm(self, document: Document, offset: int) -> None:
        snapshot = await self._trees.snapshot(document, offset)
        offset = min(offset, len(snapshot.text))
        prompt = self._prompts.prompt(snapshot, offset, self._host.settings.completion)
        stays = self._host.stays_here(document)
        await (await self._host.backend()).warm(WarmRequest(session_of(document.sheet), prompt, stays))

    async def _forget(self, sheet: str) -> None:
        backend = await self._host.backend()
        if not self._is_open(sheet):
            await backend.forget(ForgetRequest(session_of(sheet)))

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that nobody waits for; it ends with everything else."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("background work failed", exc_info=error)


def warm_offset(length: int, asked: int | None, size: ContextSize) -> int | None:
    """Where to assume the cursor when a document comes to the front, or None: not worth guessing.

    Where it last was; else the end, if the whole document fits before the cursor: then every place in it
    shares the evaluated beginning.

    Args:
        length: of the document, in code points.
        asked: offset of the last request in it, or None.
        size: how much the model sees.
    """
    if asked is not None:
        return min(asked, length)
    return length if 0 < length <= size.prefix else None
