"""What front ends show about foretype: ready, busy, loading, in trouble or switched off, and why.

Sent as `foretype/status` to clients that ask for it (initialization option `status`), and as
`didChangeStatus` to clients written for the completion server that established it (they send
`editorInfo`). The model's loading is also shown as work-done progress. Only changes are sent.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from ...daemon.wire.messages import ModelStatus
    from ..protocol.progress import WorkProgress

STATUS = "foretype/status"
COMMON_STATUS = "didChangeStatus"


class State(enum.StrEnum):
    """What foretype is doing."""

    READY = "ready"
    BUSY = "busy"
    LOADING = "loading"
    ERROR = "error"
    INACTIVE = "inactive"


@attrs.frozen
class Status:
    """One line for a status bar.

    Attributes:
        state: see `State`.
        message: for ERROR what happened and what to do; for INACTIVE why; else why the engine elsewhere is
            not asked, or what of the file is read, or "".
        model: the model's name, "" while none is known.
        percent: loaded part of the model while LOADING, else the part of the file that the model has read
            while it reads one; 0 to 100, None for neither.
        elsewhere: where code is sent, a host and a port; "" while it stays on this machine.
    """

    state: State
    message: str = ""
    model: str = ""
    percent: int | None = None
    elsewhere: str = ""

    def for_editors(self) -> dict[str, Any]:
        """As `foretype/status` carries it."""
        return {
            "state": self.state.value,
            "message": self.message,
            "model": self.model,
            "percent": self.percent,
            "elsewhere": self.elsewhere,
        }

    def in_common(self) -> dict[str, Any]:
        """As `didChangeStatus` carries it."""
        kinds = {State.ERROR: "Error", State.INACTIVE: "Inactive"}
        return {
            "kind": kinds.get(self.state, "Normal"),
            "busy": self.state in (State.BUSY, State.LOADING),
            "message": self.message or (f"Code is sent to {self.elsewhere}." if self.elsewhere else ""),
        }


class StatusBoard:
    """Its state: the model's status, how much is running, why foretype is off, and what was last sent."""

    def __init__(self, send: Callable[[str, dict[str, Any]], None]) -> None:
        self._send = send
        self._methods: tuple[str, ...] = ()
        self._model: ModelStatus | None = None
        self._running = 0
        self._off = ""
        self._trouble = ""
        self._last: Status | None = None

    def tell(self, *methods: str) -> None:
        """Which notifications this client wants: `STATUS`, `COMMON_STATUS`, both or none."""
        self._methods = methods
        self._update()

    def model(self, status: ModelStatus) -> None:
        """News of the model."""
        self._model = status
        self._update()

    def running(self, count: int) -> None:
        """How many generations run now."""
        self._running = count
        self._update()

    def trouble(self, sentence: str) -> None:
        """Why nothing can be completed; "" when it can."""
        self._trouble = sentence
        self._update()

    def off(self, why: str) -> None:
        """Why there are no suggestions; "" when there are."""
        self._off = why
        self._update()

    @property
    def status(self) -> Status:
        """What there is to say now."""
        model = self._model
        elsewhere = model.elsewhere if model else ""
        return attrs.evolve(self._here(), elsewhere=elsewhere)

    def _here(self) -> Status:
        """What there is to say apart from where code goes."""
        model = self._model
        name = model.name if model else ""
        if self._off:
            return Status(State.INACTIVE, self._off, name)
        if model is not None and model.state.value == "error":
            return Status(State.ERROR, model.detail, name)
        if model is not None and model.state.value == "loading":
            return Status(State.LOADING, "", name, round(100 * model.fraction))
        if self._trouble:
            return Status(State.ERROR, self._trouble, name)
        state = State.BUSY if self._running else State.READY
        aside = model.detail if model is not None and model.elsewhere else ""
        if model is None or model.reading >= 1.0:
            return Status(state, aside, name)
        percent = min(99, int(100 * model.reading))
        return Status(state, aside or f"Reading the file, {percent} %.", name, percent)

    def _update(self) -> None:
        status = self.status
        if status == self._last or not self._methods:
            return
        self._last = status
        for method in self._methods:
            self._send(method, status.for_editors() if method == STATUS else status.in_common())


class ModelProgress:
    """The model's loading and tuning as work-done progress. Its state: the bars that are open."""

    def __init__(self, begin: Callable[[str], WorkProgress | None]) -> None:
        """Make it; `begin` opens a bar with a title, or gives None where the client has none."""
        self._begin = begin
        self._bar: WorkProgress | None = None
        self._tuning: WorkProgress | None = None

    def update(self, status: ModelStatus) -> None:
        """Take news of the model."""
        loading = status.state.value == "loading"
        if loading and self._bar is None:
            self._bar = self._begin(f"Loading {status.name or 'the model'}")
        if loading and self._bar is not None:
            self._bar.report(round(100 * status.fraction), 100)
        elif self._bar is not None:
            self._bar.end(status.detail)
            self._bar = None
        if status.tuning and self._tuning is None:
            self._tuning = self._begin(f"Measuring which form of {status.name or 'the model'} is the fastest")
        elif not status.tuning and self._tuning is not None:
            self._tuning.end()
            self._tuning = None
