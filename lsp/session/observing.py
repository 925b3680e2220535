"""Where the news of the inline completions go: to the status, the books and the editor."""

from __future__ import annotations

from collections.abc import Callable

from ..completions.better import BETTER
from ..completions.items import BetterSuggestion, Report
from ..completions.observer import Observer
from ..documents.documents import DocumentStore
from ..protocol.editor import Editor
from .books import Books
from .status import StatusBoard


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
