"""The model in the engine thread: loaded on the first need, tried again after a failure, and replaced.

Says nothing about requests; `service` asks it for the engine and is told when that has changed.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from typing import TYPE_CHECKING, Protocol

import attrs

from ...context.shared.problem import Problem
from ..process.lifecycle import Clock
from ..wire.messages import ModelState, ModelStatus
from .engine_thread import EngineThread
from .model_source import ModelProvider

if TYPE_CHECKING:
    from ...models.engine.interface import EngineInfo, EngineLike

log = logging.getLogger(__name__)

RETRY_S = 30.0
"""Seconds after which a model that could not be loaded is tried again, even if no file has changed."""


LOOK_AT_READING_S = 0.5
"""How often it is said how far the model has read: somebody looks on."""


class HostObserver(Protocol):
    """Is told what becomes of the model."""

    def model_changed(self, status: ModelStatus) -> None:
        """It has a new status."""
        ...

    def load_ended(self) -> None:
        """Loading has ended, either way."""
        ...


class ModelHost:
    """One model or none. Its state: the engine, its status, and what it was loaded from."""

    def __init__(
        self,
        source: ModelProvider,
        thread: EngineThread,
        observer: HostObserver,
        clock: Clock = time.monotonic,
    ) -> None:
        """Make a host without a model.

        Args:
            source: finds and loads the model.
            thread: where it is loaded, used and freed.
            observer: told what becomes of the model.
            clock: seconds.
        """
        self.engine: EngineLike | None = None
        self.status = ModelStatus()
        self._source = source
        self._thread = thread
        self._observer = observer
        self._clock = clock
        self._waiters: list[asyncio.Future[ModelStatus]] = []
        self._loaded_from: object = None
        self._failed_at = 0.0
        self._closed = False
        self._note = ""
        self._watching: asyncio.TimerHandle | None = None

    @property
    def loading(self) -> bool:
        """Whether the engine thread is loading."""
        return self.status.state is ModelState.LOADING

    def want(self) -> str:
        """Have the model loaded, now or soon.

        Returns:
            "" when it is there or on its way; else the sentence that says why there is none for now.
        """
        if self.engine is not None or self.loading:
            return ""
        if self.status.state is ModelState.ERROR and not self._worth_retrying():
            return self.status.detail
        self._begin()
        return ""

    async def load(self) -> ModelStatus:
        """Have the model loaded, also right after a failure. Returns once it is ready or has failed."""
        if self._closed:
            return _STOPPED
        if self.engine is None and not self.loading:
            self._begin()
        if not self.loading:
            return self.status
        waiter: asyncio.Future[ModelStatus] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return await waiter

    def note(self, trouble: str) -> None:
        """What kept the loaded model from answering last, as a sentence; "" when it answered."""
        detail = trouble or self._note
        if self.status.state is ModelState.READY and self.status.detail != detail:
            self._set(attrs.evolve(self.status, detail=detail))

    def watch_reading(self) -> None:
        """The model may begin to read a file: say how far it is, from now on until it has all of it."""
        if self._watching is None and not self._closed:
            self._watching = asyncio.get_running_loop().call_later(LOOK_AT_READING_S, self._look)

    def _look(self) -> None:
        self._watching = None
        if self.engine is None or self.status.state is not ModelState.READY:
            return
        part = round(self.engine.reading, 2)
        if part != self.status.reading:
            self._set(attrs.evolve(self.status, reading=part))
        if part < 1.0:
            self.watch_reading()

    def is_replaced(self) -> bool:
        """Whether there is a model that the configuration no longer names or whose file has changed."""
        return self.engine is not None and self._source.fingerprint() != self._loaded_from

    def unload_if_replaced(self) -> bool:
        """Free a model that the configuration no longer names or whose file has changed; whether it did.

        Only to be called while the engine has nothing to do.
        """
        engine = self.engine
        if engine is None or not self.is_replaced():
            return False
        log.info("the model or its configuration has changed; unloading")
        self.engine = None
        self._thread.post(engine.close, log_failure)
        self._set(ModelStatus())
        return True

    def close(self) -> None:
        """Free the model; a load that is under way frees its own."""
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
        if self.engine is not None:
            self._thread.post(self.engine.close, log_failure)
        self._settle(_STOPPED)

    def _worth_retrying(self) -> bool:
        waited = self._clock() - self._failed_at >= RETRY_S
        return waited or self._source.fingerprint() != self._loaded_from

    def _begin(self) -> None:
        self._loaded_from = self._source.fingerprint()
        self._set(ModelStatus(ModelState.LOADING, name=self._source.name()))

        def work() -> tuple[EngineLike, EngineInfo]:
            engine = self._source.load(lambda part: self._thread.notify(self._progress, part))
            if self._closed:
                engine.close()
                raise Problem(_STOPPED.detail)
            return engine, engine.info()

        self._thread.post(work, self._ended)

    def _progress(self, fraction: float) -> None:
        fraction = min(max(fraction, 0.0), 1.0)
        moved = fraction - self.status.fraction
        if self.loading and (moved >= 0.01 or (fraction == 1.0 and moved > 0)):
            self._set(attrs.evolve(self.status, fraction=fraction))

    def _ended(self, loaded: tuple[EngineLike, EngineInfo] | None, error: BaseException | None) -> None:
        if self._closed:
            return
        if loaded is None:
            self._failed_at = self._clock()
            self._set(ModelStatus(ModelState.ERROR, name=self.status.name, detail=_sentence(error)))
            log.warning("%s", self.status.detail)
        else:
            self.engine, info = loaded
            self._note = info.note
            self._set(
                ModelStatus(
                    ModelState.READY,
                    name=info.name,
                    path=info.path,
                    fraction=1.0,
                    parameters=info.parameters,
                    context_tokens=info.context_tokens,
                    fim=info.fim,
                    sees_suffix=info.sees_suffix,
                    tokens_per_s=info.tokens_per_s,
                    detail=info.note,
                )
            )
        self._settle(self.status)
        self._observer.load_ended()

    def _settle(self, status: ModelStatus) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(status)

    def _set(self, status: ModelStatus) -> None:
        self.status = status
        self._observer.model_changed(status)


_STOPPED = ModelStatus(ModelState.ERROR, detail="The daemon was stopped.")


def _sentence(error: BaseException | None) -> str:
    if isinstance(error, Problem):
        return str(error)
    if isinstance(error, MemoryError):  # no defect of ours
        log.warning("memory ended while the model was loaded")
        return "There is not enough memory for the model. Choose a smaller one: 'foretype models list'."
    log_failure(None, error)
    return f"The model could not be loaded ({type(error).__name__}); the daemon's log says more."


def log_failure(_result: object, error: BaseException | None) -> None:
    """Log a defect without its message, which could quote the user's code."""
    if error is not None:
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("failed with %s\n%s", type(error).__name__, where)
