"""Which open documents a workspace keeps back, and why: its `.foretype.toml`, `.foretypeignore`, and secrets.

What the files around a document say is looked at again when it was last looked at more than `FRESH_S` ago, or
when somebody saw one of them change. In an editor that happens in threads, because a drive may be slow or
gone: until the answer comes, the last one counts, and a document about which nothing is known yet is held
back. What the files may say is `context`'s knowledge.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path

import attrs

from ...context.workspace.ignore import IgnoreDecision, is_secret_path, told_about
from ..documents.background import Threads
from ..documents.document import Document
from ..documents.roots import root_of_file

log = logging.getLogger(__name__)

FRESH_S = 1.0
"""How long, in seconds, what was read counts as true."""

GRACE_S = 0.01
"""Seconds that the event loop itself waits, once a document, unless a drive is known to hang."""

AGAIN_WITHIN_S = 0.02
"""Seconds that a request waits for a fresh answer where an older one is known."""

FIRST_WITHIN_S = 2.0
"""Seconds that it waits where none is known."""

SLOW_S = 0.5
"""From then on the user is told what is waited for."""

_REMEMBERED = 256
"""Documents that are remembered, at most: those asked about last."""

AT_ONCE = 16
"""Documents that are looked at at the same time, at most: each that hangs costs a thread."""

WAITING = (
    "The drive has not said yet whether the workspace keeps this file back; until then it is left alone."
)


@attrs.frozen
class FileVerdict:
    """What is said about one document.

    Attributes:
        kept_back: its text must not be shown to the model at all.
        why: why it gets no suggestions, a sentence; "" when it does.
        known: whether that is what the files say; else nobody knows yet.
        local_only: its text must not leave this machine.
    """

    kept_back: bool
    why: str
    known: bool = True
    local_only: bool = False


@attrs.define
class _Known:
    """What is known of one path, and since when; `told` is None before the first answer."""

    told: IgnoreDecision | None = None
    at: float = -math.inf
    reading: asyncio.Future[None] | None = None
    began: float = 0.0


@attrs.frozen
class Drive:
    """How the files around a path are looked at.

    Attributes:
        read: looks at them; may never return.
        clock: seconds.
    """

    read: Callable[[Path], IgnoreDecision] = told_about
    clock: Callable[[], float] = time.monotonic


class Narrowings:
    """Its state: what was told of a moment ago, what is being read, and what was complained about."""

    def __init__(
        self,
        roots: Callable[[], tuple[str, ...]],
        on_news: Callable[[str], None] | None = None,
        drive: Drive | None = None,
    ) -> None:
        """Make it.

        Args:
            roots: the workspace's folders.
            on_news: told the path of a document about which something else is known now. With it reading
                happens in threads of an event loop's; without it, on the spot.
            drive: how files are looked at; the real ones by default.
        """
        self._roots = roots
        drive = drive or Drive()
        self._clock = drive.clock
        self._read = drive.read
        self._on_news = on_news
        self._threads = Threads("foretype-rules")
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._complaints: dict[Path, tuple[str, ...]] = {}

    def verdict(self, document: Document) -> FileVerdict:
        """What the workspace says about a document, as far as it is known."""
        path = document.file
        if not path:
            return FileVerdict(False, "")
        root = root_of_file(document.file, self._roots())
        if root and _is_secret(Path(path), Path(root)):
            return FileVerdict(True, _SECRET)
        known = self._looked_at(path)
        if known.told is None:
            return FileVerdict(True, WAITING, known=False)
        if not root and _is_secret(Path(path), known.told.top):
            return FileVerdict(True, _SECRET)
        return _judge(document, known.told)

    def is_slow(self, document: Document) -> bool:
        """Whether finding out about a document takes long enough for the user to be told."""
        known = self._known.get(document.file)
        return known is not None and known.told is None and self._clock() - known.began >= SLOW_S

    async def settle(self, document: Document) -> None:
        """Wait until what is known of a document is fresh: not long, and not again for a drive that hangs."""
        path = document.file
        if not path or self._on_news is None:
            return
        known = self._looked_at(path)
        within = FIRST_WITHIN_S if known.told is None else AGAIN_WITHIN_S
        left = within - (self._clock() - known.began)
        if known.reading is not None and left > 0:
            await asyncio.wait([known.reading], timeout=left)

    def outdate(self) -> None:
        """A file that says something has changed: look again, now rather than with the next key."""
        for path, known in self._known.items():
            known.at = -math.inf
            if self._on_news is not None:
                self._look(path, known)

    def _looked_at(self, path: str) -> _Known:
        """What is known of a path; what isn't fresh is being read anew."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = _Known()
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(path)
        if self._clock() - known.at >= FRESH_S:
            self._look(path, known)
        return known

    def _look(self, path: str, known: _Known) -> None:
        if self._on_news is None:
            self._take(known, self._read(Path(path)))
            return
        began = [each.began for each in self._known.values() if each.reading is not None]
        if known.reading is not None or len(began) >= AT_ONCE:
            return
        known.began = self._clock()
        loop = asyncio.get_running_loop()
        if known.told is not None:
            answer = loop.run_in_executor(self._threads, self._read, Path(path))
        else:
            # A drive that is there answers before a request can come; nobody waits twice for one that hangs.
            first = self._threads.submit(self._read, Path(path))
            if all(known.began - each < GRACE_S for each in began):
                wait([first], GRACE_S)
            if first.done() and first.exception() is None:
                self._take(known, first.result())
                return
            answer = asyncio.wrap_future(first)
            loop.call_later(1.1 * SLOW_S, self._tell_if_unknown, path)
        known.reading = asyncio.ensure_future(self._await(path, known, answer))

    async def _await(self, path: str, known: _Known, answer: asyncio.Future[IgnoreDecision]) -> None:
        before = known.told
        try:
            told = await answer
        except Exception:
            log.exception("it can't be said what the workspace keeps back; nothing is shown")
            told = IgnoreDecision(kept_back=True)
        finally:
            known.reading = None
        self._take(known, told)
        if known.told != before and self._on_news is not None:
            self._on_news(path)

    def _take(self, known: _Known, told: IgnoreDecision) -> None:
        known.told, known.at = told, self._clock()
        for folder, said in told.narrowings:
            if self._complaints.get(folder, ()) != said.complaints:
                self._complaints[folder] = said.complaints
                for complaint in said.complaints:
                    log.warning("%s: %s", folder, complaint)

    def _tell_if_unknown(self, path: str) -> None:
        known = self._known.get(path)
        if known is not None and known.told is None and self._on_news is not None:
            self._on_news(path)


_SECRET = "This file may hold secrets: foretype never looks at it."  # noqa: S105 - a sentence


def _is_secret(path: Path, top: Path | None) -> bool:
    """Whether a path names secrets. Of the folders above a workspace only its own name says something."""
    if top is not None and path.is_relative_to(top):
        inside = path.relative_to(top).as_posix()
        return is_secret_path(inside) or (top.name.startswith(".") and is_secret_path(f"{top.name}/{inside}"))
    return is_secret_path("/".join(path.parts[-2:]))


def _judge(document: Document, told: IgnoreDecision) -> FileVerdict:
    if told.kept_back:
        return FileVerdict(True, "The workspace keeps this file back (.foretypeignore or .foretype.toml).")
    if any(said.disabled for _, said in told.narrowings):
        return FileVerdict(False, "The workspace switches suggestions off (.foretype.toml).")
    if any(document.is_in(said.languages) for _, said in told.narrowings):
        why = f"The workspace switches suggestions off for {document.language} (.foretype.toml)."
        return FileVerdict(False, why)
    return FileVerdict(False, "", local_only=any(said.local_only for _, said in told.narrowings))
