"""`foretype demo`: a typist, a real language server, and the ghost text between them.

Starts the same server that an editor starts, over the same stdio, and behaves like a hasty editor: a
request after every key, the older one cancelled. Nothing is staged: what is grey was suggested by the
model for exactly this text, and is accepted only when it is what the script types next.
"""

from __future__ import annotations

import asyncio
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console

from ...context.shared.figures import percentile
from ...context.shared.problem import DaemonProblem, ModelProblem, Problem
from ...daemon.wire.messages import DaemonStatus, ModelState
from ..protocol.fields import as_map
from ..server.stdio import make_backend
from .client import Client, RequestFailedError, ServerProblem
from .screen import LiveScreen, PlainLines, Screen, ScreenFrame, promise, save_svg
from .script import Passage, Script, next_key, position, read_script, wanted

URI = "untitled:basket.py"
LOAD_WITHIN_S = 120.0
RUN_WITHIN_S = 60.0
FIRST_S = 3.0
LOOK_S = 0.7
"""How long the typist looks at a good suggestion before taking it, in seconds."""


@attrs.frozen
class DemoSummary:
    """What the demo measured; times in ms.

    Attributes:
        latencies: of suggestions that were new.
        typed_through: of answers that went on with the suggestion that was there.
        keys: how many were typed.
        accepted_characters: code points that were accepted.
        prefill_tokens: tokens that the model evaluated as prompt.
        model: its name.
    """

    latencies: tuple[float, ...]
    typed_through: tuple[float, ...]
    keys: int
    accepted_characters: int
    prefill_tokens: int
    model: str

    def __str__(self) -> str:
        new, through = list(self.latencies), list(self.typed_through)
        text = f"{self.keys} keys typed, {self.accepted_characters} characters accepted."
        if new:
            text += (
                f" {len(new)} suggestions, latency median {percentile(new, 0.5):.0f} ms,"
                f" p95 {percentile(new, 0.95):.0f} ms."
            )
        if through:
            text += (
                f" {len(through)} answers while typing through one, median {percentile(through, 0.5):.1f} ms."
            )
        if self.keys and self.prefill_tokens:
            text += f" {self.prefill_tokens / self.keys:.1f} tokens evaluated per key."
        return f"{text} Model: {self.model}."


def run_demo(*, svg: Path | None, keys_per_minute: float) -> None:
    """Run the demo on this terminal or pipe.

    Raises:
        Problem: there is no model, or the server ended.
    """
    console = Console()
    screen: Screen = LiveScreen(console) if console.is_terminal else PlainLines(console)
    script = read_script(files("foretype.lsp.demo").joinpath("sample.py.txt").read_text(encoding="utf-8"))
    summary, best = asyncio.run(_run(script, screen, 60.0 / keys_per_minute, console))
    console.print(str(summary), highlight=False, soft_wrap=True)
    if svg is not None:
        try:
            save_svg(best, svg)
        except OSError as error:
            raise Problem(f"The picture {svg} cannot be written ({error.strerror}).") from error


async def _run(
    script: Script, screen: Screen, pause_s: float, console: Console
) -> tuple[DemoSummary, ScreenFrame]:
    backend = make_backend()
    try:
        model = await _load(backend, console)
        before = await _status(backend)
        client = await Client.start()
        typist = Typist(client, screen, script.text, model, pause_s)
        try:
            with screen:
                async with asyncio.timeout(RUN_WITHIN_S):
                    await typist.perform(script.passages)
        except TimeoutError:
            pass  # a slow machine has seen enough of it
        finally:
            await client.close()
        after = await _status(backend)
    finally:
        await backend.aclose()
    tokens = after.prefill_tokens - before.prefill_tokens if before and after else 0
    return typist.summary(tokens), typist.best


async def _load(backend: Any, console: Console) -> str:
    try:
        async with asyncio.timeout(LOAD_WITHIN_S):
            if console.is_terminal:
                with console.status("Loading the model …"):
                    status = await backend.load()
            else:
                status = await backend.load()
    except TimeoutError:
        raise DaemonProblem("The model is still not loaded. 'foretype daemon status' says more.") from None
    if status.state is ModelState.ERROR:
        raise (ModelProblem if status.name else DaemonProblem)(status.detail)
    return status.name


async def _status(backend: Any) -> DaemonStatus | None:
    try:
        return await backend.status()
    except Problem:
        return None


class Typist:
    """Types a script into a server and shows what comes back.

    Its state: the document and its version, the request that runs, and what was measured.
    """

    def __init__(self, client: Client, screen: Screen, text: str, model: str, pause_s: float) -> None:
        self._client = client
        self._screen = screen
        self._pause_s = pause_s
        self._version = 1
        self._running: tuple[int, asyncio.Task[None]] | None = None
        self._item: dict[str, Any] | None = None
        self._latencies: list[float] = []
        self._typed_through: list[float] = []
        self._promised = ""
        self.frame = ScreenFrame(text, 0, model=model)
        self.best = self.frame

    async def perform(self, passages: tuple[Passage, ...]) -> None:
        """The whole script. Raises ServerProblem when the server goes away."""
        await self._client.ask(
            "initialize",
            {
                "processId": None,
                "capabilities": {},
                "rootUri": None,
                "initializationOptions": {"statistics": {"enabled": False}},
            },
        )
        self._client.notify("initialized", {})
        document = {"uri": URI, "languageId": "python", "version": 1, "text": self.frame.text}
        self._client.notify("textDocument/didOpen", {"textDocument": document})
        for passage in passages:
            await self._type(passage)

    def summary(self, prefill_tokens: int) -> DemoSummary:
        """What was measured."""
        frame = self.frame
        return DemoSummary(
            tuple(self._latencies),
            tuple(self._typed_through),
            frame.keys,
            frame.accepted_characters,
            prefill_tokens,
            frame.model,
        )

    async def _type(self, passage: Passage) -> None:
        self._move(passage.offset)
        remaining = passage.text
        patience = FIRST_S  # somebody who comes to a new place looks before typing
        while True:
            self._ask()
            await self._wait(patience)
            patience = self._pause_s
            taken = wanted(self.frame.ghost, remaining)
            if taken:
                await asyncio.sleep(LOOK_S)
                self._accept()
                remaining = remaining[taken:]
            if not remaining:
                break
            if not taken:
                key = next_key(remaining)
                self._insert(key, keys=1)
                remaining = remaining[len(key) :]
        self._stop()
        await asyncio.sleep(LOOK_S)

    async def _wait(self, patience_s: float) -> None:
        """Wait for the answer, but not for long: the next key comes."""
        if self._running is not None:
            await asyncio.wait({self._running[1]}, timeout=patience_s)
            if self._running[1].done():
                self._running[1].result()
        await asyncio.sleep(self._pause_s / 2)

    def _ask(self) -> None:
        self._stop()
        number, answer = self._client.request(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": URI},
                "position": position(self.frame.text, self.frame.offset),
                "context": {"triggerKind": 2},
            },
        )
        self._running = number, asyncio.ensure_future(self._show(answer, time.perf_counter()))

    def _stop(self) -> None:
        if self._running is not None and not self._running[1].done():
            self._client.cancel(self._running[0])
            self._running[1].cancel()
        self._running = None

    async def _show(self, answer: asyncio.Future[Any], asked: float) -> None:
        try:
            result = await answer
        except RequestFailedError:
            return
        latency = 1000 * (time.perf_counter() - asked)
        items: list[dict[str, Any]] = as_map(result).get("items", [])
        self._item = items[0] if items else None
        if self._item is not None:
            place: dict[str, dict[str, int]] = self._item["range"]
            replaced = place["end"]["character"] - place["start"]["character"]
            self._draw(ghost=self._item["insertText"], replaced=replaced, latency_ms=latency)
            promised = promise(self.frame)
            (self._latencies if promised != self._promised else self._typed_through).append(latency)
            self._promised = promised
            if len(self.frame.ghost) >= len(self.best.ghost):
                self.best = self.frame
        else:
            self._draw(ghost="", replaced=0, latency_ms=latency)

    def _accept(self) -> None:
        ghost, replaced = self.frame.ghost, self.frame.replaced
        command = (self._item or {}).get("command")
        self._insert(ghost, replaced=replaced)
        self._draw(accepted=True, accepted_characters=self.frame.accepted_characters + len(ghost))
        if command is not None:
            self._client.request(
                "workspace/executeCommand",
                {"command": command["command"], "arguments": command.get("arguments", [])},
            )

    def _insert(self, text: str, *, replaced: int = 0, keys: int = 0) -> None:
        frame = self.frame
        place = {
            "start": position(frame.text, frame.offset),
            "end": position(frame.text, frame.offset + replaced),
        }
        self._version += 1
        self._client.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": URI, "version": self._version},
                "contentChanges": [{"range": place, "text": text}],
            },
        )
        ghost = frame.ghost[len(text) :] if keys and frame.ghost.startswith(text) else ""
        self._draw(
            text=frame.text[: frame.offset] + text + frame.text[frame.offset + replaced :],
            offset=frame.offset + len(text),
            ghost=ghost,
            keys=frame.keys + keys,
        )

    def _move(self, offset: int) -> None:
        self._draw(offset=offset, ghost="", replaced=0)

    def _draw(self, **changes: Any) -> None:
        self.frame = attrs.evolve(self.frame, **{"accepted": False, **changes})
        self._screen.show(self.frame)


__all__ = ["DemoSummary", "ServerProblem", "Typist", "run_demo"]
