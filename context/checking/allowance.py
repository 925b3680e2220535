"""The time that a check may take: parsing a completion in its place, and looking for its names."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

import attrs

from ..syntax.snapshot import Snapshot
from ..syntax.tree import SyntaxTree
from ..syntax.tree_work import TreeWork

WITHIN_MS = 200.0
"""Processor time in ms that trying a completion may take in all; most take 2."""


class OutOfTimeError(Exception):
    """Checking a completion took longer than it may."""


@attrs.define
class Allowance:
    """The processor time that may be spent on one check. State: what is left of it, in ms."""

    left_ms: float

    @contextmanager
    def charged(self) -> Generator[None]:
        """Charge what is done inside. Raises `OutOfTimeError` when that was too much."""
        began = time.thread_time()
        yield
        self.left_ms -= 1000 * (time.thread_time() - began)
        if self.left_ms <= 0:
            raise OutOfTimeError

    def parse(self, text: str, snapshot: Snapshot) -> SyntaxTree | None:
        """The tree of a text in a document; None where there is no grammar. Raises `OutOfTimeError`."""
        work = TreeWork(snapshot.code(text), snapshot.language, limit_ms=max(self.left_ms, 0.001))
        work.run()
        self.left_ms -= work.spent_ms
        if work.tree is None and self.left_ms <= 0:
            raise OutOfTimeError
        return work.tree
