"""Passes events on: those of completions to status, books and editor, those of folders to the completions."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..completions.better import BETTER
from ..completions.items import BetterSuggestion, Report
from ..completions.observer import Observer
from ..documents.documents import DocumentStore
from ..protocol.editor import Editor
from ..workspace.folders import FolderObserver, IndexingStep
from .books import Books
from .status import StatusBoard

if TYPE_CHECKING:
    from ..completions.warm_up import Ahead
    from ..protocol.progress import WorkProgress
    from ..workspace.restrictions import Narrowings

WORTH_A_BAR = 1_000_000
"""Bytes of source from which indexing is shown as a bar: less takes no longer than reading its title."""


class SessionObserver(Observer):
    """Passes everything on. It keeps nothing."""

    def __init__(
        self,
        documents: DocumentStore,
        editor: Editor,
        board: StatusBoard,
        books: Books,
        *,
        looked_at: Callable[[str], None],
        wants_better: bool,
    ) -> None:
        """Make it.

        Args:
            documents: the open documents.
            editor: told of better suggestions.
            board: the status.
            books: what is counted.
            looked_at: told the document that the user works in.
            wants_better: whether the editor asked to be told of better suggestions.
        """
        self._documents = documents
        self._editor = editor
        self._board = board
        self._books = books
        self._looked_at = looked_at
        self._wants_better = wants_better

    def reported(self, report: Report) -> None:
        """See `Observer`."""
        self._looked_at(report.uri)
        self._books.reported(report)

    def cut(self, reason: str) -> None:
        """See `Observer`."""
        self._books.cut(reason)

    def running(self, count: int) -> None:
        """See `Observer`."""
        self._board.running(count)

    def trouble(self, sentence: str) -> None:
        """See `Observer`."""
        self._board.trouble(sentence)

    def better(self, better: BetterSuggestion) -> None:
        """See `Observer`."""
        document = self._documents.get(better.uri)
        if self._wants_better and document is not None:
            self._editor.notify(BETTER, better.for_editors(document.version))


class Indexed(Protocol):
    """What depends on the folders' contents; a `Session` is one."""

    @property
    def ahead(self) -> Ahead:
        """What is done ahead of the next key."""
        ...

    @property
    def narrowings(self) -> Narrowings:
        """What the workspace's own files keep back."""
        ...

    def work_progress(self, title: str) -> WorkProgress | None:
        """A bar for a piece of work that begins now; None where the client shows none."""
        ...


class IndexObserver(FolderObserver):
    """Shows how far indexing has come, and passes on what changed. State: the bars, and what was indexed."""

    def __init__(self, concerned: Indexed) -> None:
        """Make it.

        Args:
            concerned: what depends on the folders' contents.
        """
        self._concerned = concerned
        self._bars: dict[Path, WorkProgress] = {}
        self._indexed: set[Path] = set()

    def indexing(self, step: IndexingStep) -> None:
        """See `FolderObserver`."""
        bar = self._bars.get(step.root)
        if step.finished:
            if step.root not in self._indexed:
                # An index is large and stays: looking through it would delay answers. Only once: what lives
                # at that moment and dies in a circle later would never be freed.
                gc.freeze()
                self._indexed.add(step.root)
            self._concerned.ahead.indexed()
            if bar is not None:
                bar.end(f"{step.total} files")
                del self._bars[step.root]
        elif bar is not None:
            bar.report(step.done, step.total, f"{step.done} of {step.total} files")
        elif step.read_bytes >= WORTH_A_BAR:
            bar = self._concerned.work_progress("Indexing the workspace")
            if bar is not None:
                self._bars[step.root] = bar

    def changed(self, root: Path) -> None:
        """See `FolderObserver`."""
        self._concerned.ahead.changed(str(root))

    def rules_changed(self, root: Path) -> None:
        """See `FolderObserver`."""
        del root
        self._concerned.narrowings.outdate()
