"""Somebody who types one place into a language server, and what stood on the screen when.

Nothing is judged and no figure is computed here. Time is the event loop's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import attrs

from ..completions.better import BETTER
from ..demo.client import RequestFailedError, ServerProblem
from .place import Place
from .screen import EditorScreen


class TypingClient(Protocol):
    """A language server that runs: `demo.client.Client`, or one in this process in virtual time."""

    @property
    def notifications(self) -> list[dict[str, Any]]:
        """What came unasked, and was not taken out."""
        ...

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        ...

    def request(self, method: str, params: Any) -> tuple[int, asyncio.Future[Any]]:
        """Send a request: its number, and the future of its result."""
        ...

    def open(self, uri: str, text: str, language: str) -> None:
        """Open a document."""
        ...

    def insert(self, uri: str, line: int, character: int, text: str) -> int:
        """Type at a position; returns the document's version."""
        ...


def _now() -> float:
    return asyncio.get_running_loop().time()


@attrs.frozen
class Pace:
    """How somebody behaves.

    Attributes:
        name: for the figures.
        rest_s: between opening the file and the first key.
        placed: the cursor was put where the typing begins before that, and the client says so.
        key_s: between two keys.
        looks_s: when the screen is looked at, after the last key.
    """

    name: str
    rest_s: float
    placed: bool = False
    key_s: float = 0.15
    looks_s: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0)


PACES = {
    pace.name: pace for pace in (Pace("warm", 2.5, placed=True), Pace("unplaced", 2.5), Pace("cold", 0.3))
}


@attrs.frozen
class Look:
    """The screen at one moment: the line if the suggestion were accepted, or None when there is none."""

    after_s: float
    line: str | None
    ghost: str


@attrs.frozen
class Replayed:
    """What came of one place.

    Attributes:
        place: which.
        looks: the screen after the last key, in order of time.
        answer_ms: from each key to its answer, for those that were answered in time to count.
        first_shown_s: from the first key to the first suggestion on the screen; None: never one.
        replaced: suggestions that were replaced by a better one while they stood there.
        appeared: suggestions that came unasked where nothing stood.
        processor_s: processor time of server and daemon, from the opening to the last look.
    """

    place: Place
    looks: tuple[Look, ...]
    answer_ms: tuple[float, ...]
    first_shown_s: float | None
    replaced: int
    appeared: int
    processor_s: float


@attrs.define
class ReplayTypist:
    """Somebody at a keyboard. Its state: the screen, the document's version, the times of answers."""

    client: TypingClient
    uri: str
    screen: EditorScreen
    version: int = 1
    answer_ms: list[float] = attrs.field(factory=list[float])
    first_shown: float | None = None
    tasks: set[asyncio.Task[None]] = attrs.field(factory=set["asyncio.Task[None]"])

    def position(self) -> dict[str, int]:
        """Where the cursor stands, as the protocol says it; characters are code points."""
        text, offset = self.screen.text, self.screen.offset
        return {"line": text.count("\n", 0, offset), "character": offset - text.rfind("\n", 0, offset) - 1}

    def press(self, character: str) -> None:
        """One key, and the question that an editor asks after it."""
        at = self.position()
        self.version = self.client.insert(self.uri, at["line"], at["character"], character)
        self.screen.type(character)
        self.ask()

    def ask(self, better: str | None = None) -> None:
        """Ask for the cursor's place; see `EditorScreen.take` for `better`."""
        at = self.position()
        params = {"textDocument": {"uri": self.uri}, "position": at, "context": {"triggerKind": 2}}
        _, answer = self.client.request("textDocument/inlineCompletion", params)
        task = asyncio.create_task(self._listen(answer, self.version, _now(), better))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _listen(
        self, answer: asyncio.Future[Any], version: int, began: float, better: str | None
    ) -> None:
        try:
            items = (await answer)["items"]
        except (RequestFailedError, ServerProblem):
            return
        now = _now()
        if version != self.version:
            return
        if better is None:
            self.answer_ms.append(1000 * (now - began))
        self.screen.take(items, better=better)
        if self.first_shown is None and self.screen.ghost is not None:
            self.first_shown = now

    def hear(self) -> None:
        """Ask again where the server has something better."""
        for message in [m for m in self.client.notifications if m["method"] == BETTER]:
            self.client.notifications.remove(message)
            if message["params"]["textDocument"]["uri"] == self.uri:
                self.ask(better=message["params"].get("replaces") or "")

    async def wait(self, seconds: float) -> None:
        """Let time go by, as somebody does who listens to the server."""
        until = _now() + seconds
        while (left := until - _now()) > 1e-6:
            await asyncio.sleep(min(left, 0.01))
            self.hear()


async def type_place(
    client: TypingClient, place: Place, pace: Pace, processor_s: Callable[[], float]
) -> Replayed:
    """Open the file, rest, type, look."""
    before = processor_s()
    uri = place.path.as_uri()
    client.open(uri, place.text, place.language)
    typist = ReplayTypist(client, uri, EditorScreen(place.text, place.offset))
    if pace.placed:
        document = {"textDocument": {"uri": uri}, "position": typist.position()}
        client.notify("textDocument/didFocus", document)
    await typist.wait(pace.rest_s)
    began = _now()
    for character in place.keys:
        typist.press(character)
        await typist.wait(pace.key_s)
    looks: list[Look] = []
    waited = pace.key_s  # the last key is so long ago
    screen = typist.screen
    for after in pace.looks_s:
        if after > waited:
            await typist.wait(after - waited)
            waited = after
        looks.append(Look(after, screen.line(), screen.ghost.text if screen.ghost else ""))
    shown = typist.first_shown
    return Replayed(
        place,
        tuple(looks),
        tuple(typist.answer_ms),
        None if shown is None else shown - began,
        screen.replaced,
        screen.appeared,
        processor_s() - before,
    )
