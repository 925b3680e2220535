"""Which open documents a workspace keeps back, and why: its `.foretype.toml`, `.foretypeignore`, and secrets.

The files are looked at again when they were last looked at more than `FRESH_S` ago, so that a change holds
with one of the next keys and a key costs no reading. What the files may say is `context`'s knowledge.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import attrs

from ..context.ignore import is_kept_back, is_secret_path, read_narrowing
from ..context.narrowing import Narrowing
from .documents import Document, relative_path, root_of_file

log = logging.getLogger(__name__)

FRESH_S = 1.0
"""How long, in seconds, what was read counts as true."""

REMEMBERED = 256
"""So many documents' verdicts are kept."""


@attrs.frozen
class Verdict:
    """What is said about one document.

    Attributes:
        kept_back: its text must not be shown to the model at all.
        why: why it gets no suggestions, a sentence; "" when it does.
        at: when that was found, in seconds of the clock.
    """

    kept_back: bool
    why: str
    at: float


class Narrowings:
    """Its state: the verdicts of a moment ago, and what was complained about."""

    def __init__(
        self, roots: Callable[[], tuple[str, ...]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._roots = roots
        self._clock = clock
        self._verdicts: OrderedDict[tuple[str, tuple[str, ...], str], Verdict] = OrderedDict()
        self._complaints: dict[str, tuple[str, ...]] = {}

    def verdict(self, document: Document) -> Verdict:
        """What the workspace says about a document."""
        root = root_of_file(document.file, self._roots())
        key = (document.uri, document.languages, root)
        found = self._verdicts.get(key)
        now = self._clock()
        if found is None or now - found.at >= FRESH_S:
            found = self._verdicts[key] = self._judge(document, root, now)
            while len(self._verdicts) > REMEMBERED:
                self._verdicts.popitem(last=False)
        return found

    def _judge(self, document: Document, root: str, now: float) -> Verdict:
        path = document.file
        if is_secret_path(path):
            return Verdict(True, "This file may hold secrets: foretype never looks at it.", now)
        if not root:
            return Verdict(False, "", now)
        said = read_narrowing(Path(root))
        self._complain(root, said)
        if is_kept_back(Path(root), relative_path(path, (root,))):
            why = "The workspace keeps this file back (.foretypeignore or .foretype.toml)."
            return Verdict(True, why, now)
        if said.disabled:
            return Verdict(False, "The workspace switches suggestions off (.foretype.toml).", now)
        if document.is_in(said.languages):
            why = f"The workspace switches suggestions off for {document.language} (.foretype.toml)."
            return Verdict(False, why, now)
        return Verdict(False, "", now)

    def _complain(self, root: str, said: Narrowing) -> None:
        if self._complaints.get(root, ()) != said.complaints:
            self._complaints[root] = said.complaints
            for complaint in said.complaints:
                log.warning("%s: %s", root, complaint)
