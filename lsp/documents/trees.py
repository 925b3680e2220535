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

import attrs

from .target import indented

if TYPE_CHECKING:
    from ...context.syntax.snapshot import Snapshot
    from ...context.syntax.tree import SyntaxTree, TreeWork
    from .documents import Document
    from .target import Target

AT_ONCE_MS = 3.0
"""Processor time that the event loop gives to a tree."""

AT_ONCE_CHARACTERS = 60_000
"""Larger texts are parsed in a thread from the beginning: finishing and freeing their trees takes as long."""

WAIT_S = 0.5
"""A request waits so many seconds for the tree of its text."""

_ELSEWHERE = 50_000
"""Where parsing was given up, so many code points away it is tried once more."""


@attrs.define(eq=False)
class GrowingTree:
    """The newest tree of one text. State: that, and where parsing was given up: the length and the place."""

    tree: SyntaxTree | None = None
    _given_up: tuple[int, int] | None = None

    def work(self, code: str, language: str, place: int) -> TreeWork | None:
        """What is to be done for the tree of a text, of a large one that around a place; None: nothing."""
        from ...context.syntax.cells import changed
        from ...context.syntax.parsing import TreeEdit
        from ...context.syntax.tree import TreeWork

        if self._is_hopeless(code, place):
            self.tree = None
            return None
        tree = self.tree
        if tree is None:
            return TreeWork(code, language, around=place)
        if tree.text is code or tree.text == code:
            served = tree.region is None or tree.region.serves(place, len(code))
            return None if served else TreeWork(code, language, around=place)
        return TreeWork(code, language, base=tree, edit=TreeEdit(*changed(tree.text, code)), around=place)

    def took(self, work: TreeWork) -> None:
        """Some work is finished."""
        self.tree = work.tree
        self._given_up = (
            (len(work.text), work.around or 0) if work.tree is None and not work.follows else None
        )

    def of(self, code: str) -> SyntaxTree | None:
        """The tree of a text, if that is the one it has."""
        return self.tree if self.tree is not None and self.tree.text == code else None

    def follow(self, code: str, language: str, place: int) -> SyntaxTree | None:
        """The tree of a text; parses what differs, however long that takes."""
        work = self.work(code, language, place)
        if work is not None:
            work.run()
            self.took(work)
        return self.tree

    def _is_hopeless(self, code: str, place: int) -> bool:
        if "\x00" in code:
            return True
        given_up = self._given_up
        return given_up is not None and len(code) >= given_up[0] and abs(place - given_up[1]) < _ELSEWHERE


class Trees:
    """Makes trees. Its state: what is being parsed, and the one thread that does it."""

    def __init__(self) -> None:
        from .project_indent import ProjectIndents

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
        deadline = loop.time() + WAIT_S
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

        It holds what is said about the document's indentation.
        """
        await self._indents.settle(document)
        snapshot = indented(await self.snapshot(document, place.offset), document, place)
        if not place.said or document.whole != snapshot.text:
            return snapshot
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, snapshot.with_text, place.text)

    async def _finish(self, growing: GrowingTree, work: TreeWork) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, work.run)
            growing.took(work)
        finally:
            del self._running[growing]
