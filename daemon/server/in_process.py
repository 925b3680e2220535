"""The engine inside the calling process, for places where no daemon may be left behind.

The same scheduler, engine thread and answers as the daemon's; only the socket is missing. It gives up
what the daemon protects from: a crash in native code takes this process along.
"""

from __future__ import annotations

import asyncio
import os
import time

import attrs

from ...context.shared import paths
from ...context.shared.values import Completion
from ..client.backend import OnDelta, OnModel
from ..process.lifecycle import Clock
from ..process.release import release
from ..wire.messages import CompletionRequest, DaemonStatus, ForgetRequest, ModelStatus, WarmRequest
from .model_source import ConfiguredModel, ModelProvider
from .racing import front_desk
from .remote_source import ConfiguredRemote

_OWNER = "here"


class InProcess:
    """A `Backend` with the engine in this process. Make it inside a running event loop."""

    def __init__(
        self,
        source: ModelProvider | None = None,
        *,
        on_model: OnModel | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.on_model = on_model
        self._clock = clock
        self._began = self._used = clock()
        remote = ConfiguredRemote(paths.config_file()) if source is None else None
        source = source or ConfiguredModel(paths.config_file())
        self._service = front_desk(source, remote, on_model=self._model_changed, clock=clock)

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        """Complete; see `Backend.complete`."""
        return await self._submit(request, on_delta if request.stream else None)

    async def warm(self, request: WarmRequest) -> None:
        """Evaluate a prompt ahead; see `Backend.warm`."""
        await self._submit(request)

    async def forget(self, request: ForgetRequest) -> None:
        """A document was closed; see `Backend.forget`."""
        self._service.forget(_OWNER, request.session)

    async def load(self) -> ModelStatus:
        """Load the model; see `Backend.load`."""
        return await self._service.load()

    async def status(self) -> DaemonStatus:
        """What is going on here; the process is this one."""
        import psutil

        now = self._clock()
        return DaemonStatus(
            pid=os.getpid(),
            release=release(),
            uptime_s=now - self._began,
            idle_s=now - self._used,
            clients=1,
            sessions=self._service.sessions,
            queued=self._service.queued,
            model=self._service.model,
            memory_bytes=psutil.Process().memory_info().rss,
            remote=self._service.remote,
            **attrs.asdict(self._service.totals),
        )

    async def aclose(self) -> None:
        """Answer everything and free the model."""
        await self._service.close()

    async def _submit(
        self, request: CompletionRequest | WarmRequest, on_delta: OnDelta | None = None
    ) -> Completion:
        self._used = self._clock()
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()

        def answer(completion: Completion) -> None:
            if not future.done():
                future.set_result(completion)

        def on_text(text: str) -> None:
            if on_delta is not None and not future.done():
                on_delta(text)

        number = self._service.submit(_OWNER, request, answer, on_text if on_delta else None)
        try:
            return await future
        except asyncio.CancelledError:
            self._service.cancel(number)
            raise

    def _model_changed(self, model: ModelStatus) -> None:
        if self.on_model is not None:
            self.on_model(model)
