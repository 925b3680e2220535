"""The language server without a process: messages go in as maps, answers come out of its writer.

For tests with many short histories. The backend is given by the test; what it is asked for happens in the
test's own event loop, so that nothing depends on the speed of the machine.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from foretype.context.shared.values import Completion, StopReason
from foretype.daemon.client.backend import Backend, OnDelta, OnModel
from foretype.daemon.settings.settings import CompletionSettings, EditsSettings, Settings, StatisticsSettings
from foretype.daemon.wire.messages import (
    CompletionRequest,
    DaemonStatus,
    ForgetRequest,
    ModelState,
    ModelStatus,
    WarmRequest,
)
from foretype.lsp.protocol.fields import as_map
from foretype.lsp.server.server import ForetypeServer

TURNS = 2000
WITHIN_S = 5.0


class EchoBackend:
    """Completes with what `say` makes of the prompt's prefix, one character a turn of the loop."""

    def __init__(self, say: Callable[[str], str]) -> None:
        self.on_model: OnModel | None = None
        self.said: list[tuple[str, str]] = []
        self.running = 0
        self._say = say

    async def complete(self, request: CompletionRequest, on_delta: OnDelta | None = None) -> Completion:
        text = self._say(request.prompt.prefix)
        self.said.append((request.prompt.prefix, text))
        self.running += 1
        try:
            for character in text:
                await asyncio.sleep(0)
                if on_delta is not None:
                    on_delta(character)
        finally:
            self.running -= 1
        return Completion(text, StopReason.END)

    async def warm(self, request: WarmRequest) -> None:
        pass

    async def forget(self, request: ForgetRequest) -> None:
        pass

    async def load(self) -> ModelStatus:
        return ModelStatus(ModelState.READY, "echo")

    async def status(self) -> DaemonStatus:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


class InsideServer:
    """A server and what it wrote: `answers` to requests, and what it `told` or asked by itself.

    `on_answer` sees every answer at the moment when it is written.
    """

    def __init__(
        self,
        backend: Backend,
        on_answer: Callable[[int | str, dict[str, Any]], None] | None = None,
        *,
        completion: CompletionSettings | None = None,
        edits: EditsSettings | None = None,
    ) -> None:
        async def make(_on_model: OnModel) -> Backend:
            return backend

        settings = Settings(
            completion=completion or CompletionSettings(),
            edits=edits or EditsSettings(),
            statistics=StatisticsSettings(enabled=False),
        )
        self.server = ForetypeServer(make, lambda: settings)
        self.answers: dict[int | str, list[dict[str, Any]]] = {}
        self.asked: list[int | str] = []
        self.told: list[dict[str, Any]] = []
        self._on_answer = on_answer
        self._failures: list[AssertionError] = []
        self.server.protocol.set_writer(self, include_headers=False)  # pyright: ignore[reportArgumentType] - write() is all

    def write(self, data: bytes) -> None:
        """What pygls calls with each message."""
        message = json.loads(data)
        if "method" in message:
            self.told.append(message)
            return
        self.answers.setdefault(message["id"], []).append(message)
        if self._on_answer is not None:
            try:
                self._on_answer(message["id"], message)
            except AssertionError as failure:  # pygls would log it and go on
                self._failures.append(failure)

    def close(self) -> None:
        """What pygls calls at the end."""

    def feed(self, message: Any) -> None:
        """Hand one message over as the message loop does."""
        body = json.dumps(message)
        protocol = self.server.protocol
        fields = as_map(message)
        if "method" in fields and "id" in fields:
            self.asked.append(fields["id"])
        protocol.handle_message(json.loads(body, object_hook=protocol.structure_message))

    def begin(self, **options: Any) -> None:
        """The handshake, with initialization options."""
        params = {"capabilities": {}, "initializationOptions": options}
        self.feed({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": params})
        self.feed({"jsonrpc": "2.0", "method": "initialized", "params": {}})

    async def settle(self) -> None:
        """Let everything run to its end; what goes on in threads takes its time."""
        turns, until = 0, time.monotonic() + WITHIN_S
        while turns < TURNS or time.monotonic() < until:
            turns += 1
            await asyncio.sleep(0)
            if all(number in self.answers for number in self.asked):
                return

    async def end(self) -> None:
        """Let go of everything; what `on_answer` found wrong is raised here."""
        await self.server.aclose()
        for failure in self._failures:
            raise failure
