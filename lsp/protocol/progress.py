"""Work-done progress: one bar in the editor for one piece of work, from its creation to its end.

The client is asked for the bar first, and shows it only after it has agreed; what is reported meanwhile
waits, and of several reports the newest. A client that refuses is left alone. It does not decide whether
the client has bars at all: whoever begins the work does, and begins no bar where it has none.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from lsprotocol import types

Ask = Callable[[str, Any], "ClientReply"]
"""Sends a request of ours; what it returns is told when the client has answered."""


class ClientReply(Protocol):
    """The answer to a request, as far as it matters here: a `concurrent.futures.Future`."""

    def add_done_callback(self, fn: Callable[[Future[Any]], Any], /) -> None:
        """Call `fn` when the client has answered."""
        ...


_numbers = itertools.count(1)


class WorkProgress:
    """One bar. Its state: whether the client agreed, and what it was last told."""

    def __init__(self, ask: Ask, notify: Callable[[str, Any], None], title: str) -> None:
        """Begin a bar. All of it is called in the event loop's thread.

        Args:
            ask: sends a request of ours.
            notify: sends a notification.
            title: what the work is, in a few words: "Loading the model".
        """
        self._notify = notify
        self._token = f"foretype-{next(_numbers)}"
        self._agreed: bool | None = None
        self._ended = False
        self._percent: int | None = None
        self._message = ""
        self._waiting: list[Any] = [types.WorkDoneProgressBegin(title=title, percentage=0)]
        asked = ask(
            types.WINDOW_WORK_DONE_PROGRESS_CREATE, types.WorkDoneProgressCreateParams(token=self._token)
        )
        asked.add_done_callback(self._answered)

    def report(self, done: int, total: int, message: str = "") -> None:
        """Say how far it is: `done` of `total` pieces, whatever those are; a total of 0 is not known yet.

        What rounds to the percent that was said last, with the same message, is not sent again.
        """
        percent = max(0, min(100, 100 * done // total)) if total > 0 else None
        if self._ended or (percent == self._percent and message == self._message):
            return
        self._percent, self._message = percent, message
        self._tell(types.WorkDoneProgressReport(percentage=percent, message=message or None))

    def end(self, message: str = "") -> None:
        """The work has ended; `message` says how, if there is anything to say. A second call does nothing."""
        if not self._ended:
            self._ended = True
            self._tell(types.WorkDoneProgressEnd(message=message or None))

    def _tell(self, value: Any) -> None:
        if self._agreed:
            self._notify(types.PROGRESS, types.ProgressParams(token=self._token, value=value))
        elif self._agreed is None:
            if isinstance(value, types.WorkDoneProgressReport) and isinstance(self._waiting[-1], type(value)):
                self._waiting.pop()
            self._waiting.append(value)

    def _answered(self, answer: Future[Any]) -> None:
        self._agreed = not answer.cancelled() and answer.exception() is None
        waiting, self._waiting = self._waiting, []
        for value in waiting:
            self._tell(value)
