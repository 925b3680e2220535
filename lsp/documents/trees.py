"""The trees of texts that are being typed in, made without holding the event loop.

A tree is made from the one before it and from the stretch in which the two texts differ. What takes a moment
is done at once; the rest goes on in a thread, while keys are heard, and whoever needs the tree waits for it
until `WAIT_S`. Then it has to do without. However fast somebody types, a text is parsed by one thread at a
time, and what was begun is finished: the next tree follows from it.

It knows no protocol and no prompts, and decides nothing about suggestions.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ...context.syntax.embedded import embedded_at, seen_from_inside
from .growing_tree import GrowingTree
from .project_indent import ProjectIndents
from .target import indented

if TYPE_CHECKING:
    from ...context.syntax.snapshot import Snapshot
    from ...context.syntax.tree_work import TreeWork
    from .document import Document
    from .target import Target

AT_ONCE_MS = 2.0
"""Processor time that the event loop gives to a tree."""

AT_ONCE_CHARACTERS = 60_000
"""Larger texts are parsed in a thread from the beginning: finishing and freeing their trees takes as long."""

_WAIT_S = 0.5
"""Seconds that a request waits for the tree of its text."""


class Trees:
    """Makes trees. Its state: what is being parsed, and the one thread that does it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="foretype-trees")
        self._running: dict[GrowingTree, asyncio.Future[None]] = {}
        self._indents = ProjectIndents()

    async def snapshot(self, document: Document, offset: int) -> Snapshot:
        """A document as it is once its tree is there, or after `WAIT_S`, then perhaps without.

        Args:
            document: the document; it may have another text by then.
            offset: the place that matters, in the document's `whole`.
        """
        text, loop = document.whole, asyncio.get_running_loop()
        deadline = loop.time() + _WAIT_S
        while document.whole is text:
            growing, code, language = document.growing()
            running = self._running.get(growing)
            if running is None:
                work = growing.work(code, language, offset)
                if work is None:
                    break
                if len(code) <= AT_ONCE_CHARACTERS and work.run(AT_ONCE_MS):
                    growing.took(work)
                    break
                running = self._running[growing] = asyncio.ensure_future(self._finish(growing, work))
            left = deadline - loop.time()
            if left <= 0:
                break
            await asyncio.wait({running}, timeout=left)
        return document.snapshot_so_far()

    async def snapshot_at(self, document: Document, place: Target) -> Snapshot:
        """The same of `place.text`, which differs from the document where the popup menu has an entry.

        It holds what is said about the document's indentation. Where the place lies in code of another
        language, it is the document as that language sees it.
        """
        await self._indents.settle(document)
        snapshot = indented(await self.snapshot(document, place.offset), document, place)
        loop = asyncio.get_running_loop()
        if place.said and document.whole == snapshot.text:
            snapshot = await loop.run_in_executor(self._thread, snapshot.with_text, place.text)
        code = embedded_at(snapshot, place.offset)
        if code is None:
            return snapshot
        return await loop.run_in_executor(self._thread, seen_from_inside, snapshot, code)

    async def _finish(self, growing: GrowingTree, work: TreeWork) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, work.run)
            growing.took(work)
        finally:
            del self._running[growing]
